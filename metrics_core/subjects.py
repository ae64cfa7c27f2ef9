"""The subjects of one kind in a shard: their rows, decoded while they are hot, packed while they rest."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from itertools import islice
from typing import Generic

from metrics_core import rows
from metrics_core.counters import Counters
from metrics_core.events import Event
from metrics_core.facts import Facts
from metrics_core.rejects import Reason, Refused
from metrics_core.rows import SEQUENCE_KEYS, UUID_LETTERS, Entry, Kind, Move, R, pack, pack_entry, short
from metrics_core.times import DAY_US

#: rows that may wait to be settled: bounds settling to a few ms at once
_TOUCHED_ROWS = 2_000
#: loaded rows that are indexed in one step, of a few ms
_INDEXED_ROWS = 1_000

Settle = Callable[[dict[str, tuple[Hashable, bool]], dict[str, R], dict[int, list[str]], int], int]


class Subjects(Generic[R]):
    """Rows of one kind. Standings are settled when somebody asks or saves: a subject that comes and goes in
    between then costs nothing.

    ``own`` is asked with the subject before a row is made; it raises Refused where the row belongs elsewhere.
    """

    def __init__(
        self,
        kind: Kind[R],
        *,
        facts: Facts,
        counters: Counters,
        own: Callable[[str], None],
        horizon_us: int,
        history_events: int,
    ) -> None:
        self.kind = kind
        # asked at every event
        self._steps, self._standing, self._is_known = kind.steps, kind.standing, kind.is_known
        self._facts, self._counters, self._own = facts, counters, own
        self.horizon_us, self.history_events = horizon_us, history_events
        #: rows touched since the last drain, decoded; all others, packed
        self.hot: dict[str, R] = {}
        self.rest: dict[str, bytes] = {}
        #: rows moved since the last settling -> how they stood before, whether known
        self.touched: dict[str, tuple[Hashable, bool]] = {}
        #: earliest event time, 0 = none yet
        self.start_us = 0
        #: rows whose beginning was not seen
        self.orphans = 0
        #: day on which closed rows are due -> their subjects
        self._due: dict[int, list[str]] = {}
        #: keys to delete from the changelog
        self.removed: dict[bytes, None] = {}
        #: whether rows were put into ``rest`` that no index knows yet
        self.loading = False
        #: ``settle`` in C, of (touched, hot, due, horizon in us); returns how many more orphans there are
        self.settle_compiled: Settle[R] | None = None

    # -- events -------------------------------------------------------------------------------------------

    def apply(self, event: Event, time_us: int, move: Move, clock_us: int, fact_us: int = 0) -> None:
        """Apply one event; with ``fact_us``, what it tells happens at that time. Raises Refused where it is too
        late, beyond a row's history, or not ours."""
        subject = event.subject
        row = self.hot.get(subject)
        limit_us = (clock_us if clock_us > time_us else time_us) - self.horizon_us
        if row is None or row.last_us < limit_us or time_us < limit_us:
            row = self._find(subject, event.source, time_us, limit_us, row)
        told_us = time_us
        if fact_us:
            time_us = fact_us
        event_id = event.id
        ident = event_id if event.source == row.source else f"{event.source}\0{event_id}"
        seq = SEQUENCE_KEYS.get(event.sequence)
        if seq is None:
            seq = rows.sequence_key(event.sequence)
        known = ident if len(ident) != UUID_LETTERS else short(ident)
        sought = known.encode() if isinstance(known, str) else known
        if sought in row.history and self._is_repeat(row, Entry(ident, time_us, move, seq)):
            return
        if subject not in self.touched:
            self.touched[subject] = (self._standing(row), self._is_known(row))
        last_us = row.last_us
        if time_us > last_us or (time_us == last_us and (seq, event_id) > (row.last_seq, row.last_id)):
            row.history += pack_entry(known, time_us - last_us if row.events else time_us, move, seq)
            row.last_us, row.last_seq, row.last_id = time_us, seq, event_id
            row.events += 1
            self._steps[move if type(move) is int else move[0]](row, time_us, move, self._facts)  # type: ignore[index]
        else:
            row = self._late(subject, row, Entry(ident, time_us, move, seq))
            self.begin(told_us)
        if row.events >= self.history_events:
            rows.fold_oldest(self.kind, row)

    def _find(self, subject: str, source: str, time_us: int, limit_us: int, row: R | None) -> R:
        """The subject's row, a new one where there is none; a closed row past the horizon is retired first."""
        kind = self.kind
        if row is None:
            packed = self.rest.get(subject)
            if packed is not None:
                row = self.hot[subject] = kind.unpack(packed)
        if row is not None and kind.heard_us(row) < limit_us and kind.is_closed(row):
            self._remove(subject, row)
            row = None
        if time_us < limit_us and (row is None or not kind.is_known(row)):
            raise Refused(Reason.TOO_LATE, "older than the horizon, and its subject is not known any more")
        if row is None:
            self._own(subject)
            row = self.hot[subject] = kind.new(source, time_us)
            self.begin(time_us)
            self.touched[subject] = (None, True)
        return row

    def begin(self, time_us: int) -> None:
        """The earliest event either makes a row or comes late."""
        if time_us < self.start_us or not self.start_us:
            self.start_us = time_us

    def _is_repeat(self, row: R, entry: Entry) -> bool:
        """Whether the identity is in the history; the first content with it stays, another is a conflict."""
        for known in rows.entries(row):
            if known.ident == entry.ident:
                if known.pack() == entry.pack():
                    self._counters.duplicates += 1
                else:
                    self._counters.conflicts += 1
                return True
        return False

    def _late(self, subject: str, row: R, entry: Entry) -> R:
        if rows.is_before_history(self.kind, row, entry):
            raise Refused(Reason.BEYOND_HISTORY, "older than all that the row remembers event by event")
        self._counters.late += 1
        moved = self.hot[subject] = rows.insert(self.kind, row, entry, self._facts)
        return moved

    # -- standings and retirement -------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether enough rows wait that they should be settled now."""
        return len(self.touched) > _TOUCHED_ROWS

    def settle(self) -> None:
        """Bring the kind's index up to the rows."""
        if self.settle_compiled is not None:
            self.orphans += self.settle_compiled(self.touched, self.hot, self._due, self.horizon_us)
            self.touched.clear()
            return
        kind, hot = self.kind, self.hot
        standing, is_known, is_closed = kind.standing, kind.is_known, kind.is_closed
        for subject, (old, known) in self.touched.items():
            row = hot[subject]
            new = standing(row)
            if old != new:
                kind.change(old, new)
            self.orphans += known - is_known(row)
            if is_closed(row):
                self._expect(subject, row)
        self.touched.clear()

    def _expect(self, subject: str, row: R) -> None:
        self._due.setdefault((self.kind.heard_us(row) + self.horizon_us) // DAY_US, []).append(subject)

    def sweep(self, today: int) -> None:
        """Retire closed rows whose horizon ended before today; what moved meanwhile waits for its new day."""
        for day in [day for day in self._due if day < today]:
            for subject in self._due.pop(day):
                row = self.get(subject)
                if row is None or not self.kind.is_closed(row):
                    continue
                due = (self.kind.heard_us(row) + self.horizon_us) // DAY_US
                if due == day:
                    self._remove(subject, row)

    def _remove(self, subject: str, row: R) -> None:
        touched = self.touched.pop(subject, None)
        old, known = (self.kind.standing(row), self.kind.is_known(row)) if touched is None else touched
        if old is not None:
            self.kind.change(old, None)
        self.orphans -= not known
        self.hot.pop(subject, None)
        if self.rest.pop(subject, None) is not None:
            self.removed[self.kind.prefix + subject.encode()] = None

    def get(self, subject: str) -> R | None:
        """The row of a subject, None where there is none."""
        row = self.hot.get(subject)
        if row is None:
            packed = self.rest.get(subject)
            return None if packed is None else self.kind.unpack(packed)
        return row

    # -- to and from the changelog ------------------------------------------------------------------------

    def drain(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Changed rows as (key, value or None = delete); once exhausted, all rest."""
        self.settle()
        for key in self.removed:
            yield key, None
        self.removed.clear()
        prefix = self.kind.prefix
        for subject, row in self.hot.items():
            packed = self.rest[subject] = pack(row)
            yield prefix + subject.encode(), packed
        self.hot = {}

    def load(self, subject: str, value: bytes | None) -> None:
        """One row of the changelog; the last one of a subject wins. ``index_loaded`` must follow the last one."""
        if value is None:
            self.rest.pop(subject, None)
        else:
            self.rest[subject] = value
        self.loading = True

    def index_loaded(self) -> Iterator[None]:
        """Bring the kind's index up to the rows that were loaded, in short steps; nothing else may come between."""
        if not self.loading:
            return
        self.loading = False
        rows_left = iter(self.rest.items())
        while some := list(islice(rows_left, _INDEXED_ROWS)):
            self._index(some)
            yield
        kind = self.kind
        if kind.sort is not None:
            yield from kind.sort()

    def _index(self, some: Sequence[tuple[str, bytes]]) -> None:
        """Put these rows into the kind's index; closed ones will be due, orphans are counted."""
        kind = self.kind
        glance = kind.glance or kind.unpack
        rows = [glance(packed) for _, packed in some]
        if kind.stand_all is None:
            for row in rows:
                if (new := kind.standing(row)) is not None:
                    kind.change(None, new)
            closed = [place for place, row in enumerate(rows) if kind.is_closed(row)]
            orphans = sum([not kind.is_known(row) for row in rows])
        else:
            closed, orphans = kind.stand_all(rows)
        self.orphans += orphans
        for place in closed:
            self._expect(some[place][0], rows[place])
