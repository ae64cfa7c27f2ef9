"""Alerts about what piles up: open tickets, more in than out, slow solutions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from metrics_core.derived.formulas import Formula, Term
from metrics_core.grid import EDGES_S
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

#: fewer open tickets than these are nobody's emergency, however slow the pace
_LEAST_OPEN: Final = 20
#: what is filling up is near its limit, and has grown by more than chance in a day and in a week
_NEAR: Final = 0.8
_GROWN: Final = 0.05
#: more in than out: by so much in a day, which a weekend alone can bring, and in a week, which it cannot
_DAY_OVER: Final = 1.2
_WEEK_OVER: Final = 1.1
_LEAST_CAME_IN: Final = 50
#: resolutions without which a tenth of them is no number
_LEAST_RESOLVED: Final = 20

_OPEN: Final = Term("open_tickets")


def backlog_alerts(terms: Terms) -> Iterator[Alert]:
    """All of them, pages first."""
    yield _high(terms)
    yield _filling_up(terms)
    yield _inflow(terms)
    yield _resolution_slow(terms)


def _flow(flow: str, window: str) -> Formula:
    return Term("tickets", {"window": window, "flow": flow})


def _limit(terms: Terms) -> str:
    """Query of the most open tickets."""
    goals = terms.policy.goals
    if goals.backlog is not None:
        return str(goals.backlog)
    return f"{goals.days_to_clear!r} * {terms.sum(_flow('resolved', '7d'))} / 7"


def _week_known(terms: Terms) -> str:
    """A row once a whole week has been counted: there are tickets from before it. Until then more comes in than can
    have gone out, and the pace of a week is that of some days."""
    longer, week = (terms.sum(_flow("created", window)) for window in ("30d", "7d"))
    return f"{longer} > {week}"


def _grown(terms: Terms, window: str) -> str:
    """Query of how many open tickets a window has added, imported ones left out."""
    came = _flow("created", window) + _flow("reopened", window) + _flow("restored", window)
    left = _flow("resolved", window) + _flow("merged", window) + _flow("deleted", window) + _flow("spam", window)
    return f"{terms.sum(came)} - {terms.sum(left)}"


def _limit_in_words(terms: Terms) -> tuple[str, str]:
    """The limit in an alert's summary, and in the catalogue."""
    goals = terms.policy.goals
    if goals.backlog is not None:
        return f"{goals.backlog}", f"{goals.backlog} tickets"
    days = f"{goals.days_to_clear:g} days"
    said = f"what {days} take at the pace of the last 7 days"
    return f"{one(_limit(terms), 'printf `%.0f`')}, {said}", said


def _high(terms: Terms) -> Alert:
    in_summary, in_words = _limit_in_words(terms)
    conditions, least = [f"{terms.sum(_OPEN)} > {_limit(terms)}"], ""
    if terms.policy.goals.backlog is None:
        conditions += (_week_known(terms), f"{terms.sum(_OPEN)} >= {_LEAST_OPEN}")
        least = f", and at least {_LEAST_OPEN}"
    return Alert(
        "DeskpulseBacklogHigh",
        terms.guarded(conditions, "helpdesk"),
        "page", "oncall", "business",
        summary=f"{{{{ $value }}}} tickets are open; the limit is {in_summary}.",
        counts=(
            "Tickets that are not resolved, closed, merged, deleted or spam, those that wait for the customer "
            "included."
        ),
        detail=terms.breakdown("Open", _OPEN),
        fires=f"More tickets are open than {in_words}{least}.",
        goal="`backlog`; unset: `days_to_clear`, once more than 7 days have been counted",
        why="A batch that is closed by a rule, or imported, settles within a quarter of an hour.",
        place=places.BACKLOG_BY_GROUP,
        for_s=15 * MINUTE_S,
        keep_s=KEEP_PAGE_S,
    )  # fmt: skip


