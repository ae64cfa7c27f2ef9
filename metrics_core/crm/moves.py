"""Events of the CRM boiled down to moves (see customers.py and leads.py beside it), by event class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metrics_core.crm import customers as c
from metrics_core.crm import leads
from metrics_core.events import EVENT_CLASSES, Customer, Event, Payment, Subscription, SubscriptionCancelled
from metrics_core.labels import NONE
from metrics_core.money import FINEST_EXPONENT, currency_of, exponent_of, minor_units
from metrics_core.rejects import Reason, Refused
from metrics_core.rows import Move
from metrics_core.times import EARLIEST_US, LATEST_US, parse_rfc3339

#: revenue that is no order
_NO_ORDER = ("interest", "late_fee")
CATEGORIES = (
    "new_sale", "repeat", "subscription", "service_fee", *_NO_ORDER, "supplementary", "value_added", "cross_sell",
    "up_sell",
)  # fmt: skip
ORIGINS = ("organic", "referral", "paid")
#: a value outside a closed list: its money or customer counts all the same
OTHER = "other"


def _listed(text: str | None, values: tuple[str, ...]) -> str | None:
    return (text if text in values else OTHER) if text else None


def _changes(data: Customer) -> tuple[str | None, str | None]:
    return (data.segment or None, _listed(data.origin, ORIGINS))


def _customer(code: int) -> Callable[[Customer], Move]:
    return lambda data: (code, _changes(data))


def _effective_us(data: Subscription | SubscriptionCancelled) -> int:
    """Microseconds since the epoch; 0 where the event does not say."""
    if not data.effective_at:
        return 0
    try:
        time_us = parse_rfc3339(data.effective_at)
    except ValueError as error:
        raise Refused(Reason.BAD_TIME, f"data: {error}") from None
    if not EARLIEST_US <= time_us < LATEST_US:
        raise Refused(Reason.TIME_OUT_OF_RANGE, f"{data.effective_at[:64]} is not between 1970 and 2200")
    return time_us


def _terms(code: int) -> Callable[[Subscription], Move]:
    def move(data: Subscription) -> Move:
        # without a currency, the amount waits for that of the subscription
        currency = currency_of(data.currency) if data.currency else None
        mrr = minor_units(data.mrr, FINEST_EXPONENT if currency is None else exponent_of(currency))
        at_us = _effective_us(data)
        terms = (code, at_us, data.subscription, mrr, data.plan or None, currency)
        return (*terms, bool(at_us)) if code == c.SEED else terms

    return move


def _cancelled(data: SubscriptionCancelled) -> Move:
    return (c.CANCEL, _effective_us(data), data.subscription)


def _received(data: Payment) -> Move:
    currency = currency_of(data.currency)
    minor = minor_units(data.amount, exponent_of(currency))
    category = _listed(data.category, CATEGORIES) or NONE
    return (c.PAY, minor, category, currency, data.order or "", category not in _NO_ORDER)


def _refunded(data: Payment) -> Move:
    currency = currency_of(data.currency)
    minor = minor_units(data.amount, exponent_of(currency))
    return (c.REFUND, minor, _listed(data.category, CATEGORIES) or NONE, currency)


def _lead(stage: int) -> Callable[[Any], Move]:
    return lambda data: (stage, data.origin)


_CUSTOMER_MOVES: dict[str, Callable[[Any], Move]] = {
    "crm.customer.created": _customer(c.CREATE),
    "crm.customer.churned": _customer(c.CHURN),
    "crm.customer.reactivated": _customer(c.REACTIVATE),
    "crm.customer.snapshot": _customer(c.SNAPSHOT),
    "crm.subscription.started": _terms(c.START),
    "crm.subscription.changed": _terms(c.CHANGE),
    "crm.subscription.cancelled": _cancelled,
    "crm.subscription.snapshot": _terms(c.SEED),
    "crm.payment.received": _received,
    "crm.payment.refunded": _refunded,
}


def _by_class(moves: dict[str, Callable[[Any], Move]]) -> dict[type[Event], Callable[[Any], Move]]:
    return {EVENT_CLASSES[event_type]: move for event_type, move in moves.items()}


#: class of a customer's event -> function from its data to its move
CUSTOMER_MOVE_OF_CLASS = _by_class(_CUSTOMER_MOVES)
#: class of a lead's event -> function from its data to its move
LEAD_MOVE_OF_CLASS = _by_class({f"crm.lead.{stage}": _lead(number) for number, stage in enumerate(leads.STAGES)})
