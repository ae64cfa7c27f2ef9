"""Clocks of service levels that wait, by labels, service level and target; asked as of any moment.

Clocks run into risk and past their deadline with no event: both moments stand in sorted order, so that the answer
is a bisection.
"""

from __future__ import annotations

from typing import NamedTuple

from metrics_core.ages import AgeIndex
from metrics_core.panes import WINDOW_SPANS_US, window_start_us
from metrics_core.tickets.sla import BREACHED, PAUSED, RUNNING

#: (label, service level's label, target, state, risk_us, deadline_us) of a clock that waits
ClockStanding = tuple[int, int, int, int, int, int]

_TARGET_BITS = 2
_POLICY_BITS = 32
_POLICY_MASK = (1 << _POLICY_BITS) - 1


class Clocks(NamedTuple):
    """Clocks of one key as of a moment, each in one state; ``overdue``: window -> those whose deadline lies in it
    and that no event has settled yet (``all``: since ever)."""

    running: int
    at_risk: int
    breached: int
    paused: int
    overdue: dict[str, int]


def clock_key(label: int, policy: int, target: int) -> int:
    """The key of clocks: a ticket's labels, a service level's and a target."""
    return label << _POLICY_BITS + _TARGET_BITS | policy << _TARGET_BITS | target


def read_clock_key(key: int) -> tuple[int, int, int]:
    """(label, service level's label, target)."""
    return (
        key >> _POLICY_BITS + _TARGET_BITS,
        key >> _TARGET_BITS & _POLICY_MASK,
        key & (1 << _TARGET_BITS) - 1,
    )


class ClockIndex:
    """All waiting clocks of a shard."""

    def __init__(self) -> None:
        self._risks, self._deadlines = AgeIndex(), AgeIndex()
        #: state -> key -> clocks, of those that no moment moves
        self._still: dict[int, dict[int, int]] = {PAUSED: {}, BREACHED: {}}

    def add(self, clock: ClockStanding) -> None:
        """One waits like this."""
        label, policy, target, state, risk_us, deadline_us = clock
        key = clock_key(label, policy, target)
        if state == RUNNING:
            self._risks.add(key, risk_us)
            self._deadlines.add(key, deadline_us)
        else:
            still = self._still[state]
            still[key] = still.get(key, 0) + 1

    def remove(self, clock: ClockStanding) -> None:
        """One waits like this no more."""
        label, policy, target, state, risk_us, deadline_us = clock
        key = clock_key(label, policy, target)
        if state == RUNNING:
            self._risks.remove(key, risk_us)
            self._deadlines.remove(key, deadline_us)
            return
        still = self._still[state]
        still[key] -= 1
        if not still[key]:
            del still[key]

    def freeze(self, time_us: int) -> dict[int, Clocks]:
        """Every key's clocks as of a moment."""
        counts = self._deadlines.counts()
        overdue = self._deadlines.counts_before(time_us)
        risky = self._risks.counts_before(time_us)
        earlier = {
            window: self._deadlines.counts_before(window_start_us(window, time_us)) for window in WINDOW_SPANS_US
        }
        paused, breached = self._still[PAUSED], self._still[BREACHED]
        return {
            key: Clocks(
                running=counts.get(key, 0) - risky.get(key, 0),
                at_risk=risky.get(key, 0) - overdue.get(key, 0),
                breached=overdue.get(key, 0) + breached.get(key, 0),
                paused=paused.get(key, 0),
                overdue={
                    "all": overdue.get(key, 0),
                    **{window: overdue.get(key, 0) - before.get(key, 0) for window, before in earlier.items()},
                },
            )
            for key in {**counts, **paused, **breached}
        }
