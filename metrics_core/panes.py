"""Panes: counters per slice of time, and running totals of the windows made of them.

A fact goes into one pane of each width. A window as of t covers [ceil(t, width) - length, ceil(t, width)): whole
panes, the running one included. Its total adds a pane that enters and subtracts one that leaves, in ``advance``,
so that cost depends neither on events nor on the window's length.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from metrics_core import native as compiled
from metrics_core.counts import AddCounts, Counts, add_counts, merge_counts
from metrics_core.facts import Facts
from metrics_core.tally import Tally
from metrics_core.times import DAY_US, HOUR_US, MINUTE_US

if TYPE_CHECKING:
    from metrics_core.native.tally import Tally as CompiledTally

    Form = tuple[type[Tally] | type[CompiledTally], AddCounts]

#: window -> (pane width, length), in microseconds
WINDOW_SPANS_US: dict[str, tuple[int, int]] = {
    "1h": (MINUTE_US, HOUR_US),
    "24h": (5 * MINUTE_US, DAY_US),
    "7d": (HOUR_US, 7 * DAY_US),
    "30d": (HOUR_US, 30 * DAY_US),
}

#: panes are kept for twice their longest window (``period = before``), and an hour for clocks that lag
_SPARE_US = HOUR_US


class _Window:
    """Total of the panes [start, stop) of one ring; all of them have ended. ``back_panes``: how long before the
    window that ends now it ends; ``codes``: numbers of the only codes it counts, None for all."""

    def __init__(
        self, length_panes: int, add: AddCounts, *, back_panes: int = 0, codes: frozenset[int] | None = None
    ) -> None:
        self.length_panes, self.back_panes = length_panes, back_panes
        self.codes = codes
        self._add = add
        self.start = self.stop = 0
        self.total: Counts = {}

    def move(self, start: int, stop: int, panes: dict[int, Counts]) -> Iterator[None]:
        """Move to [start, stop), pane by pane; after each the total is that of where it stands."""
        if not self.start <= start <= self.stop <= stop:
            self.forget(start)
        for index in range(self.stop, stop):
            if index in panes:
                self._add(self.total, panes[index], 1, self.codes)
                self.stop = index + 1
                yield
        self.stop = stop
        for index in range(self.start, start):
            if index in panes:
                self._add(self.total, panes[index], -1, self.codes)
                self.start = index + 1
                yield
        self.start = start

    def forget(self, start: int = 0) -> None:
        """Hold nothing, so that the total is made anew."""
        self.start = self.stop = start
        self.total = {}


class Ring:
    """Panes of one width, and the windows that are made of them; also those just before, for the codes with the
    numbers ``before``, and each day of the longest, for those with the numbers ``by_day``."""

    def __init__(
        self,
        width_us: int,
        windows: dict[str, int],
        add: AddCounts,
        *,
        before: frozenset[int] = frozenset(),
        by_day: frozenset[int] = frozenset(),
    ) -> None:
        self.width_us, self._add = width_us, add
        self.keep_panes = (2 * max(windows.values()) + _SPARE_US) // width_us
        self.panes: dict[int, Counts] = {}
        lengths = {name: length_us // width_us for name, length_us in windows.items()}
        self.now = {name: _Window(length, add) for name, length in lengths.items()}
        self.before = {
            name: _Window(length, add, back_panes=length, codes=before)
            for name, length in lengths.items()
            if before
        }
        day, longest = DAY_US // width_us, max(windows.values()) // DAY_US
        #: the latest first
        self.days = [_Window(day, add, back_panes=back * day, codes=by_day) for back in range(longest) if by_day]
        self.windows = (*self.now.values(), *self.before.values(), *self.days)
        #: panes changed since the last drain; panes the changelog holds
        self.dirty: set[int] = set()
        self.stored: set[int] = set()
        #: panes below it are gone
        self.floor = 0

    def take(self, index: int, counts: Counts) -> None:
        """Count into a pane that is not too old; ``counts`` becomes the pane where there is none yet."""
        pane = self.panes.get(index)
        if pane is None:
            self.panes[index] = counts
        else:
            merge_counts(pane, counts)
        self.dirty.add(index)
        for window in self.windows:
            if window.start <= index < window.stop:
                self._add(window.total, counts, 1, window.codes)

    def expire(self, clock_us: int) -> list[int]:
        """Drop panes too old for any window at ``clock_us`` or later; returns their numbers."""
        floor = clock_us // self.width_us - self.keep_panes
        if floor <= self.floor:
            return []
        self.floor = floor
        gone = [index for index in self.panes if index < floor]
        for index in gone:
            # a total that still holds the pane is made anew when it next moves
            for window in self.windows:
                if window.start <= index < window.stop:
                    window.forget()
            del self.panes[index]
            self.dirty.discard(index)
        return gone

    def advance(self, time_us: int) -> Iterator[None]:
        """Move the windows to ``time_us``, pane by pane."""
        ended = time_us // self.width_us
        end = -(-time_us // self.width_us)
        for window in self.windows:
            stop = end - window.back_panes
            yield from window.move(max(0, stop - window.length_panes), min(stop, ended), self.panes)

    def totals(self, time_us: int) -> Iterator[tuple[str, Counts]]:
        """(window, counts) as of ``time_us``, to which the ring has been advanced; the dicts are copies."""
        ended = time_us // self.width_us
        running = self.panes.get(ended) if time_us % self.width_us else None
        for name, window in self.now.items():
            total = window.total.copy()
            if running:
                self._add(total, running, 1, None)
            yield name, total

    def ahead(self, time_us: int, of: Counts) -> Counts:
        """What the panes after the windows that end now hold of some keys."""
        end = -(-time_us // self.width_us)
        ahead: Counts = {}
        for index in [index for index in self.panes if index >= end]:
            self._add(ahead, {key: n for key, n in self.panes[index].items() if key in of}, 1, None)
        return ahead


class Panes:
    """All rings of a shard, and the total since the beginning where it is asked for.

    ``levels`` are sums for ever: what stands at a moment is the sum less what came after it, and that is in the
    panes. So the level as of any window's start follows, without a copy of the past. ``native``: counted in C where
    that was compiled.
    """

    def __init__(
        self,
        *,
        fine: bool,
        since_beginning: bool,
        before: frozenset[int] = frozenset(),
        by_day: frozenset[int] = frozenset(),
        native: bool = True,
    ) -> None:
        form: Form = _compiled() if native and compiled.AVAILABLE else (Tally, add_counts)
        tally, self._add = form
        by_width: dict[int, dict[str, int]] = {}
        for name, (width_us, length_us) in WINDOW_SPANS_US.items():
            by_width.setdefault(width_us, {})[name] = length_us
        #: each ring's panes are made of whole panes of the one before
        self.rings = [
            Ring(width_us, windows, self._add, before=before, by_day=by_day if "30d" in windows else frozenset())
            for width_us, windows in by_width.items()
        ]
        self.fine = fine
        self.all: Counts | None = {} if since_beginning else None
        self.levels: Counts = {}
        #: whether the levels have changed since the last drain
        self.levels_dirty = False
        #: facts that the next ``settle`` will count
        self.tally = tally(self.rings[0].width_us, fine=fine)

    @property
    def waiting(self) -> int:
        """Facts that the next ``settle`` will count."""
        return self.tally.waiting

    def add(self, facts: Facts) -> None:
        """Take facts in; they are counted at the next ``settle``, and forgotten here."""
        self.tally.add(facts)
        if facts.levels:
            self.levels_dirty = True
            for key, _, n in facts.levels:
                self.levels[key] = self.levels.get(key, 0) + n

    def settle(self, clock_us: int) -> list[tuple[int, int]]:
        """Drop panes too old for any window at ``clock_us``, count what waits into the others; returns (ring,
        index) of dropped panes that the changelog holds.

        Waiting pays: what falls into one pane meanwhile goes into the wider panes as one, and while a worker
        catches up most facts of a year are by then too old for the finer rings.
        """
        gone = self._expire(clock_us)
        self.tally.count_into(self.rings, self.all)
        return gone

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

    def advance(self, time_us: int) -> Iterator[None]:
        """Move all windows to ``time_us`` in short steps: after a recovery, or a jump in time, there are many."""
        for ring in self.rings:
            yield from ring.advance(time_us)

    def totals(self, time_us: int) -> dict[str, Counts]:
        """Counts per window as of ``time_us``, of all that has been settled."""
        out: dict[str, Counts] = {}
        for _ in self.advance(time_us):
            pass
        for ring in self.rings:
            out.update(ring.totals(time_us))
        if self.all is not None:
            out["all"] = {key: n for key, n in self.all.items() if n}
            if self.levels:
                # a subscription may change at an announced time
                self._add(out["all"], self.rings[0].ahead(time_us, self.all), -1, None)
        return out

    def before(self) -> dict[str, Counts]:
        """Counts of the window just before each window, as of the last ``totals``."""
        return {name: window.total.copy() for ring in self.rings for name, window in ring.before.items()}

    def by_day(self, time_us: int) -> tuple[Counts, ...]:
        """Counts of each day of the longest window, the latest first, as of the last ``totals`` of this moment;
        nothing where no codes are counted by day."""
        ring = self.rings[-1]
        days = [window.total.copy() for window in ring.days]
        running = ring.panes.get(time_us // ring.width_us) if time_us % ring.width_us else None
        if days and running:
            self._add(days[0], running, 1, ring.days[0].codes)
        return tuple(days)

    def levels_at_end(self, time_us: int) -> dict[str, Counts]:
        """The levels as of the end of each window, the running pane included."""
        out: dict[str, Counts] = {}
        for ring in self.rings:
            level = self.levels.copy()
            self._add(level, ring.ahead(time_us, self.levels), -1, None)
            out.update(dict.fromkeys(ring.now, level))
        return out


def _compiled() -> Form:
    # imported now and not at once: what is compiled imports the pure forms in turn
    from metrics_core.native.tally import Tally, add_counts

    return Tally, add_counts


def window_start_us(window: str, time_us: int) -> int:
    """Where a window as of a moment begins: whole panes, the running one included."""
    width_us, length_us = WINDOW_SPANS_US[window]
    return -(-time_us // width_us) * width_us - length_us
