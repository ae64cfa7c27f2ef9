"""Subscriptions: how many run, what they bring, and what moved that."""

from __future__ import annotations

from desk_of_customers import Story, on

from metrics_core.crm.subscriptions import MOST_SUBSCRIPTIONS
from metrics_core.rejects import Reason


def moves(story: Story, day: float, currency: str = "EUR", window: str = "30d") -> dict[str, float]:
    """MRR changes that are not zero."""
    found = {
        change: story.total(day, "mrr_changes", window=window, change=change, currency=currency)
        for change in ("new", "expansion", "contraction", "churn", "reactivation")
    }
    return {change: amount for change, amount in found.items() if amount}


def test_every_move_of_recurring_revenue_has_its_name() -> None:
    story = Story().tell(0, "customer.created")
    story.tell(1, "subscription.started", subscription="s", mrr="10.00", plan="basic", currency="EUR")
    story.tell(2, "subscription.changed", subscription="s", mrr="25.50", plan="pro", currency="EUR")
    story.tell(3, "subscription.changed", subscription="s", mrr="20", currency="EUR")
    assert story.total(4, "mrr", plan="pro", currency="EUR") == 20.0
    assert story.total(4, "mrr", plan="basic") in (0, None)
    assert story.total(4, "subscriptions", plan="pro") == 1
    story.tell(5, "subscription.cancelled", subscription="s")
    story.tell(6, "subscription.started", subscription="s", mrr="5.05", currency="EUR")
    assert moves(story, 7) == {
        "new": 10.0,
        "expansion": 15.5,
        "contraction": 5.5,
        "churn": 20.0,
        "reactivation": 5.05,
    }
    assert story.total(7, "subscription_changes", window="30d", period="now", change="started") == 2
    assert story.total(7, "subscription_changes", window="30d", period="now", change="cancelled", plan="pro") == 1


def test_a_move_to_another_currency_is_churn_in_one_and_new_in_the_other() -> None:
    story = Story().tell(0, "subscription.started", subscription="s", mrr="10", currency="EUR")
    story.tell(1, "subscription.changed", subscription="s", mrr="12", currency="USD")
    assert moves(story, 2) == {"new": 10.0, "churn": 10.0}
    assert moves(story, 2, "USD") == {"new": 12.0}
    assert story.total(2, "subscribed_customers", currency="EUR") == 0
    assert story.total(2, "subscribed_customers", currency="USD") == 1


def test_a_repeated_start_and_a_repeated_end_count_once() -> None:
    story = Story()
    for day in (0, 0.5):
        story.tell(day, "subscription.started", subscription="s", mrr="10", currency="EUR")
    for day in (1, 1.5):
        story.tell(day, "subscription.cancelled", subscription="s")
    assert moves(story, 2) == {"new": 10.0, "churn": 10.0}


def test_a_subscription_older_than_the_history_counts_and_is_no_start() -> None:
    story = Story().tell(0, "subscription.snapshot", subscription="a", mrr="10", currency="EUR")
    story.tell(0, "subscription.changed", subscription="b", mrr="5", currency="EUR")
    story.tell(0, "subscription.cancelled", subscription="c")
    assert story.total(1, "subscriptions") == 2
    assert story.total(1, "mrr", currency="EUR") == 15.0
    assert moves(story, 1) == {}
    story.tell(2, "subscription.cancelled", subscription="a")
    assert moves(story, 3) == {"churn": 10.0}
    assert story.total(3, "customer_lifetime_seconds_count", basis="subscription") == 0, "nobody knows its start"


def test_a_snapshot_that_says_since_when_gives_a_lifetime() -> None:
    story = Story()
    story.tell(0, "subscription.snapshot", subscription="a", mrr="10", currency="EUR", effective_at=on(-100))
    story.tell(20, "subscription.cancelled", subscription="a")
    assert story.total(21, "customer_lifetime_seconds_sum", basis="subscription") == 120 * 86400


