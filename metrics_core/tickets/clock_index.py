"""Clocks of service levels that wait, by labels, service level and target; asked as of any moment.

Clocks run into risk and past their deadline with no event: both moments stand in sorted order, so that the answer
is a bisection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from metrics_core.ages import AgeIndex
from metrics_core.panes import WINDOW_SPANS_US, window_start_us
from metrics_core.tickets.sla import BREACHED, PAUSED, RUNNING

#: (label, service level's label, target, state, risk_us, deadline_us) of a clock that waits
ClockStanding = tuple[int, int, int, int, int, int]

_TARGET_BITS = 2
_POLICY_BITS = 32
_POLICY_MASK = (1 << _POLICY_BITS) - 1

_NO_RISK = (0,)
_NONE_LATE = (0,)


class Clocks(NamedTuple):
    """Clocks of one key as of a moment, each in one state; ``overdue``: window -> those whose deadline lies in it
    and that no event has settled yet (``all``: since ever), empty where there is none."""

    running: int
    at_risk: int
    breached: int
    paused: int
    overdue: dict[str, int]


@dataclass(frozen=True, slots=True)
class FrozenClocks:
    """All keys' clocks as of a moment, as cheap to take as can be; ``by_key`` puts them together later, where no
    event loop waits.

    ``late`` and ``risky``: of the ``running``, those past their deadline as of now and as of each window's start,
    and those past their moment of risk as of now.
    """

    running: dict[int, int]
    late: dict[int, list[int]]
    risky: dict[int, list[int]]
    breached: dict[int, int]
    paused: dict[int, int]

    def by_key(self) -> Iterator[tuple[int, Clocks]]:
        """(key, clocks)."""
        for key in {**self.running, **self.paused, **self.breached}:
            risky = self.risky.get(key, _NO_RISK)[0]
            overdue, *before = self.late.get(key, _NONE_LATE)
            windows: dict[str, int] = {}
            if overdue:
                windows = {window: overdue - n for window, n in zip(WINDOW_SPANS_US, before, strict=True)}
                windows["all"] = overdue
            yield (
                key,
                Clocks(
                    self.running.get(key, 0) - risky,
                    risky - overdue,
                    overdue + self.breached.get(key, 0),
                    self.paused.get(key, 0),
                    windows,
                ),
            )


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

    def add_all(self, clocks: Iterable[ClockStanding]) -> None:
        """Many wait like this; ``sort`` must follow before anything else is asked or done."""
        risks: dict[int, list[int]] = {}
        deadlines: dict[int, list[int]] = {}
        for clock in clocks:
            label, policy, target, state, risk_us, deadline_us = clock
            if state != RUNNING:
                self.add(clock)
                continue
            key = clock_key(label, policy, target)
            if key in risks:
                risks[key].append(risk_us)
                deadlines[key].append(deadline_us)
            else:
                risks[key], deadlines[key] = [risk_us], [deadline_us]
        for key, starts_us in risks.items():
            self._risks.add_all(key, starts_us)
            self._deadlines.add_all(key, deadlines[key])

    def sort(self) -> Iterator[None]:
        """Put what ``add_all`` has put in into order, in short steps."""
        yield from self._risks.sort()
        yield from self._deadlines.sort()

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

    def freeze(self, time_us: int) -> FrozenClocks:
        """Every key's clocks as of a moment."""
        moments_us = [time_us, *(window_start_us(window, time_us) for window in WINDOW_SPANS_US)]
        return FrozenClocks(
            running=self._deadlines.counts(),
            late=self._deadlines.counts_before_each(moments_us),
            risky=self._risks.counts_before_each((time_us,)),
            breached=self._still[BREACHED].copy(),
            paused=self._still[PAUSED].copy(),
        )
