"""A version of the policy as the state machine of tickets asks it: by the number of a ticket's labels."""

from __future__ import annotations

from typing import NamedTuple

from metrics_core.policy import Policy, Version
from metrics_core.policy.calendars import Calendar
from metrics_core.policy.version import SlaPolicy
from metrics_core.times import SECOND_US

STATUSES = ("new", "open", "pending", "on_hold", "resolved", "closed")


class Target(NamedTuple):
    """One promise. ``limit_us`` and ``risk_us`` are used time, in microseconds of ``calendar`` (None: any time);
    the clock stands still in the statuses with the numbers ``pauses``."""

    limit_us: int
    risk_us: int
    calendar: Calendar | None
    pauses: frozenset[int]


class ServiceLevel(NamedTuple):
    """The targets of one service level, None where it promises nothing; ``number``: its place in the version."""

    name: str
    number: int
    targets: tuple[Target | None, ...]


class Rules:
    """One version, resolved against a shard's label table. Answers are remembered by label number."""

    def __init__(self, version: Version, number: int, values: list[tuple[str, ...]]) -> None:
        self.version = version
        #: place among the policy's versions
        self.number = number
        self._values = values
        self._calendars = {name: Calendar(spec) for name, spec in version.calendars.items()}
        self.levels = [self._level(at, policy) for at, policy in enumerate(version.sla)]
        self._calendar_of: dict[int, Calendar | None] = {}
        self._level_of: dict[int, ServiceLevel | None] = {}

    def _level(self, number: int, policy: SlaPolicy) -> ServiceLevel:
        calendar = None if policy.calendar is None else self._calendars[policy.calendar]
        pauses = frozenset(STATUSES.index(status) for status in policy.pauses)
        targets = [
            None if target_s is None else Target(target_s * SECOND_US, _risk_us(policy, target_s), calendar, pause)
            for target_s, pause in zip(policy.targets_s, (frozenset[int](), frozenset[int](), pauses), strict=True)
        ]
        return ServiceLevel(policy.name, number, tuple(targets))

    def calendar(self, label: int) -> Calendar | None:
        """The business calendar of tickets with these labels; None where they have none."""
        if label not in self._calendar_of:
            channel, group, priority, _ = self._values[label]
            found = (hours.calendar for hours in self.version.hours if hours.holds(channel, group, priority))
            name = next(found, None)
            self._calendar_of[label] = None if name is None else self._calendars[name]
        return self._calendar_of[label]

    def level(self, label: int) -> ServiceLevel | None:
        """What tickets with these labels are promised; None where it is nothing."""
        if label not in self._level_of:
            channel, group, priority, _ = self._values[label]
            found = (
                level
                for level, policy in zip(self.levels, self.version.sla, strict=True)
                if policy.holds(channel, group, priority)
            )
            self._level_of[label] = next(found, None)
        return self._level_of[label]


def _risk_us(policy: SlaPolicy, target_s: int) -> int:
    """Used time after which a target is at risk."""
    risk_us = target_s * SECOND_US
    if policy.at_risk_percent is not None:
        risk_us = risk_us * policy.at_risk_percent // 100
    if policy.at_risk_left_s is not None:
        risk_us = min(risk_us, max(0, target_s - policy.at_risk_left_s) * SECOND_US)
    return risk_us


class RuleBook:
    """The rules of every version of a policy."""

    def __init__(self, policy: Policy, values: list[tuple[str, ...]]) -> None:
        self._policy = policy
        self.rules = [Rules(version, number, values) for number, version in enumerate(policy.versions)]
        self._only = self.rules[0] if len(self.rules) == 1 else None

    def at(self, time_us: int) -> Rules:
        """Those in force at a moment."""
        return self._only or self.rules[self._policy.number_at(time_us)]
