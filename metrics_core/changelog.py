"""Rows of the changelog: which key holds what, and how it is written.

``t<subject>`` a ticket, ``c<subject>`` a customer, ``d<subject>`` a lead, ``a<subject>`` an agent,
``g<subject><slice>`` a slice of a ledger, ``i<subject>`` a customer's invitations, ``s<subject>`` somebody who
answers surveys, ``p<ring><index>`` a pane, ``l<id>`` a label tuple, ``e`` the levels, ``m`` the shard's clock and
start.
Keys that begin with a zero byte are the engine's own.
"""

from __future__ import annotations

import struct
from typing import Protocol

import msgspec

TICKET, CUSTOMER, LEAD = b"t", b"c", b"d"
AGENT, LEDGER, INVITES, RESPONDENT = b"a", b"g", b"i", b"s"
PANE, LABEL, LEVELS, META = b"p", b"l", b"e", b"m"


class Row(Protocol):
    """One record of the changelog."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


_pane_key = struct.Struct(">cBq")
_label_key = struct.Struct(">cI")
pack = msgspec.msgpack.Encoder().encode
_unpack_counts = msgspec.msgpack.Decoder(dict[int, int | str]).decode
unpack_label = msgspec.msgpack.Decoder(tuple[str, ...]).decode


class Meta(msgspec.Struct, array_like=True, gc=False):
    """Largest and smallest accepted event time in microseconds since the epoch, 0 = none; kind of subject -> the
    smallest of its own."""

    clock_us: int
    start_us: int
    starts: dict[str, int] = {}


unpack_meta = msgspec.msgpack.Decoder(Meta).decode


def pack_counts(counts: dict[int, int]) -> bytes:
    """Counts and sums by key. A sum may outgrow 64 bits (a mistaken creation in 1970, a few thousand times); such
    a row is written in decimal, since a worker that cannot save would stop for ever."""
    try:
        return pack(counts)
    except OverflowError:
        return pack({key: str(n) for key, n in counts.items()})


def unpack_counts(row: bytes) -> dict[int, int]:
    """What ``pack_counts`` has packed."""
    counts = _unpack_counts(row)
    return {key: int(n) for key, n in counts.items()}


def pane_key(ring: int, index: int) -> bytes:
    """Key of a pane: the ring's place among the rings, the pane's number."""
    return _pane_key.pack(PANE, ring, index)


def read_pane_key(key: bytes) -> tuple[int, int]:
    """(ring, index) of a pane's key."""
    _, ring, index = _pane_key.unpack(key)
    return ring, index


def label_key(label_id: int) -> bytes:
    """Key of a label tuple."""
    return _label_key.pack(LABEL, label_id)


def read_label_key(key: bytes) -> int:
    """The label number of a label's key."""
    return int(_label_key.unpack(key)[1])
