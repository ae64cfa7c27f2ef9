"""What is exposed: zeros, closed label sets, bounds, and the bytes themselves."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from serving_stand_ins import FIRST_RESPONSE, OLDEST, OPEN, TICKETS, histogram, small_tables

from metrics_core.grid import EDGES_S, INTERVALS
from metrics_core.policy import WINDOWS, Policy
from metrics_core.series import Histogram, Series
from streams.serving.exposition import Family, complete, count_series
from streams.serving.folding import Folding
from streams.serving.rendering import LE, Lines, registry_of, to_metrics

GOLDEN = Path(__file__).parent / "golden"


def small_families() -> list[Family]:
    return [complete(series, rows, ready=True) for series, rows in small_tables()]


def test_a_label_set_seen_in_one_window_is_shown_in_every_window_and_flow() -> None:
    rows = {("chat", "billing", "normal", "24h", "created"): 3}
    family = complete(TICKETS, rows, ready=True)
    assert len(family.rows) == len(WINDOWS) * 2
    assert family.rows[("chat", "billing", "normal", "24h", "created")] == 3
    assert family.rows[("chat", "billing", "normal", "30d", "resolved")] == 0


def test_a_ready_worker_without_tickets_shows_zero_rows_labelled_none() -> None:
    family = complete(OPEN, {}, ready=True)
    assert family.rows == {("none", "none", "none", "new"): 0, ("none", "none", "none", "open"): 0}


def test_a_worker_that_is_not_ready_shows_no_zero_rows() -> None:
    assert complete(OPEN, {}, ready=False).rows == {}


def test_a_timestamp_of_nothing_is_absent() -> None:
    assert complete(OLDEST, {}, ready=True).rows == {}


def test_a_histogram_without_observations_is_absent() -> None:
    rows = {("chat", "x", "1h", "calendar"): Histogram(), ("chat", "x", "24h", "calendar"): histogram(i0=1)}
    assert list(complete(FIRST_RESPONSE, rows, ready=True).rows) == [("chat", "x", "24h", "calendar")]


def test_what_is_not_true_yet_does_not_become_a_zero() -> None:
    changes = Series(
        "customer_changes",
        "gauge",
        ("window", "period", "change"),
        "Changes",
        {"period": ("now", "before"), "change": ("new", "lost")},
    )
    family = complete(changes, {("1h", "now", "new"): 1}, ready=True, withheld={("30d", "before")})
    assert ("30d", "now", "lost") in family.rows
    assert ("7d", "before", "lost") in family.rows
    assert not any(key[:2] == ("30d", "before") for key in family.rows)


def test_a_label_set_shown_by_one_count_of_tickets_is_shown_by_all_of_them() -> None:
    folding = Folding(Policy(), 50_000)
    other = Series("agents", "gauge", ("status", "group"), "Agents", {"status": ("online",)})
    tables: list[tuple[Series, dict[tuple[str, ...], Any]]] = [
        (OPEN, {}),
        (TICKETS, {("chat", "billing", "normal", "24h", "created"): 3}),
        (OLDEST, {}),
        (other, {}),
    ]
    opened, _, oldest, agents = folding.with_zeros(tables, [()] * 4, ready=True)
    assert opened.rows == {("chat", "billing", "normal", status): 0 for status in ("new", "open")}
    assert oldest.rows == {}
    assert agents.rows == {("online", "none"): 0}


def test_the_budget_counts_the_series_that_completion_makes() -> None:
    folding = Folding(Policy(), 60)
    rows = {("chat", f"g{i}", "normal", "24h", "created"): 1 for i in range(20)}
    folded = folding.fold([(TICKETS, rows), (OPEN, {})], ready=True)
    assert sum(family.size for family in folding.with_zeros(folded, [(), ()], ready=True)) <= 60


def test_counting_series_beforehand_agrees_with_making_them() -> None:
    for series, rows in [*small_tables(), (OPEN, {}), (OLDEST, {("a", "b", "c"): 1.5})]:
        for ready in (True, False):
            assert count_series(series, rows, ready=ready) == complete(series, rows, ready=ready).size


def test_edges_are_written_as_prometheus_2_and_3_both_keep_them() -> None:
    assert LE[:2] == ("30.0", "60.0")
    assert LE[EDGES_S.index(604_800)] == "604800.0"
    assert LE[EDGES_S.index(1_209_600)] == "1.2096e+06"
    assert LE[-1] == "+Inf"
    assert len(LE) == INTERVALS


@pytest.mark.parametrize("form", ["text", "openmetrics"])
def test_our_lines_equal_those_of_prometheus_client_byte_by_byte(form: str) -> None:
    odd = Series("odd_seconds", "gauge", (), 'A "quoted"\nhelp with \\')
    families = [
        *small_families(),
        Family(odd, {(): 1e-9}),
        Family(odd, {(): -1_500_000}),
        Family(odd, {(): 0.1 + 0.2}),
        Family(odd, {(): 999_999}),
        Family(odd, {(): 1_000_000}),
        Family(odd, {(): -3}),
        Family(odd, {(): 1_767_225_600.123456}),
        Family(OLDEST, {}),
        Family(FIRST_RESPONSE, {("é", "ü", "1h", "calendar"): histogram(i3=2_000_000)}),
        Family(FIRST_RESPONSE, {}),
    ]
    registry = registry_of(to_metrics(families))
    lines = Lines()
    for _ in range(2):  # the second time, from the lines kept
        if form == "text":
            assert lines.render(families, openmetrics=False).encode() == generate_latest(registry)
        else:
            ours = lines.render(families, openmetrics=True).encode() + b"# EOF\n"
            assert ours == generate_openmetrics(registry)


@pytest.mark.parametrize(("name", "openmetrics"), [("small.txt", False), ("small.om", True)])
def test_a_small_view_reads_as_committed(name: str, openmetrics: bool) -> None:
    """DESKPULSE_GOLDEN=write writes the files anew."""
    text = Lines().render(small_families(), openmetrics=openmetrics) + ("# EOF\n" if openmetrics else "")
    if os.environ.get("DESKPULSE_GOLDEN") == "write":
        (GOLDEN / name).write_text(text)
    assert (GOLDEN / name).read_text() == text


def test_both_formats_parse_back_to_the_same_values() -> None:
    text = parse_text(Lines().render(small_families(), openmetrics=False))
    openmetrics = parse_openmetrics(Lines().render(small_families(), openmetrics=True) + "# EOF\n")
    values = [
        {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}
        for families in (text, openmetrics)
    ]
    assert values[0] == values[1]
    assert len(values[0]) == sum(family.size for family in small_families())


def test_histogram_buckets_are_cumulative_and_complete() -> None:
    [family] = parse_openmetrics(Lines().render(small_families()[:1], openmetrics=True) + "# EOF\n")
    buckets = {s.labels["le"]: s.value for s in family.samples if s.name.endswith("_bucket")}
    assert buckets["30.0"] == 0
    assert buckets["60.0"] == 2
    assert buckets["2.592e+06"] == 2
    assert buckets["+Inf"] == 3
    others = {s.name: s.value for s in family.samples if "le" not in s.labels}
    assert others == {
        "deskpulse_first_response_seconds_gcount": 3,
        "deskpulse_first_response_seconds_gsum": 180,
    }


def by_group(counts: dict[str, Any]) -> list[tuple[Series, dict[tuple[str, ...], Any]]]:
    return [(OPEN, {("chat", group, "high", "open"): n for group, n in counts.items()})]


def groups_shown(folding: Folding, counts: dict[str, Any]) -> dict[str, Any]:
    [(_, rows)] = folding.fold(by_group(counts), ready=True)
    return {key[1]: value for key, value in rows.items()}


def test_values_beyond_the_limit_are_summed_into_other() -> None:
    shown = groups_shown(Folding(Policy(label_limit=2), 50_000), {"a": 1, "b": 2, "c": 3, "d": 4, "none": 5})
    assert shown == {"a": 1, "b": 2, "other": 7, "none": 5}


def test_values_that_the_policy_lists_are_shown_before_those_seen_first() -> None:
    folding = Folding(Policy(label_limit=2, label_values={"group": ("z",)}), 50_000)
    assert groups_shown(folding, {"a": 1, "b": 2, "z": 3}) == {"a": 1, "other": 2, "z": 3}


def test_a_value_once_shown_stays_and_later_ones_fold() -> None:
    folding = Folding(Policy(label_limit=1), 50_000)
    assert groups_shown(folding, {"m": 1}) == {"m": 1}
    assert groups_shown(folding, {"a": 5}) == {"other": 5}
    assert groups_shown(folding, {"a": 5, "m": 2}) == {"m": 2, "other": 5}


def test_folded_timestamps_take_the_least_and_histograms_add_up() -> None:
    folding = Folding(Policy(label_limit=0), 50_000)
    oldest = {("chat", group, "high"): at for group, at in (("a", 7.0), ("b", 5.0))}
    waits = {("chat", group, "1h", "calendar"): histogram(i2=1) for group in "ab"}
    [(_, low), (_, summed)] = folding.fold([(OLDEST, oldest), (FIRST_RESPONSE, waits)], ready=True)
    assert low == {("other", "other", "other"): 5.0}
    merged = summed[("other", "other", "1h", "calendar")]
    assert isinstance(merged, Histogram)
    assert (merged.counts[2], merged.sum_us) == (2, 120_000_000)
    assert all(h.counts[2] == 1 for h in waits.values())


def test_money_of_different_currencies_is_never_folded_together() -> None:
    mrr = Series("mrr", "gauge", ("plan", "currency"), "Recurring revenue")
    rows = {(f"plan-{i}", currency): 1 for i in range(4) for currency in ("EUR", "JPY", "USD")}
    [(_, folded)] = Folding(Policy(label_limit=1), 50_000).fold([(mrr, rows)], ready=True)
    assert folded[("other", "JPY")] == 3


def test_a_budget_exceeded_folds_more_and_counts_what_it_folded() -> None:
    folding = Folding(Policy(), 100)
    tables = by_group({f"g{i:03}": 1 for i in range(80)})
    [(series, rows)] = folding.fold(tables, ready=True)
    assert complete(series, rows, ready=True).size <= 100
    assert sum(value for value in rows.values() if isinstance(value, int)) == 80
    assert folding.folded_series == 2 * (80 - (len(rows) - 1))


def test_a_view_within_its_bounds_is_not_copied() -> None:
    tables = small_tables()
    folding = Folding(Policy(), 50_000)
    folded = folding.fold(tables, ready=True)
    assert all(now is before for (_, now), (_, before) in zip(folded, tables, strict=True))
    assert folding.folded_series == 0
