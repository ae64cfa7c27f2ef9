"""The state machine of a customer: one step a move, facts as the outcome.

A customer is counted from its creation (``new``) or from a snapshot (never ``new``) until it is lost: by a
churned event or, where the policy says so, with its last running subscription. A new start after that is a
reactivation. One known only through money (never created, snapshotted or reactivated) is an orphan: its
payments and subscriptions are facts and count, the customer does not. A subscription event happens at its
``effective_at``, and takes its place in the customer's order by it; what is announced for later stands until then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from metrics_core import facts as f
from metrics_core.crm.purchases import Purchases, buy, forget_old
from metrics_core.crm.subscriptions import (
    MOST_PERIODS,
    Period,
    Subscribing,
    Subscription,
    forget_ended,
    is_any_running,
)
from metrics_core.facts import LABEL_SHIFT, Facts
from metrics_core.labels import NONE
from metrics_core.money import rescaled
from metrics_core.rows import Row, Step

# moves: (code, ...); "changes" = (segment, origin), each None where it stays as it is
CREATE = 0  # changes
CHURN = 1  # nothing more
REACTIVATE = 2  # changes
SNAPSHOT = 3  # changes
# told_us: when the event was told, where it is effective at another time; else 0
START = 4  # told_us, subscription, mrr, plan, currency (None: as it is; mrr then in the finest units)
CHANGE = 5  # the same
CANCEL = 6  # told_us, subscription
SEED = 7  # told_us, subscription, mrr, plan, currency, whether effective_at says since when
PAY = 8  # amount (minor units), category, currency, order ("" = none), whether it is an order
REFUND = 9  # amount, category, currency

#: moves of subscriptions, which may be effective at another time than that of the event
OF_SUBSCRIPTIONS = (START, CHANGE, CANCEL, SEED)


class Customer(Row, array_like=True, gc=False):
    """A customer's row. Times in microseconds, 0 = never; ``since_us`` 0 while not counted."""

    known: bool = False
    #: (segment, origin), -1 = not named yet
    label: int = -1
    since_us: int = 0
    is_gone: bool = False
    active_us: int = 0
    #: time of the newest event; what it tells may have happened at another time
    heard_us: int = 0
    first_purchase_us: int = 0
    last_purchase_us: int = 0
    #: ended periods of being counted
    periods: list[Period] = msgspec.field(default_factory=list)
    subscriptions: dict[str, Subscription] = msgspec.field(default_factory=dict)
    #: by the label that holds the currency
    purchases: dict[int, Purchases] = msgspec.field(default_factory=dict)


