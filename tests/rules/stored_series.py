"""Made-up scrapes of two workers, stored in blocks that a real Prometheus opens, and the view that they add up to.

Each case lies at a moment of its own, further from the next than Prometheus looks back.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from debian_programs import promtool

from metrics_core.catalog import all_series
from metrics_core.derived import DERIVED
from metrics_core.derived.formulas import OlderThan, Quantile, Term, parts_of
from metrics_core.derived.rules import TOPICS
from metrics_core.families.base import PERIODS
from metrics_core.grid import EDGES_S, INTERVALS
from metrics_core.policy import WINDOWS, Policy
from metrics_core.series import Histogram, Series
from metrics_core.times import SECOND_US
from metrics_core.view import LabelValues, Table, View
from streams.serving.pipeline import WINDOW_S
from streams.serving.rendering import LE

PARTITIONS = 4
#: an instant query takes the newest sample of the last five minutes
APART_S = 600
START_S = 1_767_225_600
#: label values of open label sets
OPEN_VALUES = {
    "currency": ("EUR", "USD"),
    "scale": ("5", "10"),
    "survey": ("csat", "nps", "ces", "brand", "competitor"),
}
#: rows of one series in one case, about
ROWS = 120

Value = int | float | Histogram
Rows = dict[LabelValues, Value]


@cache
def series_used() -> dict[str, Series]:
    """Series that a derived metric reads, and one that merges as the least."""
    known = {one.name: one for one in all_series(Policy())}
    kinds = Term | Quantile | OlderThan
    names = {part.series for metric in DERIVED for part in parts_of(metric.formula) if isinstance(part, kinds)}
    return {name: known[name] for name in sorted({*names, "oldest_open_timestamp_seconds"})}


@dataclass
class Scrape:
    """What one worker shows: rows by series, and its own state."""

    rows: dict[str, Rows] = field(default_factory=dict)
    #: topic -> partitions whose values are part of it
    ready: dict[str, tuple[int, ...]] = field(default_factory=dict)
    partitions: int = PARTITIONS
    policy: str = "0123456789abcdef"
    #: kinds of subjects that it has events of
    subjects: tuple[str, ...] = ()


@dataclass
class Case:
    """Scrapes at one moment, and the view of all partitions together."""

    name: str
    scrapes: list[Scrape]
    view: View
    time_s: int = 0


def halves() -> list[dict[str, tuple[int, ...]]]:
    """Both topics shared by two workers."""
    return [dict.fromkeys(TOPICS.values(), share) for share in ((0, 2), (1, 3))]


def made_up(seed: int, *, density: float = 0.5) -> Case:
    """Any rows may be missing or 0 at either worker, and any window's past unknown."""
    chance = random.Random(seed)
    used = series_used()
    unknown = {
        history: {(window, period) for window in WINDOWS for period in PERIODS if chance.random() < 0.25}
        for history in sorted({series.history for series in used.values()})
    }
    subjects = tuple(history for history in unknown if history)
    scrapes = [Scrape(ready=ready, subjects=subjects) for ready in halves()]
    for name, series in used.items():
        withheld = _withheld(series, unknown[series.history])
        for scrape in scrapes:
            scrape.rows[name] = _made_up_rows(chance, series, withheld, density)
    return Case(
        f"made up {seed}",
        scrapes,
        view_of(scrapes, {name: _withheld(s, unknown[s.history]) for name, s in used.items()}),
    )


def view_of(scrapes: Sequence[Scrape], withheld: dict[str, set[LabelValues]] | None = None) -> View:
    """The sum of what the workers show, as one view of all partitions would have it."""
    tables = {}
    for name, series in series_used().items():
        table = tables[name] = Table(series, withheld=(withheld or {}).get(name, set()))
        for scrape in scrapes:
            for row, value in scrape.rows.get(name, {}).items():
                if isinstance(value, Histogram):
                    table.histogram(row).add(value)
                else:
                    table.add(row, value)
    return View(START_S * SECOND_US, 1, tables)


def _withheld(series: Series, unknown: set[tuple[str, str]]) -> set[LabelValues]:
    if series.at_start and "period" not in series.labels:
        return {(window,) for window, period in unknown if period == "now"}
    if "period" in series.labels:
        return {one for one in unknown if series.at_start or one[1] == "before"}
    return set()


