"""Values of customers, subscriptions and revenue: levels now and at the start of windows, flows, orders."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from streams.audit.customers import Story
from streams.audit.windows import DAY_US, SECOND_US, Labels, Span, Sums


def add_customers(
    sums: Sums, stories: Sequence[Story], as_of_us: int, spans: Sequence[Span], history_us: int | None
) -> None:
    """Every value of customers; `history_us` is the first event of any of them."""
    for story in stories:
        _add_levels(sums, story, as_of_us)
        _add_lives(sums, story, as_of_us)
        sums.add_flows(story.flows, spans, history_us)
        for one in spans:
            _add_orders(sums, story, one)
            if one.before_us is None or history_us is None:
                continue
            if one.start_us > history_us:
                _add_start(sums, story, one.start_us, (("window", one.name), ("period", "now")))
                _add_lost(sums, story, one, as_of_us)
            if one.before_us > history_us:
                _add_start(sums, story, one.before_us, (("window", one.name), ("period", "before")))


def _add_levels(sums: Sums, story: Story, as_of_us: int) -> None:
    account = story.at(as_of_us)
    if account.member:
        idle_us = story.rules.at(as_of_us).idle_days * DAY_US
        is_quiet = not account.running and account.active_us < as_of_us - idle_us
        state = "inactive" if is_quiet else "active"
        sums.add("customers", (("segment", account.segment), ("state", state)))
    elif account.left:
        sums.add("customers", (("segment", account.segment), ("state", "churned")))
    for one in account.running:
        sums.add("subscriptions", (("plan", one.plan),))
        sums.add("mrr", (("plan", one.plan), ("currency", one.currency)), one.mrr)
    for currency in {one.currency for one in account.running}:
        sums.add("subscribed_customers", (("currency", currency),))


def _add_lives(sums: Sums, story: Story, as_of_us: int) -> None:
    def add(basis: str, life_us: int) -> None:
        sums.add("customer_lifetime_seconds_count", (("basis", basis),))
        sums.add("customer_lifetime_seconds_sum", (("basis", basis),), Decimal(life_us) / SECOND_US)

    bought_us = [at_us for at_us, _, _ in story.payments]
    if bought_us:
        add("purchase", max(bought_us) - min(bought_us))
    for ended_us, life_us in story.lives_us:
        if ended_us < as_of_us:
            add("subscription", life_us)


def _add_orders(sums: Sums, story: Story, one: Span) -> None:
    by_currency: dict[str, set[str]] = {}
    for at_us, order, currency in story.payments:
        if one.start_us <= at_us < one.stop_us:
            by_currency.setdefault(currency, set()).add(order)
    for currency, orders in by_currency.items():
        labels = (("window", one.name), ("currency", currency))
        sums.add("orders", labels, len(orders))
        sums.add("buyers", labels)
        sums.add("repeat_buyers", labels, int(len(orders) > 1))


def _add_start(sums: Sums, story: Story, start_us: int, labels: Labels) -> None:
    account = story.at(start_us)
    sums.add("customers_at_start", labels, int(account.member))
    sums.add("subscriptions_at_start", labels, len(account.running))
    if ("period", "now") in labels:
        for one in account.running:
            sums.add("mrr_at_start", (labels[0], ("currency", one.currency)), one.mrr)


def _add_lost(sums: Sums, story: Story, one: Span, as_of_us: int) -> None:
    then, now = story.at(one.start_us), story.at(as_of_us)
    labels = (("window", one.name),)
    sums.add("customers_lost_of_start", labels, int(then.member and not now.member))
    ran = [name for name, subscription in then.subscriptions.items() if subscription.running]
    gone = sum(not now.subscriptions[name].running for name in ran)
    sums.add("subscriptions_lost_of_start", labels, gone)
