"""For any log the core says what the obvious computation says, however the log arrives."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from crm_logs import BASE_US, DAY_US, END_US, IDLE_DAYS, MINUTE_US, Event, LogRecord, as_records, logs
from hypothesis import given
from hypothesis import strategies as st

from metrics_core.build import build
from metrics_core.catalog import FAMILIES
from metrics_core.partitioner import partition_for
from metrics_core.policy import Policy, Version
from metrics_core.shard import Shard
from streams.audit import batch_rows, compare, rules_of
from streams.report import report_rows

POLICY = Policy(versions=(Version(idle_days=IDLE_DAYS),))
SERIES = [series.name for family in FAMILIES if family.per == "none" for series in family.series]

Values = dict[tuple[str, tuple[str, ...]], Any]
Row = dict[str, Any]

HOUR_US = 60 * MINUTE_US
WINDOWS = ("1h", "24h", "7d", "30d", "all")

times = st.one_of(
    st.just(END_US),
    st.integers(0, 64).map(lambda days: BASE_US + days * DAY_US),
    st.integers(0, 130).map(lambda minutes: BASE_US + minutes * MINUTE_US),
    st.integers(0, 65 * DAY_US).map(lambda offset_us: BASE_US + offset_us),
)


def view_values(shards: list[Shard], as_of_us: int) -> Values:
    view = build([shard.freeze(as_of_us) for shard in shards], POLICY)
    return {(name, labels): value for name in SERIES for labels, value in view.tables[name].rows.items() if value}


def report_and_batch(log: list[Event], as_of_us: int) -> tuple[list[Row], list[Row]]:
    lines = [json.dumps(event).encode() for event in log]
    rules = rules_of({"versions": [{"idle_days": IDLE_DAYS}]})
    batch = batch_rows(lines, as_of_us=as_of_us, windows=WINDOWS, rules=rules)
    return report_rows(lines, as_of_us=as_of_us, windows=WINDOWS, policy=POLICY), batch


@given(log=logs(announced=False), as_of_us=times)
def test_every_value_equals_the_batch(log: list[Event], as_of_us: int) -> None:
    report, batch = report_and_batch(log, as_of_us)
    assert [str(difference) for difference in compare(batch, report)] == []


@given(log=logs(announced=True), as_of_us=times)
def test_what_takes_effect_at_another_time_counts_from_then(log: list[Event], as_of_us: int) -> None:
    # on an edge of all panes; and who will subscribe next week is taken for active today
    report, batch = report_and_batch(log, -(-as_of_us // HOUR_US) * HOUR_US)
    differences = [str(one) for one in compare(batch, report) if one.metric != "customers"]
    assert differences == []


@dataclass
class Run:
    """One way of bringing a log to the core."""

    order: list[int]  # record numbers; a number may be there again
    cuts: list[int]  # where batches end
    restarts: list[int]  # after which batches the shards are saved and loaded
    partitions: int


@st.composite
def logs_and_runs(draw: st.DrawFn) -> tuple[list[Event], Run]:
    log = draw(logs())
    numbers = list(range(len(log)))
    order = draw(st.permutations(numbers)) if draw(st.booleans()) else numbers
    if numbers:
        for again in draw(st.lists(st.sampled_from(numbers), max_size=4)):
            order.insert(draw(st.integers(0, len(order))), again)
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=5)))
    restarts = draw(st.lists(st.integers(0, len(cuts)), max_size=3))
    return log, Run(order, cuts, restarts, draw(st.sampled_from((1, 2, 8))))


def restarted(shard: Shard) -> Shard:
    again = Shard(POLICY)
    for key, value in saved_rows(shard).items():
        again.load(key, value)
    again.finish_load()
    CHANGELOGS[id(again)] = CHANGELOGS.pop(id(shard))
    return again


#: what each shard has ever written, compacted
CHANGELOGS: dict[int, dict[bytes, bytes | None]] = {}


def saved_rows(shard: Shard) -> dict[bytes, bytes | None]:
    rows = CHANGELOGS.setdefault(id(shard), {})
    rows.update(shard.drain())
    return rows


def arrived(log: list[Event], run: Run) -> Values:
    CHANGELOGS.clear()
    records = as_records(log)
    shards = [Shard(POLICY) for _ in range(run.partitions)]
    batches = [run.order[begin:end] for begin, end in zip([0, *run.cuts], [*run.cuts, len(run.order)], strict=True)]
    for number, batch in enumerate(batches):
        shares: dict[int, list[LogRecord]] = {}
        for record in (records[index] for index in batch):
            assert record.key is not None
            shares.setdefault(partition_for(record.key, run.partitions), []).append(record)
        for partition, share in shares.items():
            shards[partition].apply(share)
        for _ in range(run.restarts.count(number)):
            shards = [restarted(shard) for shard in shards]
    return view_values(shards, END_US)


@given(logs_and_runs())
def test_any_way_of_arriving_gives_the_same_values(case: tuple[list[Event], Run]) -> None:
    log, run = case
    assert arrived(log, run) == arrived(log, Run(list(range(len(log))), [], [], 1))


@pytest.mark.parametrize("kind", ["helpdesk", "crm"])
def test_a_shard_keeps_what_its_topic_holds(kind: Any) -> None:
    shard = Shard(POLICY, kind=kind)
    assert (shard.freeze(END_US).crm is not None) == (kind == "crm")
