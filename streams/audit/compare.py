"""Where two sets of rows disagree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from streams.audit.rows import AUDITED, SECOND_US

QUANTILE_TOLERANCE = 0.01  # reports may take quantiles from a sketch that is good to 1 %
MEAN_TOLERANCE = 1e-9  # the same integers divided in another order

TOTAL_LABELS = frozenset(("window", "clock", "resolution"))

Key = tuple[str, str, tuple[tuple[str, str], ...]]  # time, metric, labels by name


@dataclass(frozen=True)
class Difference:
    """One metric and label set on which two results disagree; None where a side has no value."""

    time: str
    metric: str
    labels: tuple[tuple[str, str], ...]
    left: float | None
    right: float | None

    def __str__(self) -> str:
        labels = ",".join(f'{name}="{value}"' for name, value in self.labels)
        return f"{self.metric}{{{labels}}} @ {self.time}: {self.left} and {self.right}"


def compare(rows_a: Iterable[Mapping[str, Any]], rows_b: Iterable[Mapping[str, Any]]) -> list[Difference]:
    """The differences between two results, in the metrics that the audit knows; empty when they agree.

    Counts, sums and timestamps must be equal (to the microsecond), quantiles within 1 %. A count that one
    side leaves out is 0: which zeros are shown is a matter of exposition, not of truth. Means and quantiles
    over all label sets must be on both sides; those of a single label set are compared where both give them.
    """
    left, right = _by_key(rows_a), _by_key(rows_b)
    return [
        Difference(*key, left.get(key), right.get(key))
        for key in sorted(left.keys() | right.keys())
        if not _is_extra(key, left, right) and not _agree(key[1], left.get(key), right.get(key))
    ]


def _by_key(rows: Iterable[Mapping[str, Any]]) -> dict[Key, float]:
    values: dict[Key, float] = {}
    for row in rows:
        metric = row["metric"]
        if metric not in AUDITED or (row["value"] == 0 and not _is_derived(metric)):
            continue
        key = (row["time"], metric, tuple(sorted(row["labels"].items())))
        if key in values:
            raise ValueError(f"two rows of one result have the same key: {key}")
        values[key] = row["value"]
    return values


def _is_derived(metric: str) -> bool:
    return metric.endswith(("_mean", "_p50", "_p90"))


def _is_extra(key: Key, left: Mapping[Key, float], right: Mapping[Key, float]) -> bool:
    """Whether this is a mean or quantile of one label set that only one side offers."""
    _, metric, labels = key
    broken_down = any(name not in TOTAL_LABELS for name, _ in labels)
    return _is_derived(metric) and broken_down and (key not in left or key not in right)


def _agree(metric: str, left: float | None, right: float | None) -> bool:
    if left is None or right is None:
        return False
    if metric.endswith("_mean"):
        return abs(left - right) <= MEAN_TOLERANCE * max(abs(left), abs(right))
    if _is_derived(metric):
        return abs(left - right) <= QUANTILE_TOLERANCE * max(abs(left), abs(right)) + 1 / SECOND_US
    return round(left * SECOND_US) == round(right * SECOND_US)
