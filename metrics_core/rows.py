"""Rows: what is kept of one subject - its state, and the moves that led there, so that a late event finds its
place.

A kind of subject (tickets, customers, ...) adds its state to Row and gives the steps of its state machine.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec

from metrics_core.facts import Facts

#: an event boiled down to what the state machine needs: a small integer, or a tuple that starts with one
Move = int | tuple[Any, ...]

#: share of a full history that is folded into the base at once, so that folding is rare
_FOLD_SHARE = 4

pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder().decode


class Row(msgspec.Struct, array_like=True, gc=False):
    """What every row has. ``history`` is a run of packed entries (``pack_entry``), in order; ``base`` the packed
    row that older events were folded into; ``last_*`` the order key of the newest event."""

    source: str = ""
    last_us: int = 0
    last_seq: str = ""
    last_id: str = ""
    events: int = 0
    history: bytes = b""
    base: bytes = b""


R = TypeVar("R", bound=Row)
Step = Callable[[R, int, Any, Facts], None]


@dataclass(frozen=True)
class Kind(Generic[R]):
    """One kind of subject: how its rows begin, step, stand and end."""

    #: in the plural
    name: str
    #: first byte of its keys in the changelog
    prefix: bytes
    #: a new row of a source's subject, first heard of at a time (us)
    new: Callable[[str, int], R]
    unpack: Callable[[bytes], R]
    #: by the move's number
    steps: Sequence[Step[R]]
    #: how a row stands in the kind's index; None where it is not in it
    standing: Callable[[R], Hashable]
    #: a row stood in the index as the first and stands as the second
    change: Callable[[Any, Any], None]
    #: whether its end has come, so that the horizon counts from its last event
    is_closed: Callable[[R], bool]
    #: whether its beginning was seen
    is_known: Callable[[R], bool]
    #: when it was last heard of (us): the horizon counts from then
    heard_us: Callable[[R], int] = attrgetter("last_us")
    #: as much of a packed row as ``standing``, ``is_closed``, ``is_known`` and ``heard_us`` ask for; None: all
    glance: Callable[[bytes], Any] | None = None
    #: puts rows at a glance that no index knows into it; gives the places of those that are closed, and how many
    #: are not known; None: one by one
    stand_all: Callable[[Sequence[Any]], tuple[list[int], int]] | None = None
    #: after the last ``stand_all``, in short steps
    sort: Callable[[], Iterator[None]] | None = None


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

    def pack(self, since_us: int = 0) -> bytes:
        """The entry as it stands in a history after one at ``since_us``, 0 where it is the first."""
        return pack_entry(short(self.ident), self.time_us - since_us, self.move, self.seq)


#: what numbers of so many digits begin with, so that they sort by value
_LENGTHS = tuple(f"0{digits:04d}" for digits in range(32))


def sequence_key(sequence: str | int | None) -> str:
    """Sort key of the ``sequence`` attribute: absent first, whole numbers by value, then other text bytewise."""
    if sequence is None or sequence == "":
        return ""
    text = sequence if type(sequence) is str else str(sequence)
    if text.isdecimal() and text.isascii():
        digits = text.lstrip("0")
        return _LENGTHS[len(digits)] + digits if len(digits) < len(_LENGTHS) else f"0{len(digits):04d}{digits}"
    return "1" + text


#: the key of what nearly every event carries, so that it is not made anew each time
SEQUENCE_KEYS: dict[str | int | None, str] = {
    None: "",
    **{str(number): sequence_key(number) for number in range(1000)},
}


#: 32 digits and four hyphens (RFC 9562, section 4)
UUID_LETTERS = 36
#: the same keys as the small numbers that they stand for in a history
_NUMBERS = {SEQUENCE_KEYS[str(number)]: number for number in range(1000)}
_KEYS = list(_NUMBERS)


def short(ident: str) -> str | bytes:
    """An identity as a history holds it: of a UUID, as most producers make them, its 16 bytes."""
    if len(ident) == UUID_LETTERS:
        digits = ident.replace("-", "")
        try:
            uuid = bytes.fromhex(digits)
        except ValueError:
            return ident
        # capitals and hyphens elsewhere are another identity
        if len(digits) == 32 and uuid.hex() == digits and ident[8] == ident[13] == ident[18] == ident[23] == "-":
            return uuid
    return ident


def _long(ident: str | bytes) -> str:
    if isinstance(ident, str):
        return ident
    digits = ident.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def pack_entry(ident: str | bytes, later_us: int, move: Move, seq: str) -> bytes:
    """An entry of a history: [identity as it is ``short``, how much later than the one before, move, (sequence)].

    Histories are most of what a worker keeps, and msgpack writes small numbers short: a difference is in
    milliseconds where it is whole ones, else in microseconds below zero.
    """
    later = -later_us if later_us % 1000 else later_us // 1000
    return pack((ident, later, move, number_of(seq)) if seq else (ident, later, move))


def number_of(seq: str) -> int | str:
    """What stands for a sort key in a history: the number below 1000 that it is of, else the key."""
    return _NUMBERS.get(seq, seq)


def entries(row: Row) -> list[Entry]:
    """The row's history, oldest first."""
    header = bytes((0x90 | row.events,)) if row.events < 16 else b"\xdc" + row.events.to_bytes(2, "big")
    out, time_us = [], 0
    for ident, later, move, *sequence in _unpack(header + row.history):
        time_us += -later if later < 0 else later * 1000
        seq = sequence[0] if sequence else ""
        out.append(Entry(_long(ident), time_us, move, seq if isinstance(seq, str) else _KEYS[seq]))
    return out


