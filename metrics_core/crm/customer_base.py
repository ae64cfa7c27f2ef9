"""The customers there are: who has been silent since when, and who is gone that was there before."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from metrics_core import changelog
from metrics_core.ages import AgeIndex
from metrics_core.crm.customers import OF_SUBSCRIPTIONS, Customer, CustomerMachine
from metrics_core.crm.subscriptions import MOST_SUBSCRIPTIONS, Period, is_any_running
from metrics_core.events import Event
from metrics_core.policy import Policy
from metrics_core.rejects import Reason, Refused
from metrics_core.rows import Kind, Move
from metrics_core.subjects import Subjects
from metrics_core.times import HOUR_US

#: periods of being counted that have ended, and since when it counts again (0: it is gone)
Past = tuple[tuple[Period, ...], int]
#: (label, active_us) of a counted customer without a running subscription, or None; the customer's past, where
#: there is any; that of each of its subscriptions
Standing = tuple[tuple[int, int] | None, Past | None, tuple[Past, ...]] | None


def standing(state: Customer) -> Standing:
    """How a customer stands in the base."""
    subscriptions = state.subscriptions
    is_idle = bool(state.since_us) and not is_any_running(subscriptions)
    idle = (state.label, state.active_us) if is_idle else None
    past = (tuple(state.periods), state.since_us) if state.periods else None
    pasts = tuple([(tuple(one.periods), one.since_us) for one in subscriptions.values() if one.periods])
    return (idle, past, pasts) if idle or past or pasts else None


class Gone:
    """Periods of being counted, of those that are gone now.

    What is announced may lie ahead: one that will be gone is not yet, one that will be back is not yet either.
    Those few are kept by themselves, and looked at one by one.
    """

    def __init__(self) -> None:
        self._starts, self._ends = AgeIndex(), AgeIndex()
        #: with their number: those that change after the moment that was last asked about, as far as is known
        self._ahead: dict[Past, int] = {}

    def add(self, past: Past) -> None:
        """One stands like this."""
        periods, back_us = past
        if not back_us:
            for start_us, end_us in periods:
                self._starts.add(0, start_us)
                self._ends.add(0, end_us)
        self._ahead[past] = self._ahead.get(past, 0) + 1

    def remove(self, past: Past) -> None:
        """One stands like this no more."""
        periods, back_us = past
        if not back_us:
            for start_us, end_us in periods:
                self._starts.remove(0, start_us)
                self._ends.remove(0, end_us)
        if past in self._ahead:
            self._ahead[past] -= 1
            if not self._ahead[past]:
                del self._ahead[past]

    def forget(self, time_us: int) -> None:
        """Nobody will ask what is gone as of an hour before ``time_us`` or earlier."""
        before_us = time_us - HOUR_US
        self._ahead = {past: n for past, n in self._ahead.items() if max(past[0][-1][1], past[1]) >= before_us}

    def lost_since(self, start_us: int, time_us: int) -> int:
        """How many were counted as of ``start_us`` and are gone as of ``time_us``."""
        lost = self._starts.count_before(0, start_us) - self._ends.count_before(0, start_us)
        for (periods, back_us), n in self._ahead.items():
            if max(periods[-1][1], back_us) >= time_us:
                was_counted = _is_counted(periods, start_us)
                is_lost = was_counted and not _is_counted(periods, time_us)
                lost += n * (is_lost - (was_counted and not back_us))
        return lost


def _is_counted(periods: tuple[Period, ...], moment_us: int) -> bool:
    return any(start_us < moment_us <= end_us for start_us, end_us in periods)


class CustomerBase:
    """Index over customers' rows, kept up as they change."""

    def __init__(self) -> None:
        self.idle = AgeIndex()
        self.customers = Gone()
        self.subscriptions = Gone()

    def change(self, old: Standing, new: Standing) -> None:
        """A customer stood as ``old`` and stands as ``new``."""
        old_idle, old_past, old_pasts = old or (None, None, ())
        idle, past, pasts = new or (None, None, ())
        if old_idle != idle:
            if old_idle is not None:
                self.idle.remove(*old_idle)
            if idle is not None:
                self.idle.add(*idle)
        if old_past != past:
            if old_past is not None:
                self.customers.remove(old_past)
            if past is not None:
                self.customers.add(past)
        if old_pasts != pasts:
            for one in old_pasts:
                self.subscriptions.remove(one)
            for one in pasts:
                self.subscriptions.add(one)

    def lost_since(self, start_us: int, time_us: int) -> tuple[int, int]:
        """(customers, subscriptions) that were counted as of ``start_us`` and are gone as of ``time_us``."""
        return self.customers.lost_since(start_us, time_us), self.subscriptions.lost_since(start_us, time_us)


class Customers(Subjects[Customer]):
    """Customers' rows. A subscription event happens at its ``effective_at``; whether it is too late is judged by
    its own time."""

    def apply(self, event: Event, time_us: int, move: Move, clock_us: int, fact_us: int = 0) -> None:
        if not isinstance(move, int) and move[0] in OF_SUBSCRIPTIONS:
            self._refuse_too_many(event.subject, move[2])
            if move[1]:
                fact_us = move[1]
                move = (move[0], time_us, *move[2:])
        super().apply(event, time_us, move, clock_us, fact_us)

    def _refuse_too_many(self, subject: str, subscription: str) -> None:
        row = self.get(subject)
        known = {} if row is None else row.subscriptions
        if len(known) >= MOST_SUBSCRIPTIONS and subscription not in known:
            raise Refused(Reason.INVALID_VALUE, f"over {MOST_SUBSCRIPTIONS} subscriptions of one customer")


def customer_kind(
    intern: Callable[[tuple[str, ...]], int],
    values: list[tuple[str, ...]],
    index: CustomerBase,
    policy: Policy,
    keep_us: int,
) -> Kind[Customer]:
    """Customers as a kind of subject; ``index`` follows how they stand.

    A customer once known is never closed: who comes back after a year is reactivated and not new.
    """
    machine = CustomerMachine(
        intern,
        values,
        keep_us=keep_us,
        ends_with_subscription=lambda time_us: policy.at(time_us).churn_with_last_subscription,
    )
    return Kind(
        name="customers",
        prefix=changelog.CUSTOMER,
        new=lambda source, _time_us: Customer(source=source),
        unpack=msgspec.msgpack.Decoder(Customer).decode,
        steps=machine.steps,
        standing=standing,
        change=index.change,
        is_closed=_is_closed,
        is_known=_is_known,
        heard_us=_heard_us,
    )


def _is_closed(row: Customer) -> bool:
    return not row.known and not is_any_running(row.subscriptions)


def _heard_us(row: Customer) -> int:
    # what is announced is waited for
    return max(row.heard_us, row.last_us)


def _is_known(row: Customer) -> bool:
    return row.known
