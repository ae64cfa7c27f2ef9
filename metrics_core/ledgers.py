"""Ledgers and invitations: events that only add up, each counted once.

What a ledger books (spending, cash flow) depends on nothing booked before, so order does not matter, only identity.
Amounts may be negative: cash flows both ways, and a credit note takes spending back.

A ledger may book hundreds of events a day, more than one row remembers one by one. It is cut into slices by the
event's identity: a repeat, or a conflict at another time, finds the slice of the first.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import msgspec

from metrics_core import changelog
from metrics_core import facts as f
from metrics_core.counters import Counters
from metrics_core.events import EVENT_CLASSES, CashFlow, Event, Spend
from metrics_core.facts import LABEL_SHIFT, Facts
from metrics_core.money import currency_of, exponent_of, signed_minor_units
from metrics_core.rows import Kind, Move, Row, Step
from metrics_core.subjects import Subjects

SPEND_CATEGORIES = ("sales", "marketing", "service", "innovation")
CASH_KINDS = ("operating", "investment", "working_capital")
INVITE_STATES = ("sent", "accepted")

#: slices of a ledger: with 64 events each, it remembers some 200 a day for as long as the horizon of 70 days
SLICES = 256

# moves of ledgers: (code, amount in minor units, category or kind, currency)
_BOOKS = (f.SPEND, f.CASH_FLOW)
_SPEND, _CASH = range(2)
# moves of invitations: a place in INVITE_STATES
_INVITES = (f.INVITES_SENT, f.INVITES_ACCEPTED)


class Entries(Row, array_like=True, gc=False):
    """A row of events that only add up: it has no state beside its history."""


class Ledgers(Subjects[Entries]):
    """Rows of ledgers, by ledger and slice."""

    def __init__(
        self,
        kind: Kind[Entries],
        *,
        facts: Facts,
        counters: Counters,
        own: Callable[[str], None],
        horizon_us: int,
        history_events: int,
    ) -> None:
        super().__init__(
            kind,
            facts=facts,
            counters=counters,
            own=lambda key: own(key.rpartition("\0")[0]),
            horizon_us=horizon_us,
            history_events=history_events,
        )

    def apply(self, event: Event, time_us: int, move: Move, clock_us: int, fact_us: int = 0) -> None:
        number = zlib.crc32(f"{event.source}\0{event.id}".encode()) % SLICES
        sliced = msgspec.structs.replace(event, subject=f"{event.subject}\0{number}")
        super().apply(sliced, time_us, move, clock_us, fact_us)


def ledger_kind(intern: Callable[[tuple[str, ...]], int]) -> Kind[Entries]:
    """Ledgers as a kind of subject, for ``Ledgers``."""

    def book(code: int) -> Step[Entries]:
        def step(_state: Entries, time_us: int, move: Any, out: Facts) -> None:
            _, minor, part, currency = move
            if minor:
                out.counts.append((intern((part, currency)) << LABEL_SHIFT | code, time_us, minor))

        return step

    return _kind("ledgers", changelog.LEDGER, [book(code) for code in _BOOKS])


def invite_kind() -> Kind[Entries]:
    """Invitations as a kind of subject: one row a customer who invites."""

    def count(code: int) -> Step[Entries]:
        def step(_state: Entries, time_us: int, _move: Any, out: Facts) -> None:
            out.counts.append((code, time_us, 1))

        return step

    return _kind("invites", changelog.INVITES, [count(code) for code in _INVITES])


def _kind(name: str, prefix: bytes, steps: list[Step[Entries]]) -> Kind[Entries]:
    return Kind(
        name=name,
        prefix=prefix,
        new=lambda source, _time_us: Entries(source=source),
        unpack=msgspec.msgpack.Decoder(Entries).decode,
        steps=steps,
        standing=lambda _row: None,
        change=lambda _old, _new: None,
        # nothing more is expected of any row: it goes with the horizon of its newest event
        is_closed=lambda _row: True,
        # so that the horizon alone says what is too late, not which rows happen to be left
        is_known=lambda _row: False,
    )


def _spend(data: Spend) -> Move:
    currency = currency_of(data.currency)
    return (_SPEND, signed_minor_units(data.amount, exponent_of(currency)), data.category, currency)


def _cash(data: CashFlow) -> Move:
    currency = currency_of(data.currency)
    return (_CASH, signed_minor_units(data.amount, exponent_of(currency)), data.kind, currency)


#: class of a ledger's event -> function from its data to its move
LEDGER_MOVE_OF_CLASS: dict[type[Event], Callable[[Any], Move]] = {
    EVENT_CLASSES["crm.spend.recorded"]: _spend,
    EVENT_CLASSES["finance.cash_flow.recorded"]: _cash,
}
#: class of an invitation's event -> function from its data to its move
INVITE_MOVE_OF_CLASS: dict[type[Event], Callable[[Any], Move]] = {
    EVENT_CLASSES["crm.invite.sent"]: lambda _data: INVITE_STATES.index("sent"),
    EVENT_CLASSES["crm.invite.accepted"]: lambda _data: INVITE_STATES.index("accepted"),
}
