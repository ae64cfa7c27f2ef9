"""Customers: who is counted, as what, and since when."""

from __future__ import annotations

import pytest
from desk_of_customers import Story

from metrics_core.policy import Policy, PolicyError, Version


def changes(story: Story, day: float, window: str = "30d", period: str = "now") -> dict[str, int]:
    return {
        change: story.total(day, "customer_changes", window=window, period=period, change=change)
        for change in ("new", "lost", "reactivated")
    }


def states(story: Story, day: float) -> tuple[int, int, int]:
    active, inactive, churned = (
        story.total(day, "customers", state=state) for state in ("active", "inactive", "churned")
    )
    return active, inactive, churned


def test_a_created_customer_is_new_and_a_seeded_one_is_not() -> None:
    story = Story().tell(0, "customer.created").tell(0, "customer.snapshot", "c/2")
    assert changes(story, 1) == {"new": 1, "lost": 0, "reactivated": 0}
    assert states(story, 1) == (2, 0, 0)


def test_repeats_of_a_state_count_nothing() -> None:
    story = Story()
    for kind in ("created", "created", "reactivated", "churned", "churned", "reactivated", "snapshot"):
        story.tell(len(story.lines) / 10, f"customer.{kind}")
    assert changes(story, 1) == {"new": 1, "lost": 1, "reactivated": 1}
    assert states(story, 1) == (1, 0, 0)


def test_a_creation_or_a_snapshot_of_a_lost_customer_brings_it_back() -> None:
    for kind in ("created", "snapshot"):
        story = Story().tell(0, "customer.created").tell(1, "customer.churned").tell(2, f"customer.{kind}")
        assert changes(story, 3) == {"new": 1, "lost": 1, "reactivated": 1}


def test_silence_makes_a_customer_inactive_and_a_payment_active_again() -> None:
    story = Story(Policy(versions=(Version(idle_days=30),))).tell(0, "customer.created")
    assert states(story, 30) == (1, 0, 0)
    assert states(story, 30.01) == (0, 1, 0)
    story.tell(40, "payment.received", amount="5", currency="EUR")
    assert states(story, 41) == (1, 0, 0)
    assert states(story, 71) == (0, 1, 0)


def test_a_running_subscription_keeps_a_silent_customer_active() -> None:
    story = Story(Policy(versions=(Version(idle_days=10),))).tell(0, "customer.created")
    story.tell(1, "subscription.started", subscription="s", mrr="5", currency="EUR")
    assert states(story, 60) == (1, 0, 0)


def test_the_last_subscription_takes_the_customer_with_it_and_a_new_one_brings_it_back() -> None:
    story = Story().tell(0, "customer.created")
    for name in ("a", "b"):
        story.tell(1, "subscription.started", subscription=name, mrr="5", currency="EUR")
    story.tell(2, "subscription.cancelled", subscription="a")
    assert states(story, 3) == (1, 0, 0)
    story.tell(4, "subscription.cancelled", subscription="b").tell(4, "customer.churned")
    assert states(story, 5) == (0, 0, 1)
    story.tell(6, "subscription.started", subscription="c", mrr="5", currency="EUR")
    assert changes(story, 7) == {"new": 1, "lost": 1, "reactivated": 1}
    assert states(story, 7) == (1, 0, 0)


def test_a_policy_may_leave_customers_without_subscriptions_alone() -> None:
    story = Story(Policy(versions=(Version(churn_with_last_subscription=False),))).tell(0, "customer.created")
    story.tell(1, "subscription.started", subscription="a", mrr="5", currency="EUR")
    story.tell(2, "subscription.cancelled", subscription="a")
    assert states(story, 3) == (1, 0, 0)


def test_money_of_an_unknown_customer_counts_but_the_customer_does_not() -> None:
    story = Story().tell(0, "payment.received", amount="7.50", currency="EUR")
    story.tell(0, "subscription.started", subscription="s", mrr="5", currency="EUR").tell(1, "customer.churned")
    assert story.total(2, "revenue", window="7d", period="now") == 7.5
    assert story.total(2, "subscriptions") == 1
    assert story.total(2, "subscribed_customers", currency="EUR") == 1
    assert states(story, 2) == (0, 0, 0)
    assert changes(story, 2) == {"new": 0, "lost": 0, "reactivated": 0}


