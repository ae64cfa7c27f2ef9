"""Derived metrics of the people at the desk."""

from __future__ import annotations

from metrics_core.derived.formulas import Term
from metrics_core.derived.metric import Derived

_WINDOW = ("window",)
_AT_START = Term("agents_at_start")
_LEFT = Term("agent_changes", {"change": "left"})

DERIVED_PEOPLE: tuple[Derived, ...] = (
    Derived(
        "employee_productivity", _WINDOW, Term("tickets", {"flow": "resolved"}) / Term("agents_employed"),
        "tickets an agent", "How many tickets does an employed agent solve?",
    ),
    Derived(
        "employee_turnover", _WINDOW, _LEFT / _AT_START, "ratio",
        "What share of our agents did we lose?",
    ),
    # 1 - turnover, as one fraction
    Derived(
        "employee_retention", _WINDOW, (_AT_START - _LEFT) / _AT_START, "ratio",
        "What share of our agents did we keep?",
    ),
)  # fmt: skip
