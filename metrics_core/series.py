"""What a series is, and the two kinds of value it carries."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

from metrics_core import grid


class Narrowed(NamedTuple):
    """Which values of a closed label go with which value of the open label ``by``: those of ``special``, else the
    ``usual`` ones; all alternatives have as many."""

    by: str
    special: dict[str, tuple[str, ...]]
    usual: tuple[str, ...]

    def values(self, by: str) -> tuple[str, ...]:
        """The values that go with a value of the other label."""
        return self.special.get(by, self.usual)


class Series(msgspec.Struct, frozen=True):
    """One exposed series, named without the ``deskpulse_`` prefix; the unit is the last word of the name.

    ``enums`` names the closed label sets: every value is always shown, but for those ``narrowed`` by another
    label's value. ``merge`` says how shards and workers combine: counts add up, timestamps take the least.
    ``leaves_as``: what the integers inside become when the view is made - minor units of the ``currency`` major
    ones, microseconds seconds, millionths units. ``at_start``: values are of the window's start, and not known
    before the history reaches it. ``history``: the kind of subject whose earliest event begins that history; empty
    for the earliest of all.
    """

    name: str
    kind: Literal["gauge", "histogram"]
    labels: tuple[str, ...]
    help: str
    enums: dict[str, tuple[str, ...]] = {}
    merge: Literal["sum", "min"] = "sum"
    leaves_as: Literal["is", "major_units", "seconds", "millionths"] = "is"
    at_start: bool = False
    history: str = ""
    narrowed: dict[str, Narrowed] = {}


class Histogram(msgspec.Struct):
    """Durations: observations per interval between the grid's edges (not cumulative), and their exact sum.

    ``cells`` holds the finer sketch that quantiles are taken from; ages have none.
    """

    counts: list[int] = msgspec.field(default_factory=lambda: [0] * grid.INTERVALS)
    sum_us: int = 0
    cells: dict[int, int] = msgspec.field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of observations."""
        return sum(self.counts)

    def observe_cell(self, cell: int, count: int) -> None:
        """Add ``count`` observations of one cell; the sum is kept apart."""
        self.counts[grid.INTERVAL_OF_CELL[cell]] += count
        self.cells[cell] = self.cells.get(cell, 0) + count

    def add(self, other: Histogram) -> None:
        """Merge another histogram of the same grid into this one."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.sum_us += other.sum_us
        for cell, count in other.cells.items():
            self.cells[cell] = self.cells.get(cell, 0) + count

    def cumulative(self) -> list[int]:
        """Observations at or below each edge, +Inf last: what ``_bucket`` shows."""
        total, out = 0, []
        for count in self.counts:
            total += count
            out.append(total)
        return out

    def quantile(self, q: float) -> float | None:
        """Quantile in seconds (rank (n - 1) q, each order statistic within 1 %); None when empty."""
        return grid.quantile_s(self.cells.items(), q)