def test_the_headcount_follows_a_new_segment_and_facts_keep_theirs() -> None:
    story = Story().tell(0, "customer.created", segment="small").tell(1, "customer.snapshot", segment="large")
    assert story.total(2, "customers", segment="large") == 1
    assert story.total(2, "customers", segment="small") in (0, None)
    assert story.total(2, "customer_changes", window="7d", period="now", segment="small") == 1
    assert story.total(2, "customers_at_start", window="24h", period="now") in (0, 1)


def test_an_origin_that_is_not_listed_is_shown_as_other() -> None:
    story = Story().tell(0, "customer.created", origin="fair in Hanover")
    assert story.total(1, "customer_changes", window="7d", period="now", origin="other") == 1


def test_the_start_counts_who_was_there_and_the_cohort_who_is_gone() -> None:
    story = Story().tell(0, "customer.created", "c/0")
    for number in range(1, 5):
        story.tell(1, "customer.created", f"c/{number}")
    story.tell(9, "customer.churned", "c/1").tell(10, "customer.created", "c/9").tell(11, "customer.churned", "c/9")
    story.tell(11, "customer.churned", "c/2").tell(12, "customer.reactivated", "c/2")
    at_start = {"window": "7d", "period": "now"}
    assert story.total(13, "customers_at_start", **at_start) == 5
    assert story.total(13, "customers_lost_of_start", window="7d") == 1
    assert story.derived(13, "customer_churn")["7d",] == 3 / 5
    assert story.derived(13, "customer_churn_cohort")["7d",] == 1 / 5
    assert story.derived(13, "retention")["7d",] == (4 - 1 - 1) / 5


def test_a_customer_who_comes_back_and_leaves_again_is_lost_of_every_start_it_saw() -> None:
    story = Story().tell(0, "customer.created", "c/0").tell(1, "customer.created")
    for day, kind in ((9, "churned"), (10, "reactivated"), (12, "churned")):
        story.tell(day, f"customer.{kind}")
    assert story.total(13, "customers_lost_of_start", window="7d") == 1
    assert story.total(16.5, "customers_lost_of_start", window="7d") == 0
    assert story.total(18, "customers_lost_of_start", window="7d") == 1


def test_nothing_is_said_of_a_start_before_the_history() -> None:
    story = Story().tell(0, "customer.created").tell(8, "customer.churned")
    for series in ("customers_at_start", "customers_lost_of_start"):
        assert story.total(7, series, window="7d") is None
        assert story.total(7.5, series, window="7d") is not None
    assert story.total(8.5, "customer_changes", window="7d", period="before") is None
    assert story.total(14, "customer_changes", window="7d", period="before", change="new") == 1
    assert ("7d",) not in story.derived(7, "customer_churn")
    assert ("7d",) not in story.derived(14, "churn_reduction")
    assert story.derived(15, "churn_reduction")["7d",] == -1.0
    assert story.total(15, "customers_at_start", window="all") is None


def test_withheld_values_are_named_for_those_who_fill_in_zeros() -> None:
    story = Story().tell(0, "customer.created")
    tables = story.view(1.5).tables
    assert tables["customers_at_start"].withheld == {
        ("24h", "before"),
        *((window, period) for window in ("7d", "30d", "all") for period in ("now", "before")),
    }
    assert tables["customers_lost_of_start"].withheld == {("7d",), ("30d",), ("all",)}
    assert tables["tickets"].withheld == set()


def test_a_customer_row_that_was_lost_long_ago_is_reactivated_not_new() -> None:
    story = Story().tell(0, "customer.created").tell(1, "customer.churned").tell(400, "customer.reactivated")
    assert changes(story, 401) == {"new": 0, "lost": 0, "reactivated": 1}
    assert states(story, 401) == (1, 0, 0)


def test_idle_days_below_one_are_refused() -> None:
    with pytest.raises(PolicyError, match="idle_days"):
        Policy.parse({"versions": [{"idle_days": 0}]})
