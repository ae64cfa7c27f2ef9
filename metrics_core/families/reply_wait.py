"""Reply wait: the first unanswered public customer message to the next public agent message."""

from metrics_core import facts
from metrics_core.families.base import CLOCKS, Family
from metrics_core.series import Series

FAMILY = Family(
    id="reply_wait",
    question="How long do customers wait for each further answer?",
    traps=(
        "Of waits that ended with an answer in the window; a wait that a resolution ended counts nowhere, and "
        "one that goes on is in oldest_unanswered_timestamp_seconds. Several messages in a row are one wait, "
        "from the first of them. The first response is a wait too, where a customer created the ticket. A "
        "gauge: never rate() it."
    ),
    events=(
        "helpdesk.ticket.created",
        "helpdesk.ticket.message",
        "helpdesk.ticket.status_changed",
        "helpdesk.ticket.snapshot",
    ),
    series=(
        Series(
            "reply_wait_seconds",
            "histogram",
            ("window", "clock"),
            "First unanswered public customer message (a creation by a customer is one) to the next public agent "
            "message, of waits that ended in the window; a resolution discards a wait.",
            enums={"clock": CLOCKS},
        ),
    ),
    durations={
        facts.REPLY_WAIT: ("reply_wait_seconds", ({"clock": "calendar"},)),
        facts.REPLY_WAIT_BUSINESS: ("reply_wait_seconds", ({"clock": "business"},)),
    },
)
