"""Customers: how many there are, who came, who left, and who was there at the window's start."""

from collections.abc import Iterator

from metrics_core import facts
from metrics_core.crm.moves import ORIGINS
from metrics_core.families.base import PERIODS, Family, StateRow
from metrics_core.labels import NONE
from metrics_core.series import Series
from metrics_core.view import Frozen

_CHANGES = {
    "new": facts.CUSTOMER_NEW,
    "lost": facts.CUSTOMER_LOST,
    "reactivated": facts.CUSTOMER_REACTIVATED,
}


def _state(frozen: Frozen) -> Iterator[StateRow]:
    if frozen.crm is None:
        return
    for label, idle in frozen.crm.idle.items():
        if idle:
            yield "customers", {"state": "inactive"}, label, idle
            yield "customers", {"state": "active"}, label, -idle
    for window, (customers, _) in frozen.crm.lost.items():
        yield "customers_lost_of_start", {"window": window}, 0, customers


FAMILY = Family(
    id="customers",
    question="Are we keeping our customers?",
    traps=(
        "Headcount is active plus inactive; adding churned too counts those who left. Idle customers turn "
        "inactive with no event arriving. Who left and came back in the window is lost and reactivated once "
        "each, and in customers_lost_of_start not at all. What is at the start, or of the window before, is "
        "withheld until the history reaches it: absent is not 0. Those known only through payments are no "
        "customers."
    ),
    events=(
        "crm.customer.created",
        "crm.customer.churned",
        "crm.customer.reactivated",
        "crm.customer.snapshot",
        "crm.subscription.started",
        "crm.subscription.changed",
        "crm.subscription.cancelled",
        "crm.subscription.snapshot",
        "crm.payment.received",
    ),
    series=(
        Series(
            "customers",
            "gauge",
            ("segment", "state"),
            "Customers by state: active and inactive are the headcount (inactive: no payment, subscription event, "
            "creation or reactivation for the policy's idle days, and no running subscription); churned were "
            "counted and have left.",
            enums={"state": ("active", "inactive", "churned")},
        ),
        Series(
            "customer_changes",
            "gauge",
            ("window", "period", "change", "segment", "origin"),
            "Customers won (created, never those of a snapshot), lost and won back in the window.",
            enums={"period": PERIODS, "change": tuple(_CHANGES), "origin": (*ORIGINS, NONE)},
            history="customers",
        ),
        Series(
            "customers_at_start",
            "gauge",
            ("window", "period"),
            "Headcount as of the window's start; withheld until the history reaches it.",
            enums={"period": PERIODS},
            at_start=True,
            history="customers",
        ),
        Series(
            "customers_lost_of_start",
            "gauge",
            ("window",),
            "Customers counted as of the window's start and gone now; withheld until the history reaches it.",
            at_start=True,
            history="customers",
        ),
    ),
    counts={code: ("customer_changes", {"change": change}) for change, code in _CHANGES.items()},
    levels={
        facts.CUSTOMERS: ("customers", {"state": "active"}),
        facts.CUSTOMERS_GONE: ("customers", {"state": "churned"}),
    },
    starts={facts.CUSTOMERS: ("customers_at_start", {})},
    state=_state,
    per="none",
    layout=("segment", "origin"),
)