def _filling_up(terms: Terms) -> Alert:
    in_summary, in_words = _limit_in_words(terms)
    day, week = _grown(terms, "24h"), _grown(terms, "7d")
    return Alert(
        "DeskpulseBacklogFillingUp",
        terms.guarded(
            (
                f"{terms.sum(_OPEN)} > {_NEAR} * {_limit(terms)}",
                *(f"{grown} > {_GROWN} * {terms.sum(_OPEN)}" for grown in (day, week)),
                f"{terms.sum(_OPEN)} >= {_LEAST_OPEN}",
                _week_known(terms),
            ),
            "helpdesk",
        ),
        "ticket", "support", "business",
        summary=(
            f"{{{{ $value }}}} tickets are open and they become more: {one(day, 'printf `%+.0f`')} in 24 "
            f"hours; the limit is {in_summary}."
        ),
        counts=(
            "Tickets that are not resolved, closed, merged, deleted or spam. Growth: created, reopened and "
            f"restored less resolved, merged, deleted and spam; {one(week, 'printf `%+.0f`')} in 7 days. "
            "Imported tickets are no growth."
        ),
        detail=terms.breakdown("Open", _OPEN),
        fires=(
            f"Open tickets are above {percent(_NEAR)} of the limit ({in_words}), and have grown by more than "
            f"{percent(_GROWN)} in 24 hours and in 7 days."
        ),
        goal="`backlog`; unset: `days_to_clear`, once more than 7 days have been counted",
        why="Level and trend: a day says that it goes on, a week that it is not the rhythm of the week.",
        place=places.INTAKE,
        for_s=HOUR_S,
        keep_s=KEEP_TICKET_S,
        variables={"window": "24h"},
    )  # fmt: skip


def _inflow(terms: Terms) -> Alert:
    goal = terms.policy.goals.inflow
    day, week = (recorded("inflow_ratio", window=window) for window in ("24h", "7d"))
    came_in = _flow("created", "24h") + _flow("reopened", "24h")
    day_over, week_over = round(_DAY_OVER * goal, 9), round(_WEEK_OVER * goal, 9)
    return Alert(
        "DeskpulseInflowOutpacing",
        terms.guarded(
            (f"{day} > {day_over}", f"{week} > {week_over}", f"{terms.sum(came_in)} >= {_LEAST_CAME_IN}",
             _week_known(terms)),
            "helpdesk",
        ),
        "ticket", "support", "business",
        summary=(
            f'{{{{ $value | printf "%.2f" }}}} tickets came in for each one resolved in 24 hours; the target is '
            f"{goal:g}."
        ),
        counts=(
            "Created and reopened over resolved. Merged, deleted and spam tickets are not taken off. In 7 days it "
            f"was {one(week, 'printf `%.2f`')}."
        ),
        detail=terms.breakdown("Created in 24 hours", _flow("created", "24h")),
        fires=(
            f"More than {day_over:g} tickets came in for each one resolved in 24 hours, more than {week_over:g} "
            f"in 7 days, and at least {_LEAST_CAME_IN} in 24 hours."
        ),
        goal=f"{_DAY_OVER:g} and {_WEEK_OVER:g} times `inflow`",
        why=(
            "About 1 the ratio is chance, and a weekend alone brings a day above it; a tenth more over a whole "
            "week is neither."
        ),
        place=places.INFLOW,
        for_s=HOUR_S,
        keep_s=KEEP_TICKET_S,
        variables={"window": "24h"},
    )  # fmt: skip


def _resolution_slow(terms: Terms) -> Alert:
    promised = terms.promises
    where = {"window": "7d", "clock": promised.resolution_clock, "resolution": "full"}
    # the quantile of a histogram is never beyond the last edge: there, to reach it is to be slower
    over = ">=" if promised.resolution_p90_s == EDGES_S[-1] else ">"
    hours = " of business time" if promised.resolution_clock == "business" else ""
    return Alert(
        "DeskpulseResolutionSlow",
        terms.guarded(
            (
                f"{recorded('resolution_p90', **where)} {over} {promised.resolution_p90_s}",
                f"{terms.sum(Term('resolution_seconds', where, part='gcount'))} >= {_LEAST_RESOLVED}",
            ),
            "helpdesk",
        ),
        "ticket", "support", "business",
        summary=(
            f"One in ten tickets resolved in 7 days took {{{{ $value | humanizeDuration }}}}{hours} or longer; "
            f"the target is {lasting(promised.resolution_p90_s)}."
        ),
        counts=(
            "From the creation to the last resolution of tickets that are resolved; what is still open is not in "
            f"it, and a reopen takes the resolution back. The typical one took "
            f"{one(recorded('resolution_p50', **where), 'humanizeDuration')}. Solving an old backlog raises it."
        ),
        detail=terms.slower("Slower than the target", "resolution_seconds", where, promised.resolution_p90_s),
        fires=(
            f"A tenth of the resolutions of the last 7 days took longer than {lasting(promised.resolution_p90_s)}"
            f"{hours}, of at least {_LEAST_RESOLVED}."
        ),
        goal="`resolution_p90_s`; unset: the longest `resolution_s` of the service levels, else 7 days",
        why="A week, since each day's mix is another.",
        place=places.RESOLUTION_TIME,
        for_s=HOUR_S,
        keep_s=KEEP_TICKET_S,
        variables={"window": "7d", "clock": promised.resolution_clock},
    )  # fmt: skip
