"""Bounds on what is exposed: label values beyond a limit are shown as `other`, steadily over time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import structlog

from metrics_core.labels import NONE
from metrics_core.policy import Policy
from metrics_core.series import Histogram, Series
from streams.serving.exposition import (
    NEVER_FOLDED,
    OTHER,
    SERIES_A_HISTOGRAM,
    Family,
    Key,
    Rows,
    Table,
    Value,
    closed_size,
    complete,
    count_series,
    open_positions,
    shared_label_sets,
)

log = structlog.get_logger(__name__)


class Folding:
    """Which label values are shown; a value once shown stays, unless the budget forces its label to shrink.

    Those that the policy lists come first, then those seen first (within one view: by name, so that a restart
    does not depend on the order of partitions). A limit only ever falls within a process: a series that came
    and went with the load would be worse than one that is missing steadily.
    """

    def __init__(self, policy: Policy, series_budget: int) -> None:
        self._limit = policy.label_limit
        self._shared_labels = policy.gauge_labels
        self._budget = series_budget
        self._listed = policy.label_values
        self._limits: dict[str, int] = {}
        #: values shown, in order of admission; listed values hold their places from the start
        self._shown: dict[str, list[str]] = {}
        #: series of the last view that are shown as part of `other` only
        self.folded_series = 0

    def fold(self, tables: Sequence[Table], *, ready: bool) -> list[Table]:
        """The same tables with label values folded to the limits, and the limits lowered to the budget."""
        self._admit(tables)
        folded = self._apply(tables)
        total = self._total(folded, ready=ready)
        while total > self._budget:
            label = max(self._shown, key=lambda name: (len(self._shown[name]), name), default=None)
            if label is None or not self._shown[label]:
                log.error("series_over_budget", series=total, budget=self._budget)
                break
            self._limits[label] = len(self._shown[label]) // 2
            self._shown[label] = self._shown[label][: self._limits[label]]
            log.warning("label_folded", label=label, values_shown=self._limits[label], series=total)
            folded = self._apply(tables)
            total = self._total(folded, ready=ready)
        return folded

    def with_zeros(
        self, tables: Sequence[Table], withheld: Sequence[Collection[Key]], *, ready: bool
    ) -> list[Family]:
        """Folded tables with their zeros; ``withheld`` is said for each table."""
        labels = self._shared_labels
        shared = shared_label_sets(tables, labels)
        return [
            complete(series, rows, ready=ready, withheld=held, shared=shared, shared_labels=labels)
            for (series, rows), held in zip(tables, withheld, strict=True)
        ]

    def _total(self, tables: Sequence[Table], *, ready: bool) -> int:
        labels = self._shared_labels
        shared = shared_label_sets(tables, labels)
        return sum(
            count_series(series, rows, ready=ready, shared=shared, shared_labels=labels) for series, rows in tables
        )

    def _admit(self, tables: Sequence[Table]) -> None:
        fresh: dict[str, set[str]] = {}
        for series, rows in tables:
            for i in _folding_positions(series):
                fresh.setdefault(series.labels[i], set()).update({key[i] for key in rows})
        for label, values in fresh.items():
            limit = self._limits.get(label, self._limit)
            shown = self._shown.setdefault(label, list(self._listed.get(label, ()))[:limit])
            room = limit - len(shown)
            if room > 0:
                shown.extend(sorted(values - set(shown) - {NONE, OTHER})[:room])

    def _apply(self, tables: Sequence[Table]) -> list[Table]:
        shown = {label: frozenset((*values, NONE, OTHER)) for label, values in self._shown.items()}
        self.folded_series = 0
        return [(series, self._fold_rows(series, rows, shown)) for series, rows in tables]

    def _fold_rows(self, series: Series, rows: Rows, shown: Mapping[str, frozenset[str]]) -> Rows:
        places = [(i, shown[series.labels[i]]) for i in _folding_positions(series)]
        if all(key[i] in names for i, names in places for key in rows):
            return rows
        folded: dict[Key, Value] = {}
        gone: set[Key] = set()
        opened = open_positions(series)
        for key, value in rows.items():
            name = list(key)
            for i, names in places:
                if key[i] not in names:
                    name[i] = OTHER
            short = tuple(name)
            if short != key:
                gone.add(tuple(key[i] for i in opened))
            folded[short] = _merge(series, folded[short], value) if short in folded else value
        size = SERIES_A_HISTOGRAM if series.kind == "histogram" else closed_size(series)
        self.folded_series += len(gone) * size
        return folded


def _folding_positions(series: Series) -> list[int]:
    return [i for i in open_positions(series) if series.labels[i] not in NEVER_FOLDED]


def _merge(series: Series, left: Value, right: Value) -> Value:
    """Both values as one; neither argument is changed, for they belong to the view."""
    if isinstance(left, Histogram) or isinstance(right, Histogram):
        assert isinstance(left, Histogram) and isinstance(right, Histogram), series.name  # noqa: PT018
        counts = [a + b for a, b in zip(left.counts, right.counts, strict=True)]
        return Histogram(counts, left.sum_us + right.sum_us)
    return min(left, right) if series.merge == "min" else left + right
