"""The job of the Python peers: what an event does to its ticket, and what it adds to the three metrics.

Only the engine around it differs: who keeps tickets and aggregates, and how they are made durable. An aggregate's
key is ``backlog|group``, ``first_response|hour|group|priority`` or ``resolution|hour|group|priority``; its value is
a number of tickets, or [how many, sum in milliseconds, {bucket: how many}]. Standard library only.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

HOUR_MS = 3_600_000
#: an exact bucket for each value below it, then so many buckets for each doubling
BUCKETS_PER_DOUBLING = 8

CREATED = "helpdesk.ticket.created"
UPDATED = "helpdesk.ticket.updated"
MESSAGE = "helpdesk.ticket.message"
STATUS_CHANGED = "helpdesk.ticket.status_changed"

Event = dict[str, Any]
#: [created_ms, group, priority, whether it is open, first_response_ms or 0]
Ticket = list[Any]
#: (key of an aggregate, what it takes)
Delta = tuple[str, int]

_NOTHING: tuple[Delta, ...] = ()


def moves_ticket(event: Event) -> bool:
    """Whether the job needs the ticket at all: most events of a desk change none of the three metrics."""
    kind, about = event["type"], event["data"]
    if kind == MESSAGE:
        return bool(about["actor"] == "agent" and about["public"])
    if kind == UPDATED:
        return "group" in about or "priority" in about
    return kind in (STATUS_CHANGED, CREATED)


def step(ticket: Ticket | None, event: Event) -> tuple[Ticket | None, tuple[Delta, ...]]:
    """(the ticket from now on, None where it stays as it was; deltas), for an event that ``moves_ticket``."""
    kind, about = event["type"], event["data"]
    if kind == CREATED:
        if ticket is not None:
            return None, _NOTHING
        ticket = [_time_ms(event), about["group"], about["priority"], True, 0]
        return ticket, ((f"backlog|{about['group']}", 1),)
    if ticket is None:
        return None, _NOTHING
    if kind == MESSAGE:
        if ticket[4]:
            return None, _NOTHING
        ticket[4] = time_ms = _time_ms(event)
        return ticket, (_lasted("first_response", ticket, time_ms),)
    if kind == UPDATED:
        return _move(ticket, about.get("group", ticket[1]), about.get("priority", ticket[2]))
    is_open = about["to"] not in ("resolved", "closed")
    if is_open == ticket[3]:
        return None, _NOTHING
    ticket[3] = is_open
    if is_open:
        return ticket, ((f"backlog|{ticket[1]}", 1),)
    return ticket, (_lasted("resolution", ticket, _time_ms(event)), (f"backlog|{ticket[1]}", -1))


def add(aggregate: Any, key: str, value: int) -> Any:
    """The aggregate (None: there is none yet) with a delta added."""
    if key.startswith("backlog|"):
        return (aggregate or 0) + value
    count, total_ms, buckets = aggregate or (0, 0, {})
    bucket = str(_bucket(value))
    buckets[bucket] = buckets.get(bucket, 0) + 1
    return [count + 1, total_ms + value, buckets]


def _move(ticket: Ticket, group: str, priority: str) -> tuple[Ticket | None, tuple[Delta, ...]]:
    was = ticket[1]
    if group == was and priority == ticket[2]:
        return None, _NOTHING
    ticket[1], ticket[2] = group, priority
    if group == was or not ticket[3]:
        return ticket, _NOTHING
    return ticket, ((f"backlog|{was}", -1), (f"backlog|{group}", 1))


def _lasted(what: str, ticket: Ticket, time_ms: int) -> Delta:
    return f"{what}|{time_ms // HOUR_MS}|{ticket[1]}|{ticket[2]}", time_ms - ticket[0]


def _time_ms(event: Event) -> int:
    return round(datetime.fromisoformat(event["time"]).timestamp() * 1000)


def _bucket(value: int) -> int:
    """A log-linear bucket, in integers alone so that every language finds the same."""
    if value < BUCKETS_PER_DOUBLING:
        return value
    shift = value.bit_length() - 4
    return shift * BUCKETS_PER_DOUBLING + (value >> shift)
