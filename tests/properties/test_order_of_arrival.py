"""Order of arrival, repeats, batches, restarts and partitions never change a result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from event_logs import END_US, Event, LogRecord, as_records, logs
from hypothesis import given
from hypothesis import strategies as st

from streams.audit import batch_rows, compare
from streams.audit.times import time_text

LIVE_WINDOWS = ("1h", "24h", "7d", "30d")
PARTITIONS = (1, 2, 8)

Values = dict[str, dict[tuple[str, ...], Any]]


@dataclass
class Run:
    """One way of bringing a log to the core."""

    order: list[int]  # record numbers; a number may be there again
    cuts: list[int]  # where batches end
    restarts: list[int]  # after which batches the shard is saved and loaded
    compacted: bool  # load the last row of each key, or every row ever written
    partitions: int


@st.composite
def runs(draw: st.DrawFn, records: int) -> Run:
    numbers = list(range(records))
    order = draw(st.permutations(numbers)) if draw(st.booleans()) else numbers
    if numbers:
        for again in draw(st.lists(st.sampled_from(numbers), max_size=4)):
            order.insert(draw(st.integers(0, len(order))), again)
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=5)))
    restarts = draw(st.lists(st.integers(0, len(cuts)), max_size=3))
    return Run(order, cuts, restarts, draw(st.booleans()), draw(st.sampled_from(PARTITIONS)))


@st.composite
def logs_and_runs(draw: st.DrawFn) -> tuple[list[Event], Run]:
    log = draw(logs())
    return log, draw(runs(len(log)))


class Partition:
    """One shard with its changelog, so that it can be lost and recovered."""

    def __init__(self, compacted: bool) -> None:
        from metrics_core.policy import Policy
        from metrics_core.shard import Shard

        self.compacted = compacted
        self.changelog: list[tuple[bytes, bytes | None]] = []
        self.make: Callable[[], Any] = lambda: Shard(Policy())
        self.shard = self.make()

    def restart(self) -> None:
        self.changelog.extend(self.shard.drain())
        rows = list(dict(self.changelog).items()) if self.compacted else self.changelog
        self.shard = self.make()
        for key, value in rows:
            self.shard.load(key, value)
        self.shard.finish_load()


def view_of(log: list[Event], run: Run) -> Values:
    """Every value of the core's view after the run, as of a time after all events."""
    from metrics_core.build import build
    from metrics_core.partitioner import partition_for
    from metrics_core.policy import Policy

    records = as_records(log)
    partitions = [Partition(run.compacted) for _ in range(run.partitions)]
    batches = [run.order[begin:end] for begin, end in zip([0, *run.cuts], [*run.cuts, len(run.order)], strict=True)]
    for number, batch in enumerate(batches):
        shares: dict[int, list[LogRecord]] = {}
        for record in (records[index] for index in batch):
            assert record.key is not None
            shares.setdefault(partition_for(record.key, run.partitions), []).append(record)
        for partition, share in shares.items():
            partitions[partition].shard.apply(share)
        for _ in range(run.restarts.count(number)):
            for one in partitions:
                one.restart()
    view = build([one.shard.freeze(END_US) for one in partitions], Policy())
    return {
        name: {labels: plain(value) for labels, value in table.rows.items() if plain(value)}
        for name, table in view.tables.items()
    }


def plain(value: Any) -> Any:
    """A comparable value that is false where nothing was counted."""
    if isinstance(value, int | float):
        return value
    return (tuple(value.counts), value.sum_us, value.count) if value.count else None


def straight(log: list[Event]) -> Run:
    return Run(list(range(len(log))), [], [], False, 1)


@given(logs_and_runs())
def test_any_way_of_arriving_gives_the_same_view(case: tuple[list[Event], Run]) -> None:
    log, run = case
    assert view_of(log, run) == view_of(log, straight(log))


@given(logs())
def test_the_live_view_equals_the_batch(log: list[Event]) -> None:
    from metrics_core.build import build
    from metrics_core.policy import Policy

    one = Partition(compacted=False)
    one.shard.apply(as_records(log))
    view = build([one.shard.freeze(END_US)], Policy())
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
