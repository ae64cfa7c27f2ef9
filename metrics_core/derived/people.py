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
        traps=(
            "All resolutions, those by bots and repeats after a reopen too, over agents employed now, present or "
            "not. Says nothing of quality, nor of any one agent."
        ),
    ),
    Derived(
        "employee_turnover", _WINDOW, _LEFT / _AT_START, "ratio",
        "What share of our agents did we lose?",
        traps=(
            "Leavers over those at the start: who joined and left within the window is in the numerator only, so "
            "it may exceed 1. Withheld until the history reaches the window's start. Not annualised."
        ),
    ),
    # 1 - turnover, as one fraction
    Derived(
        "employee_retention", _WINDOW, (_AT_START - _LEFT) / _AT_START, "ratio",
        "What share of our agents did we keep?",
        traps=(
            "1 less turnover: who joined and left within the window lowers it, so it may fall below 0. Withheld "
            "until the history reaches the window's start."
        ),
    ),
)  # fmt: skip
