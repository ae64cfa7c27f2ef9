"""Losses day by day, for the sum of daily rates that reports offer beside a window's churn.

A day is 24 hours, counted back from the end of the longest window, whose hours it is made of.
"""

from __future__ import annotations

from collections.abc import Sequence

from metrics_core import facts as f
from metrics_core.facts import CODE_MASK, CODE_SHIFT
from metrics_core.view import DayOfLosses, Frozen

#: kind of what is lost -> codes of its losses and of the level that they lower
_CODES = {
    "customers": (f.CUSTOMER_LOST, f.CUSTOMERS),
    "subscriptions": (f.SUBSCRIPTION_CANCELLED, f.SUBSCRIPTIONS),
}
#: the window that days are cut from
_LONGEST = "30d"


def codes_by_day() -> frozenset[int]:
    """Numbers of the codes of facts that must be counted by day."""
    return frozenset(code >> CODE_SHIFT for codes in _CODES.values() for code in codes)


def losses_by_day(frozen: Sequence[Frozen]) -> dict[str, tuple[DayOfLosses, ...]]:
    """Kind -> its days, the latest first, summed over shards; empty where they do not count by day."""
    days = max((len(shard.by_day) for shard in frozen), default=0)
    if not days:
        return {}
    losses = {}
    for kind, (lost, level) in _CODES.items():
        found, stands = [], sum(_of(shard.levels.get(_LONGEST, {}), level) for shard in frozen)
        for day in range(days):
            stands -= sum(_of(shard.by_day[day], level) for shard in frozen)
            found.append(DayOfLosses(sum(_of(shard.by_day[day], lost) for shard in frozen), stands))
        losses[kind] = tuple(found)
    return losses


def _of(counts: dict[int, int], code: int) -> int:
    return sum(n for key, n in counts.items() if key >> CODE_SHIFT & CODE_MASK == code >> CODE_SHIFT)
