"""Satisfaction and complaints: what customers say when asked, and when not.

A survey of a ticket has a group and a channel, and a priority only where the ticket itself was rated; what
customers think of the company belongs to no group. Each panel follows the choices that its answers carry.
"""

from __future__ import annotations

from grafana.board import Board
from grafana.panels import COUNT, GREEN, ORANGE, RATIO, RED, Panel, Sized, bars, compared, graph, grid, number
from grafana.queries import Queries
from grafana.variables import TICKETS
from streams.alerting import places

#: what surveys of tickets can be narrowed to
_SURVEYED = ("group", "channel", "window")


def board(queries: Queries) -> Board:
    """Scores first, then the answers behind them, then complaints."""
    asked = queries.of(*TICKETS, "window")
    made = Board(
        places.SATISFACTION,
        "Satisfaction and complaints",
        "Surveys and complaints.",
        asked,
        since="now-7d",
        refresh="1m",
    )
    made.header()
    made.add(*_now(asked))
    made.row("Answers")
    made.add(*_answers(asked))
    made.row("How we are seen")
    made.add(*_brand(asked))
    made.row("Complaints")
    made.add(*_complaints(asked))
    return made


def _now(asked: Queries) -> list[Sized]:
    goals = asked.policy.goals
    surveyed, company = asked.of(*_SURVEYED), asked.of("window")
    return [
        number(Panel(
            10, "Satisfied", compared(asked, lambda q: q.metric("csat")), RATIO, f"Target {goals.csat:.0%}.", RED,
            ((goals.csat - 0.1, ORANGE), (goals.csat, GREEN)), decimals=1,
        )),
        number(Panel(
            11, "Better than before", (asked.metric("satisfaction_improvement"),), RATIO, base=RED,
            steps=((0, GREEN),), decimals=1,
        )),
        number(Panel(
            12, "Would recommend us", compared(company, lambda q: q.metric("nps").over(0.01)), "none",
            "Net promoter score as it is printed, from -100 to 100.", RED, ((0, ORANGE), (30, GREEN)), decimals=0,
        )),
        number(Panel(13, "Easy to get help", compared(surveyed, lambda q: q.metric("ces")), RATIO, decimals=1)),
    ]  # fmt: skip


def _answers(asked: Queries) -> list[Sized]:
    goals = asked.policy.goals
    surveyed, company = asked.of(*_SURVEYED), asked.of("window")
    sent = company.series("surveys_sent", "window", "survey").named("Sent")
    answered = company.series("survey_answers", "window", "survey").named("Answered")
    rate = company.metric("survey_response_rate").named("Rate")
    scores = ("window", "survey", "scale")
    return [
        graph(Panel(
            20, "Satisfied over time",
            (asked.metric("csat").named("satisfied"), surveyed.metric("ces").named("ease")), RATIO,
            steps=((goals.csat, GREEN),), least=0, most=1,
        )),
        bars(Panel(
            21, "Satisfied by group", (asked.metric("csat", "group"),), RATIO, base=RED,
            steps=((goals.csat - 0.1, ORANGE), (goals.csat, GREEN)), least=0, most=1,
        ), width=12),
        bars(Panel(
            22, "Answers to csat", (asked.series("survey_answers", "window", "class", survey="csat"),), COUNT,
            least=0,
        ), width=6),
        bars(Panel(
            23, "Answers to nps", (company.series("survey_answers", "window", "class", survey="nps"),), COUNT,
            least=0,
        ), width=6),
        grid(Panel(
            24, "Asked and answered", (sent, answered, rate), COUNT, names={"Rate": {"unit": RATIO}}, no_value="-",
        ), rows=("survey",), width=6),
        grid(Panel(
            25, "Scores",
            (
                company.series("survey_score_sum", *scores).named("Sum"),
                company.series("survey_answers", *scores).named("Answers"),
            ),
            COUNT, "Sums by scale: scores on different scales are never added up.", no_value="-",
        ), rows=scores[1:], width=6),
    ]  # fmt: skip


def _brand(asked: Queries) -> list[Sized]:
    company = asked.of("window")
    return [
        bars(Panel(30, "How we are seen", (company.metric("brand_score"),), RATIO, least=0, most=1), width=12),
        bars(Panel(
            31, "Ahead of and behind competitors", (company.metric("competitor_gap"),), RATIO, base=RED,
            steps=((0, GREEN),),
        ), width=12),
    ]  # fmt: skip


def _complaints(asked: Queries) -> list[Sized]:
    goals = asked.policy.goals
    return [
        number(Panel(
            32, "Open complaints", compared(asked, lambda q: q.series("open_complaints")), COUNT, link=places.QUEUE,
        ), height=8),
        number(Panel(
            places.COMPLAINT_ESCALATION.panel, "Out of hand",
            compared(asked, lambda q: q.metric("complaint_escalation_rate")), RATIO,
            f"Target: at most {goals.escalation:.0%}.", GREEN, ((goals.escalation, RED),), decimals=1,
        ), height=8),
        graph(Panel(34, "Complaints", (asked.series("complaints", "window", "flow"),), COUNT), width=8),
        bars(Panel(
            35, "Complaints by category", (asked.series("complaints", "window", "category", flow="opened"),), COUNT,
            least=0,
        ), width=4),
        bars(Panel(
            36, "Open by category", (asked.series("open_complaints", "category"),), COUNT, least=0,
        ), width=4),
    ]  # fmt: skip
