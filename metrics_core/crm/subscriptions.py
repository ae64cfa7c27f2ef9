"""Subscriptions of one customer: what runs, what it brings a month, and what came of it.

MRR moves: ``new`` is the first start of a subscription, ``reactivation`` a start after its end, ``expansion``
and ``contraction`` a change up or down, ``churn`` its end. A move to another currency is churn in the one and
new in the other: money is never summed across currencies. A subscription that began before the history
(a snapshot, or a change of one never heard of) counts in levels and is no start.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from metrics_core import facts as f
from metrics_core.facts import LABEL_SHIFT, Facts
from metrics_core.labels import NONE

#: [from, to) in microseconds since the epoch
Period = tuple[int, int]
#: ended subscriptions and periods are looked through for old ones only beyond this number
_KEEP_UNSORTED = 8
#: the most of one customer: a row must stay well below Kafka's 1 MB a record
MOST_SUBSCRIPTIONS = 500
#: the most ended periods that are remembered of one customer or subscription
MOST_PERIODS = 200


class Subscription(msgspec.Struct, array_like=True, gc=False):
    """One subscription; ``mrr`` in minor units, ``since_us`` 0 while it does not run."""

    #: (plan, currency)
    label: int
    mrr: int
    since_us: int = 0
    #: whether ``since_us`` is when it began; not so for one met in a snapshot that does not say
    is_dated: bool = True
    periods: list[Period] = []

    @property
    def has_run(self) -> bool:
        """Whether it has run before."""
        return bool(self.periods)


Subscriptions = dict[str, Subscription]


class Subscribing:
    """What happens to subscriptions, as facts; bound to a shard's label table."""

    def __init__(self, intern: Callable[[tuple[str, ...]], int], values: list[tuple[str, ...]]) -> None:
        self._intern, self._values = intern, values

    def label(self, plan: str | None, currency: str | None, before: Subscription | None) -> int:
        """Number of (plan, currency); what is not said stays as it was."""
        now = (NONE, NONE) if before is None else self._values[before.label]
        return self._intern((plan or now[0], currency or now[1]))

    def currency(self, subscription: Subscription) -> str:
        """The currency that a subscription is paid in."""
        return self._values[subscription.label][1]

    def begin(self, of: Subscriptions, one: Subscription, time_us: int, out: Facts, *, counted: bool) -> None:
        """It runs from now on; ``counted`` where that is a start, and not only first heard of."""
        key = one.label << LABEL_SHIFT
        self._subscribe(of, one, time_us, out, 1)
        one.since_us = time_us
        self._levels(one.label, one.mrr, time_us, out, 1)
        if counted:
            out.counts.append((key | f.SUBSCRIPTION_STARTED, time_us, 1))
            _move(out, key | (f.MRR_REACTIVATION if one.has_run else f.MRR_NEW), time_us, one.mrr)

    def end(self, of: Subscriptions, one: Subscription, time_us: int, out: Facts) -> None:
        """It runs no more."""
        key = one.label << LABEL_SHIFT
        out.counts.append((key | f.SUBSCRIPTION_CANCELLED, time_us, 1))
        _move(out, key | f.MRR_CHURN, time_us, one.mrr)
        if one.is_dated:
            out.level(f.SUBSCRIPTION_LIFE_COUNT, time_us, 1)
            out.level(f.SUBSCRIPTION_LIFE_SUM, time_us, time_us - one.since_us)
        self._levels(one.label, one.mrr, time_us, out, -1)
        one.periods.append((one.since_us, time_us))
        one.since_us, one.is_dated = 0, True
        self._subscribe(of, one, time_us, out, -1)

    def change(self, of: Subscriptions, one: Subscription, label: int, mrr: int, time_us: int, out: Facts) -> None:
        """Another plan, price or currency; facts only where it runs."""
        old_label, old_mrr = one.label, one.mrr
        if one.since_us and (label, mrr) != (old_label, old_mrr):
            old_key, key = old_label << LABEL_SHIFT, label << LABEL_SHIFT
            self._levels(old_label, old_mrr, time_us, out, -1)
            self._levels(label, mrr, time_us, out, 1)
            if self._values[label][1] != self._values[old_label][1]:
                _move(out, old_key | f.MRR_CHURN, time_us, old_mrr)
                _move(out, key | f.MRR_NEW, time_us, mrr)
                since_us, one.since_us = one.since_us, 0
                self._subscribe(of, one, time_us, out, -1)
                one.label = label
                self._subscribe(of, one, time_us, out, 1)
                one.since_us = since_us
            elif mrr > old_mrr:
                _move(out, key | f.MRR_EXPANSION, time_us, mrr - old_mrr)
            else:
                _move(out, key | f.MRR_CONTRACTION, time_us, old_mrr - mrr)
        one.label, one.mrr = label, mrr

    def _levels(self, label: int, mrr: int, time_us: int, out: Facts, sign: int) -> None:
        key = label << LABEL_SHIFT
        out.level(key | f.SUBSCRIPTIONS, time_us, sign)
        if mrr:
            out.level(key | f.MRR, time_us, sign * mrr)

    def _subscribe(self, of: Subscriptions, one: Subscription, time_us: int, out: Facts, sign: int) -> None:
        """The customer counts once a currency, by the first and the last of its subscriptions that run."""
        currency = self.currency(one)
        if not any(other.since_us and self.currency(other) == currency for other in of.values()):
            out.level(self._intern((NONE, currency)) << LABEL_SHIFT | f.SUBSCRIBED, time_us, sign)


def _move(out: Facts, key: int, time_us: int, amount: int) -> None:
    if amount:
        out.counts.append((key, time_us, amount))


def is_any_running(of: Subscriptions) -> bool:
    """Whether any of them runs."""
    return any(one.since_us for one in of.values())


def forget_ended(of: Subscriptions, before_us: int) -> None:
    """Forget what ended before a moment, so that a row stays small."""
    if len(of) > _KEEP_UNSORTED:
        for name in [name for name, one in of.items() if not one.since_us and one.periods[-1][1] < before_us]:
            del of[name]
    for one in of.values():
        if len(one.periods) > _KEEP_UNSORTED:
            # the last one stays: it tells a start from a reactivation
            one.periods = [*(p for p in one.periods[-MOST_PERIODS:-1] if p[1] >= before_us), one.periods[-1]]
