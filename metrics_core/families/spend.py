"""Spend: what winning and serving customers costs."""

from metrics_core import facts
from metrics_core.families.base import PERIODS, Family
from metrics_core.ledgers import SPEND_CATEGORIES
from metrics_core.series import Series

FAMILY = Family(
    id="spend",
    question="What do we spend, and on what?",
    traps=(
        "Recorded at the event's time, which may be the booking's and not the period's that was paid for; a "
        "month booked on one day makes a short window jump. A negative amount takes back. Never add currencies. "
        "period=before is withheld until the history reaches it."
    ),
    events=("crm.spend.recorded",),
    series=(
        Series(
            "spend",
            "gauge",
            ("window", "period", "category", "currency"),
            "Spending recorded in the window, in major units; a negative amount (a credit note) takes it back. "
            "Never summed across currencies.",
            enums={"period": PERIODS, "category": SPEND_CATEGORIES},
            history="ledgers",
            leaves_as="major_units",
        ),
    ),
    counts={facts.SPEND: ("spend", {})},
    per="none",
    layout=("category", "currency"),
)
