"""Team: who is there, and how much work there is for them. Never a ranking of people."""

from __future__ import annotations

from grafana.board import Board
from grafana.panels import COUNT, RATIO, Panel, Sized, bars, compared, graph, number
from grafana.queries import Queries
from metrics_core.derived.formulas import Term
from streams.alerting import places

_TICKETS_AN_AGENT = "none"


def board(queries: Queries) -> Board:
    """By group, as agents have one."""
    asked = queries.of("group", "window")
    made = Board(places.TEAM, "Team", "Agents, what they have to do, and who came and left.", asked, refresh="1m")
    made.header()
    made.add(*_now(asked))
    made.row("Work")
    made.add(*_work(asked))
    made.row("Who came and who left")
    made.add(*_changes(asked))
    return made


def _now(asked: Queries) -> list[Sized]:
    return [
        number(Panel(10, "Agents by status", (asked.series("agents", "status"),), COUNT), width=8),
        number(Panel(11, "Employed", compared(asked, lambda q: q.series("agents_employed")), COUNT)),
        number(Panel(
            12, "Solved by each", compared(asked, lambda q: q.metric("employee_productivity")), _TICKETS_AN_AGENT,
            decimals=1,
        )),
    ]  # fmt: skip


def _work(asked: Queries) -> list[Sized]:
    load = asked.formula(
        Term("unanswered_tickets") / Term("agents", {"status": "online"}),
        "group",
        shows=("unanswered_tickets", "agents"),
    )
    return [
        graph(Panel(20, "Agents online by group", (asked.series("agents", "group", status="online"),), COUNT)),
        bars(Panel(
            21, "Waiting tickets for each agent online", (load.named("{{group}}"),), _TICKETS_AN_AGENT,
            "Customers who wait for an answer, over agents who are online: where help is needed now. No value "
            "where nobody is online.", least=0, link=places.QUEUE,
        ), width=6),
        bars(Panel(
            22, "Employed by group", (asked.series("agents_employed", "group"),), COUNT, least=0,
        ), width=6),
        bars(Panel(
            23, "Solved by each, by group", (asked.metric("employee_productivity", "group"),), _TICKETS_AN_AGENT,
            least=0,
        )),
        bars(Panel(
            24, "Messages by agents, by group", (asked.series("messages", "window", "group", actor="agent"),),
            COUNT,
            least=0,
        )),
        bars(Panel(
            25, "Solved with one answer, by group", (asked.metric("one_touch_rate", "group"),), RATIO, least=0,
            most=1,
        )),
    ]  # fmt: skip


def _changes(asked: Queries) -> list[Sized]:
    return [
        bars(Panel(
            30, "Joined and left",
            (
                asked.series("agent_changes", "window", "change"),
                asked.series("agents_at_start", "window").named("at the start"),
            ),
            COUNT, least=0,
        )),
        number(Panel(
            31, "Lost", compared(asked, lambda q: q.metric("employee_turnover")), RATIO, decimals=1,
        ), width=8, height=8),
        number(Panel(
            32, "Kept", compared(asked, lambda q: q.metric("employee_retention")), RATIO, decimals=1,
        ), width=8, height=8),
    ]  # fmt: skip