def _time_part(series: Series, row: LabelValues) -> LabelValues:
    return tuple(row[series.labels.index(label)] for label in ("window", "period") if label in series.labels)


def _made_up_rows(chance: random.Random, series: Series, withheld: set[LabelValues], density: float) -> Rows:
    every = [row for row in itertools.product(*_choices(series)) if _time_part(series, row) not in withheld]
    share = density * min(1, ROWS / max(len(every), 1))
    rows = {row: _made_up_value(chance, series) for row in every if chance.random() < share}
    if series.at_start or "period" in series.labels:
        # a worker shows at least one row of what it does not withhold
        for time_part in dict.fromkeys(_time_part(series, row) for row in every):
            row = chance.choice([row for row in every if _time_part(series, row) == time_part])
            rows.setdefault(row, 0)
    return rows


def _choices(series: Series) -> Iterator[tuple[str, ...]]:
    for label in series.labels:
        yield series.enums.get(label) or (WINDOWS if label == "window" else OPEN_VALUES.get(label, ("x", "none")))


def _made_up_value(chance: random.Random, series: Series) -> Value:
    if series.kind == "histogram":
        counts = [chance.choice((0, 0, 0, 1, chance.randrange(40))) for _ in range(INTERVALS)]
        return Histogram(counts, sum(counts) * chance.randrange(10**10))
    if chance.random() < 0.2:
        return 0
    if series.leaves_as != "is":
        return round(chance.uniform(-500, 5000), 2)
    return chance.randrange(1, 1000)


def lines_of(case: Case) -> Iterator[str]:
    """A case as OpenMetrics with timestamps."""
    used = series_used()
    for number, scrape in enumerate(case.scrapes):
        target = {"job": "deskpulse", "instance": f"worker-{number}"}

        def line(name: str, labels: dict[str, str], value: float, target: dict[str, str] = target) -> str:
            inner = ",".join(f'{label}="{text}"' for label, text in (labels | target).items())
            return f"deskpulse_{name}{{{inner}}} {value!r} {case.time_s}"

        for name, rows in scrape.rows.items():
            for row, value in rows.items():
                labels = dict(zip(used[name].labels, row, strict=True))
                if not isinstance(value, Histogram):
                    yield line(name, labels, value)
                elif value.count:
                    for le, count in zip(LE, value.cumulative(), strict=True):
                        yield line(f"{name}_bucket", {**labels, "le": le}, count)
                    yield line(f"{name}_gcount", labels, value.count)
                    yield line(f"{name}_gsum", labels, value.sum_us / SECOND_US)
        for topic, ready in scrape.ready.items():
            yield line("topic_partitions", {"topic": topic}, scrape.partitions)
            for partition in sorted({*range(scrape.partitions), *ready}):
                yield line(
                    "partition_ready",
                    {"topic": topic, "partition": str(partition)},
                    float(partition in ready),
                )
        for subject in scrape.subjects:
            yield line("subject_history_start_timestamp_seconds", {"subject": subject}, 1.0)
        yield line("history_start_timestamp_seconds", {}, 1.0)
        yield line("metric_spec_info", {"version": "1", "policy": scrape.policy}, 1.0)
        for window, length_s in WINDOW_S.items():
            yield line("window_seconds", {"window": window}, length_s)


def store(cases: Sequence[Case], folder: Path) -> None:
    """Give each case its moment, and write them all as blocks under ``folder``/tsdb."""
    for number, case in enumerate(cases):
        case.time_s = START_S + number * APART_S
    text = "\n".join(line for case in cases for line in lines_of(case))
    file = folder / "series.om"
    file.write_text(f"{text}\n# EOF\n")
    made = promtool("tsdb", "create-blocks-from", "openmetrics", str(file), str(folder / "tsdb"))
    assert made.returncode == 0, made.stdout + made.stderr


def coarse_quantile(counts: Sequence[int], q: float) -> float | None:
    """What Prometheus makes of a histogram: linear within the bucket that holds rank q n (promql/quantile.go)."""
    n = sum(counts)
    if n == 0:
        return None
    rank, below = q * n, 0
    for at, count in enumerate(counts[:-1]):
        if below + count >= rank:
            low = EDGES_S[at - 1] if at else 0
            return low + (EDGES_S[at] - low) * (rank - below) / count
        below += count
    return float(EDGES_S[-1])
