"""Service levels: what is at risk before it is broken, and what is left of the error budget."""

from __future__ import annotations

from dataclasses import replace

from grafana.board import Board
from grafana.panels import (
    COUNT,
    GREEN,
    ORANGE,
    PLAIN,
    RATIO,
    RED,
    Panel,
    Sized,
    bars,
    compared,
    graph,
    grid,
    number,
)
from grafana.queries import Queries, Query
from grafana.variables import TICKETS
from metrics_core.policy import Goals
from streams.alerting import places

#: attainment that leaves nothing of the budget is a burn of 1
_WINDOWS = ("1h", "24h", "7d", "30d")


def board(queries: Queries) -> Board:
    """At risk first: there something can be done."""
    asked = queries.of(*TICKETS, "window")
    made = Board(places.SLA, "Service levels", "Promises at risk, broken and kept, and the error budget.", asked)
    made.header()
    made.add(*_now(asked))
    made.row("Now")
    made.add(*_clocks(asked))
    made.row("Budget")
    made.add(*_budget(asked))
    made.row("Kept and broken")
    made.add(*_outcomes(asked))
    return made


def _now(asked: Queries) -> list[Sized]:
    goals = asked.policy.goals
    goal = f"Target {goals.attainment:.0%}."
    return [
        number(Panel(
            places.AT_RISK.panel, "At risk", (asked.series("sla_clocks", state="at_risk"),), COUNT,
            "Still to be kept, if somebody begins now.", GREEN, ((1, ORANGE),), places.QUEUE,
        )),
        number(Panel(
            places.OVERDUE.panel, "Overdue", (asked.series("sla_clocks", state="breached"),), COUNT,
            "Past the deadline and still waiting.", GREEN, ((1, RED),), places.QUEUE,
        )),
        number(Panel(
            places.ATTAINMENT.panel, "First responses in time",
            compared(asked, lambda q: q.metric("first_response_attainment")),
            RATIO, goal, RED, ((goals.attainment - 0.05, ORANGE), (goals.attainment, GREEN)), decimals=1,
        )),
        number(Panel(
            13, "Budget left, 30 d", (_left(asked.pin(window="30d")),), RATIO,
            f"Of first responses, {goals.budget:.0%} may be late; what is left of these in the last 30 days. "
            "Below 0 more were late.",
            RED, ((0, ORANGE), (0.25, GREEN)), places.BURN, 0,
        )),
    ]  # fmt: skip


def _left(asked: Queries, *by: str) -> Query:
    query = asked.metric("first_response_attainment", *by)
    return replace(query, expr=f"1 - {_burn(query, asked.policy.goals)}")


def _burn(query: Query, goals: Goals) -> str:
    inner = "\n".join(f"  {line}" for line in query.expr.split("\n"))
    return f"(1 - (\n{inner}\n)) / {goals.budget:g}"


def _clocks(asked: Queries) -> list[Sized]:
    states = (("at_risk", ORANGE), ("breached", RED), ("paused", "gray"), ("running", GREEN))
    colors = {state: {"color": {"mode": "fixed", "fixedColor": color}} for state, color in states}
    return [
        graph(Panel(
            14, "Clocks by state", (asked.series("sla_clocks", "state"),), COUNT, names=colors,
        ), stacked=True),
        bars(Panel(
            15, "At risk by group and target",
            (asked.series("sla_clocks", "group", "target", state="at_risk"),), COUNT,
            base=PLAIN, steps=((1, ORANGE),), least=0, link=places.QUEUE,
        ), width=6),
        bars(Panel(
            16, "Overdue by group and target",
            (asked.series("sla_clocks", "group", "target", state="breached"),), COUNT,
            base=PLAIN, steps=((1, RED),), least=0, link=places.QUEUE,
        ), width=6),
    ]  # fmt: skip


def _budget(asked: Queries) -> list[Sized]:
    goals = asked.policy.goals
    burns = []
    for window in _WINDOWS:
        query = asked.pin(window=window).metric("first_response_attainment")
        burns.append(Query(_burn(query, asked.policy.goals), query.shows, window))
    note = (
        f"Late first responses over those that may be late ({goals.budget:.0%}). At 1 the budget lasts just as "
        "long as the window; above, it is spent faster. Read a short window together with a long one."
    )
    return [
        graph(
            Panel(places.BURN.panel, "Burn of the budget", tuple(burns), "none", note, steps=((1, RED),)), width=16
        ),
        bars(Panel(
            21, "Budget left by group, 30 d",
            (_left(asked.pin(window="30d"), "group"),), RATIO, base=RED, steps=((0, ORANGE), (0.25, GREEN)), most=1,
        )),
    ]  # fmt: skip


def _outcomes(asked: Queries) -> list[Sized]:
    goals = asked.policy.goals
    colors = {
        name: {"color": {"mode": "fixed", "fixedColor": color}}
        for name, color in (("met", GREEN), ("breached", RED))
    }
    rows = ("policy", "target")
    columns = (
        asked.series("sla_outcomes", *rows, "window", outcome="met").named("Kept"),
        asked.series("sla_outcomes", *rows, "window", outcome="breached").named("Broken"),
        asked.metric("sla_attainment", "policy").named("Kept of all"),
        asked.series("sla_clocks", *rows, state="at_risk").named("At risk now"),
        asked.series("sla_clocks", *rows, state="breached").named("Overdue now"),
    )
    return [
        graph(Panel(
            30, "Kept and broken", (asked.series("sla_outcomes", "window", "outcome"),), COUNT,
            names=colors,
        )),
        graph(Panel(
            31, "Kept, by target", (asked.metric("sla_attainment"),), RATIO,
            steps=((goals.attainment, GREEN),), most=1,
        )),
        bars(Panel(
            32, "First responses in time, by group",
            (asked.metric("first_response_attainment", "group"),), RATIO, base=RED,
            steps=((goals.attainment - 0.05, ORANGE), (goals.attainment, GREEN)), least=0, most=1,
        ), width=12),
        grid(Panel(
            33, "Service levels one by one", columns, COUNT, names={"Kept of all": {"unit": RATIO}}, no_value="-",
        ), rows=rows, width=12),
    ]  # fmt: skip
