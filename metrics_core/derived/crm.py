"""Derived metrics of customers, subscriptions, revenue, leads and invitations."""

from __future__ import annotations

from metrics_core.derived.formulas import YEAR_US, Formula, SumOfDays, Term, WindowYears
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


def _subscription_churn() -> Formula:
    return _changes("subscription_changes", "cancelled") / _at_start("subscriptions")


_HEADCOUNT = _customers("active") + _customers("inactive")
_AOV = _revenue() / Term("orders")
_FREQUENCY = Term("orders") / Term("buyers") / WindowYears()
_MRR_START = Term("mrr_at_start")
_MRR_KEPT = _MRR_START - _mrr("contraction") - _mrr("churn")

DERIVED_CRM: tuple[Derived, ...] = (
    Derived(
        "customer_churn", _WINDOW, _churn("now"), "ratio",
        "What share of our customers did we lose?",
        traps=(
            "Losses in the window over those at its start: who came and left within it is in the numerator only, "
            "so it may exceed 1; the cohort form never does. Withheld until the history reaches the window's "
            "start. A 30-day value is not 30 daily ones."
        ),
    ),
    Derived(
        "subscription_churn", _WINDOW, _subscription_churn(), "ratio",
        "What share of our subscriptions was cancelled?",
        traps=(
            "Cancellations over subscriptions at the start: one that began and ended within the window counts, so "
            "it may exceed 1. A customer with two subscriptions counts twice. Withheld until the history reaches "
            "the window's start."
        ),
    ),
    Derived(
        "customer_churn_cohort", _WINDOW, Term("customers_lost_of_start") / _at_start("customers"), "ratio",
        "Of the customers we had at the start, what share is gone?",
        traps=(
            "Only those that were there at the start, at most 1; who left and came back within the window is not "
            "lost. Lower than customer_churn where newcomers leave."
        ),
    ),
    Derived(
        "subscription_churn_cohort", _WINDOW,
        Term("subscriptions_lost_of_start") / _at_start("subscriptions"), "ratio",
        "Of the subscriptions that ran at the start, what share has ended?",
        traps="Only those that ran at the start, at most 1; one that ended and runs again is not lost.",
    ),
    Derived(
        "churn_reduction", _WINDOW, _churn("before").since(_churn("now")), "ratio",
        "Do we lose fewer customers than in the window before?",
        traps=(
            "In points of the ratio, the window before less now: positive is better. Absent until the history "
            "holds two whole windows."
        ),
    ),
    Derived(
        "retention", _WINDOW,
        (_HEADCOUNT - _changes("customer_changes", "new") - _changes("customer_changes", "reactivated"))
        / _at_start("customers"),
        "ratio", "What share of the customers at the start did we keep?",
        traps=(
            "What is there now less new and reactivated, over the start: 1 less customer_churn, unless a snapshot "
            "brings in customers unheard of. Who came and left within the window lowers it, so it may fall below "
            "0. Withheld until the history reaches the window's start."
        ),
    ),
    Derived(
        "inactive_share", (), _customers("inactive") / _HEADCOUNT, "ratio",
        "What share of our customers has gone quiet?",
        traps=(
            "As of now. It rises with no event arriving, at the policy's idle days; a running subscription keeps "
            "a customer active however silent."
        ),
    ),
    Derived(
        "conversion", _WINDOW, _leads("won") / _leads("qualified"), "ratio",
        "How many qualified leads do we win?",
        traps=(
            "A ratio of flows, not of one cohort: those won now may have been qualified long before, so it may "
            "exceed 1. In a short window mostly chance."
        ),
    ),
    Derived(
        "conversion_after_service", _WINDOW,
        _leads("won", origin="service_contact") / _leads("created", origin="service_contact"), "ratio",
        "How many service contacts become sales?",
        traps=(
            "A ratio of flows: won in the window over created in it, of leads whose origin is service_contact; it "
            "may exceed 1."
        ),
    ),
    Derived(
        "referral_rate", _WINDOW, _leads("created", origin="referral") / _customers("active"), "ratio",
        "Do our customers recommend us?",
        traps=(
            "A flow over a level: leads by referral in the window for each customer active now; longer windows "
            "give larger values. Not a share of leads."
        ),
    ),
    Derived(
        "viral_coefficient", _WINDOW,
        (_invites("sent") / _HEADCOUNT) * (_invites("accepted") / _invites("sent")), "ratio",
        "How many others does a customer bring along?",
        traps=(
            "Invitations are counted as events and never matched with acceptances. A flow over a level: longer "
            "windows give larger values. No value while nothing was sent, even where some were accepted."
        ),
    ),
    Derived(
        "organic_growth", _WINDOW,
        (
            _changes("customer_changes", "new", origin="organic")
            + _changes("customer_changes", "new", origin="referral")
        )
        / _at_start("customers"),
        "ratio", "How much do we grow without paying for it?",
        traps=(
            "New customers by origin at their creation; one without an origin is in neither. Losses are not in "
            "it. Withheld until the history reaches the window's start."
        ),
    ),
    Derived(
        "aov", _MONEY, _AOV, "money", "What is an order worth?",
        traps=(
            "Refunds lower the revenue and take no order away; interest and late fees raise it and are no orders. "
            "By currency: never average over currencies."
        ),
    ),
    Derived(
        "purchase_frequency", _MONEY, _FREQUENCY, "orders a year", "How often does a buyer order?",
        traps=(
            "Orders of the window for each of its buyers, carried to a year: who did not buy is not in it, so "
            "short windows are far too high."
        ),
    ),
    Derived(
        "lifetime", (), _mean_life("purchase"), "years", "For how long does a buyer keep buying?",
        traps=(
            "Mean of last less first order over all buyers, single orders as 0; those who go on buying are cut "
            "off at today, so it is too low for a young business. Not by window or currency."
        ),
    ),
    Derived(
        "clv", _MONEY, _AOV * _FREQUENCY * _mean_life("purchase"), "money",
        "What is a buyer worth over a lifetime?",
        traps=(
            "A product of means: right only where the three do not go together. It has purchase_frequency's trap "
            "in short windows: read it at 30d. By currency, with one lifetime over all."
        ),
    ),
    Derived(
        "ltv", ("currency",),
        _mean_life("subscription").scaled(_MONTHS_A_YEAR) * (Term("mrr") / Term("subscribed_customers")), "money",
        "What is a subscriber worth over a subscription's life?",
        traps=(
            "Only subscriptions that ended tell their length, so it is too low for a young business and absent "
            "before the first end. By currency, with one length over all."
        ),
    ),
    Derived(
        "grr", _MONEY, _MRR_KEPT / _MRR_START, "ratio",
        "How much of the recurring revenue at the start is left, growth aside?",
        traps=(
            "Contraction and churn of those who came within the window are in it too, so it may fall below 0; "
            "never above 1. A move to another currency is churn. Withheld until the history reaches the window's "
            "start."
        ),
    ),
    Derived(
        "nrr", _MONEY, (_MRR_KEPT + _mrr("expansion")) / _MRR_START, "ratio",
        "How much of the recurring revenue at the start is left, with growth?",
        traps=(
            "New subscriptions and reactivations are not in it, expansion of those who came within the window is. "
            "A move to another currency is churn here and new there. Withheld until the history reaches the "
            "window's start."
        ),
    ),
    Derived(
        "revenue_growth", _MONEY, _revenue().since(_revenue("before")), "money",
        "Does revenue grow over the window before?",
        traps=(
            "An amount and no share, now less the window before. Refunds count when they are made. Absent until "
            "the history holds two whole windows."
        ),
    ),
)  # fmt: skip

#: in reports and replays alone
DERIVED_BY_DAY: tuple[Derived, ...] = (
    Derived(
        "customer_churn_daily", _WINDOW, SumOfDays("customers", _churn("now")), "ratio",
        "What do the daily shares of customers lost add up to?",
        traps=(
            "A sum of shares and no share: with many losses it exceeds 1. Close to customer_churn while the "
            "number of customers is steady, higher where it shrinks. In reports and replays alone; days are the "
            "last 24 h each, not days of the calendar."
        ),
    ),
    Derived(
        "subscription_churn_daily", _WINDOW, SumOfDays("subscriptions", _subscription_churn()), "ratio",
        "What do the daily shares of subscriptions cancelled add up to?",
        traps=(
            "A sum of shares and no share: it may exceed 1. Close to subscription_churn while the number of "
            "subscriptions is steady. In reports and replays alone."
        ),
    ),
)  # fmt: skip
