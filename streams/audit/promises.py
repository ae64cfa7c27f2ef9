"""Service levels of one ticket: clocks that run, stand still, are met or break at their deadline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from streams.audit.policy import Level, Rules

SECOND_US = 1_000_000


@dataclass
class Clock:
    """One promise that is waited for. Times in microseconds."""

    level: Level
    target: str
    since_us: int | None  # since when it runs; None while it stands still
    used_us: int = 0  # what had run before that
    breached: bool = False

    @property
    def target_us(self) -> int:
        """What was promised."""
        return self.level.targets_s[self.target] * SECOND_US

    @property
    def deadline_us(self) -> int | None:
        """The last moment at which it is kept; None while it stands still."""
        return None if self.since_us is None else self.since_us + self.target_us - self.used_us

    def used_by(self, moment_us: int) -> int:
        """How much has run by a moment."""
        return self.used_us + (0 if self.since_us is None else moment_us - self.since_us)

    def state(self, moment_us: int) -> str:
        """running, at_risk, breached or paused, as of a moment."""
        if self.breached:
            return "breached"
        if self.since_us is None:
            return "paused"
        used_us, level = self.used_by(moment_us), self.level
        percent = level.at_risk_percent
        if percent is not None and used_us * 100 > self.target_us * percent:
            return "at_risk"
        left_us = level.at_risk_left_s
        is_late = left_us is not None and self.target_us - used_us < left_us * SECOND_US
        return "at_risk" if is_late else "running"


@dataclass
class Broken:
    """A promise that broke at a moment."""

    clock: Clock
    time_us: int


@dataclass
class Promises:
    """The clocks of a ticket, by target."""

    clocks: dict[str, Clock] = field(default_factory=dict)

    def begin(self, rules: Rules, target: str, labels: Mapping[str, str], when_us: int) -> None:
        """Begin a clock by the version in force, where a service level holds and promises this."""
        level = rules.at(when_us).level(labels)
        if level is not None and target in level.targets_s:
            self.clocks[target] = Clock(level, target, when_us)

    def believe(self, target: str, seen_us: int, *, still: bool) -> None:
        """A snapshot tells of a clock that began before: all of it has run, and what is broken broke unseen."""
        clock = self.clocks.get(target)
        if clock is not None and clock.since_us is not None:
            clock.used_us = seen_us - clock.since_us
            clock.breached = clock.used_us > clock.target_us
            clock.since_us = None if still else seen_us

    def break_before(self, moment_us: int) -> list[Broken]:
        """The clocks that break before a moment; each breaks once."""
        broken = []
        for clock in self.clocks.values():
            deadline_us = clock.deadline_us
            if not clock.breached and deadline_us is not None and deadline_us < moment_us:
                clock.breached = True
                broken.append(Broken(clock, deadline_us))
        return broken

    def answer(self, *targets: str) -> list[Clock]:
        """An answer ends these clocks; returns those that are kept by it."""
        ended = [self.clocks.pop(target) for target in targets if target in self.clocks]
        return [clock for clock in ended if not clock.breached]

    def stand_still(self, target: str, when_us: int, *, still: bool) -> None:
        """A clock stands still, or runs on."""
        clock = self.clocks.get(target)
        if clock is None or still == (clock.since_us is None):
            return
        if still:
            clock.used_us, clock.since_us = clock.used_by(when_us), None
        else:
            clock.since_us = when_us
