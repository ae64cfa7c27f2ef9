"""The policy of a deployment: what holds for good, and the versions of what may change, each from a moment on."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from functools import cached_property
from typing import Any

import msgspec

from metrics_core.policy.errors import PolicyError, check_unique, choices, path_key
from metrics_core.policy.goals import Goals
from metrics_core.policy.shape import check_shape, dates_as_text
from metrics_core.policy.version import Version
from metrics_core.times import DAY_US, format_us

WINDOWS = ("1h", "24h", "7d", "30d")

#: fields that say how numbers are shown, not what is counted; versions are compared one by one
_NOT_HASHED = frozenset(("gauge_labels", "histogram_labels", "label_values", "label_limit", "goals", "versions"))
#: two windows of 30 days, as period = before needs them, and a day
_LEAST_HORIZON_DAYS = 61
#: a century: beyond, moments leave the range of event times
_MOST_HORIZON_DAYS = 36_500
#: labels that helpdesk series may carry
_LABELS = ("channel", "group", "priority", "agent")


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """What a deployment chooses. ``versions`` are in order of ``effective_from``; the first holds since ever.

    What was counted under a version stays as it was counted: a version that has been used never changes, a new
    one begins after all that was counted. ``marks`` is kept beside the state, so that neither goes unnoticed.
    """

    #: a setting of its own, written above the policy
    tenant: str | None = None
    #: days after which a closed row is retired: 2 x the longest window + 10
    horizon_days: int = 70
    #: past transitions a row keeps, so that a late event can be put in its place
    history_events: int = 64
    #: labels of helpdesk gauges, of channel, group, priority and agent
    gauge_labels: tuple[str, ...] = ("channel", "group", "priority")
    #: labels of helpdesk histograms, of the same
    histogram_labels: tuple[str, ...] = ("channel", "group")
    #: agents that the label ``agent`` shows by name; all others are ``other``
    roster: tuple[str, ...] = ()
    #: label values shown first; others follow in order of appearance
    label_values: dict[str, tuple[str, ...]] = {}
    #: most values of one label that are exposed; the rest is shown as `other`
    label_limit: int = 100
    #: what boards and alerts hold numbers against: a table of its own
    goals: Goals = Goals()
    #: what may change from a moment on, in order of their numbers and moments
    versions: tuple[Version, ...] = (Version(),)

    @classmethod
    def parse(cls, table: dict[str, Any]) -> Policy:
        """Policy from a TOML table; raises PolicyError with one sentence and the path of the value."""
        table = dates_as_text(table)
        for name in Version.__struct_fields__:
            if name in table:
                raise PolicyError(f"policy.{name} belongs to a version: write it under [[policy.versions]]", name)
        check_shape(table, cls)
        try:
            # TOML's keys are strings, also those of scales
            policy = msgspec.convert(table, cls, str_keys=True)
        except msgspec.ValidationError as error:
            raise PolicyError(f"policy cannot be used: {error}") from error
        policy.check()
        return policy

    def check(self) -> None:
        """Raise PolicyError where a value cannot work."""
        if not _LEAST_HORIZON_DAYS <= self.horizon_days <= _MOST_HORIZON_DAYS:
            raise PolicyError(
                f"policy.horizon_days must be at least {_LEAST_HORIZON_DAYS}, two 30-day windows and a day, and at "
                f"most {_MOST_HORIZON_DAYS}",
                "horizon_days",
            )
        if not 8 <= self.history_events <= 1024:
            raise PolicyError("policy.history_events must lie between 8 and 1024", "history_events")
        if self.label_limit < 1:
            raise PolicyError("policy.label_limit must be at least 1", "label_limit")
        self._check_labels()
        self._check_versions()
        self.goals.check(self.newest.calendars)

    def _check_labels(self) -> None:
        for field in ("gauge_labels", "histogram_labels"):
            names = getattr(self, field)
            check_unique(names, f"policy.{field}", field)
            for at, name in enumerate(names):
                if name not in _LABELS:
                    raise PolicyError(
                        f"policy.{field}: {name!r} is no label of helpdesk series: {choices(name, _LABELS)}",
                        f"{field}[{at}]",
                    )
                if name == "agent" and not self.roster:
                    raise PolicyError(
                        f"policy.{field}: 'agent' needs policy.roster: name the agents to show", f"{field}[{at}]"
                    )
        check_unique(self.roster, "policy.roster", "roster")
        for label, values in self.label_values.items():
            path = f"label_values.{path_key(label)}"
            check_unique(values, f"policy.{path}", path)

    def _check_versions(self) -> None:
        if not self.versions:
            raise PolicyError("policy.versions is empty: leave it out or give one [[policy.versions]]", "versions")
        for at, version in enumerate(self.versions):
            path = f"versions[{at}]"
            version.check(path)
            if at == 0:
                if version.effective_from is not None:
                    raise PolicyError(
                        f"policy version {version.version} comes first and holds since ever: "
                        "take out its effective_from",
                        f"{path}.effective_from",
                    )
                continue
            before = self.versions[at - 1]
            if version.version <= before.version:
                raise PolicyError(
                    f"policy version {version.version} follows version {before.version}: number it "
                    f"{before.version + 1}",
                    f"{path}.version",
                )
            if version.effective_from is None:
                raise PolicyError(
                    f"policy version {version.version} needs effective_from: say since when it holds, as "
                    "2026-01-01T00:00:00Z",
                    path,
                )
            if version.effective_us <= before.effective_us:
                raise PolicyError(
                    f"policy version {version.version} must take effect after version {before.version}, that is "
                    f"after {format_us(before.effective_us)}",
                    f"{path}.effective_from",
                )

    @cached_property
    def _effective_us(self) -> list[int]:
        return [version.effective_us for version in self.versions]

    def at(self, time_us: int) -> Version:
        """The version in force at a moment."""
        return self.versions[self.number_at(time_us)]

    def number_at(self, time_us: int) -> int:
        """The place among ``versions`` of the one in force at a moment."""
        return max(0, bisect_right(self._effective_us, time_us) - 1)

    @property
    def newest(self) -> Version:
        """The last version, in force or announced."""
        return self.versions[-1]

    @property
    def horizon_us(self) -> int:
        """How long after its closing a row is kept, in microseconds."""
        return self.horizon_days * DAY_US

    @cached_property
    def marks(self) -> dict[str, str]:
        """Sixteen hex digits for what holds for good (``base``) and for each version by its number; they change
        with anything that changes what is counted. How it is shown is no part of them."""
        base = {name: getattr(self, name) for name in BASE_SETTINGS}
        return {"base": _digits(base), **{str(one.version): _digits(one) for one in self.versions}}

    @property
    def hash(self) -> str:
        """Sixteen hex digits over all ``marks``."""
        return _digits(self.marks)


#: what holds for good and changes what is counted
BASE_SETTINGS = tuple(name for name in Policy.__struct_fields__ if name not in _NOT_HASHED)


def _digits(value: object) -> str:
    # scores stand by whole numbers, and only text is sorted
    plain = msgspec.to_builtins(value, str_keys=True)
    return hashlib.sha256(msgspec.json.encode(plain, order="sorted")).hexdigest()[:16]
