"""Alerts about answers and promises of the desk, and about complaints."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from metrics_core.derived.formulas import Term
from streams.alerting import places
from streams.alerting.alert import (
    HOUR_S,
    KEEP_PAGE_S,
    KEEP_TICKET_S,
    MINUTE_S,
    Alert,
    Terms,
    lasting,
    one,
    percent,
    recorded,
)
from streams.alerting.places import Place

#: fewer outcomes, clocks at risk or complaints make a share that one ticket moves by a tenth and more
LEAST_COUNTED: Final = 10
_FIRST: Final = {"target": "first_response"}


def helpdesk_alerts(terms: Terms) -> Iterator[Alert]:
    """All of them, pages first."""
    yield _burn_fast(terms)
    yield _overdue(terms)
    yield _oldest_unanswered(terms)
    yield _burn_slow(terms)
    yield _at_risk(terms)
    yield _complaint_escalation(terms)


def _outcomes(window: str, **where: str) -> Term:
    return Term("sla_outcomes", {**_FIRST, "window": window, **where})


def _in_time(window: str) -> str:
    return recorded("first_response_attainment", window=window)


def _burn_fast(terms: Terms) -> Alert:
    goals = terms.policy.goals
    return Alert(
        "DeskpulseFirstResponseBurnFast",
        terms.guarded(
            (
                f"{_in_time('1h')} < {goals.in_time_fast}",
                f"{_in_time('24h')} < {goals.in_time_fast}",
                f"{terms.sum(_outcomes('1h'))} >= {LEAST_COUNTED}",
            ),
            "helpdesk",
        ),
        "page", "oncall", "business",
        summary=(
            "{{ $value | humanizePercentage }} of the first responses due in the last hour were in time; the "
            f"target is {percent(goals.attainment)}."
        ),
        counts=(
            "First responses that were promised and came or fell due in the last hour; what still has time is not "
            f"in it. In the last 24 hours {one(_in_time('24h'), 'humanizePercentage')} were in time; somebody is "
            f"called below {percent(goals.in_time_fast)}."
        ),
        detail=terms.breakdown("Late in the last hour", _outcomes("1h", outcome="breached")),
        fires=(
            f"Less than {percent(goals.in_time_fast)} of the first responses that came or fell due were in time, "
            f"in the last hour and in the last 24 hours, of at least {LEAST_COUNTED} in the hour."
        ),
        goal="`attainment`, and `burn_fast` times what it leaves over",
        why=(
            "The short window says that it goes on, the long one that it matters: a day at three times the budget "
            "takes a tenth of a month's. A small desk does not reach the count: what is overdue calls there."
        ),
        place=places.BURN,
        for_s=5 * MINUTE_S,
        keep_s=KEEP_PAGE_S,
    )  # fmt: skip


def _burn_slow(terms: Terms) -> Alert:
    goals = terms.policy.goals
    return Alert(
        "DeskpulseFirstResponseBurnSlow",
        terms.guarded(
            (
                f"{_in_time('24h')} < {goals.attainment}",
                f"{_in_time('7d')} < {goals.attainment}",
                f"{terms.sum(_outcomes('24h'))} >= {LEAST_COUNTED}",
            ),
            "helpdesk",
        ),
        "ticket", "support", "business",
        summary=(
            "{{ $value | humanizePercentage }} of the first responses due in the last 24 hours were in time; the "
            f"target is {percent(goals.attainment)}."
        ),
        counts=(
            "First responses that were promised and came or fell due in the last 24 hours; what still has time is "
            f"not in it. In the last 7 days {one(_in_time('7d'), 'humanizePercentage')} were in time: at this pace "
            "the month ends below the target."
        ),
        detail=terms.breakdown("Late in the last 24 hours", _outcomes("24h", outcome="breached")),
        fires=(
            f"Less than {percent(goals.attainment)} of the first responses that came or fell due were in time, in "
            f"the last 24 hours and in the last 7 days, of at least {LEAST_COUNTED} in the 24 hours."
        ),
        goal="`attainment`",
        why="A week and the last day: neither one bad day nor a bad week that is over.",
        place=places.BURN,
        for_s=HOUR_S,
        keep_s=KEEP_TICKET_S,
    )  # fmt: skip


def _overdue(terms: Terms) -> Alert:
    most = terms.policy.goals.overdue
    overdue = Term("sla_clocks", {**_FIRST, "state": "breached"})
    return Alert(
        "DeskpulseFirstResponseOverdue",
        terms.guarded((f"{terms.sum(overdue)} > {most}",), "helpdesk"),
        "page", "oncall", "business",
        summary=f"{{{{ $value }}}} tickets wait past their promised first response; at most {most} may.",
        counts=(
            "Open tickets that were promised a first response, have none and are past the deadline now. Late "
            "answers that have come, and tickets that nothing was promised for, are not in it."
        ),
        detail=terms.breakdown("Overdue", overdue),
        fires=f"More than {most} tickets wait past the deadline of their first response.",
        goal="`overdue`; deadlines: `first_response_s` of the service levels",
        why="Ten minutes, so that what one shift's change leaves lying for a moment calls nobody.",
        place=places.OVERDUE,
        for_s=10 * MINUTE_S,
        keep_s=KEEP_PAGE_S,
    )  # fmt: skip


def _oldest_unanswered(terms: Terms) -> Alert:
    most_s = terms.promises.oldest_unanswered_s
    since = Term("oldest_unanswered_timestamp_seconds")
    return Alert(
        "DeskpulseOldestUnanswered",
        terms.guarded((f"time() - {terms.sum(since)} > {most_s}",), "helpdesk"),
        "page", "oncall", "business",
        summary=(
            f"A customer has waited {{{{ $value | humanizeDuration }}}} for an answer; the limit is "
            f"{lasting(most_s)}."
        ),
        counts=(
            "Time since the longest waiting customer of an open ticket wrote, nights and weekends included. A "
            "private note or a bot's message is no answer."
        ),
        detail=terms.longest("Longest waits", since),
        fires=f"A customer waits for an answer, the first or a later one, for more than {lasting(most_s)}.",
        goal="`oldest_unanswered_s`; unset: twice the longest `first_response_s` of the service levels",
        why="A wait only grows: the minutes are for an answer that is just being counted.",
        place=places.LONGEST_WAIT,
        for_s=5 * MINUTE_S,
        keep_s=KEEP_PAGE_S,
    )  # fmt: skip


def _at_risk(terms: Terms) -> Alert:
    most = terms.policy.goals.at_risk_share
    at_risk = Term("sla_clocks", {"state": "at_risk"})
    running = at_risk + Term("sla_clocks", {"state": "running"})
    return Alert(
        "DeskpulseSlaAtRisk",
        terms.guarded(
            (
                f"{terms.sum(at_risk)} / {terms.sum(running)} > {most}",
                f"{terms.sum(at_risk)} >= {LEAST_COUNTED}",
            ),
            "helpdesk",
        ),
        "ticket", "support", "business",
        summary=(
            "{{ $value | humanizePercentage }} of the promises that can still be kept are about to break; "
            f"{percent(most)} is usual at most."
        ),
        counts=(
            f"{one(terms.sum(at_risk))} clocks of first responses, replies and resolutions have used most of their "
            "time, as each service level says. What is overdue already and what is paused is not in it; a ticket "
            "with several promises counts for each."
        ),
        detail=terms.breakdown("At risk", at_risk),
        fires=(
            f"More than {percent(most)} of the running clocks are at risk, and at least {LEAST_COUNTED} of them."
        ),
        goal="`at_risk_share`; at risk: `at_risk_percent` and `at_risk_left_s` of the service levels",
        why=(
            "If nobody answered anything before its deadline and tickets came evenly, a quarter of the clocks "
            "would have used three quarters of their time: below a quarter, this comes before the promises break."
        ),
        place=places.AT_RISK,
        for_s=15 * MINUTE_S,
        keep_s=KEEP_TICKET_S,
    )  # fmt: skip


def _complaint_escalation(terms: Terms) -> Alert:
    most = terms.policy.goals.escalation
    place: Place = places.COMPLAINT_ESCALATION

    def complaints(flow: str) -> Term:
        return Term("complaints", {"window": "7d", "flow": flow})

    return Alert(
        "DeskpulseComplaintEscalation",
        terms.guarded(
            (
                f"{recorded('complaint_escalation_rate', window='7d')} > {most}",
                f"{terms.sum(complaints('opened'))} >= {LEAST_COUNTED}",
            ),
            "helpdesk",
        ),
        "ticket", "support", "business",
        summary=(
            "{{ $value | humanizePercentage }} of the complaints of 7 days were escalated; at most "
            f"{percent(most)} may be."
        ),
        counts=(
            f"{one(terms.sum(complaints('escalated')))} complaints were escalated in the last 7 days, "
            f"{one(terms.sum(complaints('opened')))} were opened. Each counts once, however often it is escalated; "
            "one that was opened earlier counts as escalated when it is."
        ),
        detail=terms.breakdown("Escalated", complaints("escalated")),
        fires=(
            f"More than {percent(most)} of the complaints of the last 7 days were escalated, of at least "
            f"{LEAST_COUNTED} opened."
        ),
        goal="`escalation`",
        why="Complaints are few: a week gives enough of them, and an hour that no single one decides.",
        place=place,
        for_s=HOUR_S,
        keep_s=KEEP_TICKET_S,
        variables={"window": "7d"},
    )  # fmt: skip
