"""First response: creation to the first public agent message."""

from metrics_core import facts
from metrics_core.families.base import CLOCKS, Family
from metrics_core.series import Series

FAMILY = Family(
    id="first_response",
    question="How long do customers wait for a first human answer?",
    events=(
        "helpdesk.ticket.created",
        "helpdesk.ticket.message",
        "helpdesk.ticket.snapshot",
    ),
    series=(
        Series(
            "first_response_seconds",
            "histogram",
            ("window", "clock"),
            "Creation to the first public agent message, of tickets first answered in the window; bots, system "
            "and private notes never count.",
            enums={"clock": CLOCKS},
        ),
    ),
    durations={
        facts.FIRST_RESPONSE: ("first_response_seconds", ({"clock": "calendar"},)),
        facts.FIRST_RESPONSE_BUSINESS: ("first_response_seconds", ({"clock": "business"},)),
    },
)
