"""An event loop without a clock: time jumps to the next timer, and which step comes next is the seed's choice.

asyncio's own tasks, locks and timeouts run on it unchanged. A Process owns the steps that its code starts, and can
be frozen (its steps wait) or killed (they never come) between any two of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import random
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any


class Stuck(Exception):  # noqa: N818 - named for what happened
    """Nothing is left to do though the run has not ended, or it takes too many steps."""


class Process:
    """A worker's operating system process."""

    def __init__(self, loop: VirtualLoop, name: str) -> None:
        self.name = name
        self.alive = True
        self.frozen = False
        self._loop = loop
        self._held: list[asyncio.Handle] = []
        #: steps until ``_fuse`` is called
        self._steps_left = 0
        self._fuse: Callable[[], None] | None = None

    @property
    def runs(self) -> bool:
        return self.alive and not self.frozen

    def start(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run a coroutine as part of this process."""
        context = copy_context()
        context.run(OWNER.set, self)
        task: asyncio.Task[Any] = context.run(self._loop.create_task, coroutine, name=name)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._loop.unhandled.append(f"{task.get_name()} of {self.name}: {error!r}")

    def kill(self) -> None:
        """SIGKILL: not one step more."""
        self.alive = False
        self._held.clear()

    def freeze(self) -> None:
        """SIGSTOP."""
        self.frozen = True

    def thaw(self) -> None:
        """SIGCONT."""
        self.frozen = False
        held, self._held = self._held, []
        self._loop.resume(held)

    def after_steps(self, steps: int, action: Callable[[], None]) -> None:
        """Call ``action`` between two steps of this process."""
        self._steps_left, self._fuse = steps, action

    def admits(self, handle: asyncio.Handle) -> bool:
        """Whether a step may run now."""
        if self.frozen and self.alive:
            self._held.append(handle)
        return self.runs

    def stepped(self) -> None:
        if self._fuse is not None:
            self._steps_left -= 1
            if self._steps_left <= 0:
                action, self._fuse = self._fuse, None
                action()


#: whose code is running; None = the world's
OWNER: ContextVar[Process | None] = ContextVar("owner", default=None)


class VirtualLoop(asyncio.AbstractEventLoop):
    """Ready steps run in an order drawn from ``rng``; time moves where none is ready."""

    def __init__(self, rng: random.Random, *, most_steps: int) -> None:
        self.rng = rng
        self.time_s = 0.0
        self.steps = 0
        #: errors that nobody caught
        self.unhandled: list[str] = []
        #: set to end the run
        self.failure: BaseException | None = None
        self._most_steps = most_steps
        self._ready: list[asyncio.Handle] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._numbers = 0
        self._tasks: list[asyncio.Task[Any]] = []
        self._closed = False

    # what asyncio asks of a loop

    def time(self) -> float:
        return self.time_s

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return self._closed

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self._closed:
            self._ready.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time_s + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = _Timer(when, callback, args, self, context)
        self._numbers += 1
        handle.number = self._numbers
        if not self._closed:
            heapq.heappush(self._timers, handle)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are passed over when their time comes."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Any, *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, name=name, context=context)
        if len(self._tasks) > 500:
            self._tasks = [one for one in self._tasks if not one.done()]
        self._tasks.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self._closed:
            self.unhandled.append(f"{context.get('message')}: {context.get('exception')!r}")

    # running

    def resume(self, handles: list[asyncio.Handle]) -> None:
        """Steps of a process that was frozen."""
        self._ready.extend(handles)

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run until ``coroutine`` is done, then end everything; raises what it raises, or Stuck."""
        asyncio._set_running_loop(self)
        try:
            main = self.create_task(coroutine, name="main")
            while not main.done():
                self._step()
            main.result()
        finally:
            self._end()
            asyncio._set_running_loop(None)

    def _step(self) -> None:
        timers, ready = self._timers, self._ready
        if not ready and timers and timers[0]._when > self.time_s:
            self.time_s = timers[0]._when
        while timers and timers[0]._when <= self.time_s:
            handle: asyncio.Handle = heapq.heappop(timers)
            if not handle._cancelled:
                ready.append(handle)
        if not ready:
            if not timers:
                raise Stuck("nothing is left to do")
            return
        self.steps += 1
        if self.steps > self._most_steps:
            raise Stuck(f"no end after {self.steps} steps, at {self.time_s:.1f} s")
        at = int(self.rng.random() * len(ready))
        handle = ready[at]
        ready[at] = ready[-1]
        ready.pop()
        if handle._cancelled:
            return
        owner = handle._context.get(OWNER)
        if owner is None:
            handle._run()
        elif owner.admits(handle):
            handle._run()
            owner.stepped()
        if self.failure is not None:
            raise self.failure

    def _end(self) -> None:
        """Close what still waits, so that no collector runs it at a moment of its own."""
        self._closed = True
        self._ready.clear()
        self._timers.clear()
        for task in self._tasks:
            if task.done():
                continue
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            for _ in range(20):  # what awaits while it is being closed is closed again
                with contextlib.suppress(BaseException):
                    task.get_coro().close()  # type: ignore[union-attr]
                    break


class _Timer(asyncio.TimerHandle):
    """In order of time, then of creation."""

    __slots__ = ("number",)
    number: int

    def __lt__(self, other: Any) -> bool:
        return (self._when, self.number) < (other._when, other.number)
