"""From shards to series: what was frozen is summed over shards into one table a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from metrics_core.ages import Ages
from metrics_core.series import Histogram, Series
from metrics_core.tickets.clock_index import FrozenClocks

LabelValues = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CrmFrozen:
    """The customers' part of a shard as of one moment.

    ``idle``: label -> customers too long silent; ``lost``: window -> (customers, subscriptions) counted as of its
    start and gone now.
    """

    idle: dict[int, int]
    lost: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Frozen:
    """A shard as of one moment: window -> fact key -> count, and what is open. Never changed again.

    ``before``: window -> fact key -> count of the window just before; ``levels``: window -> level key -> sum as of
    the window's end; ``by_day``: fact key -> count of each day, the latest first, where a shard counts by day;
    ``starts``: kind of subject -> its earliest event. ``labels`` is the shard's growing list of label tuples; the
    numbers below stay valid.
    """

    time_us: int
    fine: bool
    windows: dict[str, dict[int, int]]
    before: dict[str, dict[int, int]]
    by_day: tuple[dict[int, int], ...]
    levels: dict[str, dict[int, int]]
    labels: list[LabelValues]
    open_by_status: dict[int, int]
    unassigned: dict[int, int]
    ages: dict[int, Ages]
    waiting: dict[int, int]
    waiting_since_us: dict[int, int]
    open_complaints: dict[int, int]
    clocks: FrozenClocks
    start_us: int
    starts: dict[str, int]
    clock_us: int
    orphan_tickets: int
    future_events: int
    crm: CrmFrozen | None = None


@dataclass(slots=True)
class Table:
    """Rows of one series: label values in the order of ``series.labels`` -> value.

    Counts are integers, timestamps seconds since the epoch, histograms their own type. ``withheld`` holds values
    of (window,) or (window, period) that the history does not reach: no row must say zero for them.
    """

    series: Series
    rows: dict[LabelValues, int | float | Histogram] = field(default_factory=dict)
    withheld: set[LabelValues] = field(default_factory=set)

    def add(self, labels: LabelValues, value: int | float) -> None:
        """Add to a row, or keep the least, as the series merges."""
        now = self.rows.get(labels)
        if now is None:
            self.rows[labels] = value
        elif self.series.merge == "min":
            self.rows[labels] = min(now, value)  # type: ignore[type-var]
        else:
            self.rows[labels] = now + value  # type: ignore[operator]

    def histogram(self, labels: LabelValues) -> Histogram:
        """The histogram of a row, an empty one where there was none."""
        found = self.rows.get(labels)
        if found is None:
            found = self.rows[labels] = Histogram()
        assert isinstance(found, Histogram)
        return found


class DayOfLosses(NamedTuple):
    """How many were lost in a day, of how many that stood at its start."""

    lost: int
    at_start: int


@dataclass(frozen=True, slots=True)
class View:
    """Every series as of ``time_us``, by name without prefix. ``start_us``: since when events are complete;
    ``starts``: the same for each kind of subject; ``losses``: days back of customers and subscriptions, where
    shards count by day."""

    time_us: int
    start_us: int
    tables: dict[str, Table]
    starts: dict[str, int] = field(default_factory=dict)
    losses: dict[str, tuple[DayOfLosses, ...]] = field(default_factory=dict)


def history_start_us(frozen: Sequence[Frozen]) -> int:
    """The earliest event over the shards, 0 = none."""
    return min((shard.start_us for shard in frozen if shard.start_us), default=0)


def starts_us(frozen: Sequence[Frozen]) -> dict[str, int]:
    """Kind of subject -> its earliest event over the shards; without those of which there is none."""
    starts: dict[str, int] = {}
    for shard in frozen:
        for kind, start_us in shard.starts.items():
            starts[kind] = min(start_us, starts.get(kind, start_us))
    return starts
