"""Derived metrics of customers, subscriptions, revenue, leads and invitations."""

from __future__ import annotations

from metrics_core.derived.formulas import YEAR_US, Formula, Term, WindowYears
from metrics_core.derived.metric import Derived
from metrics_core.times import SECOND_US

_WINDOW = ("window",)
_MONEY = ("window", "currency")
_YEAR_S = YEAR_US / SECOND_US
_MONTHS_A_YEAR = 12


def _changes(series: str, change: str, period: str = "now", **where: str) -> Term:
    return Term(series, {"change": change, "period": period, **where})


def _at_start(series: str, period: str = "now") -> Term:
    return Term(f"{series}_at_start", {"period": period})


def _customers(state: str) -> Term:
    return Term("customers", {"state": state})


def _leads(stage: str, **where: str) -> Term:
    return Term("leads", {"stage": stage, **where})


def _invites(state: str) -> Term:
    return Term("invites", {"state": state})


def _mrr(change: str) -> Term:
    return Term("mrr_changes", {"change": change})


def _revenue(period: str = "now") -> Term:
    return Term("revenue", {"period": period})


def _mean_life(basis: str) -> Formula:
    """In years."""
    name, where = "customer_lifetime_seconds", {"basis": basis}
    return (Term(f"{name}_sum", where) / Term(f"{name}_count", where)).scaled(1 / _YEAR_S)


def _churn(period: str) -> Formula:
    return _changes("customer_changes", "lost", period) / _at_start("customers", period)


_HEADCOUNT = _customers("active") + _customers("inactive")
_AOV = _revenue() / Term("orders")
_FREQUENCY = Term("orders") / Term("buyers") / WindowYears()
_MRR_START = Term("mrr_at_start")
_MRR_KEPT = _MRR_START - _mrr("contraction") - _mrr("churn")

DERIVED_CRM: tuple[Derived, ...] = (
    Derived(
        "customer_churn", _WINDOW, _churn("now"), "ratio",
        "What share of our customers did we lose?",
    ),
    Derived(
        "subscription_churn", _WINDOW,
        _changes("subscription_changes", "cancelled") / _at_start("subscriptions"), "ratio",
        "What share of our subscriptions was cancelled?",
    ),
    Derived(
        "customer_churn_cohort", _WINDOW, Term("customers_lost_of_start") / _at_start("customers"), "ratio",
        "Of the customers we had at the start, what share is gone?",
    ),
    Derived(
        "subscription_churn_cohort", _WINDOW,
        Term("subscriptions_lost_of_start") / _at_start("subscriptions"), "ratio",
        "Of the subscriptions that ran at the start, what share has ended?",
    ),
    Derived(
        "churn_reduction", _WINDOW, _churn("before").since(_churn("now")), "ratio",
        "Do we lose fewer customers than in the window before?",
    ),
    Derived(
        "retention", _WINDOW,
        (_HEADCOUNT - _changes("customer_changes", "new") - _changes("customer_changes", "reactivated"))
        / _at_start("customers"),
        "ratio", "What share of the customers at the start did we keep?",
    ),
    Derived(
        "inactive_share", (), _customers("inactive") / _HEADCOUNT, "ratio",
        "What share of our customers has gone quiet?",
    ),
    Derived(
        "conversion", _WINDOW, _leads("won") / _leads("qualified"), "ratio",
        "How many qualified leads do we win?",
    ),
    Derived(
        "conversion_after_service", _WINDOW,
        _leads("won", origin="service_contact") / _leads("created", origin="service_contact"), "ratio",
        "How many service contacts become sales?",
    ),
    Derived(
        "referral_rate", _WINDOW, _leads("created", origin="referral") / _customers("active"), "ratio",
        "Do our customers recommend us?",
    ),
    Derived(
        "viral_coefficient", _WINDOW,
        (_invites("sent") / _HEADCOUNT) * (_invites("accepted") / _invites("sent")), "ratio",
        "How many others does a customer bring along?",
    ),
    Derived(
        "organic_growth", _WINDOW,
        (
            _changes("customer_changes", "new", origin="organic")
            + _changes("customer_changes", "new", origin="referral")
        )
        / _at_start("customers"),
        "ratio", "How much do we grow without paying for it?",
    ),
    Derived(
        "aov", _MONEY, _AOV, "money", "What is an order worth?",
    ),
    Derived(
        "purchase_frequency", _MONEY, _FREQUENCY, "orders a year", "How often does a buyer order?",
    ),
    Derived(
        "lifetime", (), _mean_life("purchase"), "years", "For how long does a buyer keep buying?",
    ),
    Derived(
        "clv", _MONEY, _AOV * _FREQUENCY * _mean_life("purchase"), "money",
        "What is a buyer worth over a lifetime?",
    ),
    Derived(
        "ltv", ("currency",),
        _mean_life("subscription").scaled(_MONTHS_A_YEAR) * (Term("mrr") / Term("subscribed_customers")), "money",
        "What is a subscriber worth over a subscription's life?",
    ),
    Derived(
        "grr", _MONEY, _MRR_KEPT / _MRR_START, "ratio",
        "How much of the recurring revenue at the start is left, growth aside?",
    ),
    Derived(
        "nrr", _MONEY, (_MRR_KEPT + _mrr("expansion")) / _MRR_START, "ratio",
        "How much of the recurring revenue at the start is left, with growth?",
    ),
    Derived(
        "revenue_growth", _MONEY, _revenue().since(_revenue("before")), "money",
        "Does revenue grow over the window before?",
    ),
)  # fmt: skip
