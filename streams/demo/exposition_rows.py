"""What /metrics shows, as rows like a report's, so that the two can be compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

PREFIX = "deskpulse_"
#: what the text of a float may lose: a microsecond, a thousandth of a cent
_TOLERANCE = 1e-5


def rows_of_exposition(text: str, time: str) -> list[dict[str, Any]]:
    """Rows {"time", "metric", "labels", "value"} of the text format; ``le`` is written as reports write it."""
    rows = []
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = dict(sample.labels)
            if labels.get("le") not in (None, "+Inf"):
                labels["le"] = repr(float(labels["le"]))
            metric = sample.name.removeprefix(PREFIX)
            rows.append({"time": time, "metric": metric, "labels": labels, "value": sample.value})
    return rows


def total(text: str, name: str) -> float:
    """Sum of a series' samples, 0 where there are none."""
    return sum(_values(text, name))


def most(text: str, name: str) -> float:
    """Largest of a series' samples, 0 where there are none."""
    return max(_values(text, name), default=0.0)


def _values(text: str, name: str) -> Iterator[float]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == PREFIX + name:
                yield sample.value


def row_differences(wanted: Iterable[Mapping[str, Any]], found: Iterable[Mapping[str, Any]]) -> list[str]:
    """Rows of the metrics in ``wanted`` that ``found`` has not, has otherwise, or has besides; 0 is as good as
    absent."""
    left, right = _by_key(wanted), _by_key(found)
    metrics = {metric for metric, _ in left}
    keys = left.keys() | {key for key in right if key[0] in metrics}
    return [
        f"{metric}{dict(labels)}: {left.get((metric, labels), 0)} and {right.get((metric, labels), 0)}"
        for metric, labels in sorted(keys)
        if abs(left.get((metric, labels), 0) - right.get((metric, labels), 0)) > _TOLERANCE
    ]


def _by_key(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {(row["metric"], tuple(sorted(row["labels"].items()))): row["value"] for row in rows}
