"""Service levels: clocks that run from a promise to its keeping, and what became of them.

A clock begins with the target in force at that moment and keeps it. It is met by the event that it waits for, at
the deadline or before; else it is breached, at the deadline, whether or not the event comes later. No timer says
so: what has run past its deadline is counted when somebody asks (clock_index.py), until an event settles it; then
it is a fact dated at the deadline. What stands at the deadline decides: an event at that very moment still meets
the promise, pauses the clock or changes the labels; any later one changes nothing of the breach.

Which clocks there are:

- first response: from the creation; kept by what the preset takes for a first response.
- next reply: from the first unanswered public customer message after the first response; kept by a public agent
  message. A message on a resolved ticket begins one that stands still until the ticket is reopened: a "thank you"
  owes no answer.
- resolution: from the creation; kept by the resolution. It stands still in the statuses that pause it and while the
  ticket is resolved; a reopen takes back that it was met, and it runs on without the time between. One that was
  breached stays so, and counts once a ticket.

A resolution discards the waits for answers that still run; what they breached stays breached. Merged, deleted and
spam tickets: their clocks are not shown and go on in silence, so that what is kept or runs out meanwhile is counted
nowhere. Orphans have none. A snapshot's clocks begin when what they wait for did, and all the time before it counts
as run, since it tells no pauses; what was past its deadline by then was breached before the history and only waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from metrics_core.facts import LABEL_SHIFT, SLA_BREACHED, SLA_MET, Facts
from metrics_core.tickets.rules import STATUSES, RuleBook, Target

if TYPE_CHECKING:
    from metrics_core.tickets.machine import Ticket

FIRST_RESPONSE, NEXT_REPLY, RESOLUTION = range(3)
#: BREACHED has been counted and still waits; MET and FAILED wait for a reopen
RUNNING, PAUSED, BREACHED, MET, FAILED = range(5)
#: the least number of a status that is resolved
_RESOLVED = STATUSES.index("resolved")


class Clock(msgspec.Struct, array_like=True, gc=False):
    """One clock of a ticket. Times in microseconds; ``used_us`` up to ``since_us``, when it began to run again.

    ``policy`` is the label number of the service level's name; ``version`` and ``level`` find its target again.
    ``risk_us`` and ``deadline_us`` are moments; they mean something while it runs. ``met_label`` and ``met_us``
    name the fact that a reopen takes back.
    """

    target: int
    policy: int
    version: int
    level: int
    state: int
    since_us: int
    used_us: int = 0
    risk_us: int = 0
    deadline_us: int = 0
    met_label: int = 0
    met_us: int = 0


class ServiceLevels:
    """Begins, stops and settles the clocks of tickets."""

    def __init__(
        self, book: RuleBook, intern: Callable[[tuple[str, ...]], int], values: list[tuple[str, ...]]
    ) -> None:
        self._book, self._intern, self._values = book, intern, values

    def begin(self, state: Ticket, kind: int, time_us: int, *, told_us: int = 0) -> None:
        """A clock begins at ``time_us`` where the ticket is promised something. One told of later, at ``told_us``
        (a snapshot), that is past its deadline by then was breached before the history: it only waits."""
        rules = self._book.at(time_us)
        level = rules.level(state.label)
        target = None if level is None else level.targets[kind]
        if level is None or target is None:
            return
        clock = Clock(kind, self._intern((level.name,)), rules.number, level.number, PAUSED, time_us)
        if state.clocks is None:
            state.clocks = []
        state.clocks.append(clock)
        told_us = max(told_us, time_us)
        _run(clock, target, time_us)
        if clock.deadline_us < told_us:
            clock.state = BREACHED
        elif _stands_still(state, target):
            self._stop(clock, told_us)
            clock.state = PAUSED

    def settle(self, state: Ticket, time_us: int, out: Facts) -> None:
        """Count what ran past its deadline before ``time_us``, on the labels that it had until now."""
        for clock in state.clocks or ():
            if clock.state == RUNNING and clock.deadline_us < time_us:
                clock.state = BREACHED
                if state.known and not state.hidden:
                    key = self._label(state, clock) << LABEL_SHIFT
                    out.counts.append((key | SLA_BREACHED[clock.target], clock.deadline_us, 1))

    def keep(self, state: Ticket, kind: int, time_us: int, out: Facts) -> None:
        """The event has come that clocks of a kind wait for."""
        if state.clocks is None:
            return
        self.settle(state, time_us, out)
        for clock in state.clocks:
            if clock.target != kind or clock.state > BREACHED:
                continue
            if clock.state == BREACHED:
                clock.state = FAILED
                continue
            self._stop(clock, time_us)
            clock.state = MET
            if state.known and not state.hidden:
                clock.met_label, clock.met_us = self._label(state, clock), time_us
                out.counts.append((clock.met_label << LABEL_SHIFT | SLA_MET[kind], time_us, 1))
        if kind != RESOLUTION:
            self.drop(state, kind)

    def drop(self, state: Ticket, kind: int) -> None:
        """Clocks of a kind wait no longer, met or not."""
        for clock in state.clocks or ():
            if clock.target == kind:  # most often there is none
                state.clocks = [clock for clock in state.clocks or () if clock.target != kind] or None
                return

    def follow_status(self, state: Ticket, time_us: int, out: Facts) -> None:
        """The ticket is open in a status, new or the one it had: clocks stand still or run by it."""
        if state.clocks is None:
            return
        self.settle(state, time_us, out)
        for clock in state.clocks:
            target = self._target(clock)
            still = _stands_still(state, target)
            if clock.state == RUNNING and still:
                self._stop(clock, time_us)
                clock.state = PAUSED
            elif clock.state == PAUSED and not still:
                _run(clock, target, time_us)

    def reopen(self, state: Ticket, time_us: int, out: Facts) -> None:
        """The resolution was none: what it kept is open again."""
        for clock in state.clocks or ():
            if clock.state == FAILED:
                clock.state = BREACHED
            elif clock.state == MET:
                if clock.met_us:
                    out.counts.append((clock.met_label << LABEL_SHIFT | SLA_MET[RESOLUTION], clock.met_us, -1))
                    clock.met_label = clock.met_us = 0
                clock.state = PAUSED  # until follow_status looks at the status
        self.follow_status(state, time_us, out)

    def _target(self, clock: Clock) -> Target:
        target = self._book.rules[clock.version].levels[clock.level].targets[clock.target]
        assert target is not None, "a version that has been used never changes"
        return target

    def _stop(self, clock: Clock, time_us: int) -> None:
        if clock.state == RUNNING:
            calendar = self._target(clock).calendar
            ran_us = time_us - clock.since_us
            clock.used_us += ran_us if calendar is None else calendar.elapsed(clock.since_us, time_us)
            clock.risk_us = clock.deadline_us = 0

    def _label(self, state: Ticket, clock: Clock) -> int:
        return self._intern((*self._values[state.label], *self._values[clock.policy]))


def _stands_still(state: Ticket, target: Target) -> bool:
    return state.status in target.pauses or state.status >= _RESOLVED


def _run(clock: Clock, target: Target, time_us: int) -> None:
    clock.state, clock.since_us = RUNNING, time_us
    left_us, safe_us = target.limit_us - clock.used_us, max(0, target.risk_us - clock.used_us)
    if target.calendar is None:
        clock.deadline_us, clock.risk_us = time_us + left_us, time_us + safe_us
    else:
        clock.deadline_us = target.calendar.after(time_us, left_us)
        clock.risk_us = target.calendar.after(time_us, safe_us)
