"""The metrics of customers computed the obvious way: the whole history read again for every question.

Nothing of metrics_core is imported. A customer's story is the list of what it was after each of its events; a
level as of a moment is looked up there, a flow is what differs between two neighbours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

Event = Mapping[str, Any]
Values = dict[tuple[str, tuple[str, ...]], Any]

MINUTE_US = 60_000_000
DAY_US = 1440 * MINUTE_US
#: window -> (pane, length)
WINDOWS_US = {
    "1h": (MINUTE_US, 60 * MINUTE_US),
    "24h": (5 * MINUTE_US, DAY_US),
    "7d": (60 * MINUTE_US, 7 * DAY_US),
    "30d": (60 * MINUTE_US, 30 * DAY_US),
}
NO_ORDERS = ("interest", "late_fee")


def time_us(text: str) -> int:
    since = datetime.fromisoformat(text.replace("Z", "+00:00")) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(microseconds=1)


@dataclass
class Subscription:
    running: bool = False
    since_us: int = 0
    dated: bool = True
    ended_before: bool = False
    plan: str = "none"
    currency: str = "none"
    mrr: Decimal = Decimal(0)


@dataclass
class Account:
    """What a customer is after an event."""

    known: bool = False
    member: bool = False
    left: bool = False
    segment: str = "none"
    origin: str = "none"
    active_us: int = 0
    subscriptions: dict[str, Subscription] = field(default_factory=dict)

    @property
    def running(self) -> list[Subscription]:
        return [one for one in self.subscriptions.values() if one.running]


@dataclass
class Story:
    """A customer's events in order: the account after each, and the flows (time, series, labels, amount)."""

    moments: list[tuple[int, Account]] = field(default_factory=list)
    flows: list[tuple[int, str, tuple[str, ...], Decimal]] = field(default_factory=list)
    payments: list[tuple[int, str, str]] = field(default_factory=list)  # time, order, currency
    lives_us: list[tuple[int, int]] = field(default_factory=list)  # end, length of ended subscriptions

    def at(self, moment_us: int) -> Account:
        """The account as of a moment."""
        before = [account for at_us, account in self.moments if at_us < moment_us]
        return before[-1] if before else Account()


def fact_us(event: Event) -> int:
    effective = event["data"].get("effective_at") if event["type"].startswith("crm.subscription.") else None
    return time_us(effective or event["time"])


def _order(event: Event) -> tuple[Any, ...]:
    sequence = event.get("sequence")
    return (fact_us(event), -1 if sequence is None else int(sequence), event["id"], event["source"])


def stories(log: Iterable[Event], as_of_us: int) -> dict[str, Story]:
    """Every customer's story as told by the events before a moment; each identity once."""
    once = {(event["source"], event["id"]): event for event in reversed(list(log))}
    told: dict[str, list[Event]] = defaultdict(list)
    for event in once.values():
        if time_us(event["time"]) < as_of_us and not event["type"].startswith("crm.lead."):
            told[event["subject"]].append(event)
    return {subject: tell(sorted(events, key=_order)) for subject, events in told.items()}


def tell(events: Sequence[Event]) -> Story:
    story, account = Story(), Account()
    for number, event in enumerate(events):
        account = deepcopy(account)
        at_us, kind, data = fact_us(event), event["type"].removeprefix("crm."), event["data"]
        was_member = account.member
        if kind.startswith("customer."):
            flow = _customer(account, kind, data, at_us)
        elif kind.startswith("subscription."):
            flow = _subscription(story, account, kind, data, at_us)
        else:
            flow = None
            _payment(story, account, kind, data, at_us, f"\0{number}")
        if flow and account.member != was_member:
            story.flows.append((at_us, "customer_changes", (flow, account.segment, account.origin), Decimal(1)))
        story.moments.append((at_us, account))
    return story


def _customer(account: Account, kind: str, data: Event, at_us: int) -> str | None:
    if kind == "customer.churned":
        return _leave(account)
    account.segment = data.get("segment") or account.segment
    account.origin = data.get("origin") or account.origin
    flow: str | None = "reactivated"
    if not account.known:
        flow = {"customer.created": "new", "customer.snapshot": None}.get(kind, "reactivated")
    account.known = account.member = True
    account.active_us = at_us
    return flow


