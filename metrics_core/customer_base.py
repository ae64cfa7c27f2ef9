"""The customers there are: who has been silent since when, and who is gone that was there before."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from metrics_core import changelog
from metrics_core.ages import AgeIndex
from metrics_core.customers import OF_SUBSCRIPTIONS, Customer, CustomerMachine
from metrics_core.events import Event
from metrics_core.policy import Policy
from metrics_core.rows import Kind, Move
from metrics_core.subjects import Subjects
from metrics_core.subscriptions import Period, is_any_running
from metrics_core.times import HOUR_US

#: (label, active_us) of a counted customer without a running subscription, or None; periods of being counted of
#: one that is gone; the same of each subscription that has ended
Standing = tuple[tuple[int, int] | None, tuple[Period, ...], tuple[tuple[Period, ...], ...]] | None


def standing(state: Customer) -> Standing:
    """How a customer stands in the base."""
    subscriptions = state.subscriptions
    is_idle = bool(state.since_us) and not is_any_running(subscriptions)
    idle = (state.label, state.active_us) if is_idle else None
    periods = tuple(state.periods) if state.is_gone else ()
    ended = tuple([tuple(one.periods) for one in subscriptions.values() if not one.since_us])
    return (idle, periods, ended) if idle or periods or ended else None


class Gone:
    """Periods of being counted, of those that are gone now."""

    def __init__(self) -> None:
        self._starts, self._ends = AgeIndex(), AgeIndex()
        #: those that may end after the moment asked about, with their number
        self._last: dict[tuple[Period, ...], int] = {}

    def add(self, periods: tuple[Period, ...]) -> None:
        """One is gone."""
        for start_us, end_us in periods:
            self._starts.add(0, start_us)
            self._ends.add(0, end_us)
        self._last[periods] = self._last.get(periods, 0) + 1

    def remove(self, periods: tuple[Period, ...]) -> None:
        """One is not gone after all."""
        for start_us, end_us in periods:
            self._starts.remove(0, start_us)
            self._ends.remove(0, end_us)
        if periods in self._last:
            self._last[periods] -= 1
            if not self._last[periods]:
                del self._last[periods]

    def forget(self, time_us: int) -> None:
        """Nobody will ask what is gone as of an hour before ``time_us`` or earlier."""
        before_us = time_us - HOUR_US
        self._last = {periods: n for periods, n in self._last.items() if periods[-1][1] >= before_us}

    def lost_since(self, start_us: int, time_us: int) -> int:
        """How many were counted as of ``start_us`` and are gone as of ``time_us``."""
        lost = self._starts.count_before(0, start_us) - self._ends.count_before(0, start_us)
        for periods, n in self._last.items():
            if periods[-1][1] >= time_us:  # its end is announced, or ahead of our clock
                lost -= n * sum(start < start_us <= end for start, end in periods)
        return lost


class CustomerBase:
    """Index over customers' rows, kept up as they change."""

    def __init__(self) -> None:
        self.idle = AgeIndex()
        self.customers = Gone()
        self.subscriptions = Gone()

    def change(self, old: Standing, new: Standing) -> None:
        """A customer stood as ``old`` and stands as ``new``."""
        old_idle, old_periods, old_ended = old or (None, (), ())
        idle, periods, ended = new or (None, (), ())
        if old_idle != idle:
            if old_idle is not None:
                self.idle.remove(*old_idle)
            if idle is not None:
                self.idle.add(*idle)
        if old_periods != periods:
            if old_periods:
                self.customers.remove(old_periods)
            if periods:
                self.customers.add(periods)
        if old_ended != ended:
            for of_one in old_ended:
                self.subscriptions.remove(of_one)
            for of_one in ended:
                self.subscriptions.add(of_one)

    def lost_since(self, start_us: int, time_us: int) -> tuple[int, int]:
        """(customers, subscriptions) that were counted as of ``start_us`` and are gone as of ``time_us``."""
        return self.customers.lost_since(start_us, time_us), self.subscriptions.lost_since(start_us, time_us)


class Customers(Subjects[Customer]):
    """Customers' rows. A subscription event happens at its ``effective_at``; whether it is too late is judged by
    its own time."""

    #: earliest event time, 0 = none yet
    start_us = 0

    def apply(self, event: Event, time_us: int, move: Move, clock_us: int, fact_us: int = 0) -> None:
        if not isinstance(move, int) and move[0] in OF_SUBSCRIPTIONS and move[1]:
            fact_us = move[1]
            move = (move[0], time_us, *move[2:])
        super().apply(event, time_us, move, clock_us, fact_us)
        if time_us < self.start_us or not self.start_us:
            self.start_us = time_us


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
        intern, values, keep_us=keep_us, churn_with_last_subscription=policy.churn_with_last_subscription
    )
    return Kind(
        prefix=changelog.CUSTOMER,
        new=lambda source, _time_us: Customer(source=source),
        unpack=msgspec.msgpack.Decoder(Customer).decode,
        steps=machine.steps,
        standing=standing,
        change=index.change,
        is_closed=_is_closed,
        is_known=_is_known,
    )


def _is_closed(row: Customer) -> bool:
    return not row.known and not is_any_running(row.subscriptions)


def _is_known(row: Customer) -> bool:
    return row.known


#: (label, customers) per label, and what was lost per window: (customers, subscriptions)
Lost = dict[str, tuple[int, int]]
Idle = dict[int, int]
