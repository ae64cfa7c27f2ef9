"""Time to complete and render 10,000 business series, against prometheus_client on the same series.

Milliseconds, the median of the runs.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial

from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from bench.figure import figure
from metrics_core.grid import INTERVALS
from metrics_core.policy import WINDOWS, Policy
from metrics_core.series import Histogram, Series
from streams.serving.exposition import Family, Key, Rows, Value
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
    histograms: dict[Key, Value] = {
        (f"channel-{i % 8}", f"group-{i // 8}", "calendar", window): Histogram(
            [rng.randrange(2_000) for _ in range(INTERVALS)], rng.randrange(10**12)
        )
        for i in range(38)
        for window in WINDOWS
    }
    left = SERIES - len(histograms) * (INTERVALS + 2)
    gauges: dict[Key, Value] = {}
    for i in range(left // (len(FLOWS) * len(WINDOWS))):
        for flow in FLOWS:
            gauges[(f"channel-{i % 8}", f"group-{i // 8}", f"p{i % 4}", flow, "30d")] = rng.randrange(10**5)
    return [(FIRST_RESPONSE, histograms), (TICKETS, gauges)]


def median_ms(work: Callable[[], object]) -> float:
    """Median processor time of ``work`` in milliseconds."""
    times = []
    for _ in range(RUNS):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
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
        value = median_ms(partial(_ours, families, lines, openmetrics=form == "openmetrics"))
        baseline = median_ms(partial(_theirs, families, generate))
        figure(f"scrape_{form}_{SERIES}_series", value, "ms", baseline, "prometheus_client on the same series")


def _ours(families: Callable[[], list[Family]], lines: Lines, *, openmetrics: bool) -> bytes:
    return lines.render(families(), openmetrics=openmetrics).encode()


def _theirs(families: Callable[[], list[Family]], generate: Callable[..., bytes]) -> bytes:
    return generate(registry_of(to_metrics(families())))


if __name__ == "__main__":
    main()
