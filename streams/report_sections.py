"""The sections of a report for people: what a family counted, after the answers that derive from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from metrics_core.catalog import FAMILIES
from metrics_core.derived import REPORTED, Derived
from metrics_core.families.base import Family
from metrics_core.view import View
from streams.report_lines import NOW, Line, derived_lines, series_lines

#: family -> the derived metrics that answer its question
_ANSWERS = {
    "backlog_age": ("backlog",),
    "flow": ("inflow_ratio", "days_to_clear", "one_touch_rate", "reopen_rate", "channel_share"),
    "sla": ("first_response_attainment", "sla_attainment"),
    "complaints": ("complaint_escalation_rate",),
    "survey": (
        *("csat", "satisfaction_improvement", "nps", "ces", "brand_score", "competitor_gap"),
        "survey_response_rate",
    ),
    "agents": ("employee_productivity", "employee_turnover", "employee_retention"),
    "customers": (
        *("customer_churn", "customer_churn_daily", "customer_churn_cohort", "churn_reduction", "retention"),
        *("inactive_share", "organic_growth"),
    ),
    "subscriptions": (
        *("subscription_churn", "subscription_churn_daily", "subscription_churn_cohort", "grr", "nrr", "ltv"),
    ),
    "revenue": (
        *("revenue_growth", "aov", "purchase_frequency", "lifetime", "clv"),
        *("service_share", "value_added_share", "cross_up_sell_share"),
    ),
    "leads": ("conversion", "conversion_after_service", "referral_rate"),
    "spend": ("cac", "cac_reduction", "innovation_roi"),
    "invites": ("viral_coefficient",),
    "cash": ("net_cash",),
}
#: statistics of their histograms say the same; the rest has no family of its own
_SAID_BY_HISTOGRAMS = ("first_response", "resolution", "reply_wait")
#: series that mean nothing by themselves: averages are made of them
_INGREDIENTS = frozenset(("survey_score_sum", "customer_lifetime_seconds_sum", "customer_lifetime_seconds_count"))
#: families whose zeros say something: nothing was created, nobody waits
_ZEROS_SHOWN = frozenset(("open", "waiting", "flow", "messages"))
#: derived metrics that read better by one more label
_ALSO_BY = {"sla_attainment": ("policy",)}


@dataclass(frozen=True)
class Section:
    """One question, and the lines that answer it; ``now`` has what stands, ``windows`` what happened."""

    question: str
    lines: list[Line]

    @property
    def now(self) -> list[Line]:
        """Lines of what stands now."""
        return [line for line in self.lines if NOW in line.values]

    @property
    def windows(self) -> list[Line]:
        """Lines of what happened in windows."""
        return [line for line in self.lines if NOW not in line.values]


def sections(view: View, by: Sequence[str]) -> list[Section]:
    """A section a family, always the same ones in the same order."""
    by_id = {derived.id: derived for derived in REPORTED}
    made = []
    for family in FAMILIES:
        answers = [by_id[name] for name in _ANSWERS.get(family.id, ())]
        lines = [line for derived in answers for line in _answers(view, derived, by)]
        made.append(Section(family.question, [*lines, *_counted(view, family, by)]))
    return made


def unplaced() -> list[str]:
    """Derived metrics that no section shows: there should be none."""
    placed = {name for names in _ANSWERS.values() for name in names}
    return [one.id for one in REPORTED if one.id not in placed and not one.id.startswith(_SAID_BY_HISTOGRAMS)]


def _answers(view: View, derived: Derived, by: Sequence[str]) -> Iterator[Line]:
    lines = list(derived_lines(view, derived, (*_ALSO_BY.get(derived.id, ()), *by)))
    if derived.id == "backlog":
        lines = _telling_ages(lines)
    yield from (line for line in lines if line.values)


def _telling_ages(lines: Sequence[Line]) -> list[Line]:
    """Of ages that the same number of tickets has passed, the largest; none that nothing has."""
    return [
        line
        for line, older in zip(lines, [*lines[1:], None], strict=True)
        if any(line.values.values()) and (older is None or older.values != line.values)
    ]


def _counted(view: View, family: Family, by: Sequence[str]) -> Iterator[Line]:
    for series in family.series:
        if series.name in _INGREDIENTS:
            continue
        for line in series_lines(view, series, by):
            # categories and the like are many: those that nothing was counted for are left out
            if family.id in _ZEROS_SHOWN or any(line.values.values()):
                yield line
