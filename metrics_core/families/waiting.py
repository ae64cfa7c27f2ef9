"""Waiting: customers without an answer, tickets without an owner, and since when."""

from collections.abc import Iterator

from metrics_core.families.base import Family, StateRow
from metrics_core.series import Series
from metrics_core.times import SECOND_US
from metrics_core.view import Frozen


def _state(frozen: Frozen) -> Iterator[StateRow]:
    for label, tickets in frozen.waiting.items():
        yield "unanswered_tickets", {}, label, tickets
    for label, tickets in frozen.unassigned.items():
        yield "unassigned_tickets", {}, label, tickets
    for label, since_us in frozen.waiting_since_us.items():
        yield "oldest_unanswered_timestamp_seconds", {}, label, since_us / SECOND_US
    for label, ages in frozen.ages.items():
        yield "oldest_open_timestamp_seconds", {}, label, ages.oldest_us / SECOND_US


FAMILY = Family(
    id="waiting",
    question="Who is waiting for us right now, and for how long?",
    traps=(
        "The timestamps are moments and not ages: age is time() minus them, min by (never sum, never avg) "
        "combines workers, and they are absent, not 0, when nobody waits. A private note or a bot's message "
        "answers nobody. A resolved ticket waits for nothing."
    ),
    events=(
        "helpdesk.ticket.created",
        "helpdesk.ticket.message",
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
            "unanswered_tickets",
            "gauge",
            (),
            "Open tickets whose customer wrote last and has no public agent message since.",
        ),
        Series("unassigned_tickets", "gauge", (), "Open tickets without an assignee."),
        Series(
            "oldest_unanswered_timestamp_seconds",
            "gauge",
            (),
            "When the longest waiting customer wrote, seconds since the epoch; absent when nobody waits. "
            "Use min by.",
            merge="min",
        ),
        Series(
            "oldest_open_timestamp_seconds",
            "gauge",
            (),
            "Creation of the oldest open ticket, seconds since the epoch; absent when none is open. Use min by.",
            merge="min",
        ),
    ),
    state=_state,
)
