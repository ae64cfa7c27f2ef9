"""Events of a ticket boiled down to moves (see machine.py), by event class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET

from metrics_core.events import EVENT_CLASSES, Event, TicketCreated, TicketSnapshot, TicketUpdated
from metrics_core.labels import NONE
from metrics_core.policy import Policy
from metrics_core.rejects import Reason, Refused
from metrics_core.rows import Move
from metrics_core.surveys import read_answer
from metrics_core.tickets import machine as t
from metrics_core.tickets.complaints import SAYS_NOTHING, Said
from metrics_core.tickets.rules import STATUSES
from metrics_core.times import EARLIEST_US, LATEST_US, parse_rfc3339

#: more is a producer's mistake; a changelog row holds 64 bits
_MOST_REOPENS = 1_000_000

_MESSAGE = {
    (actor, public): t.MESSAGE + 2 * number + public
    for number, actor in enumerate(t.ACTORS)
    for public in (False, True)
}
_STATUS = {status: t.STATUS + number for number, status in enumerate(STATUSES)}
_STATUS_NUMBER = {status: number for number, status in enumerate(STATUSES)}
_ACTOR = {actor: number for number, actor in enumerate(t.ACTORS)}


def _changes(data: TicketCreated | TicketUpdated | TicketSnapshot) -> tuple[str | None, ...] | None:
    """(channel, group, priority): None where the event does not name the field, ``none`` where it is null."""
    channel, group, priority = data.channel, data.group, data.priority
    if channel is UNSET and group is UNSET and priority is UNSET:
        return None
    return (
        None if channel is UNSET else channel or NONE,
        None if group is UNSET else group or NONE,
        None if priority is UNSET else priority or NONE,
    )


def _assigned(data: TicketCreated | TicketUpdated | TicketSnapshot) -> str | None:
    return None if data.assignee is UNSET else data.assignee or ""


def _about(data: TicketCreated | TicketUpdated, marks: frozenset[str]) -> Said | None:
    """(category, complaint, tags among ``marks``): None where the event does not name the field."""
    category, complaint, tags = data.category, data.complaint, data.tags
    if category is UNSET and complaint is UNSET and tags is UNSET:
        return None
    return (
        None if category is UNSET else category or "",
        None if complaint is UNSET else SAYS_NOTHING if complaint is None else int(complaint),
        None if tags is UNSET else tuple(sorted(marks.intersection(tags or ()))),
    )


def _created(marks: frozenset[str]) -> Callable[[TicketCreated], Move]:
    def move(data: TicketCreated) -> Move:
        # a ticket without a named author was opened by a customer
        actor = _ACTOR[data.actor] if data.actor else t.CUSTOMER
        return (t.CREATE, actor, _changes(data), _assigned(data), _about(data, marks))

    return move


def _message(data: Any) -> Move:
    return _MESSAGE[data.actor, data.public]


def _status_changed(data: Any) -> Move:
    return _STATUS[data.to]


def _updated(marks: frozenset[str]) -> Callable[[TicketUpdated], Move]:
    def move(data: TicketUpdated) -> Move:
        changes, assigned, about = _changes(data), _assigned(data), _about(data, marks)
        if changes is None and assigned is None and about is None:
            return t.NOTE
        return (t.UPDATE, changes, assigned, about)

    return move


def _snapshot(data: TicketSnapshot) -> Move:
    return (
        t.SNAPSHOT,
        _moment(data.created_at),
        None if data.status is None else _STATUS_NUMBER[data.status],
        _changes(data),
        _assigned(data),
        _moment(data.first_response_at),
        _moment(data.waiting_since),
        _moment(data.resolved_at),
        min(max(0, data.reopens or 0), _MOST_REOPENS),
    )


def _moment(text: str | None) -> int:
    """Microseconds since the epoch; 0 where there is none."""
    if not text:
        return 0
    try:
        time_us = parse_rfc3339(text)
    except ValueError as error:
        raise Refused(Reason.BAD_TIME, f"data: {error}") from None
    if not EARLIEST_US <= time_us < LATEST_US:
        raise Refused(Reason.TIME_OUT_OF_RANGE, f"data: {text[:64]} is not between 1970 and 2200")
    return time_us


def _always(move: Move) -> Callable[[Any], Move]:
    return lambda _data: move


def ticket_moves(policy: Policy) -> dict[type[Event], Callable[[Any], Move]]:
    """Class of a ticket's event -> function from its data to its move. Of tags, moves keep those that make a
    complaint under any version of the policy: rows would grow with all others."""
    marks = frozenset(tag for version in policy.versions for tag in version.complaints.tags)
    moves: dict[str, Callable[[Any], Move]] = {
        "created": _created(marks),
        "message": _message,
        "status_changed": _status_changed,
        "updated": _updated(marks),
        "escalated": _always(t.ESCALATE),
        "merged": _always(t.MERGE),
        "deleted": _always(t.DELETE),
        "marked_spam": _always(t.MARK_SPAM),
        "restored": _always(t.RESTORE),
        "rated": lambda data: (t.RATE, *read_answer(data)),
        "snapshot": _snapshot,
    }
    return {EVENT_CLASSES[f"helpdesk.ticket.{name}"]: move for name, move in moves.items()}
