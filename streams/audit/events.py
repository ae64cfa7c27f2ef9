"""Reads canonical events for the audit: what is rejected, what is a repeat, what comes first.

Everything here follows the definitions directly: json, datetime, dict and sorted, one event at a time.
Speed is not a goal; that the code can be checked by reading it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from streams.audit.fields import check_fields
from streams.audit.times import RefusedError, time_us

#: what a type begins with -> how it may go on
KINDS = {
    "helpdesk.ticket": (
        *("created", "message", "status_changed", "updated", "escalated", "merged", "deleted", "restored"),
        *("marked_spam", "rated", "snapshot"),
    ),
    "helpdesk.agent": ("joined", "left", "status_changed", "snapshot"),
    "crm.lead": ("created", "qualified", "won", "lost"),
    "crm.customer": ("created", "churned", "reactivated", "snapshot"),
    "crm.subscription": ("started", "changed", "cancelled", "snapshot"),
    "crm.payment": ("received", "refunded"),
    "crm.spend": ("recorded",),
    "crm.invite": ("sent", "accepted"),
    "crm.survey": ("sent", "answered"),
    "finance.cash_flow": ("recorded",),
}
TICKET = "helpdesk.ticket"


@dataclass(frozen=True)
class Event:
    """One accepted event."""

    subject: str
    source: str
    id: str
    topic: str  # what the type begins with: helpdesk.ticket, crm.payment, ...
    kind: str  # the rest of the type
    time_us: int  # microseconds since the epoch, UTC
    sequence: str | None
    fields: Mapping[str, Any]

    @property
    def fact_us(self) -> int:
        """When it happens: at its time, or when it says that it takes effect."""
        effective = self.fields.get("effective_at") if self.topic == "crm.subscription" else None
        return self.time_us if effective is None else time_us(effective)

    def order(self) -> tuple[int, tuple[int, int, bytes], bytes, bytes]:
        """Sort key within a subject: time, then sequence if there is one, then id bytewise."""
        if self.sequence is None:
            rank = (0, 0, b"")
        elif self.sequence.isascii() and self.sequence.isdigit():
            rank = (1, int(self.sequence), b"")
        else:
            rank = (2, 0, self.sequence.encode())
        return self.fact_us, rank, self.id.encode(), self.source.encode()


def read_event(line: bytes | str | Mapping[str, Any]) -> Event:
    """One line as an event. Raises RefusedError for what the monitor rejects."""
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
    topic, _, kind = event["type"].rpartition(".")
    if kind not in KINDS.get(topic, ()):
        raise RefusedError(f"unknown type {event['type']}")
    fields = event.get("data", {})
    if not isinstance(fields, Mapping):
        raise RefusedError("data is no object")
    check_fields(topic, kind, fields)
    return Event(event["subject"], event["source"], event["id"], topic, kind, moment_us, sequence, dict(fields))


@dataclass(frozen=True)
class Log:
    """Accepted events, each once: by what they begin with and by subject, in order within a subject.

    Identity is (source, id) within a subject; of two with one identity the first in the log is kept.
    """

    #: topics of KINDS -> subject -> identity -> event
    told: dict[str, dict[str, dict[tuple[str, str], Event]]] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """One more event; a repeat changes nothing."""
        subject = self.told.setdefault(event.topic, {}).setdefault(event.subject, {})
        subject.setdefault((event.source, event.id), event)

    def subjects(self, *topics: str) -> dict[str, list[Event]]:
        """The events of each subject, of all these topics together, in order."""
        together: dict[str, list[Event]] = {}
        for topic in topics:
            for subject, events in self.told.get(topic, {}).items():
                together.setdefault(subject, []).extend(events.values())
        return {subject: sorted(events, key=Event.order) for subject, events in together.items()}

    def start_us(self, *topics: str) -> int | None:
        """The earliest event of these topics, of all when none is named; None before the first."""
        return min(
            (
                event.time_us
                for topic in topics or KINDS
                for events in self.told.get(topic, {}).values()
                for event in events.values()
            ),
            default=None,
        )


def read_all(lines: Iterable[bytes | str | Mapping[str, Any]], as_of_us: int | None = None) -> Log:
    """The accepted events of a log with time < `as_of_us`."""
    log = Log()
    for line in lines:
        try:
            event = read_event(line)
        except RefusedError:
            continue
        if as_of_us is None or event.time_us < as_of_us:
            log.take(event)
    return log


def read_log(lines: Iterable[bytes | str | Mapping[str, Any]]) -> dict[str, list[Event]]:
    """The accepted events of each ticket, repeats removed, in order."""
    return read_all(lines).subjects(TICKET)
