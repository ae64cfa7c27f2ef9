"""What /metrics shows, as rows like a report's, so that the two can be compared."""

from __future__ import annotations

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

PREFIX = "deskpulse_"


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
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == PREFIX + name
    )


def most(text: str, name: str) -> float:
    """Largest of a series' samples, 0 where there are none."""
    return max(
        (
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == PREFIX + name
        ),
        default=0.0,
    )
