"""Purchases of one customer: distinct orders, the buyer behind them, and how long the buying went on.

An order stands in a window while its latest payment does, a buyer while the latest order does, a repeat buyer
while the second latest does. So each is one fact that moves: taken back where it was, counted where it is now.
"""

from __future__ import annotations

import msgspec

from metrics_core import facts as f
from metrics_core.facts import LABEL_SHIFT, Facts

#: orders of a customer are looked through for old ones only beyond this number
_KEEP_UNSORTED = 16
#: the most that are remembered, the latest paid: a row must stay well below Kafka's 1 MB a record
_MOST_ORDERS = 500


class Purchases(msgspec.Struct, array_like=True, gc=False):
    """Orders in one currency. Times in microseconds, 0 = never."""

    latest_us: int = 0
    #: the latest order, "" where it has no name
    latest: str = ""
    second_us: int = 0
    #: named orders -> latest payment
    orders: dict[str, int] = {}


def buy(purchases: Purchases, label: int, order: str, time_us: int, out: Facts) -> None:
    """A payment for an order (``""``: an order of its own); ``label`` holds the currency."""
    key = label << LABEL_SHIFT
    counts = out.counts
    paid_us = purchases.orders.get(order, 0) if order else 0
    if paid_us:
        counts.append((key | f.ORDERS, paid_us, -1))
    counts.append((key | f.ORDERS, time_us, 1))
    if order:
        purchases.orders[order] = time_us
    latest_us = purchases.latest_us
    if latest_us:
        counts.append((key | f.BUYERS, latest_us, -1))
        if not (order and order == purchases.latest):
            if purchases.second_us:
                counts.append((key | f.REPEAT_BUYERS, purchases.second_us, -1))
            counts.append((key | f.REPEAT_BUYERS, latest_us, 1))
            purchases.second_us = latest_us
    counts.append((key | f.BUYERS, time_us, 1))
    purchases.latest_us, purchases.latest = time_us, order


def forget_old(purchases: Purchases, before_us: int) -> None:
    """Forget orders last paid before a moment, so that a row stays small."""
    if len(purchases.orders) > _KEEP_UNSORTED:
        purchases.orders = {order: at_us for order, at_us in purchases.orders.items() if at_us >= before_us}
    if len(purchases.orders) > _MOST_ORDERS:
        latest = sorted(purchases.orders.items(), key=lambda paid: paid[1])[-_MOST_ORDERS // 2 :]
        purchases.orders = dict(latest)
