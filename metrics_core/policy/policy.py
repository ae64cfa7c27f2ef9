"""The policy: what a deployment may choose about what is counted, in one frozen value."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from metrics_core.times import DAY_US

WINDOWS = ("1h", "24h", "7d", "30d")


class PolicyError(ValueError):
    """A policy that cannot be used; the message names the key and what to change."""


#: fields that say how numbers are shown, not what is counted
_SHOWN_ONLY = frozenset(("gauge_labels", "histogram_labels", "label_values", "label_limit"))


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Choices that change numbers. The hash is kept beside the state, so that it cannot change unnoticed."""

    version: int = 1
    preset: str = "strict"
    tenant: str | None = None
    #: days after which a closed row is retired: 2 x the longest window + 10
    horizon_days: int = 70
    #: past transitions a row keeps, so that a late event can be put in its place
    history_events: int = 64
    #: days without activity after which a customer without a running subscription is inactive
    idle_days: int = 90
    #: whether a customer is lost with the last running subscription, and back with a new one
    churn_with_last_subscription: bool = True
    #: labels of helpdesk gauges and helpdesk histograms
    gauge_labels: tuple[str, ...] = ("channel", "group", "priority")
    histogram_labels: tuple[str, ...] = ("channel", "group")
    #: label values shown first; others follow in order of appearance
    label_values: dict[str, tuple[str, ...]] = {}
    #: most values of one label that are exposed; the rest is shown as `other`
    label_limit: int = 100

    @classmethod
    def parse(cls, table: dict[str, Any]) -> Policy:
        """Policy from a TOML table; raises PolicyError with one sentence."""
        try:
            policy = msgspec.convert(table, cls)
        except msgspec.ValidationError as error:
            raise PolicyError(f"policy: {error}") from error
        policy.check()
        return policy

    def check(self) -> None:
        """Raise PolicyError where a value cannot work."""
        if self.preset != "strict":
            raise PolicyError(f"policy.preset {self.preset!r} is not known: use strict")
        if self.horizon_days < 61:
            raise PolicyError("policy.horizon_days must be at least 61: two 30-day windows and a day")
        if not 8 <= self.history_events <= 1024:
            raise PolicyError("policy.history_events must lie between 8 and 1024")
        if self.idle_days < 1:
            raise PolicyError("policy.idle_days must be at least 1")
        for name in (*self.gauge_labels, *self.histogram_labels):
            if name not in ("channel", "group", "priority"):
                raise PolicyError(f"policy label {name!r} is not known: use channel, group or priority")

    @property
    def horizon_us(self) -> int:
        """How long after its closing a row is kept, in microseconds."""
        return self.horizon_days * DAY_US

    @property
    def idle_us(self) -> int:
        """How long a customer may be silent and still be active, in microseconds."""
        return self.idle_days * DAY_US

    @property
    def hash(self) -> str:
        """Sixteen hex digits that change with anything that changes what is counted; how it is shown does not."""
        counted = {name: value for name, value in msgspec.structs.asdict(self).items() if name not in _SHOWN_ONLY}
        return hashlib.sha256(msgspec.json.encode(counted, order="sorted")).hexdigest()[:16]
