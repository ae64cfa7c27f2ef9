"""One replay from files to output, start to end."""

from __future__ import annotations

import hashlib
import importlib.metadata
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import msgspec

from metrics_core.rejects import Reason
from metrics_core.times import DAY_US, format_us
from metrics_core.view import View
from streams.event_files import EventFiles
from streams.replay.choice import Choice
from streams.replay.day_folder import DayFolder, Identity, completed
from streams.replay.event_order import EventOrder
from streams.replay.external_sort import RUN_BYTES
from streams.replay.moments import Moments
from streams.replay.sheets import Form, Sheet, open_sheet
from streams.replay.steps import Steps, steps_between

STANDARD_OUTPUT = "-"
#: steps between two calls of ``on_progress``
_PROGRESS_STEPS = 20
_ID_DIGITS = 12


@dataclass(frozen=True)
class Request:
    """What is asked for. ``out`` is ``-``, a file, or a folder (``is_folder``) for one file a day."""

    files: Sequence[str]
    choice: Choice
    length_us: int
    form: Form
    out: str
    is_folder: bool = False
    from_us: int | None = None
    to_us: int | None = None
    replay_id: str | None = None
    force: bool = False
    run_bytes: int = RUN_BYTES


@dataclass
class Progress:
    """How far it is: ``phase`` reading (bytes) or replaying (events), ``done`` of ``total`` (0 = unknown)."""

    phase: str = "reading"
    done: int = 0
    total: int = 0
    events: int = 0


@dataclass
class Outcome:
    """What was done. ``rejected`` counts events that were refused, by reason."""

    events: int = 0
    steps: int = 0
    steps_skipped: int = 0
    is_sorted_on_disk: bool = False
    rejected: Counter[str] = field(default_factory=Counter)


def run(request: Request, on_progress: Callable[[Progress], None] = lambda progress: None) -> Outcome:
    """Replay. Raises FileNotFoundError, OtherReplayError, and what reading and writing raise."""
    outcome, progress = Outcome(), Progress()
    too_long: list[int] = []
    files = EventFiles(request.files, lambda name, number: too_long.append(number))
    with EventOrder(files, policy=request.choice.policy, run_bytes=request.run_bytes) as order:

        def reading() -> None:
            progress.done, progress.total, progress.events = files.bytes_read, files.bytes_total, order.events
            on_progress(progress)

        order.read(reading)
        outcome.is_sorted_on_disk = order.is_sorted_on_disk
        # counted once, though every reading passes over them
        outcome.rejected = order.rejected + Counter({Reason.TOO_LARGE.value: len(too_long)})
        _replay(request, order, outcome, on_progress)
    return outcome


def _replay(request: Request, order: EventOrder, outcome: Outcome, on_progress: Callable[[Progress], None]) -> None:
    steps = steps_between(
        request.length_us,
        from_us=request.from_us,
        to_us=request.to_us,
        first_event_us=order.first_us,
        last_event_us=order.last_us,
    )
    if not order.events:
        steps = Steps(request.length_us, request.length_us, 0)
    identity = _identity(request, order, steps)
    with ExitStack() as stack:
        output: _Days | _One
        if request.is_folder:
            output = _Days(request, identity)
        else:
            output = _One(stack.enter_context(_opened(request.out)), request, identity)
        stack.push(output.close)
        wanted = _until_last_wanted(steps, output.is_wanted)
        moments = Moments(request.choice, wanted, output.is_wanted)
        progress = Progress("replaying", total=order.events)
        for view in moments.views(order):
            output.add(view)
            outcome.steps += 1
            if outcome.steps % _PROGRESS_STEPS == 0:
                progress.done = progress.events = moments.events
                on_progress(progress)
        output.finish()
    outcome.events = moments.events
    outcome.steps_skipped = len(steps) - outcome.steps
    outcome.rejected += moments.rejected


def _until_last_wanted(steps: Steps, is_wanted: Callable[[int], bool]) -> Steps:
    """The steps without the last days that are there already."""
    last_us = steps.last_us
    while last_us >= steps.first_us and not is_wanted(last_us):
        last_us -= steps.length_us
    return replace(steps, last_us=last_us)


def _identity(request: Request, order: EventOrder, steps: Steps) -> Identity:
    choice = request.choice
    identity = Identity(
        deskpulse=importlib.metadata.version("deskpulse"),
        replay=request.replay_id or "",
        policy=choice.policy.hash,
        form=request.form,
        step=f"{request.length_us} us",
        first=format_us(steps.first_us),
        last=format_us(steps.last_us),
        metrics=tuple(sorted((*choice.series, *(derived.id for derived in choice.derived)))),
        by=("every label",) if choice.by is None else choice.by,
        windows=choice.windows,
        input_lines=order.lines,
        input_bytes=order.bytes,
        input_sha256=order.sha256,
    )
    if request.replay_id is None:
        digest = hashlib.sha256(msgspec.json.encode(identity)).hexdigest()[:_ID_DIGITS]
        identity = msgspec.structs.replace(identity, replay=digest)
    return identity


@contextmanager
def _opened(out: str) -> Iterator[BinaryIO]:
    if out == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif Path(out).exists() and not Path(out).is_file():
        with Path(out).open("wb") as file:  # a named pipe or a device
            yield file
    else:
        with completed(Path(out)) as file:
            yield file


class _One:
    """Output into one file."""

    def __init__(self, file: BinaryIO, request: Request, identity: Identity) -> None:
        self._sheet = open_sheet(request.form, file, request.choice, identity.replay)

    def is_wanted(self, time_us: int) -> bool:
        return True

    def add(self, view: View) -> None:
        self._sheet.add(view)

    def finish(self) -> None:
        self._sheet.finish()

    def close(self, *error: object) -> None:
        self._sheet.clear()


class _Days:
    """Output into a folder, one file a day; days that are there are not written again."""

    def __init__(self, request: Request, identity: Identity) -> None:
        self._request, self._identity = request, identity
        self._folder = DayFolder(Path(request.out), identity, request.form.suffix, force=request.force)
        self._day = -1
        self._stack = ExitStack()
        self._sheet: Sheet | None = None

    def is_wanted(self, time_us: int) -> bool:
        return not self._folder.is_complete(time_us)

    def add(self, view: View) -> None:
        day = view.time_us // DAY_US
        if day != self._day:
            self.finish()
            self._day = day
            file = self._stack.enter_context(self._folder.writing(view.time_us))
            self._sheet = open_sheet(self._request.form, file, self._request.choice, self._identity.replay)
        assert self._sheet is not None
        self._sheet.add(view)

    def finish(self) -> None:
        if self._sheet is not None:
            self._sheet.finish()
            self._sheet = None
        self._stack.close()

    def close(self, *error: object) -> None:
        """After an error, what is not complete is removed."""
        if self._sheet is not None:
            self._sheet.clear()
            with suppress(_StoppedError):
                self._stack.__exit__(_StoppedError, _StoppedError(), None)


class _StoppedError(Exception):
    """Tells a day's file that it will not be complete."""
