"""Churn as the sum of daily rates, beside the window's own, in reports and replays."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from company import FIRST_US, Company, on, subjects

from metrics_core.derived import DERIVED
from metrics_core.times import DAY_US, HOUR_US, parse_rfc3339
from streams.replay.choice import choose
from streams.replay.run import Request, run
from streams.replay.sheets import Form
from streams.report import report_rows


def a_month() -> Company:
    """100 customers; 10 lost on day 25; 30 new on day 26; 9 of the 120 lost on day 28. As many subscriptions."""
    company = Company().tell(0.25, "crm.customer.snapshot", "c/first").tell(0.3, "crm.customer.churned", "c/first")
    company.many(0.5, "crm.customer.snapshot", subjects("c", 100))
    company.many(25.2, "crm.customer.churned", subjects("c", 10))
    company.many(26.5, "crm.customer.created", subjects("n", 30))
    return company.many(28.9, "crm.customer.churned", subjects("c", 9, start=50))


def reported(company: Company, day: float, metric: str) -> dict[str, float]:
    """Window -> value."""
    rows = report_rows(company.lines, as_of_us=FIRST_US + round(day * DAY_US), metrics=[metric])
    return {row["labels"]["window"]: row["value"] for row in rows if row["metric"] == metric}


def test_daily_rates_add_up_to_another_churn_than_the_windows() -> None:
    # 10 / 100 and 9 / 120, each of what stood at its day's start; no day before the 25th lost anybody
    daily = {"24h": 0, "7d": pytest.approx(0.175, rel=1e-12), "30d": pytest.approx(0.175, rel=1e-12)}
    assert reported(a_month(), 31, "customer_churn_daily") == daily
    # (10 + 9) / 100
    assert reported(a_month(), 31, "customer_churn")["30d"] == 0.19


def test_daily_rates_are_withheld_like_the_windows_own() -> None:
    assert reported(a_month(), 30, "customer_churn_daily").keys() == {"24h", "7d"}
    assert reported(a_month(), 1, "customer_churn_daily") == {}


def test_days_are_counted_back_from_the_hour_that_runs() -> None:
    company = a_month()
    # as of 23:54 on day 31: days begin at midnight, as the hour that runs counts as whole
    at = 32 - 0.1 / 24
    assert reported(company, at, "customer_churn_daily") == reported(company, 32, "customer_churn_daily")
    # from day 28.5 on, the 9 fall into a day that began with 120; the 10 into one that began with 100
    assert reported(company, 30.5, "customer_churn_daily")["7d"] == pytest.approx(0.175, rel=1e-12)


def test_what_the_running_hour_lost_is_in_the_latest_day() -> None:
    assert reported(a_month(), 28.91, "customer_churn_daily")["24h"] == 9 / 120


def test_subscriptions_have_daily_rates_too() -> None:
    company = Company().tell(0.5, "crm.customer.created", "c/first")
    for customer in subjects("c", 20):
        company.tell(1, "crm.subscription.started", customer, subscription=customer, mrr="10", currency="EUR")
    for day, customer in ((5.5, "c/1"), (5.6, "c/2"), (6.5, "c/3")):
        company.tell(day, "crm.subscription.cancelled", customer, subscription=customer)
    # 2 / 20 + 1 / 18
    expected = pytest.approx(2 / 20 + 1 / 18, rel=1e-12)
    assert reported(company, 9, "subscription_churn_daily")["7d"] == expected


def test_a_replay_of_any_order_of_lines_says_what_reports_say(tmp_path: Path) -> None:
    company = a_month()
    lines = random.Random(5).sample(company.lines, len(company.lines))
    (tmp_path / "events.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
    metric = "customer_churn_daily"
    request = Request(
        files=[str(tmp_path / "events.jsonl")],
        choice=choose(company.policy, metrics=[metric]),
        length_us=7 * HOUR_US,
        form=Form.JSONL,
        out=str(tmp_path / "out.jsonl"),
        from_us=parse_rfc3339(on(24)),
        to_us=parse_rfc3339(on(34)),
    )
    run(request)
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_bytes().splitlines()]
    assert len({row["time"] for row in rows}) > 30
    for time in {row["time"] for row in rows}:
        expected = report_rows(lines, as_of_us=parse_rfc3339(time), metrics=[metric])
        assert [row for row in rows if row["time"] == time] == expected


def test_workers_have_no_daily_rates() -> None:
    assert not {"customer_churn_daily", "subscription_churn_daily"} & {derived.id for derived in DERIVED}
