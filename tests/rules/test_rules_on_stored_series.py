"""Every rule, and every kind of formula, gives in Prometheus what Python gives: also where rows are missing, 0 or
withheld. And none gives anything while the workers do not make up the whole."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from prometheus_process import Labels, Prometheus, running_prometheus
from stored_series import Case, Scrape, coarse_quantile, made_up, series_used, store, view_of

from metrics_core.derived import DERIVED, Derived
from metrics_core.derived.formulas import Formula, OlderThan, Term, Vector, WindowDays, parts_of
from metrics_core.derived.promql import Renderer
from metrics_core.derived.rules import TOPICS, RuleSet, complete_rule
from metrics_core.policy import Policy
from metrics_core.series import Histogram
from metrics_core.view import View
from streams.broker.config import free_port

CASES = 8
HELPDESK, CRM = TOPICS["helpdesk"], TOPICS["crm"]
RULES = RuleSet(TOPICS, Policy())


def whole() -> Case:
    return made_up(1, density=0.9)


def broken(name: str, change: Callable[[list[Scrape]], None]) -> Case:
    """A case in which the workers' scrapes are not the whole."""
    case = copy.deepcopy(whole())
    case.name = name
    change(case.scrapes)
    return case


def _lose_one(scrapes: list[Scrape]) -> None:
    for topic in TOPICS.values():
        scrapes[1].ready[topic] = (1,)


def _show_one_twice(scrapes: list[Scrape]) -> None:
    for topic in TOPICS.values():
        scrapes[1].ready[topic] = (1, 2, 3)


def _show_one_twice_and_lose_one(scrapes: list[Scrape]) -> None:
    for topic in TOPICS.values():
        scrapes[1].ready[topic] = (1, 2)


def _show_one_that_is_not_there(scrapes: list[Scrape]) -> None:
    for topic in TOPICS.values():
        scrapes[1].ready[topic] = (1, 3, 4)


def _disagree_on_partitions(scrapes: list[Scrape]) -> None:
    scrapes[1].partitions = 8


def _disagree_on_the_policy(scrapes: list[Scrape]) -> None:
    scrapes[1].policy = "fedcba9876543210"


def _lose_a_worker(scrapes: list[Scrape]) -> None:
    del scrapes[1]


def _lose_both(scrapes: list[Scrape]) -> None:
    scrapes.clear()


NOT_WHOLE = [
    broken("a partition in no scrape", _lose_one),
    broken("a partition in two scrapes", _show_one_twice),
    broken("a partition twice and one missing", _show_one_twice_and_lose_one),
    broken("a partition that the topic has not", _show_one_that_is_not_there),
    broken("numbers of partitions differ", _disagree_on_partitions),
    broken("policies differ", _disagree_on_the_policy),
    broken("a worker is gone", _lose_a_worker),
    broken("no worker", _lose_both),
]


def past_known_to_one() -> Case:
    """The second worker heard of its first customer too late to know the window before."""
    case = made_up(2, density=0.9)
    used = series_used()
    for scrape in case.scrapes:
        for name in scrape.rows:
            scrape.rows[name] = _with_every_past(scrape.rows[name], used[name].labels)
    for name, rows in case.scrapes[1].rows.items():
        labels = used[name].labels
        if "period" in labels:
            at = labels.index("period")
            case.scrapes[1].rows[name] = {row: value for row, value in rows.items() if row[at] != "before"}
    case.name = "the past is known to one worker only"
    return case


def _with_every_past(rows: dict, labels: tuple[str, ...]) -> dict:  # type: ignore[type-arg]
    if "period" not in labels:
        return rows
    at = labels.index("period")
    return {(*row[:at], period, *row[at + 1 :]): n for row, n in rows.items() for period in ("now", "before")}


def past_of_a_worker_without_customers() -> Case:
    """The second worker has heard of no customer, agent or ledger at all: it adds nothing to any past."""
    case = copy.deepcopy(past_known_to_one())
    case.scrapes[1].subjects = ()
    used = series_used()
    withheld = {name: set(table.withheld) for name, table in case.view.tables.items()}
    for name, rows in case.scrapes[1].rows.items():
        if used[name].history:
            rows.clear()
            withheld[name] = set()
    for name, table_withheld in withheld.items():
        if not used[name].history and "period" in used[name].labels:
            table_withheld.clear()
    case.view = view_of(case.scrapes, withheld)
    case.name = "a worker without customers"
    return case


