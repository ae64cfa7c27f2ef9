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
        traps=(
            "A few very late answers lift it far above what is typical: read it beside the median. Only answered "
            "tickets are in it. Not comparable across presets or clocks."
        ),
    ),
    Derived(
        "first_response_p50", _CLOCK, Quantile("first_response_seconds", 0.5), "seconds",
        "How long does the typical customer wait for a first answer?",
        traps=(
            "Prometheus interpolates between the edges of the histogram, reports take it from a finer grid (1 %): "
            "live and report agree within a bucket, not exactly. Only answered tickets are in it: with many "
            "waiting it looks better than it is. Not comparable across presets."
        ),
    ),
    Derived(
        "first_response_p90", _CLOCK, Quantile("first_response_seconds", 0.9), "seconds",
        "How long do the unlucky ones wait for a first answer?",
        traps=(
            "Prometheus interpolates between the edges of the histogram, reports take it from a finer grid (1 %): "
            "live and report agree within a bucket, not exactly. Few answers make it jump. Never average it over "
            "channels or time: sum the buckets first."
        ),
    ),
    Derived(
        "resolution_mean", _RESOLUTION, _mean("resolution_seconds"), "seconds",
        "How long does a solution take on average?",
        traps=(
            "Solving an old backlog raises it. resolution=full moves as reopens come, first and every stay. Not "
            "comparable across presets or clocks."
        ),
    ),
    Derived(
        "resolution_p50", _RESOLUTION, Quantile("resolution_seconds", 0.5), "seconds",
        "How long does a solution typically take?",
        traps=(
            "Prometheus interpolates between the edges of the histogram, reports take it from a finer grid (1 %): "
            "live and report agree within a bucket, not exactly. Of tickets that were resolved: what is never "
            "solved never counts. Choose one of first, full and every."
        ),
    ),
    Derived(
        "resolution_p90", _RESOLUTION, Quantile("resolution_seconds", 0.9), "seconds",
        "How long do hard cases take?",
        traps=(
            "Prometheus interpolates between the edges of the histogram, reports take it from a finer grid (1 %): "
            "live and report agree within a bucket, not exactly. Beyond 30 days the last bucket has no edge, and "
            "the live value stays at 30 days. Never average it."
        ),
    ),
    Derived(
        "reply_wait_p50", _CLOCK, Quantile("reply_wait_seconds", 0.5), "seconds",
        "How long is the typical wait for any answer?",
        traps=(
            "Prometheus interpolates between the edges of the histogram, reports take it from a finer grid (1 %): "
            "live and report agree within a bucket, not exactly. Waits that a resolution ended are not in it, nor "
            "those that go on."
        ),
    ),
    Derived(
        "reply_wait_p90", _CLOCK, Quantile("reply_wait_seconds", 0.9), "seconds",
        "How long is a long wait for any answer?",
        traps=(
            "Prometheus interpolates between the edges of the histogram, reports take it from a finer grid (1 %): "
            "live and report agree within a bucket, not exactly. Few waits make it jump. Never average it over "
            "groups or time."
        ),
    ),
    Derived(
        "backlog", (), OlderThan("open_ticket_age_seconds"), "tickets",
        "How many open tickets are older than this?",
        traps=(
            "As of now, by the edges only; the values are cumulative, older than 1 h includes older than 1 d: "
            "never add them up. Age runs from the creation, nights and waiting for the customer included."
        ),
    ),
    Derived(
        "channel_share", ("window", "channel"), _flow("created") / _flow("created", without=("channel",)), "ratio",
        "Through which channels do customers come?",
        traps=(
            "By the channel named at creation; none is a channel of its own. Shares add up to 1 within a window, "
            "but not across windows."
        ),
    ),
    Derived(
        "reopen_rate", ("window",), _flow("reopened") / _flow("resolved"), "ratio",
        "How many solutions did not hold?",
        traps=(
            "Reopened in the window over resolved in it: what is reopened now was often resolved before, so it "
            "may exceed 1. A ticket that comes back as a new one is no reopen."
        ),
    ),
    Derived(
        "one_touch_rate", ("window",), _flow("one_touch") / _flow("resolved"), "ratio",
        "How many cases are solved with one answer?",
        traps=(
            "One public agent message, no reopen, no pause: private notes and bots do not spoil it. Young "
            "resolutions may still be reopened, so the last hours look better than they end."
        ),
    ),
    Derived(
        "days_to_clear", ("window",), Term("open_tickets") / (_flow("resolved") / WindowDays()), "days",
        "At this pace, how long until the backlog is gone?",
        traps=(
            "At the window's pace with nothing new coming in: with inflow it never gets there. No value when "
            "nothing was resolved. In 1h mostly chance."
        ),
    ),
    Derived(
        "inflow_ratio", ("window",), (_flow("created") + _flow("reopened")) / _flow("resolved"), "ratio",
        "Is more coming in than going out?",
        traps=(
            "Above 1 the backlog grows, but not exactly: merged, deleted, spam, seeded and restored tickets move "
            "it too. No value when nothing was resolved."
        ),
    ),
)  # fmt: skip