def _pack_all(history: Iterable[Entry]) -> bytes:
    packed, since_us = [], 0
    for entry in history:
        packed.append(entry.pack(since_us))
        since_us = entry.time_us
    return b"".join(packed)


def step(kind: Kind[R], row: R, time_us: int, move: Move, out: Facts) -> None:
    """Apply one move to a row; facts go to ``out``."""
    kind.steps[move if isinstance(move, int) else move[0]](row, time_us, move, out)


def is_before_history(kind: Kind[R], row: R, entry: Entry) -> bool:
    """Whether an event falls before what the row still remembers one by one."""
    if not row.base:
        return False
    base = kind.unpack(row.base)
    return entry.order[:3] <= (base.last_us, base.last_seq, base.last_id)


def insert(kind: Kind[R], row: R, entry: Entry, out: Facts) -> R:
    """The row with a late event in its place, all stepped anew; ``out`` gets the difference in facts."""
    before = entries(row)
    after = sorted([*before, entry], key=lambda e: e.order)
    out_before, out_after = Facts(), Facts()
    _fold(kind, _start(kind, row, before), before, out_before)
    moved = _fold(kind, _start(kind, row, after), after, out_after)
    out.take_back(out_before)
    out.extend(out_after)
    return _remember(moved, row, after)


def fold_oldest(kind: Kind[R], row: R) -> None:
    """Fold the oldest part of a full history into the base; their facts stay counted as they are."""
    history = entries(row)
    cut = max(1, len(history) // _FOLD_SHARE)
    old, kept = history[:cut], history[cut:]
    base = _fold(kind, _start(kind, row, old), old, Facts())
    base.last_us, base.last_seq, base.last_id = old[-1].order[:3]
    base.base = base.history = b""
    base.events = 0
    row.base = pack(base)
    row.history = _pack_all(kept)
    row.events = len(kept)


def _start(kind: Kind[R], row: R, history: list[Entry]) -> R:
    return kind.unpack(row.base) if row.base else kind.new(row.source, history[0].time_us)


def _fold(kind: Kind[R], row: R, history: Iterable[Entry], out: Facts) -> R:
    for entry in history:
        step(kind, row, entry.time_us, entry.move, out)
    return row


def _remember(moved: R, row: R, history: list[Entry]) -> R:
    moved.source, moved.base = row.source, row.base
    moved.history = _pack_all(history)
    moved.events = len(history)
    moved.last_us, moved.last_seq, moved.last_id = history[-1].order[:3]
    return moved
