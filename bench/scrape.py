"""Time to complete and render 10,000 business series, against prometheus_client on the same series.

Prints one JSON line per format; value and baseline are milliseconds, the median of the runs.
"""

from __future__ import annotations

import json
import random
import statistics
import time
from collections.abc import Callable, Mapping

from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from metrics_core.grid import INTERVALS
from metrics_core.policy import WINDOWS, Policy
from metrics_core.series import Histogram, Series
from streams.serving.exposition import Family, Rows
from streams.serving.folding import Folding
from streams.serving.rendering import Lines, registry_of, to_metrics

SERIES = 10_000
RUNS = 15
FLOWS = ("created", "seeded", "resolved", "reopened", "escalated", "one_touch", "merged", "deleted", "spam")
TICKETS = Series(
    "tickets",
    "gauge",
    ("channel", "group", "priority", "flow", "window"),
    "Transitions of tickets",
    {"flow": FLOWS, "window": WINDOWS},
)
FIRST_RESPONSE = Series(
    "first_response_seconds", "histogram", ("channel", "group", "clock", "window"), "First response"
)


def tables(rng: random.Random) -> list[tuple[Series, Rows]]:
    """A helpdesk of 8 channels and 20 groups: about a third of the series in histograms, as in practice."""
    histograms = {
        (f"channel-{i % 8}", f"group-{i // 8}", "calendar", window): Histogram(
            [rng.randrange(2_000) for _ in range(INTERVALS)], rng.randrange(10**12)
        )
        for i in range(38)
        for window in WINDOWS
    }
    left = SERIES - len(histograms) * (INTERVALS + 2)
    gauges = {}
    for i in range(left // (len(FLOWS) * len(WINDOWS))):
        for flow in FLOWS:
            gauges[(f"channel-{i % 8}", f"group-{i // 8}", f"p{i % 4}", flow, "30d")] = rng.randrange(10**5)
    return [(FIRST_RESPONSE, histograms), (TICKETS, gauges)]


def median_ms(work: Callable[[], object]) -> float:
    """Median wall time of ``work`` in milliseconds."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e3


def main() -> None:
    """Run both formats."""
    made = tables(random.Random(1))
    folding, lines = Folding(Policy(), 50_000), Lines()

    def families() -> list[Family]:
        return folding.with_zeros(folding.fold(made, ready=True), [()] * len(made), ready=True)

    size = sum(family.size for family in families())
    assert 0.98 * SERIES < size <= SERIES, size
    generators: Mapping[str, Callable[..., bytes]] = {
        "text": generate_latest,
        "openmetrics": generate_openmetrics,
    }
    for form, generate in generators.items():
        openmetrics = form == "openmetrics"
        value = median_ms(lambda om=openmetrics: lines.render(families(), openmetrics=om).encode())
        baseline = median_ms(lambda make=generate: make(registry_of(to_metrics(families()))))
        print(
            json.dumps(
                {
                    "bench": f"scrape_{form}_{SERIES}_series",
                    "value": round(value, 2),
                    "unit": "ms",
                    "baseline": round(baseline, 2),
                    "ratio": round(baseline / value, 2),
                }
            )
        )


if __name__ == "__main__":
    main()
