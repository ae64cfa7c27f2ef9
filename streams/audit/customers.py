"""Customers, their subscriptions and payments: the account after each event, and what differs between two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from streams.audit.events import Event
from streams.audit.fields import amount_of, currency_of
from streams.audit.policy import Rules
from streams.audit.windows import Flow

NO_ORDERS = ("interest", "late_fee")
ORIGINS = ("organic", "referral", "paid")
CATEGORIES = (
    *("new_sale", "repeat", "subscription", "service_fee", "interest", "late_fee"),
    *("supplementary", "value_added", "cross_sell", "up_sell"),
)


@dataclass(frozen=True)
class Subscription:
    """One subscription after an event."""

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
        """Subscriptions that run."""
        return [one for one in self.subscriptions.values() if one.running]


@dataclass
class Story:
    """A customer's events in order: the account after each, and the flows."""

    rules: Rules
    moments: list[tuple[int, Account]] = field(default_factory=list)
    flows: list[Flow] = field(default_factory=list)
    payments: list[tuple[int, str, str]] = field(default_factory=list)  # time, order, currency
    lives_us: list[tuple[int, int]] = field(default_factory=list)  # end, length of ended subscriptions

    def at(self, moment_us: int) -> Account:
        """The account as of a moment."""
        before = [account for at_us, account in self.moments if at_us < moment_us]
        return before[-1] if before else Account()

    def flow(self, series: str, at_us: int, amount: Decimal | int = 1, **labels: str) -> None:
        """Something happened."""
        self.flows.append(Flow(series, at_us, tuple(labels.items()), amount))


def tell_customer(events: Sequence[Event], rules: Rules) -> Story:
    """The story of these events, which are all of one customer and in order."""
    story, account = Story(rules), Account()
    for number, event in enumerate(events):
        account = replace(account, subscriptions=dict(account.subscriptions))
        at_us, was_member = event.fact_us, account.member
        flow = None
        if event.topic == "crm.customer":
            flow = _customer(account, event, at_us)
        elif event.topic == "crm.subscription":
            flow = _subscription(story, account, event, at_us)
        else:
            _payment(story, account, event, f"\0{number}")
        if flow and account.member != was_member:
            story.flow("customer_changes", at_us, change=flow, segment=account.segment, origin=account.origin)
        story.moments.append((at_us, account))
    return story


def _customer(account: Account, event: Event, at_us: int) -> str | None:
    if event.kind == "churned":
        return _leave(account)
    account.segment = event.fields.get("segment") or account.segment
    if event.fields.get("origin"):
        account.origin = event.fields["origin"] if event.fields["origin"] in ORIGINS else "other"
    flow: str | None = "reactivated"
    if not account.known:
        flow = {"created": "new", "snapshot": None}.get(event.kind, "reactivated")
    account.known = account.member = True
    account.active_us = at_us
    return flow


def _leave(account: Account) -> str | None:
    if not account.member:
        return None
    account.member, account.left = False, True
    return "lost"


def _subscription(story: Story, account: Account, event: Event, at_us: int) -> str | None:
    account.active_us = at_us
    follows = story.rules.at(event.time_us).churn_with_last_subscription
    if event.kind == "cancelled":
        ended = _cancel(story, account, event, at_us)
        return _leave(account) if ended and follows and not account.running else None
    _run(story, account, event, at_us)
    if event.kind != "changed" and account.known and not account.member and follows:
        account.member = True
        return "reactivated"
    return None


def _cancel(story: Story, account: Account, event: Event, at_us: int) -> bool:
    name = event.fields["subscription"]
    one = account.subscriptions.get(name)
    if one is None or not one.running:
        return False
    story.flow("subscription_changes", at_us, change="cancelled", plan=one.plan)
    story.flow("mrr_changes", at_us, one.mrr, change="churn", currency=one.currency)
    if one.dated:
        story.lives_us.append((at_us, at_us - one.since_us))
    account.subscriptions[name] = replace(one, running=False, ended_before=True)
    return True


def _run(story: Story, account: Account, event: Event, at_us: int) -> None:
    """A start, a change or a snapshot."""
    name = event.fields["subscription"]
    before = account.subscriptions.get(name)
    old = before or Subscription()
    plan = event.fields.get("plan") or old.plan
    currency = currency_of(event.fields) if event.fields.get("currency") else old.currency
    one = replace(old, plan=plan, currency=currency, mrr=amount_of(event.fields, "mrr"))
    if old.running:
        _reprice(story, old, one, at_us)
    elif event.kind != "changed" or before is None:
        one = replace(one, running=True, since_us=at_us, dated=True)
        if before is None and event.kind != "started":
            # it began before the history; a snapshot may say when
            one = replace(one, dated=event.kind == "snapshot" and bool(event.fields.get("effective_at")))
        else:
            change = "reactivation" if one.ended_before else "new"
            story.flow("subscription_changes", at_us, change="started", plan=one.plan)
            story.flow("mrr_changes", at_us, one.mrr, change=change, currency=one.currency)
    account.subscriptions[name] = one


def _reprice(story: Story, old: Subscription, one: Subscription, at_us: int) -> None:
    if one.currency != old.currency:
        story.flow("mrr_changes", at_us, old.mrr, change="churn", currency=old.currency)
        story.flow("mrr_changes", at_us, one.mrr, change="new", currency=one.currency)
        return
    difference = one.mrr - old.mrr
    change = "expansion" if difference > 0 else "contraction"
    story.flow("mrr_changes", at_us, abs(difference), change=change, currency=one.currency)


def _payment(story: Story, account: Account, event: Event, own: str) -> None:
    at_us, currency = event.time_us, currency_of(event.fields)
    category = event.fields.get("category") or "none"
    if category not in (*CATEGORIES, "none"):
        category = "other"
    amount = amount_of(event.fields, "amount")
    is_paid = event.kind == "received"
    story.flow("revenue", at_us, amount if is_paid else -amount, category=category, currency=currency)
    if is_paid:
        account.active_us = at_us
        if category not in NO_ORDERS:
            story.payments.append((at_us, event.fields.get("order") or own, currency))
