"""Derived metrics of the helpdesk."""

from __future__ import annotations

from metrics_core.derived.formulas import Formula, OlderThan, Quantile, Term, WindowDays
from metrics_core.derived.metric import Derived

_CLOCK = ("window", "clock")
_RESOLUTION = ("window", "clock", "resolution")


def _flow(flow: str, *, without: tuple[str, ...] = ()) -> Term:
    return Term("tickets", {"flow": flow}, without=without)


def _mean(series: str) -> Formula:
    return Term(series, part="gsum") / Term(series, part="gcount")


DERIVED_HELPDESK: tuple[Derived, ...] = (
    Derived(
        "first_response_mean", _CLOCK, _mean("first_response_seconds"), "seconds",
        "How long is the average wait for a first answer?",
    ),
    Derived(
        "first_response_p50", _CLOCK, Quantile("first_response_seconds", 0.5), "seconds",
        "How long does the typical customer wait for a first answer?",
    ),
    Derived(
        "first_response_p90", _CLOCK, Quantile("first_response_seconds", 0.9), "seconds",
        "How long do the unlucky ones wait for a first answer?",
    ),
    Derived(
        "resolution_mean", _RESOLUTION, _mean("resolution_seconds"), "seconds",
        "How long does a solution take on average?",
    ),
    Derived(
        "resolution_p50", _RESOLUTION, Quantile("resolution_seconds", 0.5), "seconds",
        "How long does a solution typically take?",
    ),
    Derived(
        "resolution_p90", _RESOLUTION, Quantile("resolution_seconds", 0.9), "seconds",
        "How long do hard cases take?",
    ),
    Derived(
        "reply_wait_p50", _CLOCK, Quantile("reply_wait_seconds", 0.5), "seconds",
        "How long is the typical wait for any answer?",
    ),
    Derived(
        "reply_wait_p90", _CLOCK, Quantile("reply_wait_seconds", 0.9), "seconds",
        "How long is a long wait for any answer?",
    ),
    Derived(
        "backlog", (), OlderThan("open_ticket_age_seconds"), "tickets",
        "How many open tickets are older than this?",
    ),
    Derived(
        "channel_share", ("window", "channel"), _flow("created") / _flow("created", without=("channel",)), "ratio",
        "Through which channels do customers come?",
    ),
    Derived(
        "reopen_rate", ("window",), _flow("reopened") / _flow("resolved"), "ratio",
        "How many solutions did not hold?",
    ),
    Derived(
        "one_touch_rate", ("window",), _flow("one_touch") / _flow("resolved"), "ratio",
        "How many cases are solved with one answer?",
    ),
    Derived(
        "days_to_clear", ("window",), Term("open_tickets") / (_flow("resolved") / WindowDays()), "days",
        "At this pace, how long until the backlog is gone?",
    ),
    Derived(
        "inflow_ratio", ("window",), (_flow("created") + _flow("reopened")) / _flow("resolved"), "ratio",
        "Is more coming in than going out?",
    ),
)  # fmt: skip
