"""Where two sets of rows disagree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from streams.audit.rows import AUDITED
from streams.audit.windows import SECOND_US

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
    may be given for each label set or over all of them: they are compared where both sides give the same,
    and it is a difference when one side gives none at all.
    """
    left, right = _by_key(rows_a), _by_key(rows_b)
    offered = {_group_of(key) for key in left} & {_group_of(key) for key in right}
    differences = []
    for key in sorted(left.keys() | right.keys()):
        one_sided = key not in left or key not in right
        is_extra = one_sided and _is_derived(key[1]) and _group_of(key) in offered
        if not is_extra and not _agree(key[1], left.get(key), right.get(key)):
            differences.append(Difference(*key, left.get(key), right.get(key)))
    return differences


def _group_of(key: Key) -> Key:
    """The key without the labels that a mean or quantile may be broken down by."""
    time, metric, labels = key
    return time, metric, tuple(label for label in labels if label[0] in TOTAL_LABELS)


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


def _agree(metric: str, left: float | None, right: float | None) -> bool:
    if left is None or right is None:
        return False
    if metric.endswith("_mean"):
        return abs(left - right) <= MEAN_TOLERANCE * max(abs(left), abs(right))
    if _is_derived(metric):
        return abs(left - right) <= QUANTILE_TOLERANCE * max(abs(left), abs(right)) + 1 / SECOND_US
    return round(left * SECOND_US) == round(right * SECOND_US)
