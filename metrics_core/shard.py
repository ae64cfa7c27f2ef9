"""A shard: the state of one source partition, a function of the records applied to it in order."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from metrics_core import changelog, rows
from metrics_core.counters import Counters
from metrics_core.decode import decode
from metrics_core.events import TYPE_OF_CLASS, Event
from metrics_core.facts import Facts
from metrics_core.labels import NONE, LabelTable
from metrics_core.moves import MOVE_OF_CLASS
from metrics_core.panes import Panes
from metrics_core.partitioner import partition_for
from metrics_core.policy import Policy
from metrics_core.records import Record
from metrics_core.rejects import Reason, Refused, Reject
from metrics_core.rows import Ticket
from metrics_core.standing import OpenTickets, Standing, standing
from metrics_core.tickets import ESCALATE, KNOWN, NOTE, ORPHAN, RESOLVED, Move, Relabel, TicketMachine
from metrics_core.times import DAY_US, MINUTE_US, parse_rfc3339
from metrics_core.view import Frozen

#: times outside are a producer's mistake (an unset clock, seconds taken for years)
EARLIEST_US = parse_rfc3339("1970-01-02T00:00:00Z")
LATEST_US = parse_rfc3339("2200-01-01T00:00:00Z")
#: how far an event's time may lie beyond its record's: clocks differ by minutes, not by more
FUTURE_US = 10 * MINUTE_US

#: moves after which a ticket stands among the open ones as before: private, bots' and the system's messages
_QUIET: frozenset[Move] = frozenset((0, 2, 4, 5, 6, 7, ESCALATE, NOTE))

#: rejects of one kind repeat; what is kept of each in memory is bounded by the engine's checkpoints
_REJECT_OVERHEAD_BYTES = 200

MoveOf = Callable[[Any], Move] | None


class TicketTimes(msgspec.Struct):
    """What is known of one ticket. Times in microseconds since the epoch, None = never; ``resolved_us`` is the
    last resolution of a ticket that is resolved now."""

    created_us: int | None
    first_response_us: int | None
    first_resolution_us: int | None
    resolved_us: int | None
    reopens: int
    status: int


def moves_of_topic(kind: str | None) -> dict[type[Event], MoveOf]:
    """Event classes that a topic may carry (``helpdesk``, ``crm`` or None for all) with their moves; None
    where an event counts as processed and moves no ticket."""
    return {
        cls: MOVE_OF_CLASS.get(cls)
        for cls, event_type in TYPE_OF_CLASS.items()
        if kind is None or event_type.startswith("helpdesk.") == (kind == "helpdesk")
    }


class Shard:
    """State of one partition, or of files (``topic`` None: no check of keys and partitions).

    ``until_us`` leaves out events at or after a moment. For reports: ``since_beginning`` adds the window ``all``,
    ``fine`` takes quantiles within 1 %, and ``retire`` False keeps every row, so that nothing is too late.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        counters: Counters | None = None,
        topic: str | None = None,
        kind: str | None = None,
        partition: int | None = None,
        partitions: int | None = None,
        until_us: int | None = None,
        fine: bool = False,
        since_beginning: bool = False,
        retire: bool = True,
    ) -> None:
        self.policy = policy
        self.counters = counters if counters is not None else Counters()
        self._keyed = topic is not None
        self._horizon_us = policy.horizon_us if retire else LATEST_US
        self._partition, self._partitions = partition, partitions
        self._until_us = LATEST_US if until_us is None else until_us
        if kind is None and topic is not None:
            kind = topic.partition(".")[0]
        self._moves = moves_of_topic(kind if kind in ("helpdesk", "crm") else None)
        self.labels = LabelTable()
        unknown = self.labels.intern((NONE, NONE, NONE))
        assert unknown == 0, "a ticket of which nothing is known has label 0"
        self._machine = TicketMachine(Relabel(self.labels.intern, self.labels.values))
        self.panes = Panes(fine=fine, since_beginning=since_beginning)
        self.open = OpenTickets()
        #: largest and smallest accepted event time, 0 = none yet
        self.clock_us = self.start_us = 0
        self.orphan_tickets = 0
        #: rows touched since the last drain, decoded; all others, packed
        self.hot: dict[str, Ticket] = {}
        self.rest: dict[str, bytes] = {}
        self._facts = Facts()
        #: day on which closed rows are due -> their subjects; days before _swept_day are done
        self._due: dict[int, list[str]] = {}
        self._swept_day = 0
        #: keys to delete from the changelog
        self._removed: dict[bytes, None] = {}
        self._saved_meta = (0, 0)
        #: times of events that were ahead of their records' clock (a heap), and how many ``until_us`` left out
        self._ahead: list[int] = []
        self._left_out = 0
        self._rejects: list[Reject] = []
        self.rejects_bytes = 0

    # -- applying records -----------------------------------------------------------------------------

    def apply(self, records: Sequence[Record]) -> None:
        """Apply records in log order. Bad input becomes a Reject; an exception means this copy is spoilt."""
        seen: dict[type[Event], int] = {}
        moves, tenant, until_us, keyed = self._moves, self.policy.tenant, self._until_us, self._keyed
        for record in records:
            value = record.value
            if value is None:
                self.counters.tombstones += 1
                continue
            try:
                event = decode(value, record.headers)
                time_us = _time_of(event.time)
                if keyed and record.key != event.subject.encode():
                    raise Refused(Reason.WRONG_KEY, "the record's key is not the event's subject")
                if event.tenant is not None and event.tenant != tenant:
                    raise Refused(Reason.FOREIGN_TENANT, f"tenant {event.tenant[:64]!r}")
                if time_us > record.timestamp * 1000 and record.timestamp >= 0:
                    self._is_ahead(event, time_us, record.timestamp)
                cls = type(event)
                if cls not in moves:
                    raise Refused(Reason.WRONG_TOPIC, f"{TYPE_OF_CLASS[cls]} does not belong on this topic")
                if time_us >= until_us:
                    self._left_out += 1
                    continue
                move_of = moves[cls]
                if move_of is not None:
                    self._ticket(event, time_us, move_of(event.data))
            except Refused as refused:
                self._reject(record, refused)
                continue
            seen[cls] = seen.get(cls, 0) + 1
            if time_us > self.clock_us:
                self.clock_us = time_us
            if time_us < self.start_us or not self.start_us:
                self.start_us = time_us
        self._settle(seen)

    def _ticket(self, event: Event, time_us: int, move: Move) -> None:
        subject = event.subject
        row = self.hot.get(subject)
        if row is None or row.status >= RESOLVED or row.hidden:
            row = self._find(subject, event.source, time_us, row)
        ident = event.id if event.source == row.source else f"{event.source}\0{event.id}"
        seq = "" if event.sequence is None else rows.sequence_key(event.sequence)
        if ident.encode() in row.history and self._is_repeat(row, rows.Entry(ident, time_us, move, seq)):
            return
        if time_us > row.last_us or (time_us == row.last_us and (seq, event.id) > (row.last_seq, row.last_id)):
            quiet = row.events and type(move) is int and move in _QUIET
            old = None if quiet or not row.events else standing(row)
            known = row.known
            row.history += rows.pack_entry(ident, time_us, move, seq)
            row.last_us, row.last_seq, row.last_id = time_us, seq, event.id
            row.events += 1
            self._machine.step(row, time_us, move, self._facts)
            if not quiet:
                self._stood(subject, row, old, known)
            if row.events >= self.policy.history_events:
                rows.fold_oldest(row, self._machine)
        else:
            self._late(subject, row, rows.Entry(ident, time_us, move, seq))

    def _find(self, subject: str, source: str, time_us: int, row: Ticket | None) -> Ticket:
        """The subject's row, a new one where there is none; a closed row past the horizon is retired first."""
        if row is None:
            packed = self.rest.get(subject)
            if packed is not None:
                row = self.hot[subject] = rows.unpack_row(packed)
        clock_us = max(self.clock_us, time_us)
        horizon_us = self._horizon_us
        if row is not None and _is_closed(row) and row.last_us + horizon_us < clock_us:
            self._remove(subject, row)
            row = None
        if time_us < clock_us - horizon_us and (row is None or row.known == ORPHAN):
            raise Refused(Reason.TOO_LATE, "older than the horizon, and its ticket is not known any more")
        if row is None:
            if self._partitions is not None:
                self._own(subject)
            row = self.hot[subject] = Ticket(source=source, born_us=time_us)
            self.orphan_tickets += 1
        return row

    def _own(self, subject: str) -> None:
        assert self._partitions is not None
        partition = partition_for(subject.encode(), self._partitions)
        if partition != self._partition:
            raise Refused(Reason.WRONG_PARTITION, f"the key belongs on partition {partition}")

    def _is_repeat(self, row: Ticket, entry: rows.Entry) -> bool:
        """Whether the identity is in the history; the first content with it stays, another is a conflict."""
        for known in rows.entries(row):
            if known.ident == entry.ident:
                if known.pack() == entry.pack():
                    self.counters.duplicates += 1
                else:
                    self.counters.conflicts += 1
                return True
        return False

    def _late(self, subject: str, row: Ticket, entry: rows.Entry) -> None:
        if rows.is_before_history(row, entry):
            raise Refused(
                Reason.BEYOND_HISTORY,
                f"older than the last {self.policy.history_events} events that the ticket remembers",
            )
        self.counters.late += 1
        old, known = standing(row), row.known
        rows.insert(row, entry, self._machine, self._facts)
        self._stood(subject, row, old, known)
        if row.events >= self.policy.history_events:
            rows.fold_oldest(row, self._machine)

    def _stood(self, subject: str, row: Ticket, old: Standing, known: int) -> None:
        """The row has moved: keep up the open tickets, the orphans and the day it can be retired."""
        new = standing(row)
        if old != new:
            self.open.change(old, new)
        if known != row.known:
            self.orphan_tickets += (row.known == ORPHAN) - (known == ORPHAN)
        if new is None and (old is not None or row.events == 1):
            self._expect(subject, row)

    def _is_ahead(self, event: Event, time_us: int, timestamp_ms: int) -> None:
        if time_us > timestamp_ms * 1000 + FUTURE_US:
            raise Refused(Reason.FUTURE, f"{event.time} is over 10 minutes beyond the record's time")
        heapq.heappush(self._ahead, time_us)

    def _reject(self, record: Record, refused: Refused) -> None:
        self.counters.rejected[refused.reason] += 1
        self.rejects_bytes += len(record.value or b"") + len(refused.detail) + _REJECT_OVERHEAD_BYTES
        self._rejects.append(
            Reject(refused.reason, refused.detail, record.offset, record.key, record.value, record.timestamp)
        )

    def _settle(self, seen: dict[type[Event], int]) -> None:
        for cls, n in seen.items():
            self.counters.processed[TYPE_OF_CLASS[cls]] += n
        self.counters.clamped += self._facts.clamped
        self.panes.add(self._facts)
        self._facts.clear()
        for ring, index in self.panes.expire(self.clock_us):
            self._removed[changelog.pane_key(ring, index)] = None
        today = self.clock_us // DAY_US
        if today != self._swept_day:
            self._sweep(today)

    # -- retirement -----------------------------------------------------------------------------------

    def _expect(self, subject: str, row: Ticket) -> None:
        self._due.setdefault((row.last_us + self._horizon_us) // DAY_US, []).append(subject)

    def _sweep(self, today: int) -> None:
        """Retire rows whose horizon ended before today; what moved meanwhile waits for its new day."""
        self._swept_day = today
        for day in [day for day in self._due if day < today]:
            for subject in self._due.pop(day):
                row = self.hot.get(subject)
                if row is None:
                    packed = self.rest.get(subject)
                    if packed is None:
                        continue
                    row = rows.unpack_row(packed)
                if not _is_closed(row):
                    continue
                if (row.last_us + self._horizon_us) // DAY_US < today:
                    self._remove(subject, row)
                else:
                    self._expect(subject, row)

    def _remove(self, subject: str, row: Ticket) -> None:
        self.hot.pop(subject, None)
        self.orphan_tickets -= row.known == ORPHAN
        if self.rest.pop(subject, None) is not None:
            self._removed[changelog.ticket_key(subject)] = None

    # -- to and from the changelog --------------------------------------------------------------------

    @property
    def dirty_rows(self) -> int:
        """Changelog rows waiting for the next drain."""
        panes = sum(len(ring.dirty) for ring in self.panes.rings)
        meta = (self.clock_us, self.start_us) != self._saved_meta
        return len(self.hot) + len(self._removed) + panes + len(self.labels.fresh) + meta

    def drain(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Changed rows as (key, value or None = delete). No apply() may come between the first and the last;
        once exhausted the shard is clean."""
        for key in self._removed:
            yield key, None
        self._removed.clear()
        for label_id in self.labels.fresh:
            yield changelog.label_key(label_id), changelog.pack(self.labels.values[label_id])
        self.labels.fresh.clear()
        for number, ring in enumerate(self.panes.rings):
            for index in sorted(ring.dirty):
                counts = {key: n for key, n in ring.panes[index].items() if n}
                yield changelog.pane_key(number, index), changelog.pack(counts)
            ring.stored |= ring.dirty
            ring.dirty.clear()
        for subject, row in self.hot.items():
            packed = self.rest[subject] = rows.pack_row(row)
            yield changelog.ticket_key(subject), packed
        self.hot = {}
        meta = (self.clock_us, self.start_us)
        if meta != self._saved_meta:
            self._saved_meta = meta
            yield changelog.META, changelog.pack(changelog.Meta(*meta))

    def load(self, key: bytes, value: bytes | None) -> None:
        """One row of the changelog, in log order; the last one of a key wins."""
        kind = key[:1]
        if kind == changelog.TICKET:
            self._load_ticket(key[1:].decode(), value)
        elif kind == changelog.PANE:
            number, index = changelog.read_pane_key(key)
            ring = self.panes.rings[number]
            if value is None:
                ring.panes.pop(index, None)
                ring.stored.discard(index)
            else:
                ring.panes[index] = changelog.unpack_counts(value)
                ring.stored.add(index)
        elif kind == changelog.LABEL and value is not None:
            self.labels.load(changelog.read_label_key(key), changelog.unpack_label(value))
        elif kind == changelog.META and value is not None:
            meta = changelog.unpack_meta(value)
            self.clock_us, self.start_us = self._saved_meta = meta.clock_us, meta.start_us
        else:
            raise ValueError(f"a changelog row of an unknown kind: {key[:16]!r}")

    def _load_ticket(self, subject: str, value: bytes | None) -> None:
        packed = self.rest.pop(subject, None)
        if packed is not None:
            row = rows.unpack_row(packed)
            self.open.change(standing(row), None)
            self.orphan_tickets -= row.known == ORPHAN
        if value is None:
            return
        self.rest[subject] = value
        row = rows.unpack_row(value)
        self.orphan_tickets += row.known == ORPHAN
        new = standing(row)
        self.open.change(None, new)
        if new is None:
            self._expect(subject, row)

    def finish_load(self) -> None:
        """After the last row: drop what is too old, so that memory is what it was when the rows were written."""
        self.labels.fresh.clear()
        for ring, index in self.panes.expire(self.clock_us):
            self._removed[changelog.pane_key(ring, index)] = None

    def take_rejects(self) -> list[Reject]:
        """Rejects since the last call, in log order."""
        rejects, self._rejects = self._rejects, []
        self.rejects_bytes = 0
        return rejects

    # -- questions ------------------------------------------------------------------------------------

    def freeze(self, time_us: int) -> Frozen:
        """What the families need as of ``time_us``, copied; cheap enough for an event loop."""
        return Frozen(
            time_us=time_us,
            fine=self.panes.fine,
            windows=self.panes.totals(time_us),
            labels=self.labels.values,
            open_by_status=self.open.by_status.copy(),
            unassigned=self.open.unassigned.copy(),
            ages=self.open.ages.ages(time_us),
            waiting=self.open.waits.counts(),
            waiting_since_us=self.open.waits.oldest(),
            start_us=self.start_us,
            clock_us=self.clock_us,
        )

    def future_events(self, time_us: int) -> int:
        """Events accepted or left out whose time is not before ``time_us``."""
        while self._ahead and self._ahead[0] < time_us:
            heapq.heappop(self._ahead)
        return len(self._ahead) + self._left_out

    def ticket(self, subject: str) -> TicketTimes | None:
        """What is known of one ticket, None where there is no row."""
        row = self.hot.get(subject)
        if row is None:
            packed = self.rest.get(subject)
            if packed is None:
                return None
            row = rows.unpack_row(packed)
        return TicketTimes(
            created_us=row.born_us if row.known == KNOWN else None,
            first_response_us=row.replied_us or None,
            first_resolution_us=row.first_resolved_us or None,
            resolved_us=row.resolved_us or None,
            reopens=row.reopens,
            status=row.status,
        )


def _is_closed(row: Ticket) -> bool:
    return row.status >= RESOLVED or row.hidden != 0


def _time_of(text: str) -> int:
    try:
        time_us = parse_rfc3339(text)
    except ValueError as error:
        raise Refused(Reason.BAD_TIME, str(error)) from None
    if not EARLIEST_US <= time_us < LATEST_US:
        raise Refused(Reason.TIME_OUT_OF_RANGE, f"{text[:64]} is not between 1970 and 2200")
    return time_us