def quiet() -> Case:
    """Two workers that have counted nothing: gauges are 0 under `none`, nothing else is there."""
    case = made_up(3)
    for scrape in case.scrapes:
        scrape.subjects = ()
        for name, rows in scrape.rows.items():
            labels = series_used()[name].labels
            closed = {"window", *series_used()[name].enums}
            if series_used()[name].kind == "histogram" or series_used()[name].at_start:
                rows.clear()
                continue
            scrape.rows[name] = {
                tuple(v if label in closed else "none" for label, v in zip(labels, row, strict=True)): 0
                for row in rows
                if "before" not in row
            }
    case.view = view_of(case.scrapes)
    case.name = "nothing counted"
    return case


WHOLE = [made_up(seed, density=0.05 + 0.12 * seed) for seed in range(CASES)]
QUIET, ONE_PAST, NO_CUSTOMERS = quiet(), past_known_to_one(), past_of_a_worker_without_customers()


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("stored-series")
    store([*WHOLE, *NOT_WHOLE, QUIET, ONE_PAST, NO_CUSTOMERS], folder)
    with running_prometheus(folder, "global: {}\n", free_port()) as running:
        yield running


@pytest.fixture(autouse=True)
def quantiles_as_prometheus_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the edges: what a worker exposes has no finer sketch."""
    monkeypatch.setattr(Histogram, "quantile", lambda self, q: coarse_quantile(self.counts, q))


def rows_of(vector: Vector) -> dict[Labels, float]:
    return {
        frozenset(zip(vector.names, values, strict=True)): float(value) for values, value in vector.rows.items()
    }


def differences(wanted: dict[Labels, float], found: dict[Labels, float], scale: float = 0.0) -> list[str]:
    """Rows that one has and the other has not, or has otherwise."""
    return [
        f"{dict(row)}: {wanted.get(row)} and {found.get(row)}"
        for row in wanted.keys() | found.keys()
        if row not in wanted
        or row not in found
        or not math.isclose(wanted[row], found[row], rel_tol=1e-9, abs_tol=1e-12 + 1e-15 * scale)
    ]


#: what stood at the start is a summand, so that it may not pass for 0 where it is withheld
_SINCE_START = Derived(
    "since_start",
    ("window",),
    Term("customers_at_start", {"period": "now"}) + Term("customer_changes", {"change": "new", "period": "now"}),
    "customers",
    "?",
)


@pytest.mark.parametrize("metric", [*DERIVED, _SINCE_START], ids=lambda metric: metric.id)
def test_a_rule_gives_what_python_gives(prometheus: Prometheus, metric: Derived) -> None:
    compared = 0
    for case in WHOLE:
        wanted = rows_of(metric.evaluate(case.view))
        found = prometheus.query(RULES.expression(metric), case.time_s)
        assert not differences(wanted, found), case.name
        compared += len(wanted)
    assert compared, "no case gives this metric a value"


@pytest.mark.parametrize("case", NOT_WHOLE, ids=lambda case: case.name)
def test_no_rule_gives_a_value_while_the_workers_do_not_make_up_the_whole(
    prometheus: Prometheus, case: Case
) -> None:
    for metric in DERIVED:
        assert not prometheus.query(RULES.expression(metric), case.time_s), metric.id
    complete = prometheus.query(complete_rule(), case.time_s)
    assert set(complete.values()) <= {0.0}
    assert len(complete) == (len(TOPICS) if case.scrapes else 0)


def test_a_whole_topic_is_complete(prometheus: Prometheus) -> None:
    assert prometheus.query(complete_rule(), WHOLE[0].time_s) == {
        frozenset({("topic", topic)}): 1.0 for topic in TOPICS.values()
    }


def test_where_nothing_was_counted_a_rule_says_nothing_or_zero(prometheus: Prometheus) -> None:
    for metric in DERIVED:
        found = prometheus.query(RULES.expression(metric), QUIET.time_s)
        assert set(found.values()) <= {0.0}, metric.id


def test_a_past_that_one_worker_withholds_gives_no_value(prometheus: Prometheus) -> None:
    for metric in DERIVED:
        if any(_counts_the_past(part) for part in parts_of(metric.formula)):
            assert not prometheus.query(RULES.expression(metric), ONE_PAST.time_s), metric.id


def test_a_worker_that_heard_of_no_customer_withholds_nobody_s_past(prometheus: Prometheus) -> None:
    compared = 0
    for metric in DERIVED:
        past = [part for part in parts_of(metric.formula) if _counts_the_past(part)]
        if past and all(isinstance(part, Term) and series_used()[part.series].history for part in past):
            wanted = rows_of(metric.evaluate(NO_CUSTOMERS.view))
            assert not differences(wanted, prometheus.query(RULES.expression(metric), NO_CUSTOMERS.time_s))
            compared += len(wanted)
    assert compared


def _counts_the_past(part: Formula) -> bool:
    return (
        isinstance(part, Term) and part.where.get("period") == "before" and not series_used()[part.series].at_start
    )


@dataclass(frozen=True)
class Node:
    """A formula of one or two nodes, with its output labels."""

    name: str
    formula: Formula
    by: tuple[str, ...]


_FLOW = [Term("tickets", {"flow": flow}) for flow in ("created", "resolved", "reopened", "one_touch")]
_OPEN = Term("open_tickets")
_TOTAL = Term("tickets", {"flow": "created"}, without=("channel",))
_BY = ("window", "channel")

NODES = [
    Node("a sum of a series by its labels", Term("tickets"), ("window", "flow")),
    Node("a sum over everything", _OPEN, ()),
    Node("a count and a sum of a histogram", Term("resolution_seconds", part="gcount"), _BY),
    Node("a sum of a histogram", Term("resolution_seconds", {"clock": "business"}, part="gsum"), ("window",)),
    Node("the least of timestamps", Term("oldest_open_timestamp_seconds"), ("channel",)),
    Node("a share of the total", _FLOW[0] / _TOTAL, _BY),
    Node("a sum of many", _FLOW[0] + _FLOW[1] + _FLOW[2], _BY),
    Node("a difference of differences", _FLOW[0] - (_FLOW[1] - (_FLOW[2] - _FLOW[3])), _BY),
    Node("a sum with another series", _FLOW[0] + Term("agents_employed") - _FLOW[1], _BY),
    Node("fewer labels on the left of a difference", _OPEN - Term("leads", {"stage": "won"}), ("window", "origin")),
    Node("fewer labels on the right of a difference", Term("leads") - _OPEN, ("window", "origin")),
    Node("fewer labels above the line", _OPEN / _FLOW[1], ("window",)),
    Node("fewer labels below the line", _FLOW[1] / _OPEN, ("window",)),
    Node("a ratio of ratios", _FLOW[1] / (_FLOW[0] / WindowDays()), _BY),
    Node("a strict difference", _FLOW[0].since(_FLOW[1]), _BY),
    Node("a product with fewer labels", _FLOW[0] * _OPEN, ("window",)),
    Node("a product, fewer labels first", _OPEN * _FLOW[0], ("window",)),
    Node("another unit", (_FLOW[0] / _FLOW[1]).scaled(1 / 31557600).scaled(12.5), _BY),
    Node("older than each edge by a label", OlderThan("open_ticket_age_seconds"), ("channel",)),
]


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.name)
def test_every_kind_of_formula_is_the_same_query(prometheus: Prometheus, node: Node) -> None:
    rendered = Renderer(series_used()).render(node.formula, node.by)
    for case in WHOLE:
        wanted = rows_of(node.formula.evaluate(case.view, node.by))
        found = prometheus.query(rendered.text, case.time_s)
        assert not differences(wanted, found, scale=1e6), f"{case.name}: {rendered.text}"
        if wanted:
            names = {name for row in wanted for name, _ in row}
            assert names == set(rendered.names)


def test_a_formula_of_an_unknown_kind_has_no_query() -> None:
    class Odd(Formula):
        def evaluate(self, view: View, by: tuple[str, ...]) -> Vector:
            return Vector((), {})

    with pytest.raises(TypeError, match="Odd has no rendering"):
        Renderer({}).render(Odd(), ())
