"""The catalog: every family there is, and the series they make under a policy."""

from __future__ import annotations

import msgspec

from metrics_core.facts import CODE_SHIFT
from metrics_core.families import (
    agents,
    backlog_age,
    cash,
    complaints,
    customers,
    first_response,
    flow,
    invites,
    leads,
    messages,
    open_tickets,
    reply_wait,
    resolution,
    revenue,
    sla,
    spend,
    subscriptions,
    survey,
    waiting,
)
from metrics_core.families.base import Family
from metrics_core.policy import Policy
from metrics_core.series import Series

FAMILIES: tuple[Family, ...] = (
    first_response.FAMILY,
    resolution.FAMILY,
    reply_wait.FAMILY,
    open_tickets.FAMILY,
    backlog_age.FAMILY,
    waiting.FAMILY,
    flow.FAMILY,
    messages.FAMILY,
    sla.FAMILY,
    complaints.FAMILY,
    survey.FAMILY,
    agents.FAMILY,
    customers.FAMILY,
    subscriptions.FAMILY,
    revenue.FAMILY,
    leads.FAMILY,
    spend.FAMILY,
    invites.FAMILY,
    cash.FAMILY,
)


def series_of(family: Family, policy: Policy) -> list[Series]:
    """The family's series with all their labels."""
    if family.per == "none":
        return list(family.series)
    return [
        msgspec.structs.replace(
            series,
            labels=series.labels + (policy.gauge_labels if series.kind == "gauge" else policy.histogram_labels),
        )
        for series in family.series
    ]


def all_series(policy: Policy) -> list[Series]:
    """Every series under a policy, in the order of the catalog."""
    return [series for family in FAMILIES for series in series_of(family, policy)]


def codes_of_before() -> frozenset[int]:
    """Numbers of the codes of facts that are shown for the window just before, too."""
    codes = set()
    for family in FAMILIES:
        with_period = {series.name for series in family.series if "period" in series.labels}
        for code, (name, _) in (*family.counts.items(), *family.starts.items()):
            if name in with_period:
                codes.add(code >> CODE_SHIFT)
    return frozenset(codes)
