"""Alerts about the desk: answers, promises, backlog, intake."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from metrics_core.derived.formulas import Term
from streams.alerting import places
from streams.alerting.alert import HOUR_S, KEEP_PAGE_S, KEEP_TICKET_S, MINUTE_S, Alert, Terms, one, recorded

#: below it one late answer more or less moves the share by over a tenth
LEAST_OUTCOMES: Final = 10
_FIRST: Final = {"target": "first_response"}


def helpdesk_alerts(terms: Terms) -> Iterator[Alert]:
    """All of them."""
    yield _burn_fast(terms)


def _outcomes(window: str, **where: str) -> Term:
    return Term("sla_outcomes", {**_FIRST, "window": window, **where})


def _late(window: str) -> str:
    return f"1 - {recorded('first_response_attainment', window=window)}"


def _burn_fast(terms: Terms) -> Alert:
    goals = terms.policy.goals
    return Alert(
        "DeskpulseFirstResponseBurnFast",
        terms.guarded(
            (
                f"{_late('1h')} > {goals.late_fast}",
                f"{_late('24h')} > {goals.late_fast}",
                f"{terms.sum(_outcomes('1h'))} >= {LEAST_OUTCOMES}",
            ),
            "helpdesk",
        ),
        "page", "oncall", "business",
        summary=(
            "{{ $value | humanizePercentage }} of the first responses due in the last hour were late; the target is "
            f"at most {goals.budget:.4g}".replace(f"{goals.budget:.4g}", _percent(goals.budget)) + "."
        ),
        counts=(
            "Promised first responses that came or fell due in the last hour; a ticket that still has time counts "
            "as neither kept nor late. The last 24 hours are as bad: "
            f"{one(_late('24h'), 'humanizePercentage')} late."
        ),
        detail=terms.breakdown("Late in the last hour", _outcomes("1h", outcome="breached")),
        fires=(
            f"More than {_percent(goals.late_fast)} of the first responses due are late, in the last hour and in the "
            f"last 24 hours, of at least {LEAST_OUTCOMES} in the hour."
        ),
        goal="`burn_fast` times what `attainment` leaves over",
        why=(
            "The short window says that it goes on, the long one that it matters: a day at three times the budget "
            "spends a tenth of a month's. Small desks do not reach the count; overdue and oldest unanswered do for "
            "them."
        ),
        place=places.BURN,
        for_s=5 * MINUTE_S,
        keep_s=KEEP_PAGE_S,
    )  # fmt: skip


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
