"""First response: creation to the first public agent message."""

from metrics_core import facts
from metrics_core.families.base import CLOCKS, Family
from metrics_core.series import Series

FAMILY = Family(
    id="first_response",
    question="How long do customers wait for a first human answer?",
    traps=(
        "Of tickets answered in the window, whenever they were created; who still waits is in "
        "unanswered_tickets and sla_clocks. Bots, system messages and private notes never count, and a ticket "
        "resolved without an agent's message has no first response. Presets count otherwise: never compare "
        "numbers across presets. The business clock has only tickets whose group or channel has a calendar, so "
        "its count may be smaller. Prometheus takes quantiles from the edges, reports from a finer grid (1 %). "
        "A gauge of what is in the window: never rate() or increase() it."
    ),
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
