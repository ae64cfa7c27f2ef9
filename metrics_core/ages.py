"""Who has been there for how long: sorted start times per label, so that any moment can be asked.

Ages move by themselves. Instead of a timer per ticket, a question "how many began before b" is one bisection per
label, whatever the moment; the cost grows with labels and days, not with tickets.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from metrics_core.grid import EDGES_US, INTERVALS
from metrics_core.times import DAY_US

#: starts of one label that are looked at one by one: fewer than that cost less than a walk along the grid
_FEW = 40


class Ages(NamedTuple):
    """Ages of one label at one moment: count per grid interval, their sum and the earliest start (us)."""

    counts: list[int]
    sum_us: int
    oldest_us: int


class _Starts:
    """Starts of one label: sorted per day, with their number and sum."""

    __slots__ = ("count", "days", "sum_us")

    def __init__(self) -> None:
        self.days: dict[int, array[int]] = {}
        self.count = 0
        self.sum_us = 0


#: starts that are put into order in one step, of about a millisecond
_SORTED_STARTS = 4_096


class AgeIndex:
    """Multiset of (label, start_us) pairs, split by day so that an insertion moves little."""

    def __init__(self) -> None:
        self._labels: dict[int, _Starts] = {}
        #: what ``add_all`` has put in and ``sort`` has not
        self._unsorted: dict[int, array[int]] = {}

    def add(self, label: int, start_us: int) -> None:
        """Put one start in."""
        of_label = self._labels.get(label)
        if of_label is None:
            of_label = self._labels[label] = _Starts()
        day = start_us // DAY_US
        starts = of_label.days.get(day)
        if starts is None:
            of_label.days[day] = array("q", (start_us,))
        elif start_us >= starts[-1]:
            starts.append(start_us)
        else:
            insort(starts, start_us)
        of_label.count += 1
        of_label.sum_us += start_us

    def add_all(self, label: int, starts_us: Sequence[int]) -> None:
        """Put many in; ``sort`` must follow before anything else is asked or done."""
        unsorted = self._unsorted.get(label)
        if unsorted is None:
            self._unsorted[label] = array("q", starts_us)
        else:
            unsorted.extend(starts_us)

    def sort(self) -> Iterator[None]:
        """Put what ``add_all`` has put in into order, in short steps."""
        while self._unsorted:
            label, starts = self._unsorted.popitem()
            of_label = self._labels.get(label)
            if of_label is None:
                of_label = self._labels[label] = _Starts()
            of_label.count += len(starts)
            yield from _put_in(of_label, starts)

    def remove(self, label: int, start_us: int) -> None:
        """Take one start out; it must be in."""
        of_label = self._labels[label]
        day = start_us // DAY_US
        starts = of_label.days[day]
        at = bisect_left(starts, start_us)
        assert starts[at] == start_us, "a start that was never put in"
        del starts[at]
        of_label.count -= 1
        of_label.sum_us -= start_us
        if not starts:
            del of_label.days[day]
            if not of_label.days:
                del self._labels[label]

    def count_before(self, label: int, moment_us: int) -> int:
        """How many of a label began before a moment."""
        of_label = self._labels.get(label)
        if of_label is None:
            return 0
        day = moment_us // DAY_US
        running = of_label.days.get(day)
        before = sum([len(starts) for index, starts in of_label.days.items() if index < day])
        return before + (bisect_left(running, moment_us) if running else 0)

    def counts_before(self, moment_us: int) -> dict[int, int]:
        """How many began before a moment, per label."""
        return {label: self.count_before(label, moment_us) for label in self._labels}

    def counts_before_each(self, moments_us: Sequence[int]) -> dict[int, list[int]]:
        """How many began before each moment, per label that has any before one; the first moment is the latest."""
        latest_us, none = moments_us[0], [0] * len(moments_us)
        out: dict[int, list[int]] = {}
        for label, of_label in self._labels.items():
            for starts in of_label.days.values():
                first_us = starts[0]
                if first_us >= latest_us:
                    continue
                counts = out.get(label)
                if counts is None:
                    counts = out[label] = none.copy()
                last_us = starts[-1]
                for at, moment_us in enumerate(moments_us):
                    if first_us >= moment_us:
                        continue
                    counts[at] += len(starts) if last_us < moment_us else bisect_left(starts, moment_us)
        return out

    def counts(self) -> dict[int, int]:
        """How many there are, per label."""
        return {label: starts.count for label, starts in self._labels.items()}

    def oldest(self) -> dict[int, int]:
        """Earliest start per label, in microseconds since the epoch."""
        return {label: starts.days[min(starts.days)][0] for label, starts in self._labels.items()}

    def ages(self, time_us: int) -> dict[int, Ages]:
        """Per label, how old all are at ``time_us``; what begins later has age 0."""
        return {label: _ages(starts, time_us) for label, starts in self._labels.items()}


def _put_in(of_label: _Starts, starts: array[int]) -> Iterator[None]:
    """Split starts by day, in any order, and leave the days sorted."""
    days, mixed = of_label.days, set()
    for begin in range(0, len(starts), _SORTED_STARTS):
        run = sorted(starts[begin : begin + _SORTED_STARTS])
        of_label.sum_us += sum(run)
        at = 0
        while at < len(run):
            day = run[at] // DAY_US
            end = bisect_left(run, (day + 1) * DAY_US, at)
            if day in days:
                days[day].extend(run[at:end])
                mixed.add(day)
            else:
                days[day] = array("q", run[at:end])
            at = end
        yield
    for day in mixed:
        days[day] = array("q", sorted(days[day]))
        yield


def _ages(of_label: _Starts, time_us: int) -> Ages:
    days = of_label.days
    if of_label.count <= _FEW:
        return _ages_of_few(days, time_us)
    order = sorted(days)
    # starts before time - edge are older than the edge; walk the edges from the oldest down
    older = [0] * len(EDGES_US)
    seen, position = 0, 0
    for edge in range(len(EDGES_US) - 1, -1, -1):
        before_us = time_us - EDGES_US[edge]
        before_day = before_us // DAY_US
        while position < len(order) and order[position] < before_day:
            seen += len(days[order[position]])
            position += 1
        older[edge] = seen
        if position < len(order) and order[position] == before_day:
            older[edge] += bisect_left(days[before_day], before_us)
    total = of_label.count
    counts = [0] * INTERVALS
    counts[-1] = older[-1]
    for edge in range(len(EDGES_US) - 1, 0, -1):
        counts[edge] = older[edge - 1] - older[edge]
    counts[0] = total - older[0]
    sum_us = total * time_us - of_label.sum_us
    for day in reversed(order):
        if (day + 1) * DAY_US <= time_us:
            break
        sum_us += sum(start - time_us for start in days[day] if start > time_us)
    return Ages(counts, sum_us, days[order[0]][0])


def _ages_of_few(days: dict[int, array[int]], time_us: int) -> Ages:
    """The same, one by one."""
    counts, sum_us = [0] * INTERVALS, 0
    for starts in days.values():
        for start_us in starts:
            age_us = time_us - start_us
            if age_us > 0:
                counts[bisect_left(EDGES_US, age_us)] += 1
                sum_us += age_us
            else:
                counts[0] += 1
    return Ages(counts, sum_us, days[min(days)][0])