def _leave(account: Account) -> str | None:
    if not account.member:
        return None
    account.member, account.left = False, True
    return "lost"


def _subscription(story: Story, account: Account, kind: str, data: Event, at_us: int) -> str | None:
    one = account.subscriptions.get(data["subscription"])
    account.active_us = at_us
    if kind == "subscription.cancelled":
        if one is None or not one.running:
            return None
        story.flows.append((at_us, "subscription_changes", ("cancelled", one.plan), Decimal(1)))
        story.flows.append((at_us, "mrr_changes", ("churn", one.currency), one.mrr))
        if one.dated:
            story.lives_us.append((at_us, at_us - one.since_us))
        one.running, one.ended_before = False, True
        return None if account.running else _leave(account)
    is_first = one is None
    if one is None:
        one = account.subscriptions[data["subscription"]] = Subscription()
    old_mrr, old_currency = one.mrr, one.currency
    one.mrr = Decimal(data["mrr"])
    one.plan, one.currency = data.get("plan") or one.plan, data.get("currency") or one.currency
    if one.running:
        for change, currency, amount in _moves(old_mrr, old_currency, one):
            story.flows.append((at_us, "mrr_changes", (change, currency), amount))
    elif kind != "subscription.changed" or is_first:
        one.running, one.since_us, one.dated = True, at_us, True
        if is_first and kind != "subscription.started":
            one.dated = kind == "subscription.snapshot" and "effective_at" in data
        else:
            change = "reactivation" if one.ended_before else "new"
            story.flows.append((at_us, "subscription_changes", ("started", one.plan), Decimal(1)))
            story.flows.append((at_us, "mrr_changes", (change, one.currency), one.mrr))
    if kind != "subscription.changed" and account.known and not account.member:
        account.member = True
        return "reactivated"
    return None


def _moves(old_mrr: Decimal, old_currency: str, one: Subscription) -> list[tuple[str, str, Decimal]]:
    if one.currency != old_currency:
        return [("churn", old_currency, old_mrr), ("new", one.currency, one.mrr)]
    difference = one.mrr - old_mrr
    return [("expansion" if difference > 0 else "contraction", one.currency, abs(difference))]


def _payment(story: Story, account: Account, kind: str, data: Event, at_us: int, own: str) -> None:
    amount, category = Decimal(data["amount"]), data.get("category") or "none"
    sign = 1 if kind == "payment.received" else -1
    story.flows.append((at_us, "revenue", (category, data["currency"]), sign * amount))
    if sign > 0:
        account.active_us = at_us
        if category not in NO_ORDERS:
            story.payments.append((at_us, data.get("order") or own, data["currency"]))


# -- values ---------------------------------------------------------------------------------------------------


def _add(values: Values, series: str, labels: tuple[str, ...], amount: Any) -> None:
    values[series, labels] = values.get((series, labels), 0) + amount


