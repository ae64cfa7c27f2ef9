"""Reads canonical ticket events for the audit: what is rejected, what is a repeat, what comes first.

Everything here follows the definitions directly: json, datetime, dict and sorted, one event at a time.
Speed is not a goal; that the code can be checked by reading it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

ACTORS = ("customer", "agent", "bot", "system")
STATUSES = ("new", "open", "pending", "on_hold", "resolved", "closed")
TICKET_EVENTS = (
    "created",
    "message",
    "status_changed",
    "updated",
    "escalated",
    "merged",
    "deleted",
    "restored",
    "marked_spam",
    "rated",
    "snapshot",
)
PREFIX = "helpdesk.ticket."
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_RFC3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})",
    re.ASCII,
)


class RefusedError(Exception):
    """This input is no event that the monitor accepts; the text says why."""


@dataclass(frozen=True)
class TicketEvent:
    """One accepted helpdesk.ticket event."""

    subject: str
    source: str
    id: str
    kind: str  # the type without its prefix
    time_us: int  # microseconds since the epoch, UTC
    sequence: str | None
    fields: Mapping[str, Any]

    def order(self) -> tuple[int, tuple[int, int, bytes], bytes]:
        """Sort key within a subject: time, then sequence if there is one, then id bytewise."""
        if self.sequence is None:
            rank = (0, 0, b"")
        elif self.sequence.isascii() and self.sequence.isdigit():
            rank = (1, int(self.sequence), b"")
        else:
            rank = (2, 0, self.sequence.encode())
        return self.time_us, rank, self.id.encode()


def time_us(text: object) -> int:
    """Microseconds since the epoch of an RFC 3339 time; digits beyond microseconds are cut."""
    if not isinstance(text, str):
        raise RefusedError("a time is not a string")
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise RefusedError(f"no RFC 3339 time: {text}")
    day, clock, fraction, offset = match.groups()
    zone = "+00:00" if offset in "Zz" else offset
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{zone}")
    except ValueError as error:
        raise RefusedError(f"no such time: {text}") from error
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    return (moment - EPOCH) // timedelta(microseconds=1) + micros


def time_text(value_us: int) -> str:
    """RFC 3339 in UTC, with a fraction only where there is one."""
    moment = EPOCH + timedelta(microseconds=value_us)
    return moment.isoformat().replace("+00:00", "Z")


def read_event(line: bytes | str | Mapping[str, Any]) -> TicketEvent | None:
    """One line as an event; None when it is no ticket event's business (crm, finance, agents).

    Raises RefusedError for what the monitor rejects.
    """
    try:
        event = line if isinstance(line, Mapping) else json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"no JSON: {error}") from error
    if not isinstance(event, Mapping):
        raise RefusedError("not an object")
    for name in ("specversion", "id", "source", "type", "subject"):
        if not isinstance(event.get(name), str) or not event[name]:
            raise RefusedError(f"{name} is missing or no text")
    if event["specversion"] != "1.0":
        raise RefusedError("not CloudEvents 1.0")
    moment_us = time_us(event.get("time"))
    sequence = event.get("sequence")
    if sequence is not None and not isinstance(sequence, str):
        raise RefusedError("sequence is no text")
    if not event["type"].startswith(PREFIX):
        if event["type"].startswith(("helpdesk.agent.", "crm.", "finance.")):
            return None
        raise RefusedError(f"unknown type {event['type']}")
    kind = event["type"].removeprefix(PREFIX)
    if kind not in TICKET_EVENTS:
        raise RefusedError(f"unknown type {event['type']}")
    fields = event.get("data", {})
    if not isinstance(fields, Mapping):
        raise RefusedError("data is no object")
    _check_fields(kind, fields)
    return TicketEvent(event["subject"], event["source"], event["id"], kind, moment_us, sequence, dict(fields))


def _check_fields(kind: str, fields: Mapping[str, Any]) -> None:
    """Raises RefusedError where a field that has a meaning is missing or of the wrong kind."""
    for name in ("channel", "group", "priority", "assignee", "requester", "category", "brand", "agent"):
        if fields.get(name) is not None and not isinstance(fields[name], str):
            raise RefusedError(f"{name} is no text")
    if fields.get("actor") is not None and fields["actor"] not in ACTORS:
        raise RefusedError("unknown actor")
    if kind == "message":
        if fields.get("actor") is None:
            raise RefusedError("a message without actor")
        if not isinstance(fields.get("public", True), bool):
            raise RefusedError("public is neither true nor false")
    if kind == "status_changed" and fields.get("to") not in STATUSES:
        raise RefusedError("unknown status")
    if kind == "rated" and (isinstance(fields.get("score"), bool | str) or fields.get("score") is None):
        raise RefusedError("a rating without score")
    if kind == "snapshot":
        if fields.get("status") is not None and fields["status"] not in STATUSES:
            raise RefusedError("unknown status")
        reopens = fields.get("reopens")
        if reopens is not None and (isinstance(reopens, bool) or not isinstance(reopens, int)):
            raise RefusedError("reopens is no number")
        for name in ("created_at", "first_response_at", "waiting_since", "resolved_at"):
            if fields.get(name) is not None:
                time_us(fields[name])


def read_log(lines: Iterable[bytes | str | Mapping[str, Any]]) -> dict[str, list[TicketEvent]]:
    """The accepted events of each ticket, repeats removed, in order.

    Identity is (source, id) within a subject; of two with one identity the first in the log is kept.
    """
    tickets: dict[str, dict[tuple[str, str], TicketEvent]] = {}
    for line in lines:
        try:
            event = read_event(line)
        except RefusedError:
            continue
        if event is None:
            continue
        tickets.setdefault(event.subject, {}).setdefault((event.source, event.id), event)
    return {subject: sorted(events.values(), key=TicketEvent.order) for subject, events in tickets.items()}
