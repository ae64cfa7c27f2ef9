"""Requests of workers to the cluster, and what may become of them on the way."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, field
from typing import Any

from virtual_loop import OWNER, Process, VirtualLoop

from streams.engine.ports import Unavailable


class SimKafkaError(Exception):
    """A refusal by the cluster that trying again does not help."""


class Trace:
    """What happened, in order: enough of it to show, all of it in ``digest``."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.lines: list[tuple[float, str, str]] = []
        self.seen: Counter[str] = Counter()
        #: errors that the engine logged and lived with
        self.logged: list[tuple[str, BaseException]] = []
        self._loop = loop

    @property
    def closed(self) -> bool:
        """Whether the run is over, and what still comes is its clearing away."""
        return self._loop.is_closed()

    def add(self, text: str) -> None:
        if self.closed:
            return
        process = OWNER.get()
        self.lines.append((self._loop.time_s, process.name if process is not None else "world", text))

    def count(self, what: str) -> None:
        """Note that something rare was met."""
        self.seen[what] += 1

    def text(self, last: int) -> str:
        """The last lines, one a step."""
        return "\n".join(f"{time_s:9.3f} {who:10} {what}" for time_s, who, what in self.lines[-last:])


@dataclass
class Fates:
    """How often (0 to 1) a request meets what; quiet once all are 0."""

    lost_request: float = 0.0
    lost_reply: float = 0.0
    refused: float = 0.0
    late: float = 0.0
    killed: float = 0.0
    frozen: float = 0.0
    #: of those that are not lost: how many take long
    slow: float = 0.0

    def draw(self, dice: float) -> str:
        """What happens to one request."""
        for name in ("lost_request", "lost_reply", "refused", "late", "killed", "frozen", "slow"):
            dice -= getattr(self, name)
            if dice < 0:
                return name
        return "ok"


#: requests that are more worth disturbing: the steps of a checkpoint, a recovery and a hand-over
CRITICAL = frozenset(("init", "produce", "end", "watermark", "read", "bounds", "identity", "seek"))


@dataclass
class Net:
    """Carries requests out. The cluster acts when a request arrives, whatever became of its sender."""

    loop: VirtualLoop
    trace: Trace
    fates: Fates = field(default_factory=Fates)
    kill: Callable[[Process], None] = lambda process: None
    freeze: Callable[[Process], None] = lambda process: None
    #: most seconds of a way
    latency_s: float = 0.003
    #: until when no broker answers
    away_until_s: float = 0.0
    _outside: Context = field(default_factory=Context)

    async def call(self, name: str, effect: Callable[[], Any]) -> Any:
        """Send a request and wait for the answer; raises what ``effect`` raises, Unavailable, SimKafkaError."""
        loop, rng = self.loop, self.loop.rng
        process = OWNER.get()
        fate = self.fates.draw(rng.random()) if name in CRITICAL else "ok"
        answer: asyncio.Future[Any] = loop.create_future()
        there_s, back_s = 0.0002 + self.latency_s * rng.random(), 0.0002 + self.latency_s * rng.random()
        if loop.time_s < self.away_until_s or (fate == "refused" and name in ("end", "produce")):
            fate = "lost_request"
        if fate != "ok":
            self.trace.add(f"{name}: {fate}")
            self.trace.count(f"{name}: {fate}")
        if fate == "refused":
            self._later(there_s, _answer, answer, None, SimKafkaError(name))
        elif fate == "lost_request":
            self._lose(name, answer)
        else:
            if fate == "late":
                there_s = 0.5 + 15 * rng.random()
                self._lose(name, answer)
            elif fate == "slow":
                there_s += 3 * rng.random() ** 2
            self._later(there_s, self._arrive, name, effect, answer, back_s, fate == "lost_reply")
        if process is not None and fate in ("killed", "frozen"):
            # around the moment when the cluster acts: before, at it, after it
            action = self.kill if fate == "killed" else self.freeze
            self._later((there_s + back_s) * rng.random() * 1.2, action, process)
        return await answer

    def _arrive(
        self, name: str, effect: Callable[[], Any], answer: asyncio.Future[Any], back_s: float, lost: bool
    ) -> None:
        try:
            result = effect()
        except Exception as error:
            result, failure = None, error
        else:
            failure = None
        if isinstance(result, asyncio.Future):  # answered when others have come too
            result.add_done_callback(
                lambda done: self._later(back_s, _answer, answer, *_outcome(done)), context=self._outside
            )
        elif lost:
            self._lose(name, answer)
        else:
            self._later(back_s, _answer, answer, result, failure)

    def _lose(self, name: str, answer: asyncio.Future[Any]) -> None:
        """No answer. The engine itself watches over a commit; everything else times out in the client."""
        rng = self.loop.rng
        if name in ("end", "produce") and rng.random() < 0.5:
            return
        wait_s = 40.0 * rng.random() ** 2 if name not in ("end", "produce") else 12.0 * rng.random()
        self._later(wait_s, _answer, answer, None, Unavailable(f"no answer to {name}"))

    def _later(self, delay_s: float, callback: Callable[..., object], *args: Any) -> None:
        self.loop.call_later(delay_s, callback, *args, context=self._outside)


def _outcome(done: asyncio.Future[Any]) -> tuple[Any, BaseException | None]:
    failure = done.exception()
    return (done.result() if failure is None else None), failure


def _answer(answer: asyncio.Future[Any], result: Any, failure: BaseException | None = None) -> None:
    if answer.done():
        return
    if failure is not None:
        answer.set_exception(failure)
    else:
        answer.set_result(result)
