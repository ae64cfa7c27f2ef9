"""What of a policy the audit knows: service levels, complaint marks, survey scores, idle days, by version.

It knows one preset and no business calendar. A policy with more is refused: differences would mean nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.audit.times import time_us

TARGETS = ("first_response", "next_reply", "resolution")


#: by scale, the least score that is positive and the largest that is negative, where a policy says nothing
POSITIVE = {2: 2.0, 5: 4.0, 7: 6.0, 10: 9.0}
NEGATIVE = {2: 1.0, 5: 2.0, 7: 3.0, 10: 6.0}


class UnknownPolicyError(ValueError):
    """The audit does not know what this policy asks for; the text is one sentence that says what."""


@dataclass(frozen=True)
class Level:
    """One service level. Targets in seconds, None where nothing is promised."""

    name: str
    targets_s: Mapping[str, int]
    channels: Sequence[str] = ()
    groups: Sequence[str] = ()
    priorities: Sequence[str] = ()
    pauses: Sequence[str] = ("pending", "on_hold")
    at_risk_percent: int | None = 75
    at_risk_left_s: int | None = None

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether it is meant for a ticket with these labels; an empty list means any."""
        wanted = (("channel", self.channels), ("group", self.groups), ("priority", self.priorities))
        return all(not listed or labels[name] in listed for name, listed in wanted)


@dataclass(frozen=True)
class Version:
    """What is in force from a moment on."""

    since_us: int
    levels: Sequence[Level]
    complaint_categories: Sequence[str] = ()
    complaint_tags: Sequence[str] = ()
    positive: Mapping[int, float] = field(default_factory=lambda: POSITIVE)
    negative: Mapping[int, float] = field(default_factory=lambda: NEGATIVE)
    idle_days: int = 90
    churn_with_last_subscription: bool = True

    def level(self, labels: Mapping[str, str]) -> Level | None:
        """The first service level that holds."""
        return next((level for level in self.levels if level.holds(labels)), None)


@dataclass(frozen=True)
class Rules:
    """Versions in order; the first holds since ever."""

    versions: Sequence[Version]

    def at(self, moment_us: int) -> Version:
        """The version in force at a moment."""
        return [self.versions[0], *(one for one in self.versions[1:] if one.since_us <= moment_us)][-1]

    @property
    def newest(self) -> Version:
        """The last version."""
        return self.versions[-1]


#: what is promised where a policy says nothing
DEFAULT_LEVELS = (
    Level("phone", {"first_response": 240}, channels=("phone",)),
    Level("chat", {"first_response": 120}, channels=("chat",)),
    Level("social", {"first_response": 3600}, channels=("social",)),
    Level("email", {"first_response": 86400}, channels=("email", "form", "web")),
)
DEFAULTS = Rules((Version(0, DEFAULT_LEVELS),))


def rules_of(policy: Mapping[str, Any]) -> Rules:
    """The rules of a policy as it is written, `versions` and all. Raises UnknownPolicyError."""
    if "agent" in (*policy.get("gauge_labels", ()), *policy.get("histogram_labels", ())):
        raise UnknownPolicyError("the audit does not break down by agent: compare without that label")
    versions: Sequence[Mapping[str, Any]] = policy.get("versions") or ({},)
    return Rules(tuple(_version(table) for table in versions))


def _version(table: Mapping[str, Any]) -> Version:
    number = table.get("version", 1)
    if table.get("preset", "strict") != "strict":
        raise UnknownPolicyError(
            f"the audit knows the preset strict alone and policy version {number} has {table['preset']}: "
            "compare under strict"
        )
    calendars = any(level.get("calendar") for level in table.get("sla", ()))
    if table.get("hours") or calendars:
        raise UnknownPolicyError(
            f"the audit knows no business calendars and policy version {number} uses one: compare without"
        )
    since = table.get("effective_from")
    marks = table.get("complaints", {})
    levels = table.get("sla")
    return Version(
        0 if since is None else time_us(since if isinstance(since, str) else since.isoformat()),
        DEFAULT_LEVELS if levels is None else tuple(_level(level) for level in levels),
        tuple(marks.get("categories", ())),
        tuple(marks.get("tags", ())),
        _scores(table.get("positive_scores"), POSITIVE),
        _scores(table.get("negative_scores"), NEGATIVE),
        table.get("idle_days", 90),
        table.get("churn_with_last_subscription", True),
    )


def _level(table: Mapping[str, Any]) -> Level:
    targets_s = {target: table[f"{target}_s"] for target in TARGETS if table.get(f"{target}_s") is not None}
    named = ("channels", "groups", "priorities", "pauses", "at_risk_percent", "at_risk_left_s")
    return Level(table["name"], targets_s, **{name: table[name] for name in named if name in table})


def _scores(table: Mapping[Any, float] | None, usual: Mapping[int, float]) -> Mapping[int, float]:
    return usual if table is None else {int(scale): score for scale, score in table.items()}
