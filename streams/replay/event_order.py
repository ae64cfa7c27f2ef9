"""Events of files by (time, order key), in bounded memory; files that are in order already are just read again."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from types import TracebackType
from typing import Any

import msgspec

from metrics_core.decode import decode
from metrics_core.policy import Policy
from metrics_core.records import FileRecord
from metrics_core.rejects import Refused
from metrics_core.rows import sequence_key
from metrics_core.shard import Shard
from metrics_core.times import EARLIEST_US, LATEST_US, parse_rfc3339
from streams.event_files import STANDARD_INPUT, EventFiles
from streams.replay.external_sort import FAN_IN, RUN_BYTES, ExternalSort

#: events of one moment that are held to put them in order; more than these take the way over the sort
_MOMENT_EVENTS = 50_000
#: lines between two calls of ``on_progress``
PROGRESS_LINES = 5_000
_TIME_BYTES = 8
_NUMBER_BYTES = 6
_LENGTH_BYTES = 4

Timed = tuple[int, bytes]


class _Place(msgspec.Struct, gc=False):
    """What the order needs of an event that the core accepts."""

    id: str
    source: str
    time: str
    sequence: Any = None


_decode_place = msgspec.json.Decoder(_Place).decode


class EventOrder:
    """The events of some files in order: by time, then sequence, id and source, then place in the input.

    ``read`` goes through all lines once. What the core refuses whatever its state (no JSON, an unknown type, ...)
    is counted in ``rejected`` and left out. Then iterating, as often as wanted, gives (time_us, line).

    In order already = times never fall: nothing is written then, unless the input is a pipe. Otherwise, the part
    up to the first event out of order is read from the files again, and the rest is sorted on disk. Of two events
    of one identity and different content, the one that comes first in this order counts.
    """

    def __init__(
        self, files: EventFiles, *, policy: Policy, run_bytes: int = RUN_BYTES, fan_in: int = FAN_IN
    ) -> None:
        self._files = files
        self._sort = ExternalSort(run_bytes=run_bytes, fan_in=fan_in)
        #: lines from the beginning that are read again instead of sorted
        self._lines_ordered = 0
        self._refused: array[int] = array("Q")
        self._doubtful = Shard(policy, retire=False)
        self.lines = self.events = self.bytes = 0
        #: smallest and largest time, 0 = no event
        self.first_us = self.last_us = 0
        self.sha256 = ""

    def __enter__(self) -> EventOrder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._sort.clear()

    @property
    def is_sorted_on_disk(self) -> bool:
        """Whether some of the input had to be sorted."""
        return self._lines_ordered < self.lines

    @property
    def rejected(self) -> Counter[str]:
        """Lines that no state would accept, by reason."""
        return Counter(self._doubtful.counters.rejected)

    def read(self, on_progress: Callable[[], None] = lambda: None) -> None:
        """Read all lines: how they are ordered, from when to when they go, and what must be left out."""
        in_order = STANDARD_INPUT not in self._files.names
        digest = hashlib.sha256()
        same_moment = 0
        for number, line in enumerate(self._files):
            digest.update(line)
            digest.update(b"\n")
            self.bytes += len(line) + 1
            self.lines += 1
            if number % PROGRESS_LINES == 0:
                on_progress()
            time_us = self._accepted_us(line, number)
            if time_us is not None:
                self.events += 1
                same_moment = same_moment + 1 if time_us == self.last_us else 1
                if time_us < self.last_us or same_moment > _MOMENT_EVENTS:
                    in_order = False
                self.first_us = min(self.first_us or time_us, time_us)
                self.last_us = max(self.last_us, time_us)
                if not in_order:
                    self._sort.add(_item(time_us, number, line))
            if in_order:
                self._lines_ordered += 1
        self.sha256 = digest.hexdigest()
        on_progress()

    def __iter__(self) -> Iterator[Timed]:
        if not self.is_sorted_on_disk:
            return _in_moments(self._again())
        ordered = (
            _item(time_us, number, line)
            for number, (time_us, line) in enumerate(_in_moments(self._again()) if self._lines_ordered else ())
        )
        return map(_timed, self._sort.merged(ordered))

    def _again(self) -> Iterator[Timed]:
        """Events of the ordered part, as they stand in the files."""
        refused = iter(self._refused)
        leave_out = next(refused, -1)
        for number, line in enumerate(islice(self._files, self._lines_ordered)):
            if number == leave_out:
                leave_out = next(refused, -1)
            else:
                yield parse_rfc3339(_decode_place(line).time), line

    def _accepted_us(self, line: bytes, number: int) -> int | None:
        """The event's time; None where the core refuses it."""
        try:
            event = decode(line)
            time_us = parse_rfc3339(event.time)
            if EARLIEST_US <= time_us < LATEST_US and event.tenant is None:
                return time_us
        except (Refused, ValueError):
            time_us = 0
        # let the core say whether, and why
        accepted = self._doubtful.counters.processed
        before = sum(accepted.values())
        self._doubtful.apply([FileRecord(line, number)])
        self._doubtful.take_rejects()
        if sum(accepted.values()) > before:
            return time_us
        self._refused.append(number)
        return None


def _in_moments(events: Iterator[Timed]) -> Iterator[Timed]:
    """Events whose times never fall, those of one moment in order."""
    moment: list[Timed] = []
    for event in events:
        if moment and event[0] != moment[0][0]:
            yield from moment if len(moment) == 1 else _ordered(moment)
            moment = []
        moment.append(event)
    yield from _ordered(moment)


def _ordered(moment: list[Timed]) -> list[Timed]:
    return sorted(moment, key=lambda event: _key(event[0], event[1]))


def _key(time_us: int, line: bytes) -> bytes:
    """Compares bytewise as the core orders the events of a subject."""
    place = _decode_place(line)
    text = f"{sequence_key(place.sequence)}\0{place.id}\0{place.source}\0"
    return time_us.to_bytes(_TIME_BYTES, "big") + text.encode()


def _item(time_us: int, number: int, line: bytes) -> bytes:
    """Key, place in the input, line, length of the line: sorts by the first two, and the last two come back."""
    length = len(line).to_bytes(_LENGTH_BYTES, "big")
    return _key(time_us, line) + number.to_bytes(_NUMBER_BYTES, "big") + line + length


def _timed(item: bytes) -> Timed:
    length = int.from_bytes(item[-_LENGTH_BYTES:], "big")
    return int.from_bytes(item[:_TIME_BYTES], "big"), item[-_LENGTH_BYTES - length : -_LENGTH_BYTES]
