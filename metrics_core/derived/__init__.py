"""Derived metrics: one definition each, evaluated in Python and rendered as a recording rule."""

from __future__ import annotations

from metrics_core.derived.crm import DERIVED_BY_DAY, DERIVED_CRM
from metrics_core.derived.finance import DERIVED_FINANCE
from metrics_core.derived.helpdesk import DERIVED_HELPDESK
from metrics_core.derived.metric import Derived
from metrics_core.derived.people import DERIVED_PEOPLE
from metrics_core.derived.satisfaction import DERIVED_SATISFACTION

__all__ = ["DERIVED", "REPORTED", "Derived"]

DERIVED: tuple[Derived, ...] = (
    *DERIVED_HELPDESK,
    *DERIVED_SATISFACTION,
    *DERIVED_PEOPLE,
    *DERIVED_CRM,
    *DERIVED_FINANCE,
)
#: in reports and replays: what needs more of the past than workers expose, too
REPORTED: tuple[Derived, ...] = (*DERIVED, *DERIVED_BY_DAY)
