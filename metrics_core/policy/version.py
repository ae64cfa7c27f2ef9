"""One version of the policy: preset, calendars, service levels, complaint marks, survey scales."""

from __future__ import annotations

import datetime
from typing import Literal

import msgspec

from metrics_core.grid import EDGES_S
from metrics_core.policy.calendars import CalendarSpec
from metrics_core.policy.errors import PolicyError, check_unique, choices, path_key
from metrics_core.times import DAY_US

Preset = Literal["strict", "zendesk", "intercom", "chatwoot"]
Paused = Literal["new", "open", "pending", "on_hold"]

_LISTED = {"channel": "channels", "group": "groups", "priority": "priorities"}

#: targets of a service level, in the order of their numbers
TARGETS = ("first_response", "next_reply", "resolution")

#: a century: beyond, moments leave the range of event times
_MOST_IDLE_DAYS = 36_500


def _nearest_edges(seconds: int) -> str:
    below = [edge_s for edge_s in EDGES_S if edge_s < seconds][-1:]
    above = [edge_s for edge_s in EDGES_S if edge_s > seconds][:1]
    return " or ".join(str(edge_s) for edge_s in below + above)


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which tickets something is for: those whose labels are listed; an empty list means any."""

    #: channels it is for; none listed: any
    channels: tuple[str, ...] = ()
    #: groups it is for; none listed: any
    groups: tuple[str, ...] = ()
    #: priorities it is for; none listed: any
    priorities: tuple[str, ...] = ()

    @property
    def labels(self) -> frozenset[str]:
        """The labels that it looks at."""
        return frozenset(name for name in ("channel", "group", "priority") if getattr(self, _LISTED[name]))

    def holds(self, channel: str, group: str, priority: str) -> bool:
        """Whether a ticket with these labels is meant."""
        return (
            (not self.channels or channel in self.channels)
            and (not self.groups or group in self.groups)
            and (not self.priorities or priority in self.priorities)
        )

    def check(self, path: str) -> None:
        """Raise PolicyError where a label is listed twice; ``path`` is where it stands."""
        for field in _LISTED.values():
            check_unique(getattr(self, field), field, f"{path}.{field}")


class Hours(Group, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which tickets live by which business calendar."""

    #: name of a calendar of this version
    calendar: str


