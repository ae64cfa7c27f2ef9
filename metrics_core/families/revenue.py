"""Revenue: what was paid, for how many orders, by how many buyers, and for how long they keep buying."""

from metrics_core import facts
from metrics_core.crm.moves import CATEGORIES
from metrics_core.families.base import PERIODS, Family
from metrics_core.labels import NONE
from metrics_core.series import Series

_LIFETIME = "customer_lifetime_seconds"
_BASES = ("purchase", "subscription")

FAMILY = Family(
    id="revenue",
    question="What do customers pay, and how often?",
    traps=(
        "A refund is negative at its own time and takes no order back. Interest and late fees are revenue and "
        "no orders. Buyers and repeat_buyers are of the window and the currency: they add up neither over "
        "windows nor over currencies, and a customer who pays in two is two. A lifetime sum and count run since "
        "the beginning and never fall, but still are no counters to rate(). Never add currencies."
    ),
    events=(
        "crm.payment.received",
        "crm.payment.refunded",
        "crm.subscription.started",
        "crm.subscription.changed",
        "crm.subscription.cancelled",
        "crm.subscription.snapshot",
    ),
    series=(
        Series(
            "revenue",
            "gauge",
            ("window", "period", "category", "currency"),
            "Payments received in the window less refunds made in it, in major units; never summed across "
            "currencies.",
            enums={"period": PERIODS, "category": (*CATEGORIES, NONE)},
            history="customers",
            leaves_as="major_units",
        ),
        Series(
            "orders",
            "gauge",
            ("window", "currency"),
            "Distinct orders whose latest payment lies in the window; a payment without order is one of its own. "
            "Interest and late fees are no orders, and a refund takes none back.",
        ),
        Series("buyers", "gauge", ("window", "currency"), "Customers with an order in the window."),
        Series(
            "repeat_buyers", "gauge", ("window", "currency"), "Customers with two or more orders in the window."
        ),
        Series(
            f"{_LIFETIME}_sum",
            "gauge",
            ("basis",),
            "Since the beginning. purchase: first to last order, over all buyers; subscription: start to end, over "
            "ended subscriptions.",
            enums={"basis": _BASES},
            leaves_as="seconds",
        ),
        Series(
            f"{_LIFETIME}_count",
            "gauge",
            ("basis",),
            "Since the beginning. purchase: buyers; subscription: ended subscriptions whose start is known.",
            enums={"basis": _BASES},
        ),
    ),
    counts={
        facts.REVENUE: ("revenue", {}),
        facts.ORDERS: ("orders", {}),
        facts.BUYERS: ("buyers", {}),
        facts.REPEAT_BUYERS: ("repeat_buyers", {}),
    },
    levels={
        facts.PURCHASE_LIFE_COUNT: (f"{_LIFETIME}_count", {"basis": "purchase"}),
        facts.PURCHASE_LIFE_SUM: (f"{_LIFETIME}_sum", {"basis": "purchase"}),
        facts.SUBSCRIPTION_LIFE_COUNT: (f"{_LIFETIME}_count", {"basis": "subscription"}),
        facts.SUBSCRIPTION_LIFE_SUM: (f"{_LIFETIME}_sum", {"basis": "subscription"}),
    },
    per="none",
    layout=("category", "currency"),
)
