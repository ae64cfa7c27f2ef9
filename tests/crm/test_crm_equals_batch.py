"""For any log the core says what the obvious computation says, however the log arrives."""

from __future__ import annotations

import json
from typing import Any

import pytest
from crm_logs import BASE_US, DAY_US, END_US, IDLE_DAYS, MINUTE_US, Event, as_records, logs
from hypothesis import given
from hypothesis import strategies as st
from ways_of_arriving import Run, arrived, runs, straight

from metrics_core.build import build
from metrics_core.catalog import FAMILIES
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


@st.composite
def logs_and_runs(draw: st.DrawFn) -> tuple[list[Event], Run]:
    log = draw(logs())
    return log, draw(runs(len(log)))


def values_after(log: list[Event], run: Run) -> Values:
    return view_values(arrived(as_records(log), run, lambda: Shard(POLICY)), END_US)


@given(logs_and_runs())
def test_any_way_of_arriving_gives_the_same_values(case: tuple[list[Event], Run]) -> None:
    log, run = case
    assert values_after(log, run) == values_after(log, straight(len(log)))


@pytest.mark.parametrize("kind", ["helpdesk", "crm"])
def test_a_shard_keeps_what_its_topic_holds(kind: Any) -> None:
    shard = Shard(POLICY, kind=kind)
    assert (shard.freeze(END_US).crm is not None) == (kind == "crm")
