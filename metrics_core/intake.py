"""Records of one partition become moves of subjects, in log order; bad input becomes rejects.

What is decided here is what decode.py and the rules of the topic say of one record: its form, key, tenant and time.
The lane (native/lane.pyx) takes the common case, all else goes the way that is written out below.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from metrics_core.counters import Counters
from metrics_core.decode import DECODE_ERRORS, MAX_VALUE_BYTES, decode, decode_structured, refusal
from metrics_core.events import TYPE_OF_CLASS, Event
from metrics_core.kinds import Handler
from metrics_core.records import Place, Record
from metrics_core.rejects import Reason, Refused, Reject
from metrics_core.times import EARLIEST_US, LATEST_US, MINUTE_US, parse_rfc3339

if TYPE_CHECKING:
    from metrics_core.native.lane import TicketLane

#: how far an event's time may lie beyond its record's: clocks differ by minutes, not by more
FUTURE_US = 10 * MINUTE_US

#: rejects of one kind repeat; what is kept of each in memory is bounded by the engine's checkpoints
_REJECT_OVERHEAD_BYTES = 200


class Intake:
    """What a partition's records are checked against, and how far they have come.

    ``handlers``: what each event does that belongs here. ``lane`` None: every record goes the pure way.
    """

    def __init__(
        self,
        handlers: Mapping[type[Event], Handler],
        counters: Counters,
        place: Place,
        lane: TicketLane | None,
    ) -> None:
        self.handlers, self._counters, self._place, self.lane = handlers, counters, place, lane
        #: largest and smallest accepted event time, 0 = none yet
        self.clock_us = self.start_us = 0
        #: times of events ahead of their records' clock (a heap), and how many ``until_us`` left out
        self._ahead: list[int] = []
        self._left_out = 0
        self._rejects: list[Reject] = []
        self.rejects_bytes = 0

    def take(self, records: Sequence[Record]) -> None:
        """Records in log order; an exception means that the subjects are spoilt."""
        seen: list[type[Event]] = []
        lane = self.lane
        if lane is None:
            self._take_any(records, seen)
        else:
            at, count = 0, len(records)
            while True:
                lane.clock_us, lane.start_us = self.clock_us, self.start_us or LATEST_US
                at = lane.run(records, at)
                if lane.start_us < LATEST_US:
                    self.clock_us, self.start_us = lane.clock_us, lane.start_us
                if at >= count:
                    break
                self._take_any((records[at],), seen)
                at += 1
            taken, clamped = lane.take_seen()
            for event_type, n in taken:
                self._counters.processed[event_type] += n
            self._counters.clamped += clamped
        for cls in seen:
            self._counters.processed[TYPE_OF_CLASS[cls]] += 1

    def _take_any(self, records: Sequence[Record], seen: list[type[Event]]) -> None:
        """Classes of the events that were taken go to ``seen``."""
        handlers, tenant, until_us, keyed = (
            self.handlers,
            self._place.tenant,
            self._place.until_us,
            self._place.keyed,
        )
        clock_us, start_us = self.clock_us, self.start_us or LATEST_US
        for record in records:
            value = record.value
            if value is None:
                self._counters.tombstones += 1
                continue
            try:
                if record.headers or not value.isascii() or len(value) > MAX_VALUE_BYTES:
                    event = decode(value, record.headers)
                else:  # nearly every record: what decode would do, without the call
                    try:
                        event = decode_structured(value)
                    except DECODE_ERRORS as error:
                        raise refusal(value, error) from None
                try:
                    time_us = parse_rfc3339(event.time)
                except ValueError as error:
                    raise Refused(Reason.BAD_TIME, str(error)) from None
                if not EARLIEST_US <= time_us < LATEST_US:
                    raise Refused(Reason.TIME_OUT_OF_RANGE, f"{event.time[:64]} is not between 1970 and 2200")
                if keyed and record.key != event.subject.encode():
                    raise Refused(Reason.WRONG_KEY, "the record's key is not the event's subject")
                if event.tenant is not None and event.tenant != tenant:
                    raise Refused(Reason.FOREIGN_TENANT, f"tenant {event.tenant[:64]!r}")
                if time_us > record.timestamp * 1000 and record.timestamp >= 0:
                    self._is_ahead(event, time_us, record.timestamp)
                cls = type(event)
                if cls not in handlers:
                    raise Refused(Reason.WRONG_TOPIC, f"{TYPE_OF_CLASS[cls]} does not belong on this topic")
                if time_us >= until_us:
                    self._left_out += 1
                    continue
                handler = handlers[cls]
                if handler is not None:
                    subjects, move_of = handler
                    subjects.apply(event, time_us, move_of(event.data), clock_us)
            except Refused as refused:
                self._reject(record, refused)
                continue
            seen.append(cls)
            if time_us > clock_us:
                clock_us = time_us
            if time_us < start_us:
                start_us = time_us
        if start_us < LATEST_US:
            self.clock_us, self.start_us = clock_us, start_us

    def _is_ahead(self, event: Event, time_us: int, timestamp_ms: int) -> None:
        if time_us > timestamp_ms * 1000 + FUTURE_US:
            raise Refused(Reason.FUTURE, f"{event.time} is over 10 minutes beyond the record's time")
        heapq.heappush(self._ahead, time_us)

    def _reject(self, record: Record, refused: Refused) -> None:
        self._counters.rejected[refused.reason] += 1
        headers = tuple(record.headers)
        self.rejects_bytes += len(record.value or b"") + len(refused.detail) + _REJECT_OVERHEAD_BYTES
        self.rejects_bytes += sum(len(name) + len(content or b"") for name, content in headers)
        self._rejects.append(
            Reject(
                refused.reason, refused.detail, record.offset, record.key, record.value, record.timestamp, headers
            )
        )

    def take_rejects(self) -> list[Reject]:
        """Rejects since the last call, in log order."""
        rejects, self._rejects = self._rejects, []
        self.rejects_bytes = 0
        return rejects

    def future_events(self, time_us: int) -> int:
        """Events accepted or left out whose time is not before ``time_us``."""
        while self._ahead and self._ahead[0] < time_us:
            heapq.heappop(self._ahead)
        return len(self._ahead) + self._left_out