class SlaPolicy(Group, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Targets in seconds of the policy's clock; a target is an edge of the histogram grid. Without a ``calendar``
    the clock always runs. ``pauses``: statuses in which the resolution's clock stands still. At risk is what has
    used ``at_risk_percent`` of its target or has ``at_risk_left_s`` seconds left, whichever comes first."""

    #: what the label `policy` says
    name: str
    #: seconds from the creation to the first response; an edge of the histograms
    first_response_s: int | None = None
    #: seconds from the first unanswered message of the customer to the reply; an edge of the histograms
    next_reply_s: int | None = None
    #: seconds from the creation to the resolution; an edge of the histograms
    resolution_s: int | None = None
    #: name of a calendar of this version, in whose business time targets are meant; unset: any time
    calendar: str | None = None
    #: statuses in which the clock of the resolution stands still, of new, open, pending, on_hold
    pauses: tuple[Paused, ...] = ("pending", "on_hold")
    #: at risk is what has used so much of its target: 50, 75 or 90
    at_risk_percent: Literal[50, 75, 90] | None = 75
    #: at risk is also, if that comes first, what has so many seconds left; less than every target
    at_risk_left_s: int | None = None

    @property
    def targets_s(self) -> tuple[int | None, ...]:
        """The targets in the order of TARGETS."""
        return self.first_response_s, self.next_reply_s, self.resolution_s

    def check(self, path: str) -> None:
        """Raise PolicyError where a value cannot work; ``path`` is where the service level stands."""
        Group.check(self, path)
        if not self.name:
            raise PolicyError("a service level needs a name that is not empty", f"{path}.name")
        if all(target_s is None for target_s in self.targets_s):
            raise PolicyError(f"service level {self.name!r} has no target: give one, as first_response_s", path)
        if self.at_risk_left_s is not None and self.at_risk_left_s < 1:
            raise PolicyError(
                f"at_risk_left_s of service level {self.name!r} must be at least 1", f"{path}.at_risk_left_s"
            )
        check_unique(self.pauses, f"pauses of service level {self.name!r}", f"{path}.pauses")
        for target, target_s in zip(TARGETS, self.targets_s, strict=True):
            if target_s is not None:
                self._check_target(f"{target}_s", target_s, path)

    def _check_target(self, key: str, target_s: int, path: str) -> None:
        if target_s not in EDGES_S:
            raise PolicyError(
                f"{key} = {target_s} of service level {self.name!r} is no edge of the histograms: "
                f"use {_nearest_edges(target_s)}",
                f"{path}.{key}",
            )
        if self.at_risk_left_s is not None and self.at_risk_left_s >= target_s:
            raise PolicyError(
                f"at_risk_left_s = {self.at_risk_left_s} of service level {self.name!r} puts all at risk from the "
                f"start: choose less than {key} = {target_s}",
                f"{path}.at_risk_left_s",
            )


class ComplaintMarks(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What makes a ticket a complaint besides its own ``complaint`` field: one of these categories or tags."""

    #: categories that make a ticket a complaint
    categories: tuple[str, ...] = ()
    #: tags that make a ticket a complaint
    tags: tuple[str, ...] = ()


#: what a customer may expect when nobody said otherwise, in seconds to the first response
_PROMISES_S = {"phone": (240, ("phone",)), "chat": (120, ("chat",)), "social": (3600, ("social",)),
               "email": (86400, ("email", "form", "web"))}  # fmt: skip
DEFAULT_SLA = tuple(
    SlaPolicy(name=name, channels=channels, first_response_s=target_s)
    for name, (target_s, channels) in _PROMISES_S.items()
)


class Version(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """What is in force from ``effective_from`` (RFC 3339 with an offset) on."""

    #: its number, larger than that of the version before
    version: int = 1
    #: since when it is in force, with an offset from UTC; not for the first version, which holds since ever
    effective_from: datetime.datetime | None = None
    #: whose rules first responses and resolutions follow: strict, zendesk, intercom, chatwoot
    preset: Preset = "strict"
    #: days without activity after which a customer without a running subscription is inactive
    idle_days: int = 90
    #: whether a customer is lost with the last running subscription, and back with a new one
    churn_with_last_subscription: bool = True
    #: business calendars by name
    calendars: dict[str, CalendarSpec] = {}
    #: who lives by which calendar: the first that holds; others have no business clock
    hours: tuple[Hours, ...] = ()
    #: service levels: the first that holds for a ticket gives its targets
    sla: tuple[SlaPolicy, ...] = DEFAULT_SLA
    #: what makes a ticket a complaint, besides its own field
    complaints: ComplaintMarks = ComplaintMarks()
    #: by scale (2, 5, 7, 10): the least score that is positive
    positive_scores: dict[int, float] = msgspec.field(default_factory=lambda: {2: 2, 5: 4, 7: 6, 10: 9})
    #: by scale (2, 5, 7, 10): the largest score that is negative; what lies between is neutral
    negative_scores: dict[int, float] = msgspec.field(default_factory=lambda: {2: 1, 5: 2, 7: 3, 10: 6})

    @property
    def effective_us(self) -> int:
        """Since when it is in force, in microseconds since the epoch; 0 = since ever."""
        if self.effective_from is None:
            return 0
        since_epoch = self.effective_from - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
        return since_epoch // datetime.timedelta(microseconds=1)

    @property
    def idle_us(self) -> int:
        """How long a customer may be silent and still be active, in microseconds."""
        return self.idle_days * DAY_US

    def check(self, path: str) -> None:
        """Raise PolicyError where a value cannot work; ``path`` is where the version stands."""
        if self.version < 1:
            raise PolicyError("a policy version is numbered from 1", f"{path}.version")
        self._check_effective_from(f"{path}.effective_from")
        if not 1 <= self.idle_days <= _MOST_IDLE_DAYS:
            raise PolicyError(f"idle_days must lie between 1 and {_MOST_IDLE_DAYS}", f"{path}.idle_days")
        for name, calendar in self.calendars.items():
            calendar.check(name, f"{path}.calendars.{path_key(name)}")
        for at, hours in enumerate(self.hours):
            self._check_calendar(hours.calendar, f"{path}.hours[{at}].calendar")
            hours.check(f"{path}.hours[{at}]")
        self._check_sla(path)
        self._check_scores(path)

    def _check_effective_from(self, path: str) -> None:
        if self.effective_from is not None and self.effective_from.tzinfo is None:
            raise PolicyError("effective_from needs an offset from UTC, as in 2026-01-01T00:00:00Z", path)

    def _check_calendar(self, name: str, path: str) -> None:
        if name not in self.calendars:
            known = choices(name, self.calendars, "name one that is") if self.calendars else "it defines none"
            raise PolicyError(f"calendar {name!r} is not defined in this version: {known}", path)

    def _check_sla(self, path: str) -> None:
        names = [policy.name for policy in self.sla]
        for at, policy in enumerate(self.sla):
            where = f"{path}.sla[{at}]"
            if names.index(policy.name) != at:
                raise PolicyError(f"two service levels are named {policy.name!r}: rename one", f"{where}.name")
            if policy.calendar is not None:
                self._check_calendar(policy.calendar, f"{where}.calendar")
            policy.check(where)

    def _check_scores(self, path: str) -> None:
        for field in ("positive_scores", "negative_scores"):
            if sorted(getattr(self, field)) != [2, 5, 7, 10]:
                raise PolicyError(
                    f"{field} needs one score for each of the scales 2, 5, 7 and 10", f"{path}.{field}"
                )
            for scale, score in getattr(self, field).items():
                if not 0 <= score <= scale:
                    raise PolicyError(
                        f"{field}: {score:g} lies outside the scale of {scale}: give a score from 0 to {scale}",
                        f"{path}.{field}.{scale}",
                    )
        for scale, least in self.positive_scores.items():
            if self.negative_scores[scale] >= least:
                raise PolicyError(
                    f"on the scale of {scale} a score would be positive and negative: lower negative_scores",
                    f"{path}.negative_scores.{scale}",
                )
