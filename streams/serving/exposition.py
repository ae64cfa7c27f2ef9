"""From a view to the rows that are exposed: folded to their bounds, completed with zeros.

A board that divides or sums must find its zeros, so a label set seen in any window is shown in every window
and with every value of its closed label sets. What exceeds a bound is summed into `other`, never dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple, TypeAlias

from metrics_core.catalog import all_series
from metrics_core.grid import INTERVALS
from metrics_core.labels import NONE
from metrics_core.policy import WINDOWS, Policy
from metrics_core.series import Histogram, Series

PREFIX = "deskpulse_"
#: a label value that stands for all those beyond a bound
OTHER = "other"
#: summing over these would be wrong, not merely coarse: money of two currencies, the parts of two policies
NEVER_FOLDED = frozenset({"currency", "policy", "scale", "target"})
#: `_bucket` for each interval of the grid, `_gcount`, `_gsum`
SERIES_A_HISTOGRAM = INTERVALS + 2

Value: TypeAlias = int | float | Histogram
Key: TypeAlias = tuple[str, ...]
Rows: TypeAlias = Mapping[Key, Value]
#: one series and its rows as a view has them
Table: TypeAlias = tuple[Series, Rows]


class Family(NamedTuple):
    """One exposed series and its rows; a row's key holds label values in the order of ``series.labels``."""

    series: Series
    rows: Rows

    @property
    def size(self) -> int:
        """Number of series it takes in Prometheus."""
        return len(self.rows) * (SERIES_A_HISTOGRAM if self.series.kind == "histogram" else 1)


def enums_of(series: Series) -> dict[str, tuple[str, ...]]:
    """Closed label sets of a series, the windows among them."""
    known = {"window": WINDOWS, **series.enums}
    return {label: known[label] for label in series.labels if label in known}


def open_positions(series: Series) -> tuple[int, ...]:
    """Places of the labels whose values are not known beforehand."""
    enums = enums_of(series)
    return tuple(i for i, label in enumerate(series.labels) if label not in enums)


def bounded_labels(policy: Policy) -> frozenset[str]:
    """Labels whose values are shown up to a limit, the rest as OTHER: what ``policy.label_values`` may list."""
    every = {series.labels[at] for series in all_series(policy) for at in open_positions(series)}
    return frozenset(every - NEVER_FOLDED)


def shared_label_sets(tables: Sequence[Table], labels: Collection[str]) -> frozenset[Key]:
    """Label sets of every count that carries just the open ``labels`` (those of a ticket), in the order of
    ``labels``: a group whose last open ticket is resolved reads 0 and does not vanish from the board."""
    sets: set[Key] = set()
    for series, rows in tables:
        if is_shared(series, labels):
            places = [series.labels.index(label) for label in labels]
            sets.update({tuple([key[i] for i in places]) for key in rows})
    return frozenset(sets)


def is_shared(series: Series, labels: Collection[str]) -> bool:
    """Whether a series is a count by ``labels`` and closed labels only."""
    if series.kind == "histogram" or series.merge == "min" or not labels:
        return False
    return {series.labels[i] for i in open_positions(series)} == set(labels)


def complete(
    series: Series,
    rows: Rows,
    *,
    ready: bool,
    withheld: Collection[Key] = (),
    shared: Collection[Key] = (),
    shared_labels: Sequence[str] = (),
) -> Family:
    """Add the zeros that belong beside ``rows``.

    ``shared`` holds label sets (values of ``shared_labels``) that other series have shown. A family of counts
    without any row gets zero rows labelled `none` once the worker is ``ready``; histograms without observations
    and timestamps of nothing are left out. ``withheld`` holds (window,) or (window, period) values that are not
    true yet (the history does not reach so far): they must not turn into zeros.
    """
    if series.kind == "histogram":
        return Family(series, {key: h for key, h in rows.items() if isinstance(h, Histogram) and h.count})
    if series.merge == "min":
        return Family(series, rows)
    places = open_positions(series)
    seen = sorted(_seen(series, rows, shared, shared_labels, ready=ready))
    full: dict[Key, Value] = {}
    for key in _combinations(series, places, seen, frozenset(withheld)):
        full[key] = rows.get(key, 0)
    for key, value in rows.items():
        full.setdefault(key, value)
    return Family(series, full)


def _seen(
    series: Series, rows: Rows, shared: Collection[Key], shared_labels: Sequence[str], *, ready: bool
) -> set[Key]:
    """Open label values that a count is shown for."""
    places = open_positions(series)
    seen = {tuple([key[i] for i in places]) for key in rows}
    if shared and is_shared(series, shared_labels):
        order = [shared_labels.index(series.labels[i]) for i in places]
        seen.update({tuple([key[i] for i in order]) for key in shared})
    if not seen and ready:
        seen.add((NONE,) * len(places))
    return seen


def _combinations(
    series: Series, places: Sequence[int], seen: Sequence[Key], withheld: frozenset[Key]
) -> Iterator[Key]:
    """Every row that belongs to the open label values ``seen``, in a steady order."""
    enums = enums_of(series)
    order = [*places, *(i for i, label in enumerate(series.labels) if label in enums)]
    back = [order.index(i) for i in range(len(order))]
    closed = [
        combination
        for combination in product(*enums.values())
        if not (withheld and _time_part(dict(zip(enums, combination, strict=True))) in withheld)
    ]
    for opened in seen:
        fitting = closed
        for label, narrowed in series.narrowed.items():
            at, by = list(enums).index(label), opened[[series.labels[i] for i in places].index(narrowed.by)]
            fitting = [one for one in fitting if one[at] in narrowed.values(by)]
        for combination in fitting:
            row = (*opened, *combination)
            yield tuple([row[i] for i in back])


def _time_part(values: Mapping[str, str]) -> Key:
    return tuple(values[label] for label in ("window", "period") if label in values)


def count_series(
    series: Series,
    rows: Rows,
    *,
    ready: bool,
    shared: Collection[Key] = (),
    shared_labels: Sequence[str] = (),
) -> int:
    """How many series ``complete`` would make of these rows, without making them."""
    if series.kind == "histogram":
        return SERIES_A_HISTOGRAM * sum(isinstance(h, Histogram) and h.count > 0 for h in rows.values())
    if series.merge == "min":
        return len(rows)
    return len(_seen(series, rows, shared, shared_labels, ready=ready)) * closed_size(series)


def closed_size(series: Series) -> int:
    """Number of combinations of a series' closed label values."""
    size = 1
    for label, values in enums_of(series).items():
        size *= len(series.narrowed[label].usual if label in series.narrowed else values)
    return size
