"""Panes: counters per slice of time, and running totals of the windows made of them.

A fact goes into one pane of each width. A window as of t covers [ceil(t, width) - length, ceil(t, width)): whole
panes, the running one included. Its total adds a pane that enters and subtracts one that leaves, in ``advance``,
so that cost depends neither on events nor on the window's length.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator

from metrics_core.facts import CODE_MASK, CODE_SHIFT, SUM, Facts
from metrics_core.grid import EDGES_US, cell_of
from metrics_core.times import DAY_US, HOUR_US, MINUTE_US

Counts = dict[int, int]

#: window -> (pane width, length), in microseconds
WINDOW_SPANS_US: dict[str, tuple[int, int]] = {
    "1h": (MINUTE_US, HOUR_US),
    "24h": (5 * MINUTE_US, DAY_US),
    "7d": (HOUR_US, 7 * DAY_US),
    "30d": (HOUR_US, 30 * DAY_US),
}

#: panes are kept for twice their longest window (``period = before``), and an hour for clocks that lag
_SPARE_US = HOUR_US

#: late facts above which totals are made anew instead of corrected one by one: a worker that catches up
_LATE_FACTS = 500


class _Window:
    """Total of the panes [start, stop) of one ring; all of them have ended. ``back_panes``: how long before the
    window that ends now it ends; ``codes``: numbers of the only codes it counts, None for all."""

    def __init__(self, length_panes: int, back_panes: int = 0, codes: frozenset[int] | None = None) -> None:
        self.length_panes, self.back_panes = length_panes, back_panes
        self.codes = codes
        self.start = self.stop = 0
        self.total: Counts = {}

    def move(self, start: int, stop: int, panes: dict[int, Counts]) -> None:
        if not self.start <= start <= self.stop <= stop or start == self.start == 0:
            self.total = {}
            for index, pane in panes.items():
                if start <= index < stop:
                    _add(self.total, self.counted(pane), 1)
        else:
            for index in range(self.stop, stop):
                if index in panes:
                    _add(self.total, self.counted(panes[index]), 1)
            for index in range(self.start, start):
                if index in panes:
                    _add(self.total, self.counted(panes[index]), -1)
        self.start, self.stop = start, stop

    def counted(self, pane: Counts) -> Counts:
        """What of a pane this window counts."""
        codes = self.codes
        if codes is None:
            return pane
        return {key: n for key, n in pane.items() if key >> CODE_SHIFT & CODE_MASK in codes}


def _add(total: Counts, pane: Counts, sign: int) -> None:
    get = total.get
    for key, n in pane.items():
        now = get(key, 0) + sign * n
        if now:
            total[key] = now
        elif key in total:
            del total[key]


class Ring:
    """Panes of one width, and the windows that are made of them; also those just before, for the codes with the
    numbers ``before``."""

    def __init__(self, width_us: int, windows: dict[str, int], *, before: frozenset[int] = frozenset()) -> None:
        self.width_us = width_us
        self.keep_panes = (2 * max(windows.values()) + _SPARE_US) // width_us
        self.panes: dict[int, Counts] = {}
        lengths = {name: length_us // width_us for name, length_us in windows.items()}
        self.now = {name: _Window(length) for name, length in lengths.items()}
        self.before = {name: _Window(length, length, before) for name, length in lengths.items()} if before else {}
        self.windows = (*self.now.values(), *self.before.values())
        #: panes changed since the last drain; panes the changelog holds
        self.dirty: set[int] = set()
        self.stored: set[int] = set()
        #: panes below it are in the windows' totals, where they belong to one
        self.sealed = 0
        #: panes below it are gone
        self.floor = 0

    def pane(self, time_us: int) -> Counts:
        """The pane that a fact of this time goes into; one nobody will look at where it is too old."""
        index = time_us // self.width_us
        if index < self.floor:
            return {}
        self.dirty.add(index)
        return self.panes.setdefault(index, {})

    def correct(self, time_us: int, key: int, n: int) -> None:
        """Bring totals up to a fact that went into a pane they already hold."""
        index = time_us // self.width_us
        if index >= self.sealed:
            return
        for window in self.windows:
            if window.start <= index < window.stop:
                _add(window.total, window.counted({key: n}), 1)

    def forget_totals(self) -> None:
        """Make every total anew when it next moves."""
        for window in self.windows:
            window.start = window.stop = 0
            window.total = {}

    def expire(self, clock_us: int) -> list[int]:
        """Drop panes too old for any window at ``clock_us`` or later; returns their numbers."""
        floor = clock_us // self.width_us - self.keep_panes
        if floor <= self.floor:
            return []
        self.floor = floor
        gone = [index for index in self.panes if index < floor]
        for index in gone:
            # a total that still holds the pane is rebuilt when it next moves
            for window in self.windows:
                if window.start <= index < window.stop:
                    window.start = window.stop = 0
                    window.total = {}
            del self.panes[index]
            self.dirty.discard(index)
        return gone

    def advance(self, time_us: int) -> None:
        """Move the windows to ``time_us``."""
        ended = time_us // self.width_us
        end = -(-time_us // self.width_us)
        for window in self.windows:
            stop = end - window.back_panes
            window.move(max(0, stop - window.length_panes), min(stop, ended), self.panes)
        self.sealed = ended

    def totals(self, time_us: int) -> Iterator[tuple[str, Counts]]:
        """(window, counts) as of ``time_us``, to which the ring has been advanced; the dicts are copies."""
        ended = time_us // self.width_us
        running = self.panes.get(ended) if time_us % self.width_us else None
        for name, window in self.now.items():
            total = window.total.copy()
            if running:
                _add(total, running, 1)
            yield name, total

    def ahead(self, time_us: int, of: Counts) -> Counts:
        """What the panes after the windows that end now hold of some keys."""
        end = -(-time_us // self.width_us)
        ahead: Counts = {}
        for index in [index for index in self.panes if index >= end]:
            _add(ahead, {key: n for key, n in self.panes[index].items() if key in of}, 1)
        return ahead


class Panes:
    """All rings of a shard, and the total since the beginning where it is asked for.

    ``levels`` are sums for ever: what stands at a moment is the sum less what came after it, and that is in the
    panes. So the level as of any window's start follows, without a copy of the past.
    """

    def __init__(self, *, fine: bool, since_beginning: bool, before: frozenset[int] = frozenset()) -> None:
        by_width: dict[int, dict[str, int]] = {}
        for name, (width_us, length_us) in WINDOW_SPANS_US.items():
            by_width.setdefault(width_us, {})[name] = length_us
        self.rings = [Ring(width_us, windows, before=before) for width_us, windows in by_width.items()]
        self.fine = fine
        self.all: Counts | None = {} if since_beginning else None
        self.levels: Counts = {}
        #: whether the levels have changed since the last drain
        self.levels_dirty = False
        self._waiting: list[tuple[int, int, int]] = []
        self._cell_of: Callable[[int], int] = cell_of if fine else _interval_of

    def add(self, facts: Facts) -> None:
        """Take facts in; they are counted at the next ``settle``, and forgotten here."""
        if facts.durations:
            cell, counts = self._cell_of, facts.counts
            for key, time_us, lasted_us, n in facts.durations:
                counts.append((key | cell(lasted_us), time_us, n))
                counts.append((key + SUM, time_us, n * lasted_us))
        self._waiting += facts.counts
        if facts.levels:
            self.levels_dirty = True
            for key, _, n in facts.levels:
                self.levels[key] = self.levels.get(key, 0) + n

    @property
    def waiting(self) -> int:
        """Facts that the next ``settle`` will count."""
        return len(self._waiting)

    def settle(self, clock_us: int) -> list[tuple[int, int]]:
        """Drop panes too old for any window at ``clock_us``, count what waits into the others; returns (ring,
        index) of dropped panes that the changelog holds.

        Waiting pays while a worker catches up: most facts of a year are by then too old for the finer rings.
        """
        gone = self._expire(clock_us)
        waiting, self._waiting = self._waiting, []
        coarse, middle, fine = self.rings[2], self.rings[1], self.rings[0]
        middle_floor_us = middle.floor * middle.width_us
        sealed_us = fine.sealed * fine.width_us
        width_us, hour = coarse.width_us, -1
        by_hour: Counts = {}
        recent, late = [], []
        for fact in waiting:
            key, time_us, n = fact
            if time_us // width_us != hour:  # facts come in order, mostly: look the pane up once an hour
                hour = time_us // width_us
                by_hour = coarse.pane(time_us)
            by_hour[key] = by_hour.get(key, 0) + n
            if time_us >= middle_floor_us:
                recent.append(fact)
            if time_us < sealed_us:
                late.append(fact)
        self._correct(late)
        self._count_recent(recent, fine, middle)
        if self.all is not None:
            get, total = self.all.get, self.all
            for key, _, n in waiting:
                total[key] = get(key, 0) + n
        return gone

    def _correct(self, late: list[tuple[int, int, int]]) -> None:
        """Bring the totals up to facts in panes that they hold already."""
        for ring in self.rings:
            if len(late) > _LATE_FACTS:
                ring.forget_totals()
                continue
            for key, time_us, n in late:
                ring.correct(time_us, key, n)

    def _count_recent(self, facts: list[tuple[int, int, int]], fine: Ring, middle: Ring) -> None:
        width_us, minute = fine.width_us, -1
        by_minute: Counts = {}
        by_middle: Counts = {}
        for key, time_us, n in facts:
            if time_us // width_us != minute:
                minute = time_us // width_us
                by_minute, by_middle = fine.pane(time_us), middle.pane(time_us)
            by_middle[key] = by_middle.get(key, 0) + n
            by_minute[key] = by_minute.get(key, 0) + n

    def _expire(self, clock_us: int) -> list[tuple[int, int]]:
        gone = []
        for number, ring in enumerate(self.rings):
            for index in ring.expire(clock_us):
                if index in ring.stored:
                    ring.stored.discard(index)
                    gone.append((number, index))
        return gone

    def load(self, ring: int, index: int, pane: Counts | None) -> None:
        """Restore a pane from the changelog, or drop it."""
        at = self.rings[ring]
        if pane is None:
            at.panes.pop(index, None)
            at.stored.discard(index)
        else:
            at.panes[index] = pane
            at.stored.add(index)

    def totals(self, time_us: int) -> dict[str, Counts]:
        """Counts per window as of ``time_us``, of all that has been settled."""
        out: dict[str, Counts] = {}
        for ring in self.rings:
            ring.advance(time_us)
            out.update(ring.totals(time_us))
        if self.all is not None:
            out["all"] = {key: n for key, n in self.all.items() if n}
            if self.levels:
                # a subscription may change at an announced time
                _add(out["all"], self.rings[0].ahead(time_us, self.all), -1)
        return out

    def before(self) -> dict[str, Counts]:
        """Counts of the window just before each window, as of the last ``totals``."""
        return {name: window.total.copy() for ring in self.rings for name, window in ring.before.items()}

    def levels_at_end(self, time_us: int) -> dict[str, Counts]:
        """The levels as of the end of each window, the running pane included."""
        out: dict[str, Counts] = {}
        for ring in self.rings:
            level = self.levels.copy()
            _add(level, ring.ahead(time_us, self.levels), -1)
            out.update(dict.fromkeys(ring.now, level))
        return out


def window_start_us(window: str, time_us: int) -> int:
    """Where a window as of a moment begins: whole panes, the running one included."""
    width_us, length_us = WINDOW_SPANS_US[window]
    return -(-time_us // width_us) * width_us - length_us


def _interval_of(duration_us: int) -> int:
    """The coarse cell: the histogram interval itself."""
    return bisect_left(EDGES_US, duration_us)
