"""Order of arrival, repeats, batches, restarts and partitions never change a result."""

from __future__ import annotations

from typing import Any

from event_logs import END_US, Event, as_records, logs
from hypothesis import given
from hypothesis import strategies as st
from ways_of_arriving import Run, arrived, runs, straight

from metrics_core.build import build
from metrics_core.policy import Policy
from metrics_core.shard import Shard
from streams.audit import batch_rows, compare
from streams.audit.times import time_text

LIVE_WINDOWS = ("1h", "24h", "7d", "30d")
POLICY = Policy()

Values = dict[str, dict[tuple[str, ...], Any]]


@st.composite
def logs_and_runs(draw: st.DrawFn) -> tuple[list[Event], Run]:
    log = draw(logs())
    return log, draw(runs(len(log)))


def new_shard() -> Shard:
    return Shard(POLICY)


def view_of(log: list[Event], run: Run) -> Values:
    """Every value of the core's view after the run, as of a time after all events."""
    view = build([shard.freeze(END_US) for shard in arrived(as_records(log), run, new_shard)], POLICY)
    return {
        name: {labels: plain(value) for labels, value in table.rows.items() if plain(value)}
        for name, table in view.tables.items()
    }


def plain(value: Any) -> Any:
    """A comparable value that is false where nothing was counted."""
    if isinstance(value, int | float):
        return value
    return (tuple(value.counts), value.sum_us, value.count) if value.count else None


@given(logs_and_runs())
def test_any_way_of_arriving_gives_the_same_view(case: tuple[list[Event], Run]) -> None:
    log, run = case
    assert view_of(log, run) == view_of(log, straight(len(log)))


@given(logs())
def test_the_live_view_equals_the_batch(log: list[Event]) -> None:
    shard = new_shard()
    shard.apply(as_records(log))
    view = build([shard.freeze(END_US)], POLICY)
    rows: list[dict[str, Any]] = []
    time = time_text(END_US)
    for name, table in view.tables.items():
        for values, value in table.rows.items():
            labels = dict(zip(table.series.labels, values, strict=True))
            if isinstance(value, int | float):
                rows.append({"time": time, "metric": name, "labels": labels, "value": value})
            else:
                parts = {f"{name}_gcount": value.count, f"{name}_gsum": value.sum_us / 1e6}
                rows += [
                    {"time": time, "metric": part, "labels": labels, "value": number}
                    for part, number in parts.items()
                ]
    expected = [
        row
        for row in batch_rows(log, as_of_us=END_US, windows=LIVE_WINDOWS)
        if not row["metric"].endswith(("_bucket", "_p50", "_p90", "_mean"))
    ]
    assert [str(difference) for difference in compare(expected, rows)] == []
