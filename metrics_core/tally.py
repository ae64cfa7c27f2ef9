"""Facts that wait to be counted, by pane of the finest ring."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from metrics_core.counts import Counts, merge_counts
from metrics_core.facts import SUM, Facts
from metrics_core.grid import EDGES_US, cell_of

if TYPE_CHECKING:
    from metrics_core.panes import Ring

_NOTHING: Counts = {}


class Tally:
    """What waits to be counted; metrics_core/native/tally.pyx is the same in C.

    ``width_us``: of a pane; ``fine``: durations by the cells of the grid, else by its edges.
    """

    def __init__(self, width_us: int, *, fine: bool) -> None:
        self._width_us = width_us
        # without a frame of Python's own: asked once a duration
        self._cell_of: Callable[[int], int] = cell_of if fine else partial(bisect_left, EDGES_US)
        #: facts taken in since the last ``take``
        self.waiting = 0
        self._waiting: dict[int, Counts] = {}

    def add(self, facts: Facts) -> None:
        """Take the counts and durations in."""
        waiting, width_us = self._waiting, self._width_us
        at_us, counts = -1, _NOTHING
        for key, time_us, n in facts.counts:
            if time_us is not at_us:  # the facts of one event carry the very same number
                at_us = time_us
                counts = waiting.setdefault(time_us // width_us, {})
            if key in counts:
                counts[key] += n
            else:
                counts[key] = n
        cell = self._cell_of
        for key, time_us, lasted_us, n in facts.durations:
            if time_us is not at_us:
                at_us = time_us
                counts = waiting.setdefault(time_us // width_us, {})
            key_sum = key + SUM
            key |= cell(lasted_us)
            if key in counts:
                counts[key] += n
            else:
                counts[key] = n
            if key_sum in counts:
                counts[key_sum] += n * lasted_us
            else:
                counts[key_sum] = n * lasted_us
        self.waiting += len(facts.counts) + len(facts.durations)

    def take(self) -> dict[int, Counts]:
        """Counts by pane of all that waited; nothing waits then."""
        counts, self._waiting, self.waiting = self._waiting, {}, 0
        return counts

    def count_into(self, rings: Sequence[Ring], ever: Counts | None) -> None:
        """Count all that waited into the rings' panes, where these are not too old, and into ``ever`` in any case;
        nothing waits then. A ring's panes are whole panes of the one before."""
        counts = self.take()
        for finer, wider in pairwise(rings):
            counts = _widen(counts, finer, wider.width_us // finer.width_us)
        widest = rings[-1]
        for index, of_pane in counts.items():
            if ever is not None:
                merge_counts(ever, of_pane)
            if index >= widest.floor:
                widest.take(index, of_pane)


def _widen(counts: dict[int, Counts], ring: Ring, panes: int) -> dict[int, Counts]:
    """Count into a ring what is not too old for it; returns all of it by pane of the next ring, ``panes`` times as
    wide."""
    floor = ring.floor
    wide: dict[int, Counts] = {}
    for index, of_pane in counts.items():
        known = wide.get(index // panes)
        if known is not None:
            merge_counts(known, of_pane)
        if index >= floor:
            if known is None:
                wide[index // panes] = of_pane.copy()
            ring.take(index, of_pane)
        elif known is None:
            wide[index // panes] = of_pane
    return wide
