"""Messages: what was written, by whom."""

from metrics_core import facts
from metrics_core.families.base import Family, types
from metrics_core.series import Series
from metrics_core.tickets.machine import ACTORS

FAMILY = Family(
    id="messages",
    question="How much is being written, and by whom?",
    traps=(
        "Private notes count here, though they answer nobody. A ticket's creation is no message. Messages of "
        "orphans count. A gauge of the window: never rate() it."
    ),
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