class CustomerMachine:
    """Steps of the state machine, bound to a shard's label table and policy.

    ``keep_us``: how long ended periods, subscriptions and orders are remembered; ``ends_with_subscription``:
    whether, at a moment, a customer is lost with the last running subscription.
    """

    def __init__(
        self,
        intern: Callable[[tuple[str, ...]], int],
        values: list[tuple[str, ...]],
        *,
        keep_us: int,
        ends_with_subscription: Callable[[int], bool],
    ) -> None:
        self._intern, self._values = intern, values
        self._keep_us = keep_us
        self._subscribing = Subscribing(intern, values)
        self._ends_with_subscription = ends_with_subscription
        self.steps: list[Step[Customer]] = [
            self._create, self._churn, self._reactivate, self._snapshot,
            self._start, self._change, self._cancel, self._seed,
            self._pay, self._refund,
        ]  # fmt: skip

    # -- being a customer ---------------------------------------------------------------------------------

    def _create(self, state: Customer, time_us: int, move: Any, out: Facts) -> None:
        self._appear(state, time_us, move[1], out, f.CUSTOMER_REACTIVATED if state.known else f.CUSTOMER_NEW)

    def _reactivate(self, state: Customer, time_us: int, move: Any, out: Facts) -> None:
        self._appear(state, time_us, move[1], out, f.CUSTOMER_REACTIVATED)

    def _snapshot(self, state: Customer, time_us: int, move: Any, out: Facts) -> None:
        # of one that was lost, the snapshot says that it is back; of one that counts, only what it is
        self._appear(state, time_us, move[1], out, f.CUSTOMER_REACTIVATED if state.known else 0)

    def _churn(self, state: Customer, time_us: int, _move: Any, out: Facts) -> None:
        state.heard_us = max(state.heard_us, time_us)
        self._leave(state, time_us, time_us, out)

    def _appear(
        self, state: Customer, time_us: int, changes: tuple[str | None, str | None], out: Facts, code: int
    ) -> None:
        self._relabel(state, time_us, changes, out)
        state.known = True
        state.active_us = time_us
        state.heard_us = max(state.heard_us, time_us)
        if not state.since_us:
            self._join(state, time_us, out, code)

    def _join(self, state: Customer, time_us: int, out: Facts, code: int) -> None:
        key = state.label << LABEL_SHIFT
        state.since_us = time_us
        if code:
            out.counts.append((key | code, time_us, 1))
        out.level(key | f.CUSTOMERS, time_us, 1)
        if state.is_gone:
            state.is_gone = False
            out.level(key | f.CUSTOMERS_GONE, time_us, -1)

    def _leave(self, state: Customer, time_us: int, told_us: int, out: Facts) -> None:
        if not state.since_us:
            return
        key = state.label << LABEL_SHIFT
        out.counts.append((key | f.CUSTOMER_LOST, time_us, 1))
        out.level(key | f.CUSTOMERS, time_us, -1)
        out.level(key | f.CUSTOMERS_GONE, time_us, 1)
        state.periods = [p for p in state.periods[-MOST_PERIODS:] if p[1] >= told_us - self._keep_us]
        state.periods.append((state.since_us, time_us))
        state.since_us = 0
        state.is_gone = True

    def _relabel(self, state: Customer, time_us: int, changes: tuple[str | None, str | None], out: Facts) -> None:
        """Levels follow the current labels; facts keep those of their moment."""
        old = state.label
        now = (NONE, NONE) if old < 0 else self._values[old]
        state.label = self._intern((changes[0] or now[0], changes[1] or now[1]))
        level = f.CUSTOMERS if state.since_us else f.CUSTOMERS_GONE if state.is_gone else 0
        if level and old != state.label:
            out.level(old << LABEL_SHIFT | level, time_us, -1)
            out.level(state.label << LABEL_SHIFT | level, time_us, 1)

    # -- subscriptions ------------------------------------------------------------------------------------

    def _start(self, state: Customer, time_us: int, move: Any, out: Facts) -> None:
        self._run(state, time_us, move, out, is_start=True, is_dated=True)

    def _seed(self, state: Customer, time_us: int, move: Any, out: Facts) -> None:
        known = state.subscriptions.get(move[2])
        # one that had ended runs again after all: that is a start
        self._run(state, time_us, move, out, is_start=known is not None, is_dated=known is not None or move[6])

    def _run(self, state: Customer, time_us: int, move: Any, out: Facts, *, is_start: bool, is_dated: bool) -> None:
        """A subscription runs; where it did before, it may have changed."""
        one = self._stated(state, time_us, move, out)
        if not one.since_us:
            one.is_dated = is_dated
            self._subscribing.begin(state.subscriptions, one, time_us, out, counted=is_start)
        if state.is_gone and self._ends_with_subscription(_told_us(time_us, move)):
            self._join(state, time_us, out, f.CUSTOMER_REACTIVATED)
        self._touch(state, time_us, move)

    def _change(self, state: Customer, time_us: int, move: Any, out: Facts) -> None:
        is_new = move[2] not in state.subscriptions
        one = self._stated(state, time_us, move, out)
        if is_new:  # it began before the history
            one.is_dated = False
            self._subscribing.begin(state.subscriptions, one, time_us, out, counted=False)
        self._touch(state, time_us, move)

    def _cancel(self, state: Customer, time_us: int, move: Any, out: Facts) -> None:
        one = state.subscriptions.get(move[2])
        if one is not None and one.since_us:
            self._subscribing.end(state.subscriptions, one, time_us, out)
            told_us = _told_us(time_us, move)
            if not is_any_running(state.subscriptions) and self._ends_with_subscription(told_us):
                self._leave(state, time_us, told_us, out)
        self._touch(state, time_us, move)

    def _stated(self, state: Customer, time_us: int, move: Any, out: Facts) -> Subscription:
        """The subscription as the move states it; a new one, not running, where it was not heard of."""
        _, _, name, mrr, plan, currency, *_ = move
        one = state.subscriptions.get(name)
        label = self._subscribing.label(plan, currency, one)
        if currency is None:
            mrr = rescaled(mrr, self._values[label][1])
        if one is None:
            one = state.subscriptions[name] = Subscription(label, mrr)
        else:
            self._subscribing.change(state.subscriptions, one, label, mrr, time_us, out)
        return one

    def _touch(self, state: Customer, time_us: int, move: Any) -> None:
        state.active_us = time_us
        state.heard_us = max(state.heard_us, move[1] or time_us)
        forget_ended(state.subscriptions, _told_us(time_us, move) - self._keep_us)

    # -- money --------------------------------------------------------------------------------------------

    def _pay(self, state: Customer, time_us: int, move: Any, out: Facts) -> None:
        _, minor, category, currency, order, is_order = move
        if minor:
            out.counts.append((self._intern((category, currency)) << LABEL_SHIFT | f.REVENUE, time_us, minor))
        state.active_us = time_us
        state.heard_us = max(state.heard_us, time_us)
        if not is_order:
            return
        label = self._intern((NONE, currency))
        purchases = state.purchases.get(label)
        if purchases is None:
            purchases = state.purchases[label] = Purchases()
        buy(purchases, label, order, time_us, out)
        forget_old(purchases, time_us - self._keep_us)
        if state.first_purchase_us:
            out.level(f.PURCHASE_LIFE_SUM, time_us, time_us - state.last_purchase_us)
        else:
            state.first_purchase_us = time_us
            out.level(f.PURCHASE_LIFE_COUNT, time_us, 1)
        state.last_purchase_us = time_us

    def _refund(self, state: Customer, time_us: int, move: Any, out: Facts) -> None:
        state.heard_us = max(state.heard_us, time_us)
        _, minor, category, currency = move
        if minor:
            out.counts.append((self._intern((category, currency)) << LABEL_SHIFT | f.REVENUE, time_us, -minor))


def _told_us(time_us: int, move: Any) -> int:
    """From when on to count what is old, and whose policy holds: what is announced for next year makes nothing
    older, and a policy version that is made until then does not change it."""
    return min(time_us, move[1] or time_us)
