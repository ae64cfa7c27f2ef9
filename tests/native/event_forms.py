"""What decode.py and times.py give of a ticket's event, in the form in which ``scanned`` gives it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import msgspec
from msgspec import UNSET

from bench.workload import START_US
from metrics_core.decode import decode
from metrics_core.events import TYPE_OF_CLASS
from metrics_core.rejects import Refused
from metrics_core.rows import SEQUENCE_KEYS, sequence_key
from metrics_core.tickets.machine import ACTORS, CUSTOMER
from metrics_core.tickets.rules import STATUSES
from metrics_core.times import DAY_US, EARLIEST_US, LATEST_US, parse_rfc3339
from streams.simulate import Traffic

#: by the number of Scanned.type in scan.pxd
TYPES = ("created", "message", "status_changed", "updated", "escalated")
#: Scanned.sequence in scan.pxd
NO_SEQUENCE, OTHER_SEQUENCE = -1, -2
_CHANGES = ("channel", "group", "priority", "assignee", "category", "complaint")

Scan = Callable[[bytes], dict[str, Any] | None]
Form = dict[str, Any]


def decoded(value: bytes) -> Form | None:
    """The fields that handlers ask for; None where the event is refused."""
    try:
        event = decode(value)
        time_us = parse_rfc3339(event.time)
    except (Refused, ValueError):
        return None
    if not EARLIEST_US <= time_us < LATEST_US:
        return None
    kind = TYPE_OF_CLASS[type(event)].removeprefix("helpdesk.ticket.")
    form: Form = {"type": kind, "id": event.id, "source": event.source, "subject": event.subject}
    form |= {"time_us": time_us, "sequence": sequence_key(event.sequence), "tenant": event.tenant}
    data = event.data
    if kind == "message":
        form |= {"actor": ACTORS.index(data.actor), "public": data.public}
    elif kind == "status_changed":
        form["status"] = STATUSES.index(data.to)
    elif kind in ("created", "updated"):
        form |= {name: getattr(data, name) for name in _CHANGES if getattr(data, name) is not UNSET}
        form["has_tags"] = data.tags is not UNSET
        if kind == "created":
            form["actor"] = CUSTOMER if data.actor is None else ACTORS.index(data.actor)
    return form


def scanned(scan: Scan, value: bytes) -> Form | None:
    """What the compiled form reads, in the same words; None where it declines."""
    form = scan(value)
    if form is None:
        return None
    number, text = form["sequence"], form.pop("sequence_text")
    assert (number == NO_SEQUENCE) == (not text)
    assert number < 0 or str(number) == text
    key = SEQUENCE_KEYS[str(number)] if number >= 0 else sequence_key(text)
    form |= {"type": TYPES[form["type"]], "sequence": key}
    if form["type"] == "created" and form["actor"] == -1:
        form["actor"] = CUSTOMER
    return form


def is_taken(scan: Scan, value: bytes) -> bool:
    """Whether the compiled form reads it; what it reads must be what the pure form gives."""
    form = scanned(scan, value)
    assert form is None or form == decoded(value), value
    return form is not None


class _Type(msgspec.Struct):
    type: str


def simulated(count: int) -> list[bytes]:
    """The first events of those types in simulated traffic."""
    traffic = Traffic(5, START_US, 200.0, crm=False, bad_events=False)
    type_of = msgspec.json.Decoder(_Type).decode
    wanted = {f"helpdesk.ticket.{kind}" for kind in TYPES}
    values = (emission.value for emission in traffic.until(START_US + 29 * DAY_US))
    return list(islice((value for value in values if type_of(value).type in wanted), count))
