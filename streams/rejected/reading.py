"""Rejects as they lie on their topic: parsed, chosen, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from metrics_core.records import Record
from metrics_core.rejects import Reason
from metrics_core.times import format_us
from streams.engine.ports import Headers, SourcePartition
from streams.engine.rejected import ORIGINAL
from streams.log_reader import LogReader
from streams.settings import ConfigurationError

#: a reader of a terminal is shown so much of an id or a subject
MAX_SHOWN_CHARS = 200


class _Identity(msgspec.Struct):
    id: Any = None
    source: Any = None
    subject: Any = None
    type: Any = None


_decode_identity = msgspec.json.Decoder(_Identity).decode


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """One record of the topic of rejected events: why, where it came from, and the record as it came.

    ``rejected_ms`` is when it was rejected, ``timestamp_ms`` the source record's time (-1 = none). Where ``is_cut``
    the value or the headers are not whole and ``sha256`` is that of the whole value.
    """

    place: SourcePartition
    rejected_ms: int
    reason: str
    detail: str
    source: SourcePartition
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    size: int
    sha256: str
    is_cut: bool

    @property
    def identity(self) -> Mapping[str, str]:
        """id, source, subject and type of the event as far as they can be read."""
        return _identity_of(self.value or b"", self.headers)


@dataclass(kw_only=True)
class Choice:
    """Which rejects are asked for; empty = all. ``since_ms`` is about when they were rejected."""

    reasons: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    since_ms: int | None = None

    def takes(self, one: Rejection) -> bool:
        """Whether a reject is among them."""
        return (
            (not self.reasons or one.reason in self.reasons)
            and (not self.topics or one.source.topic in self.topics)
            and (self.since_ms is None or one.rejected_ms >= self.since_ms)
        )


@dataclass
class Seen:
    """What was met on the way: rejects taken by (topic, reason), records that no worker wrote."""

    taken: Counter[tuple[str, str]] = field(default_factory=Counter)
    foreign: int = 0


def check_reasons(reasons: Sequence[str]) -> frozenset[str]:
    """The reasons; raises ConfigurationError for one that does not exist."""
    known = [reason.value for reason in Reason]
    for reason in reasons:
        if reason not in known:
            raise ConfigurationError(f"--reason {reason}: choose one of {', '.join(known)}")
    return frozenset(reasons)


async def rejections(log: LogReader, topic: str, choice: Choice, seen: Seen) -> AsyncIterator[Rejection]:
    """The chosen rejects that the topic holds now, partition by partition in log order; counts go to ``seen``."""
    sources = log.partitions(topic)
    bounds = await log.bounds(sources)
    for source in sources:
        start, end = bounds[source]
        if choice.since_ms is not None:
            start = max(start, await _first_since(log, source, choice.since_ms, end))
        async for records in log.read(source, start, end):
            for record in records:
                one = parse(source, record)
                if one is None:
                    seen.foreign += 1
                elif choice.takes(one):
                    seen.taken[one.source.topic, one.reason] += 1
                    yield one


async def _first_since(log: LogReader, source: SourcePartition, time_ms: int, end: int) -> int:
    found = await log.offset_at(source, time_ms)
    return end if found is None else found


def parse(place: SourcePartition, record: Record) -> Rejection | None:
    """A record of the topic of rejected events; None where no worker wrote it."""
    headers = [(name, content) for name, content in record.headers if content is not None]
    ours = {name: content for name, content in headers if not name.startswith(ORIGINAL)}
    try:
        return Rejection(
            place=place,
            rejected_ms=record.timestamp,
            reason=ours["reason"].decode(),
            detail=ours.get("detail", b"").decode(errors="replace"),
            source=SourcePartition(ours["topic"].decode(), int(ours["partition"])),
            offset=int(ours["offset"]),
            timestamp_ms=int(ours.get("timestamp", b"-1")),
            key=record.key,
            value=record.value,
            headers=[
                (name.removeprefix(ORIGINAL), content)
                for name, content in record.headers
                if name.startswith(ORIGINAL)
            ],
            size=int(ours.get("size", len(record.value or b""))),
            sha256=ours.get("sha256", b"").decode(),
            is_cut="sha256" in ours,
        )
    except (KeyError, ValueError):
        return None


def _identity_of(value: bytes, headers: Headers) -> dict[str, str]:
    attributes = {name[3:]: content for name, content in headers if name.startswith("ce_") and content is not None}
    if "specversion" in attributes:
        known = {name: content.decode(errors="replace") for name, content in attributes.items()}
    else:
        try:
            known = msgspec.structs.asdict(_decode_identity(value))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return {}
    return {
        name: str(known[name])[:MAX_SHOWN_CHARS]
        for name in ("id", "source", "subject", "type")
        if known.get(name) is not None
    }


def as_row(one: Rejection) -> dict[str, Any]:
    """A reject as one JSON object; bytes that are no UTF-8 are shown with replacement characters."""
    return {
        "rejected_at": format_us(one.rejected_ms * 1000),
        "reason": one.reason,
        "detail": one.detail,
        "topic": one.source.topic,
        "partition": one.source.partition,
        "offset": one.offset,
        "event": dict(one.identity),
        "key": None if one.key is None else one.key.decode(errors="replace"),
        "value": None if one.value is None else one.value.decode(errors="replace"),
        "headers": {
            name: None if content is None else content.decode(errors="replace") for name, content in one.headers
        },
        "size_bytes": one.size,
        "cut": one.is_cut,
    }
