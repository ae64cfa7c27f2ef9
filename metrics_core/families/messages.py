"""Messages: what was written, by whom."""

from metrics_core import facts
from metrics_core.families.base import Family, types
from metrics_core.series import Series
from metrics_core.tickets.machine import ACTORS

FAMILY = Family(
    id="messages",
    question="How much is being written, and by whom?",
    events=types("helpdesk.ticket", "message"),
    series=(
        Series(
            "messages",
            "gauge",
            ("window", "actor"),
            "Messages on tickets in the window, private notes included, by who wrote them.",
            enums={"actor": ACTORS},
        ),
    ),
    counts={
        facts.MESSAGE_CUSTOMER: ("messages", {"actor": "customer"}),
        facts.MESSAGE_AGENT: ("messages", {"actor": "agent"}),
        facts.MESSAGE_BOT: ("messages", {"actor": "bot"}),
        facts.MESSAGE_SYSTEM: ("messages", {"actor": "system"}),
    },
)
