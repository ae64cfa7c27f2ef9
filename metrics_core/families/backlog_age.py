"""Backlog age: how old each open ticket is at this moment."""

from collections.abc import Iterator

from metrics_core.families.base import Family, StateRow
from metrics_core.series import Histogram, Series
from metrics_core.view import Frozen


def _state(frozen: Frozen) -> Iterator[StateRow]:
    for label, ages in frozen.ages.items():
        yield "open_ticket_age_seconds", {}, label, Histogram(ages.counts, ages.sum_us)


FAMILY = Family(
    id="backlog_age",
    question="Is old work being left behind?",
    traps=(
        "Age since creation in calendar time, waiting for the customer included. Buckets are cumulative and the "
        "edges are the only ages that can be asked for. It moves with no event arriving, and a histogram of "
        "what is open has no rate(). The age of an orphan begins with the first event heard of it."
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
            "open_ticket_age_seconds",
            "histogram",
            (),
            "Age of each open ticket now, since its creation; backlog older than x is the count less the bucket x.",
        ),
    ),
    state=_state,
)
