"""The grid of durations: exact histogram edges, and finer cells between them for quantiles.

Every cell lies within one histogram interval, so that counts per edge follow exactly from counts per cell.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise

from metrics_core.times import SECOND_US

#: the histogram edges of the metric specification, in seconds; +Inf follows
EDGES_S: tuple[int, ...] = (
    30, 60, 120, 240, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800, 259200,
    604800, 1209600, 2592000,
)  # fmt: skip
EDGES_US: tuple[int, ...] = tuple(edge * SECOND_US for edge in EDGES_S)
INTERVALS = len(EDGES_S) + 1

#: neighbouring cell bounds differ by at most this ratio, so a cell's middle is within 1 % of all it holds
_RATIO = 1.0198
#: durations above it (about 317 years) share the last cell
_LONGEST_US = 10**16


def _cell_bounds() -> list[int]:
    """Upper bounds of the cells in microseconds, ascending, every edge among them; cell 0 holds 0 alone."""
    bounds = [0]
    for low, high in pairwise((1, *EDGES_US, _LONGEST_US)):
        if low == 1:
            bounds.append(1)
        steps = math.ceil(math.log(high / low) / math.log(_RATIO))
        for step in range(1, steps):
            bound = int(low * (high / low) ** (step / steps))
            if bound > bounds[-1]:
                bounds.append(bound)
        bounds.append(high)
    return bounds


BOUNDS_US: list[int] = _cell_bounds()
CELLS = len(BOUNDS_US)
assert CELLS < 4096, "a cell must fit the 12 bits that a fact key keeps for it"


def cell_of(duration_us: int) -> int:
    """The cell of a duration in microseconds (0 or more): the first whose bound is not below it."""
    return bisect_left(BOUNDS_US, duration_us) if duration_us < _LONGEST_US else CELLS - 1


#: histogram interval (0 to INTERVALS - 1) of each cell
INTERVAL_OF_CELL: tuple[int, ...] = tuple(bisect_left(EDGES_US, bound) for bound in BOUNDS_US)
#: what an order statistic in the cell is taken to be, in seconds: the harmonic mean of the least and the largest
#: that it holds, which is as far from one as from the other in proportion
VALUE_S_OF_CELL: tuple[float, ...] = (
    0.0,
    *(2 * (low + 1) * high / (low + 1 + high) / SECOND_US for low, high in pairwise(BOUNDS_US)),
)


def quantile_s(cells: Iterable[tuple[int, int]], q: float) -> float | None:
    """Quantile in seconds from (cell, count) pairs: linear interpolation between the two neighbouring order
    statistics at rank (n - 1) q, each within 1 %. None for no observations."""
    ordered = sorted((cell, count) for cell, count in cells if count > 0)
    n = sum(count for _, count in ordered)
    if n == 0:
        return None
    rank = (n - 1) * q
    lower = math.floor(rank)
    below = _order_statistic(ordered, lower)
    above = _order_statistic(ordered, min(lower + 1, n - 1))
    return below + (above - below) * (rank - lower)


def _order_statistic(ordered: list[tuple[int, int]], rank: int) -> float:
    seen = 0
    for cell, count in ordered:
        seen += count
        if rank < seen:
            return VALUE_S_OF_CELL[cell]
    raise AssertionError("rank beyond the observations")
