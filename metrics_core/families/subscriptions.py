"""Subscriptions: how many run, what they bring a month, and how both move."""

from collections.abc import Iterator

from metrics_core import facts
from metrics_core.families.base import PERIODS, Family, StateRow, types
from metrics_core.series import Series
from metrics_core.view import Frozen

_CHANGES = {"started": facts.SUBSCRIPTION_STARTED, "cancelled": facts.SUBSCRIPTION_CANCELLED}
_MRR_CHANGES = {
    "new": facts.MRR_NEW,
    "expansion": facts.MRR_EXPANSION,
    "contraction": facts.MRR_CONTRACTION,
    "churn": facts.MRR_CHURN,
    "reactivation": facts.MRR_REACTIVATION,
}


def _state(frozen: Frozen) -> Iterator[StateRow]:
    if frozen.crm is not None:
        for window, (_, subscriptions) in frozen.crm.lost.items():
            yield "subscriptions_lost_of_start", {"window": window}, 0, subscriptions


FAMILY = Family(
    id="subscriptions",
    question="Is recurring revenue growing or leaking?",
    traps=(
        "Started counts each start, also of one that had ended; a snapshot is never a start. Amounts of "
        "mrr_changes are all positive, contraction and churn too. Currencies are never added: always keep the "
        "label. A change announced with effective_at counts from that moment on, not from when it was told. "
        "Several subscriptions of one customer are several here and one in subscribed_customers."
    ),
    events=types("crm.subscription", "started", "changed", "cancelled", "snapshot"),
    series=(
        Series("subscriptions", "gauge", ("plan",), "Subscriptions that run now."),
        Series(
            "subscription_changes",
            "gauge",
            ("window", "period", "change", "plan"),
            "Subscriptions started and cancelled in the window, by the plan of that moment.",
            enums={"period": PERIODS, "change": tuple(_CHANGES)},
            history="customers",
        ),
        Series(
            "subscriptions_at_start",
            "gauge",
            ("window", "period"),
            "Subscriptions that ran as of the window's start; withheld until the history reaches it.",
            enums={"period": PERIODS},
            at_start=True,
            history="customers",
        ),
        Series(
            "subscriptions_lost_of_start",
            "gauge",
            ("window",),
            "Subscriptions that ran as of the window's start and do not run now; withheld until the history "
            "reaches it.",
            at_start=True,
            history="customers",
        ),
        Series(
            "mrr", "gauge", ("plan", "currency"), "Monthly recurring revenue of the subscriptions that run now.",
            leaves_as="major_units",
        ),
        Series(
            "mrr_changes",
            "gauge",
            ("window", "change", "currency"),
            "Monthly recurring revenue won and lost in the window, all amounts positive. new: first start of a "
            "subscription; reactivation: a later one; expansion, contraction: a change of price; churn: its end. "
            "A move to another currency is churn in the one and new in the other.",
            enums={"change": tuple(_MRR_CHANGES)},
            leaves_as="major_units",
        ),
        Series(
            "mrr_at_start",
            "gauge",
            ("window", "currency"),
            "Monthly recurring revenue as of the window's start; withheld until the history reaches it.",
            leaves_as="major_units",
            at_start=True,
            history="customers",
        ),
        Series(
            "subscribed_customers", "gauge", ("currency",),
            "Customers with a running subscription in the currency.",
        ),
    ),
    counts={
        **{code: ("subscription_changes", {"change": change}) for change, code in _CHANGES.items()},
        **{code: ("mrr_changes", {"change": change}) for change, code in _MRR_CHANGES.items()},
    },
    levels={
        facts.SUBSCRIPTIONS: ("subscriptions", {}),
        facts.MRR: ("mrr", {}),
        facts.SUBSCRIBED: ("subscribed_customers", {}),
    },
    starts={facts.SUBSCRIPTIONS: ("subscriptions_at_start", {}), facts.MRR: ("mrr_at_start", {})},
    state=_state,
    per="none",
    layout=("plan", "currency"),
)  # fmt: skip
