"""The row of a ticket: its state, and the moves that led there, so that a late event finds its place."""

from __future__ import annotations

from typing import Any

import msgspec

from metrics_core.facts import Facts
from metrics_core.tickets import Move, TicketMachine, TicketState, fold

#: share of a full history that is folded into the base at once, so that folding is rare
_FOLD_SHARE = 4

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


class Base(msgspec.Struct, array_like=True, gc=False):
    """What a history was folded into, and the order key of the last event in it."""

    state: TicketState
    last_us: int
    last_seq: str
    last_id: str


class Ticket(TicketState, array_like=True, gc=False):
    """A ticket's row. ``history`` is a run of msgpack arrays [ident, time_us, move, (sequence)], in order."""

    source: str = ""
    last_us: int = 0
    last_seq: str = ""
    last_id: str = ""
    events: int = 0
    history: bytes = b""
    base: Base | None = None


_STATE_FIELDS = TicketState.__struct_fields__
_decode_row = msgspec.msgpack.Decoder(Ticket).decode
pack_row = _pack
unpack_row = _decode_row


class Entry(msgspec.Struct, gc=False):
    """One event in a history. Order within a subject: time, then sequence, then id, bytewise."""

    ident: str
    time_us: int
    move: Any
    seq: str

    @property
    def order(self) -> tuple[int, str, str, str]:
        """Sort key; two sources may use one id, so the identity comes last."""
        return (self.time_us, self.seq, self.ident.rpartition("\0")[2], self.ident)

    def pack(self) -> bytes:
        """The entry as it stands in a history."""
        return pack_entry(self.ident, self.time_us, self.move, self.seq)


def pack_entry(ident: str, time_us: int, move: Move, seq: str) -> bytes:
    """A history entry; the sequence takes room only where there is one."""
    return _pack((ident, time_us, move, seq) if seq else (ident, time_us, move))


def identity(row_source: str, source: str, event_id: str) -> str:
    """What tells events of a subject apart: the id, with its source where that is not the row's."""
    return event_id if source == row_source else f"{source}\0{event_id}"


def sequence_key(sequence: str | int | None) -> str:
    """Sort key of the ``sequence`` attribute: absent first, whole numbers by value, then other text bytewise."""
    if sequence is None or sequence == "":
        return ""
    text = str(sequence)
    if text.isdecimal() and text.isascii():
        digits = text.lstrip("0")
        return f"0{len(digits):04d}{digits}"
    return "1" + text


def entries(row: Ticket) -> list[Entry]:
    """The row's history, oldest first."""
    header = bytes((0x90 | row.events,)) if row.events < 16 else b"\xdc" + row.events.to_bytes(2, "big")
    return [
        Entry(item[0], item[1], item[2], item[3] if len(item) > 3 else "") for item in _unpack(header + row.history)
    ]


def copy_state(source: TicketState) -> TicketState:
    """A TicketState with the same values."""
    return TicketState(*[getattr(source, name) for name in _STATE_FIELDS])


def set_state(row: Ticket, state: TicketState) -> None:
    """Give the row another state."""
    for name in _STATE_FIELDS:
        setattr(row, name, getattr(state, name))


def is_before_history(row: Ticket, entry: Entry) -> bool:
    """Whether an event falls before what the row still remembers one by one."""
    base = row.base
    return base is not None and (entry.time_us, entry.seq, entry.order[2]) <= (
        base.last_us,
        base.last_seq,
        base.last_id,
    )


def insert(row: Ticket, entry: Entry, machine: TicketMachine, out: Facts) -> None:
    """Put a late event in its place and step the history anew; ``out`` gets the difference in facts."""
    before = entries(row)
    after = sorted([*before, entry], key=lambda e: e.order)
    out_before, out_after = Facts(), Facts()
    fold(machine, _start(row), ((e.time_us, e.move) for e in before), out_before)
    state = fold(machine, _start(row), ((e.time_us, e.move) for e in after), out_after)
    out.take_back(out_before)
    out.extend(out_after)
    set_state(row, state)
    row.history = b"".join(e.pack() for e in after)
    row.events += 1
    newest = after[-1]
    row.last_us, row.last_seq, row.last_id = newest.order[:3]


def _start(row: Ticket) -> TicketState:
    return TicketState() if row.base is None else copy_state(row.base.state)


def fold_oldest(row: Ticket, machine: TicketMachine) -> None:
    """Fold the oldest part of a full history into the base; their facts stay counted as they are."""
    history = entries(row)
    cut = max(1, len(history) // _FOLD_SHARE)
    old, kept = history[:cut], history[cut:]
    state = fold(machine, _start(row), ((e.time_us, e.move) for e in old), Facts())
    last = old[-1]
    row.base = Base(state, *last.order[:3])
    row.history = b"".join(e.pack() for e in kept)
    row.events = len(kept)
