"""The shape of what the core is fed: a Kafka record, or a line of a file dressed as one; and where it belongs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec


class Record(Protocol):
    """One record of a source partition. ``timestamp`` is Kafka's, in ms since the epoch; -1 for files."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


class FileRecord(msgspec.Struct, gc=False):
    """A line of canonical JSON as a record: its subject stands in for the key, no time check is made."""

    value: bytes | None
    offset: int
    key: bytes | None = None
    timestamp: int = -1
    headers: tuple[tuple[str, bytes | None], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Place:
    """What records must be to belong here. ``keyed``: a record's key must be its event's subject; ``until_us``
    leaves out events at or after a moment; without ``partitions`` every subject is at home."""

    tenant: str | None
    keyed: bool
    partition: int | None
    partitions: int | None
    until_us: int
