"""The wallboard: six numbers that a room can act on, each with its target."""

from __future__ import annotations

from grafana.board import Board
from grafana.panels import GREEN, ORANGE, RATIO, RED, SECONDS, Panel, number
from grafana.queries import Queries, Query
from metrics_core.policy.promises import promises
from streams.alerting import places

_WIDTH, _HEIGHT = 8, 9


def board(queries: Queries) -> Board:
    """Readable from five metres: no variable needs to be touched, two may be set in the address."""
    goals = queries.policy.goals
    asked = queries.of("group", "channel")
    day, week = asked.pin(window="24h"), asked.pin(window="7d")
    made = Board(
        places.WALLBOARD,
        "Wallboard",
        "Six numbers and their targets, for a screen on the wall. ?var-group=billing&kiosk shows one group.",
        asked,
        refresh="10s",
    )
    made.header(width=12, height=3)
    overdue = asked.series("sla_clocks", state="breached")
    patience_s = promises(queries.policy).longest_s

    def big(
        id: int, title: str, query: Query, unit: str, note: str, colors: tuple[str, ...], *at: float,
        link: places.Place | str, decimals: int | None = None,
    ) -> None:  # fmt: skip
        steps = tuple(zip(at, colors[1:], strict=True))
        spec = Panel(id, title, (query,), unit, note, colors[0], steps, link, decimals)
        made.add(number(spec, width=_WIDTH, height=_HEIGHT, big=True))

    big(
        10, "Overdue now (target 0)", overdue, "none",
        "Promises past their deadline that still wait: first responses, replies and resolutions.",
        (GREEN, RED), 1, link=places.OVERDUE,
    )  # fmt: skip
    big(
        11, f"Longest wait (target {_hours(patience_s)})",
        asked.series("oldest_unanswered_timestamp_seconds").since(), SECONDS,
        "Since the longest waiting customer wrote. The target is the most patient promise of the policy; no value "
        "when nobody waits.",
        (GREEN, ORANGE, RED), patience_s / 2, patience_s, link=places.LONGEST_WAIT, decimals=1,
    )  # fmt: skip
    big(
        12, f"Answered in time, 24 h (target {goals.attainment:.0%})", day.metric("first_response_attainment"),
        RATIO,
        "First responses within what was promised to the channel, of the last 24 hours.",
        (RED, ORANGE, GREEN), goals.attainment - 0.05, goals.attainment, link=places.ATTAINMENT, decimals=0,
    )  # fmt: skip
    big(
        13, f"Days to clear, 7 d (target {goals.days_to_clear:g})", week.metric("days_to_clear"), "d",
        "Open tickets over those resolved a day, of the last 7 days.",
        (GREEN, ORANGE, RED), goals.days_to_clear / 2, goals.days_to_clear, link=places.BACKLOG_BY_GROUP,
        decimals=1,
    )  # fmt: skip
    big(
        14, f"In for each out, 24 h (target {goals.inflow:g})", day.metric("inflow_ratio"), "none",
        "Tickets created and reopened for each one resolved, of the last 24 hours.",
        (GREEN, ORANGE, RED), goals.inflow, 1.2 * goals.inflow, link=places.INFLOW, decimals=2,
    )  # fmt: skip
    big(
        15, f"Satisfied, 7 d (target {goals.csat:.0%})", week.metric("csat"), RATIO,
        "Positive answers of all answers, of the last 7 days.",
        (RED, ORANGE, GREEN), goals.csat - 0.1, goals.csat, link=places.SATISFACTION, decimals=0,
    )  # fmt: skip
    return made


def _hours(seconds: int) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min"
