"""Goals: what numbers are held against on boards and in alerts. They count nothing: any start may change them."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from metrics_core.grid import EDGES_S
from metrics_core.policy.errors import PolicyError, choices

#: shares that a goal may not reach: at either end nothing or everything would be wrong
_SHARES = ("attainment", "csat", "escalation", "churn", "at_risk_share")
_ABOVE_ZERO = ("inflow", "days_to_clear", "burn_fast", "overdue", "backlog", "oldest_unanswered_s")
#: a few scrapes at least; at most a day, which is looked for in the week before
_QUIET_S = (300, 86_400)


class Goals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Targets of the desk. Shares are ratios, 0.9 for 90 %; what was promised stands in the service levels."""

    #: share of promised first responses that are in time; what is left over is the error budget
    attainment: float = 0.9
    #: how many times as fast as the budget lasts it is spent, over 1 h and 24 h, before somebody is paged
    burn_fast: float = 3.0
    #: most tickets that may wait past their promised first response
    overdue: int = 10
    #: longest that a customer may wait for an answer; unset: twice the longest promised first response
    oldest_unanswered_s: int | None = None
    #: share of the running clocks that may be about to break their promise
    at_risk_share: float = 0.15
    #: most open tickets; unset: what `days_to_clear` allows at the pace of the last 7 days
    backlog: int | None = None
    #: how many days the open tickets may last at the pace of resolving
    days_to_clear: float = 2.0
    #: tickets that may come in for each one that goes out
    inflow: float = 1.0
    #: nine of ten resolutions are faster; an edge of the histograms; unset: the longest promised, else 7 d
    resolution_p90_s: int | None = None
    #: share of the satisfaction answers that are positive
    csat: float = 0.8
    #: share of the complaints that may be escalated
    escalation: float = 0.1
    #: share of the customers that may be lost in 30 days
    churn: float = 0.05
    #: calendar of the newest version in whose hours events always come; unset: as they came a week before
    intake_calendar: str | None = None
    #: seconds without a helpdesk event that are too long when events should come
    quiet_s: int = 1800
    #: the same for events of customers and money
    crm_quiet_s: int = 14_400

    @property
    def budget(self) -> float:
        """Share of first responses that may be late."""
        # 1 - 0.9 would be 0.09999999999999998
        return round(1 - self.attainment, 12)

    @property
    def in_time_fast(self) -> float:
        """Share of first responses in time below which somebody is paged."""
        return round(1 - self.burn_fast * self.budget, 9)

    def check(self, calendars: Iterable[str]) -> None:
        """Raise PolicyError where a goal cannot work; ``calendars`` are those of the newest version."""
        for name in _SHARES:
            if not 0 < getattr(self, name) < 1:
                raise _error(name, "must lie between 0 and 1, both excluded: write 0.9 for 90 %")
        for name in _ABOVE_ZERO:
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise _error(name, "must be above 0")
        if self.in_time_fast <= 0:
            raise _error(
                "burn_fast",
                f"= {self.burn_fast:g} can never be exceeded: with attainment = {self.attainment:g} and nothing in "
                f"time, the budget burns {1 / self.budget:g} times as fast as it lasts; give less",
            )
        if self.resolution_p90_s is not None and self.resolution_p90_s not in EDGES_S:
            nearest = min(EDGES_S, key=lambda edge_s: abs(edge_s - (self.resolution_p90_s or 0)))
            raise _error(
                "resolution_p90_s", f"= {self.resolution_p90_s} is no edge of the histograms: use {nearest}"
            )
        for name in ("quiet_s", "crm_quiet_s"):
            if not _QUIET_S[0] <= getattr(self, name) <= _QUIET_S[1]:
                raise _error(name, f"must lie between {_QUIET_S[0]} and {_QUIET_S[1]}")
        self._check_calendar(list(calendars))

    def _check_calendar(self, calendars: list[str]) -> None:
        name = self.intake_calendar
        if name is not None and name not in calendars:
            known = choices(name, calendars, "name one that is") if calendars else "it defines none"
            raise _error("intake_calendar", f"= {name!r} is no calendar of the newest version: {known}")


def _error(name: str, said: str) -> PolicyError:
    return PolicyError(f"policy.goals.{name} {said}", f"goals.{name}")
