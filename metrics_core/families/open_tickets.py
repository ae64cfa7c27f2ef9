"""Open: tickets that are not resolved, closed, merged, deleted or spam."""

from collections.abc import Iterator

from metrics_core.families.base import Family, StateRow
from metrics_core.series import Series
from metrics_core.tickets.machine import OPEN_STATUSES
from metrics_core.tickets.open_tickets import STATUS_BITS
from metrics_core.tickets.rules import STATUSES
from metrics_core.view import Frozen


def _state(frozen: Frozen) -> Iterator[StateRow]:
    for key, tickets in frozen.open_by_status.items():
        status = STATUSES[key & (1 << STATUS_BITS) - 1]
        yield "open_tickets", {"status": status}, key >> STATUS_BITS, tickets


FAMILY = Family(
    id="open",
    question="How much work is on the table, and who has it?",
    traps=(
        "As of now and by current labels: a ticket moved to another group counts there from then on. Pending and "
        "on hold are open. Orphans (tickets whose beginning was never seen) count. Never sum it over time."
    ),
    events=(
        "helpdesk.ticket.created",
        "helpdesk.ticket.snapshot",
        "helpdesk.ticket.status_changed",
        "helpdesk.ticket.merged",
        "helpdesk.ticket.deleted",
        "helpdesk.ticket.marked_spam",
        "helpdesk.ticket.restored",
        "helpdesk.ticket.updated",
    ),
    series=(
        Series(
            "open_tickets",
            "gauge",
            ("status",),
            "Tickets that are not resolved, closed, merged, deleted or spam, by their current labels.",
            enums={"status": OPEN_STATUSES},
        ),
    ),
    state=_state,
)