def test_an_announced_end_counts_when_it_comes() -> None:
    story = Story().tell(0, "customer.created")
    story.tell(1, "subscription.started", subscription="s", mrr="10", currency="EUR")
    story.tell(2, "subscription.cancelled", subscription="s", effective_at=on(20))
    assert story.total(20, "subscriptions") == 1
    assert story.total(20, "mrr", currency="EUR") == 10.0
    assert story.total(20, "customers", state="active") == 1
    assert story.total(20, "subscriptions_lost_of_start", window="7d") == 0
    assert moves(story, 20, window="all") == {"new": 10.0}
    assert story.total(21, "subscriptions") == 0
    assert story.total(21, "customers", state="churned") == 1
    assert story.total(21, "subscriptions_lost_of_start", window="7d") == 1
    assert story.total(21, "customers_lost_of_start", window="7d") == 1
    assert moves(story, 21) == {"new": 10.0, "churn": 10.0}


def test_what_took_effect_in_the_past_belongs_there() -> None:
    story = (
        Story()
        .tell(0, "customer.created")
        .tell(10, "subscription.started", subscription="s", mrr="10", currency="EUR", effective_at=on(3))
    )
    assert story.total(11, "subscription_changes", window="7d", period="now", change="started") == 0
    assert story.total(11, "subscription_changes", window="30d", period="now", change="started") == 1
    assert story.total(11, "subscriptions_at_start", window="7d", period="now") == 1


def test_a_change_without_currency_is_in_that_of_the_subscription() -> None:
    story = Story().tell(0, "subscription.started", subscription="s", mrr="1000", currency="JPY")
    story.tell(1, "subscription.changed", subscription="s", mrr="1500")
    assert story.total(2, "mrr", currency="JPY") == 1500
    assert moves(story, 2, "JPY") == {"new": 1000, "expansion": 500}


def test_a_customer_with_two_subscriptions_is_one_subscriber() -> None:
    story = Story()
    for name in ("a", "b"):
        story.tell(0, "subscription.started", subscription=name, mrr="10", currency="EUR")
    assert story.total(1, "subscribed_customers", currency="EUR") == 1
    story.tell(2, "subscription.cancelled", subscription="a")
    assert story.total(3, "subscribed_customers", currency="EUR") == 1


def test_retained_revenue_compares_with_the_start() -> None:
    story = Story().tell(0, "customer.created", "c/0")
    for name, mrr in (("a", "60"), ("b", "40")):
        story.tell(1, "subscription.started", f"c/{name}", subscription=name, mrr=mrr, currency="EUR")
    story.tell(9, "subscription.changed", "c/a", subscription="a", mrr="90", currency="EUR")
    story.tell(9, "subscription.cancelled", "c/b", subscription="b")
    assert story.total(10, "mrr_at_start", window="7d", currency="EUR") == 100.0
    assert story.derived(10, "grr")["7d", "EUR"] == 0.6
    assert story.derived(10, "nrr")["7d", "EUR"] == 0.9
    assert ("30d", "EUR") not in story.derived(10, "nrr")


def test_lifetime_value_is_life_in_months_times_revenue_a_subscriber() -> None:
    story = Story().tell(0, "subscription.started", subscription="a", mrr="10", currency="EUR")
    story.tell(0, "subscription.started", "c/2", subscription="b", mrr="30", currency="EUR")
    story.tell(30.4375 * 2, "subscription.cancelled", subscription="a")
    assert story.derived(70, "ltv")["EUR",] == 60.0


def test_a_customer_has_so_many_subscriptions_and_no_more() -> None:
    story = Story()
    for number in range(MOST_SUBSCRIPTIONS + 1):
        story.tell(0, "subscription.started", subscription=f"s{number}", mrr="1", currency="EUR")
    story.tell(1, "subscription.cancelled", subscription="s0")
    shard = story.shard(2)
    assert [reject.reason for reject in shard.take_rejects()] == [Reason.INVALID_VALUE]
    assert story.total(2, "subscriptions") == MOST_SUBSCRIPTIONS - 1
    assert max(len(value or b"") for _, value in shard.drain()) < 500_000
