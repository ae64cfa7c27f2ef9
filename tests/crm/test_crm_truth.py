"""Real histories of customers, day by day, against results that were computed independently."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from truth_files import History, time_us, truth_directory

from metrics_core.build import build
from metrics_core.derived import DERIVED
from metrics_core.policy import Policy
from metrics_core.records import FileRecord
from metrics_core.shard import Shard
from metrics_core.times import DAY_US
from metrics_core.view import View

pytestmark = pytest.mark.truth

WINDOWS = ("24h", "30d", "all")
BY_ID = {derived.id: derived for derived in DERIVED}


def history(name: str) -> History:
    directory = truth_directory() / name
    if not (directory / "events.jsonl.gz").is_file():
        assert not os.environ.get("CI"), f"CI has no truth files of {name}"
        pytest.skip(f"no truth files of {name}")
    return History(name, directory)


def days(of: History) -> Iterator[tuple[dict[str, str], View]]:
    """Each row of the daily truth, with the view as of the day's end: the midnight that follows."""
    lines = sorted((time_us(json.loads(line)["time"]), number, line) for number, line in enumerate(of.lines))
    shard = Shard(Policy(), retire=False, fine=True, since_beginning=True)
    begin = 0
    for row in of.table("daily"):
        end_us = time_us(row["day"] + "T00:00:00Z") + DAY_US
        stop = begin
        while stop < len(lines) and lines[stop][0] < end_us:
            stop += 1
        shard.apply([FileRecord(line, number) for _, number, line in lines[begin:stop]])
        begin = stop
        yield row, build([shard.freeze(end_us)], Policy(), WINDOWS)
    assert begin == len(lines)
    assert shard.take_rejects() == []


def total(view: View, series: str, **labels: str) -> Any:
    """Sum of a series' rows that carry these labels; None where there is no row."""
    table = view.tables[series]
    found = [
        value
        for values, value in table.rows.items()
        if labels.items() <= dict(zip(table.series.labels, values, strict=True)).items()
    ]
    return sum(found) if found else None


def value(view: View, metric: str, *labels: str) -> float | None:
    return BY_ID[metric].evaluate(view).rows.get(labels)


def change(view: View, window: str, name: str) -> Any:
    return total(view, "subscription_changes", window=window, period="now", change=name)


def test_subscriptions_and_their_churn_equal_the_truth_on_every_day() -> None:
    seen = 0
    for row, view in days(history("ravenstack_saas")):
        assert (change(view, "24h", "started"), change(view, "24h", "cancelled")) == (
            int(row["new_subs"]),
            int(row["cancelled_subs"]),
        ), row["day"]
        assert total(view, "subscriptions") == int(row["active_subs"]), row["day"]
        assert total(view, "mrr") == float(row["active_mrr"]), row["day"]
        assert total(view, "subscribed_customers", currency="USD") in (int(row["active_accounts"]), None)
        assert total(view, "customer_changes", window="all", change="new") == int(row["cum_accounts"])
        assert change(view, "30d", "cancelled") == int(row["cancelled_30d"]), row["day"]
        at_start = total(view, "subscriptions_at_start", window="30d", period="now")
        if not row["active_subs_30d_ago"]:
            assert at_start is None, f"{row['day']}: the window begins before the history"
            continue
        assert at_start == float(row["active_subs_30d_ago"]), row["day"]
        for metric, column in (
            ("subscription_churn", "churn_30d_start_base"),
            ("subscription_churn_cohort", "churn_30d_cohort"),
        ):
            truth = float(row[column]) if row[column] else None
            assert value(view, metric, "30d") == (None if truth is None else pytest.approx(truth, rel=1e-12))
        seen += 1
    assert seen > 650


def test_subscriptions_end_where_the_truth_ends() -> None:
    saas = history("ravenstack_saas")
    *_, (_, view) = days(saas)
    summary = saas.summary
    assert total(view, "subscriptions") == summary["active_subs_last"]
    assert total(view, "mrr") == summary["active_mrr_last"]
    assert value(view, "subscription_churn", "30d") == pytest.approx(summary["churn30_last"], rel=1e-12)
    assert value(view, "subscription_churn_cohort", "30d") == pytest.approx(
        summary["churn30_cohort_last"], rel=1e-12
    )
    life_s = total(view, "customer_lifetime_seconds_sum", basis="subscription")
    ended = total(view, "customer_lifetime_seconds_count", basis="subscription")
    assert ended == summary["cancelled"]
    assert life_s / ended / 86400 == pytest.approx(summary["cancelled_sub_mean_lifetime_days"], rel=1e-12)


def test_purchases_equal_the_truth_on_every_day() -> None:
    for row, view in days(history("cdnow")):
        day = row["day"]
        assert total(view, "customer_changes", window="24h", period="now", change="new") == int(
            row["new_customers"]
        ), day
        assert total(view, "customers") == int(row["cum_customers"]), day
        for window, buyers, orders, revenue in (
            ("24h", "buyers", "orders", "revenue"),
            ("30d", "active_30d", "orders_30d", "revenue_30d"),
        ):
            assert total(view, "buyers", window=window) == int(row[buyers]), (day, window)
            assert total(view, "orders", window=window) == int(row[orders]), (day, window)
            paid = total(view, "revenue", window=window, period="now")
            assert paid == pytest.approx(float(row[revenue]), abs=1e-9), (day, window)
        if row["aov_day"]:
            assert value(view, "aov", "24h", "USD") == pytest.approx(float(row["aov_day"]), rel=1e-12), day


def test_purchases_end_where_the_truth_ends() -> None:
    shop = history("cdnow")
    *_, (_, view) = days(shop)
    summary = shop.summary
    assert total(view, "revenue", window="all") == summary["revenue"] == 2500315.63
    assert total(view, "orders", window="all") == summary["orders"]
    assert total(view, "buyers", window="all") == summary["customers"]
    assert total(view, "repeat_buyers", window="all") == summary["repeat_customers"]
    assert value(view, "aov", "all", "USD") == pytest.approx(summary["aov"], rel=1e-12)
    frequency = value(view, "purchase_frequency", "all", "USD")
    assert frequency == pytest.approx(summary["purchases_per_customer_per_year"], rel=1e-12)
    lifetime_years = value(view, "lifetime")
    assert lifetime_years is not None
    assert lifetime_years * 365.25 == pytest.approx(summary["mean_lifespan_days_all"], rel=1e-12)
    assert value(view, "clv", "all", "USD") == pytest.approx(summary["clv_formula_A"], rel=1e-12)
