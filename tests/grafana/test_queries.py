"""Queries of boards are the definitions of the catalog: by further labels, for chosen values, of a week before."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pytest
from prometheus_process import Labels, Prometheus, running_prometheus
from stored_series import APART_S, Case, coarse_quantile, made_up, store

from grafana.queries import Queries
from metrics_core.derived import DERIVED, Derived
from metrics_core.derived.rules import TOPICS, RuleSet
from metrics_core.policy import Policy
from metrics_core.series import Histogram
from metrics_core.view import Table, View
from streams.broker.config import free_port

CASES = [made_up(seed, density=0.1 + 0.2 * seed) for seed in range(4)]


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("queries")
    store(CASES, folder)
    with running_prometheus(folder, "global: {}\n", free_port()) as running:
        yield running


@pytest.fixture(autouse=True)
def quantiles_as_prometheus_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the edges: what a worker exposes has no finer sketch."""
    monkeypatch.setattr(Histogram, "quantile", lambda self, q: coarse_quantile(self.counts, q))


def differences(metric: Derived, view: View, extra: tuple[str, ...], found: dict[Labels, float]) -> list[str]:
    vector = metric.evaluate(view, extra)
    wanted = {frozenset(zip(vector.names, row, strict=True)): value for row, value in vector.rows.items()}
    return [
        f"{metric.id}{dict(row)}: {found.get(row)}, not {wanted.get(row)}"
        for row in wanted.keys() | found.keys()
        if not math.isclose(
            wanted.get(row, math.nan), found.get(row, math.nan), rel_tol=1e-9, abs_tol=1e-9
        )
    ]  # fmt: skip


def narrowed(view: View, **values: str) -> View:
    """What is left of a view when only these label values are looked at."""
    tables = {}
    for name, table in view.tables.items():
        labels = table.series.labels
        kept = tables[name] = Table(table.series, withheld=table.withheld)
        for row, value in table.rows.items():
            if all(row[labels.index(label)] == wanted for label, wanted in values.items() if label in labels):
                kept.rows[row] = value
    return replace(view, tables=tables)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("extra", ["group", "channel"])
def test_by_a_further_label_every_metric_is_what_python_gives(
    prometheus: Prometheus, case: Case, extra: str
) -> None:
    rules = RuleSet(TOPICS, Policy())
    wrong = []
    for metric in DERIVED:
        found = prometheus.query(rules.guarded(metric.formula, (*metric.by, extra)), case.time_s)
        wrong += differences(metric, case.view, (extra,), found)
    assert wrong == []


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_for_a_chosen_group_every_metric_is_that_of_its_rows(prometheus: Prometheus, case: Case) -> None:
    rules = RuleSet(TOPICS, Policy(), chosen={"group": '="x"', "priority": '=~"x"'})
    view = narrowed(case.view, group="x", priority="x")
    wrong = []
    for metric in DERIVED:
        found = prometheus.query(rules.expression(metric), case.time_s)
        wrong += differences(metric, view, (), found)
    assert wrong == []


def test_what_was_is_asked_with_an_offset_in_every_selector(prometheus: Prometheus) -> None:
    rules = RuleSet(TOPICS, Policy(), offset=f"{APART_S}s")
    wrong = []
    for metric in DERIVED:
        found = prometheus.query(rules.expression(metric), CASES[1].time_s + APART_S)
        wrong += differences(metric, CASES[1].view, (), found)
    assert wrong == []


def test_a_count_of_nothing_is_0_and_of_an_incomplete_monitor_nothing(prometheus: Prometheus) -> None:
    nobody = Queries().pin(group="nobody").series("open_tickets").expr
    assert prometheus.query(nobody, CASES[3].time_s) == {frozenset(): 0.0}
    assert prometheus.query(nobody, CASES[0].time_s - APART_S) == {}


def test_a_metric_that_no_choice_bears_on_is_taken_as_recorded() -> None:
    asked = Queries().of("group", "window")
    assert asked.metric("customer_churn").expr == 'deskpulse:customer_churn{window="$window"}'
    assert asked.week_ago.metric("inactive_share").expr == "deskpulse:inactive_share offset 1w"
    assert "deskpulse:" not in asked.metric("reopen_rate").expr
    assert Queries().of("window").metric("reopen_rate").expr == 'deskpulse:reopen_rate{window="$window"}'
    assert "deskpulse:" not in Queries().of("window").metric("reopen_rate", "group").expr


def test_a_pinned_label_is_not_left_to_its_variable() -> None:
    asked = Queries().of("window").pin(window="30d")
    assert asked.metric("csat").expr == 'deskpulse:csat{window="30d"}'
    assert "$window" not in asked.series("tickets", "flow").expr


def test_a_share_is_of_all_whatever_is_chosen_of_its_own_label() -> None:
    denominator = Queries().of("channel", "window").metric("channel_share", "group").expr.split("/ on")[1]
    assert "$channel" not in denominator
