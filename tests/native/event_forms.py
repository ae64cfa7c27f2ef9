"""What decode.py and times.py give of a ticket's event, in the form in which ``scanned`` gives it."""

from __future__ import annotations

import random
import re
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
#: put into events to damage them
PIECES = (
    *(
        b'"',
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b",",
        b":",
        b" ",
        b"\n",
        b"\t",
        b"\r",
        b"\f",
        b"\0",
        b"0",
        b"1",
        b"-",
        b".",
    ),
    *(
        b"e",
        b"01",
        b"null",
        b"true",
        b"false",
        b"\x7f",
        b"\x80",
        b"\xa0",
        b"\xa2",
        b"\xc3\xa9",
        b"\xff",
        b'"\\u0041"',
    ),
    *(
        b'"x":1,',
        b'"id":"z",',
        b'"actor":"bot",',
        b'"tags":[],',
        b'"tags":null,',
        b'"public":null,',
        b'"level":"x",',
    ),
    *(
        b'"complaint":1,',
        b'"level":1.5,',
        b"{}",
        b"[1]",
        b"Z",
        b"z",
        b"+01:00",
        b":60",
        b"24",
        b'""',
        b'"data":{},',
    ),
)
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


def mutated(choose: random.Random, value: bytes) -> bytes:
    """A few bytes changed, taken out, put in, repeated or moved."""
    out = bytearray(value)
    for _ in range(choose.choice((1, 1, 1, 2, 3))):
        place, act = choose.randrange(len(out) + 1), choose.randrange(6)
        if act == 0:
            out[place : place + 1] = bytes([choose.randrange(256)])
        elif act == 1:
            del out[place : place + choose.choice((1, 1, 2, 5))]
        elif act == 2:
            token = choose.choice([m.start() for m in re.finditer(rb'[,{:"]', bytes(out))] or [0])
            out[token + place % 2 : token + place % 2] = choose.choice(PIECES)
        elif act == 3:
            out[place:place] = choose.choice(PIECES)
        elif act == 4:
            out[place:place] = out[place : place + choose.randrange(40)]
        else:
            parts = bytes(out).split(b",")
            choose.shuffle(parts)
            out = bytearray(b",".join(parts))
    return bytes(out)
