"""Every kind of bad input: a record that cannot be used, and the reason that it is given."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from metrics_core.partitioner import partition_for

PARTITIONS = 4
#: records keep the time of sending, so that the broker does not expire them under the test
RECORD_TIME = datetime.now(UTC).replace(microsecond=0)
RECORD_TIME_MS = int(RECORD_TIME.timestamp()) * 1000
MAX_RECORD_BYTES = 12 << 20


@dataclass(frozen=True)
class BadInput:
    """One record, as a producer sends it. ``reason`` None: a tombstone, ignored."""

    name: str
    reason: str | None
    value: bytes | None
    key: bytes | None = b"bad/1"
    #: None: where the key belongs
    partition: int | None = None
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)

    @property
    def at(self) -> int:
        """The partition it is sent to."""
        return home_of(self.key or b"") if self.partition is None else self.partition


def home_of(key: bytes) -> int:
    return partition_for(key, PARTITIONS)


def event(**changes: Any) -> dict[str, Any]:
    """A good event; a field given as ... is left out."""
    good = {
        "specversion": "1.0",
        "id": "bad",
        "source": "tests",
        "type": "helpdesk.ticket.message",
        "subject": "bad/1",
        "time": RECORD_TIME.isoformat(),
        "data": {"actor": "agent"},
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not ...}


def line(**changes: Any) -> bytes:
    return json.dumps(event(**changes)).encode()


def with_field(text: bytes) -> bytes:
    """A good event with one more field, which nobody reads, holding ``text``."""
    return line()[:-1] + b', "unknown": ' + text + b"}"


def binary_headers(**changes: str | None) -> list[tuple[str, bytes | None]]:
    """The attributes of a good event as CloudEvents headers."""
    attributes = event(data=..., **changes)
    return [(f"ce_{name}", None if value is None else value.encode()) for name, value in attributes.items()]


def _far_ahead() -> str:
    return (RECORD_TIME + timedelta(minutes=10, seconds=1)).isoformat()


BAD_INPUTS = (
    BadInput("no JSON", "invalid_json", b"hello"),
    BadInput("an empty value", "invalid_json", b""),
    BadInput("JSON cut short", "invalid_json", line()[:-5]),
    BadInput("something behind the event", "invalid_json", line() + b"x"),
    BadInput("a JSON array", "wrong_type", b"[1, 2]"),
    BadInput("a number for a text", "wrong_type", line(id=7)),
    BadInput("a text for the data", "wrong_type", line(data="agent")),
    BadInput("a text for a yes or no", "wrong_type", line(data={"actor": "agent", "public": "yes"})),
    BadInput("no id", "missing_field", line(id=...)),
    BadInput("no type", "missing_field", line(type=...)),
    BadInput("no actor of a message", "missing_field", line(data={})),
    BadInput("an unknown type", "unknown_type", line(type="helpdesk.ticket.exploded")),
    BadInput("an unknown actor", "invalid_value", line(data={"actor": "martian"})),
    BadInput("an empty id", "invalid_value", line(id="")),
    BadInput("an endless id", "invalid_value", line(id="x" * 513)),
    BadInput("an endless sequence", "invalid_value", line(sequence="9" * 513)),
    BadInput("a CloudEvents version to come", "unsupported_version", line(specversion="2.0")),
    BadInput("a time in words", "bad_time", line(time="yesterday")),
    BadInput("a time without offset", "bad_time", line(time="2026-03-02T12:00:00")),
    BadInput("the year 1", "time_out_of_range", line(time="0001-01-01T00:00:00Z")),
    BadInput("the year 9999", "time_out_of_range", line(time="9999-12-31T23:59:59Z")),
    BadInput(
        "a ticket born in the year 1",
        "time_out_of_range",
        line(type="helpdesk.ticket.snapshot", data={"created_at": "0001-01-01T00:00:00Z"}),
    ),
    BadInput("a time beyond the record's", "future", line(time=_far_ahead())),
    BadInput("ten megabytes", "too_large", with_field(b'"' + b"x" * (10 << 20) + b'"')),
    BadInput("a thousand arrays deep", "too_deep", with_field(b"[" * 5000 + b"]" * 5000)),
    BadInput("bytes that are no UTF-8", "invalid_utf8", b"\xff\xfe" + line()),
    BadInput("no UTF-8 in a field that nobody reads", "invalid_utf8", with_field(b'"\xff"')),
    BadInput("another tenant", "foreign_tenant", line(tenant="somebody else")),
    BadInput("an event of the other topic", "wrong_topic", line(type="crm.invite.sent", data={})),
    BadInput("no key", "wrong_key", line(), key=None),
    BadInput("the key of another subject", "wrong_key", line(), key=b"bad/2"),
    BadInput("the wrong partition", "wrong_partition", line(), partition=(home_of(b"bad/1") + 1) % PARTITIONS),
    BadInput("a binary event without an id", "missing_field", b"{}", headers=binary_headers(id=None)),
    BadInput("a binary event that is no JSON", "invalid_json", b"hello", headers=binary_headers()),
    BadInput("a binary value that closes its envelope", "invalid_json", b'{}, "id": "x"', headers=binary_headers()),
    BadInput("a header that is no UTF-8", "invalid_utf8", b"{}", headers=[*binary_headers(), ("ce_x", b"\xff")]),
    BadInput("a tombstone", None, None),
)