def values_of(log: Sequence[Event], as_of_us: int, *, idle_days: int) -> Values:
    """Every value that is not zero, by series and label values in the order of the metric specification."""
    told = stories(log, as_of_us)
    customers = [event for event in log if not event["type"].startswith("crm.lead.")]
    start_us = min((time_us(event["time"]) for event in customers if time_us(event["time"]) < as_of_us), default=0)
    values: Values = {}
    end_us = -(-as_of_us // MINUTE_US) * MINUTE_US
    for story in told.values():
        _levels(values, story, end_us, as_of_us - idle_days * DAY_US)
        _lives(values, story, end_us)
    for window, (pane_us, length_us) in WINDOWS_US.items():
        stop_us = -(-as_of_us // pane_us) * pane_us
        begin_us = stop_us - length_us
        _flows(values, told.values(), window, "now", begin_us, stop_us)
        if start_us and begin_us > start_us:
            _starts(values, told.values(), window, "now", begin_us)
            _lost(values, told.values(), window, begin_us, as_of_us)
        if start_us and begin_us - length_us > start_us:
            _starts(values, told.values(), window, "before", begin_us - length_us)
        if start_us and begin_us - length_us >= start_us:
            _flows(values, told.values(), window, "before", begin_us - length_us, begin_us)
    _leads(values, log, as_of_us)
    return {key: value for key, value in values.items() if value}


def _levels(values: Values, story: Story, end_us: int, idle_us: int) -> None:
    account = story.at(end_us)
    if account.member:
        quiet = not account.running and account.active_us < idle_us
        _add(values, "customers", (account.segment, "inactive" if quiet else "active"), 1)
    elif account.left:
        _add(values, "customers", (account.segment, "churned"), 1)
    for one in account.running:
        _add(values, "subscriptions", (one.plan,), 1)
        _add(values, "mrr", (one.plan, one.currency), one.mrr)
    for currency in {one.currency for one in account.running}:
        _add(values, "subscribed_customers", (currency,), 1)


def _lives(values: Values, story: Story, end_us: int) -> None:
    bought = [at_us for at_us, _, _ in story.payments]
    if bought:
        _add(values, "customer_lifetime_seconds_count", ("purchase",), 1)
        _add(values, "customer_lifetime_seconds_sum", ("purchase",), Decimal(max(bought) - min(bought)) / 10**6)
    for ended_us, life_us in story.lives_us:
        if ended_us < end_us:
            _add(values, "customer_lifetime_seconds_count", ("subscription",), 1)
            _add(values, "customer_lifetime_seconds_sum", ("subscription",), Decimal(life_us) / 10**6)


def _flows(values: Values, told: Iterable[Story], window: str, period: str, begin_us: int, stop_us: int) -> None:
    for story in told:
        for at_us, series, labels, amount in story.flows:
            if begin_us <= at_us < stop_us and (series != "mrr_changes" or period == "now"):
                times = (window,) if series == "mrr_changes" else (window, period)
                _add(values, series, (*times, *labels), amount)
        if period == "now":
            _orders(values, story, window, begin_us, stop_us)


def _orders(values: Values, story: Story, window: str, begin_us: int, stop_us: int) -> None:
    by_currency: dict[str, set[str]] = defaultdict(set)
    for at_us, order, currency in story.payments:
        if begin_us <= at_us < stop_us:
            by_currency[currency].add(order)
    for currency, orders in by_currency.items():
        _add(values, "orders", (window, currency), len(orders))
        _add(values, "buyers", (window, currency), 1)
        _add(values, "repeat_buyers", (window, currency), int(len(orders) > 1))


def _starts(values: Values, told: Iterable[Story], window: str, period: str, begin_us: int) -> None:
    for story in told:
        account = story.at(begin_us)
        _add(values, "customers_at_start", (window, period), int(account.member))
        _add(values, "subscriptions_at_start", (window, period), len(account.running))
        for one in account.running if period == "now" else ():
            _add(values, "mrr_at_start", (window, one.currency), one.mrr)


def _lost(values: Values, told: Iterable[Story], window: str, begin_us: int, as_of_us: int) -> None:
    for story in told:
        then, now = story.at(begin_us), story.at(as_of_us)
        _add(values, "customers_lost_of_start", (window,), int(then.member and not now.member))
        gone = [
            name for name, one in then.subscriptions.items() if one.running and not now.subscriptions[name].running
        ]
        _add(values, "subscriptions_lost_of_start", (window,), len(gone))


def _leads(values: Values, log: Sequence[Event], as_of_us: int) -> None:
    once = {(event["source"], event["id"]): event for event in reversed(list(log))}
    leads: dict[str, list[Event]] = defaultdict(list)
    for event in once.values():
        if event["type"].startswith("crm.lead.") and time_us(event["time"]) < as_of_us:
            leads[event["subject"]].append(event)
    for events in leads.values():
        seen, origin = set(), "none"
        for event in sorted(events, key=_order):
            stage = event["type"].removeprefix("crm.lead.")
            origin = event["data"].get("origin") or origin
            if stage in seen:
                continue
            seen.add(stage)
            for window, (pane_us, length_us) in WINDOWS_US.items():
                if time_us(event["time"]) >= -(-as_of_us // pane_us) * pane_us - length_us:
                    _add(values, "leads", (window, stage, origin), 1)
