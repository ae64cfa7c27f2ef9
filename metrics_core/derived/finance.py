"""Derived metrics of what is spent, and of what comes back."""

from __future__ import annotations

from metrics_core.derived.formulas import Formula, Term
from metrics_core.derived.metric import Derived

_MONEY = ("window", "currency")


def _spend(category: str, period: str = "now") -> Term:
    return Term("spend", {"category": category, "period": period})


def _revenue(period: str = "now", **where: str) -> Term:
    return Term("revenue", {"period": period, **where})


def _cash(kind: str) -> Term:
    return Term("cash_flow", {"kind": kind})


def _cac(period: str) -> Formula:
    """Per currency: what was spent in it, over all new customers, whatever they pay in."""
    spent = _spend("sales", period) + _spend("marketing", period)
    return spent / Term("customer_changes", {"change": "new", "period": period})


def _share(*categories: str) -> Formula:
    """Of all revenue."""
    first, *others = (_revenue(category=category) for category in categories)
    part: Formula = first
    for other in others:
        part = part + other
    return part / _revenue()


_GROWTH = _revenue().since(_revenue("before"))
_INNOVATION = _spend("innovation")

DERIVED_FINANCE: tuple[Derived, ...] = (
    Derived(
        "cac", _MONEY, _cac("now"), "money", "What does a new customer cost?",
        traps=(
            "Spend of the window over customers won in it, though they were courted before: months with little "
            "spend look good. By currency of the spend: customers are counted once in each, so never add it up."
        ),
    ),
    Derived(
        "cac_reduction", _MONEY, _cac("before").since(_cac("now")), "money",
        "Do new customers cost less than in the window before?",
        traps=(
            "The window before less now: positive is better. No value where either window won nobody. Absent "
            "until the history holds two whole windows."
        ),
    ),
    Derived(
        "service_share", _MONEY, _share("service_fee", "value_added", "supplementary"), "ratio",
        "What share of the revenue comes from service?",
        traps=(
            "By the category that the payment names: uncategorised revenue is in the denominator only. Refunds "
            "may push it below 0 or above 1."
        ),
    ),
    Derived(
        "value_added_share", _MONEY, _share("value_added"), "ratio",
        "What share of the revenue comes from added value?",
        traps=(
            "By the category that the payment names: uncategorised revenue is in the denominator only. Part of "
            "service_share: never add the two."
        ),
    ),
    Derived(
        "cross_up_sell_share", _MONEY, _share("cross_sell", "up_sell"), "ratio",
        "What share of the revenue comes from selling more to customers we have?",
        traps="By the category that the payment names: a sale that nobody marked as cross or up sell is none.",
    ),
    Derived(
        "innovation_roi", _MONEY, (_GROWTH - _INNOVATION) / _INNOVATION, "ratio",
        "Does what we spend on innovation come back as growth?",
        traps=(
            "Growth of all revenue is laid to innovation, whatever caused it, and spend of this window rarely "
            "earns in it. -1 where revenue stood still. By currency."
        ),
    ),
    Derived(
        "net_cash", _MONEY, _cash("operating") - _cash("investment") - _cash("working_capital"), "money",
        "What cash is left after investment and working capital?",
        traps=(
            "Investment and working capital are subtracted as the books sign them: positive takes cash. By "
            "currency. What was not recorded is 0."
        ),
    ),
)  # fmt: skip
