"""Support live: what comes in, what goes out, who waits."""

from __future__ import annotations

from grafana.board import Board
from grafana.panels import (
    COUNT,
    DAYS,
    GREEN,
    ORANGE,
    RATIO,
    RED,
    SECONDS,
    Panel,
    Sized,
    bars,
    compared,
    graph,
    heat,
    number,
    past,
)
from grafana.queries import Queries
from grafana.variables import TICKETS
from metrics_core.policy.promises import promises
from streams.alerting import places


def board(queries: Queries) -> Board:
    """The board that is open all day."""
    asked = queries.of(*TICKETS, "window", "clock")
    made = Board(
        places.LIVE, "Support live", "Intake, backlog and waiting, as of now and against a week ago.", asked
    )
    made.header()
    made.add(*_now(asked))
    made.row("In and out")
    made.add(*_flow(asked))
    made.row("Waiting for a first answer")
    made.add(*_first_response(asked))
    made.row("Backlog")
    made.add(*_backlog(asked))
    return made


def _now(asked: Queries) -> list[Sized]:
    patience_s = promises(asked.policy).longest_s
    return [
        number(Panel(
            10, "Open", compared(asked, lambda q: q.series("open_tickets")), COUNT,
            link=places.BACKLOG_BY_GROUP,
        )),
        number(Panel(
            11, "Waiting for an answer",
            compared(asked, lambda q: q.series("unanswered_tickets")), COUNT,
            link=places.QUEUE,
        )),
        number(Panel(
            12, "Nobody's", compared(asked, lambda q: q.series("unassigned_tickets")),
            COUNT, "Nobody has taken them.", link=places.QUEUE,
        )),
        number(Panel(
            13, "Longest wait", (asked.series("oldest_unanswered_timestamp_seconds").since(),), SECONDS,
            "Against the most patient first response of the policy.", GREEN,
            ((patience_s / 2, ORANGE), (patience_s, RED)), places.QUEUE, 1, no_value="nobody waits",
        )),
    ]  # fmt: skip


def _flow(asked: Queries) -> list[Sized]:
    goals = asked.policy.goals
    flows = ("created", "reopened", "resolved")
    before = asked.week_ago
    return [
        graph(Panel(
            places.INTAKE.panel, "Intake against resolved",
            (
                *(asked.series("tickets", "window", flow=flow).named(flow) for flow in flows),
                past(before.series("tickets", "window", flow="created"), "created"),
            ),
            COUNT, "Each point counts the window before it.", link=places.QUEUE,
        )),
        graph(Panel(
            places.INFLOW.panel, "In for each out",
            compared(asked, lambda q: q.metric("inflow_ratio")), "none",
            steps=((goals.inflow, RED),), link=places.QUEUE,
        ), width=8),
        number(Panel(
            28, "Days to clear", compared(asked, lambda q: q.metric("days_to_clear")),
            DAYS, base=GREEN, steps=((goals.days_to_clear / 2, ORANGE), (goals.days_to_clear, RED)),
            link=places.QUEUE, decimals=1,
        ), height=8),
        graph(Panel(
            29, "Messages by who wrote them", (asked.series("messages", "window", "actor"),), COUNT,
        )),
        bars(Panel(
            30, "Where tickets come from", (asked.metric("channel_share"),), RATIO, least=0, most=1,
        ), width=12),
    ]  # fmt: skip


def _first_response(asked: Queries) -> list[Sized]:
    promised = promises(asked.policy).first_response_s
    names = {
        channel: {
            "thresholds": {
                "mode": "absolute",
                "steps": [{"value": None, "color": GREEN}, {"value": target_s, "color": RED}],
            }
        }
        for channel, target_s in promised.items()
    }
    listed = ", ".join(f"{channel} {target_s:,} s" for channel, target_s in promised.items())
    said = f"Green within the promise of the policy, red beyond: {listed}. Grey: none is promised."
    before = asked.week_ago
    return [
        graph(Panel(
            places.FIRST_RESPONSE.panel, "First response, typical and unlucky",
            (
                asked.metric("first_response_p50").named("p50"),
                asked.metric("first_response_p90").named("p90"),
                past(before.metric("first_response_p90"), "p90"),
            ),
            SECONDS, link=places.SLA,
        )),
        bars(Panel(
            25, "First response p90 by channel, against its target",
            (asked.metric("first_response_p90", "channel"),), SECONDS,
            said, least=0, names=names,
        ), width=6),
        bars(Panel(
            32, "First response p50 by channel, against its target",
            (asked.metric("first_response_p50", "channel"),), SECONDS,
            said, least=0, names=names,
        ), width=6),
    ]  # fmt: skip


def _backlog(asked: Queries) -> list[Sized]:
    before = asked.week_ago
    return [
        graph(Panel(
            places.BACKLOG_BY_GROUP.panel, "Open by group",
            (asked.series("open_tickets", "group"), past(before.series("open_tickets"), "all")), COUNT,
            link=places.QUEUE,
        ), stacked=True),
        graph(Panel(
            23, "Open by channel",
            (
                asked.series("open_tickets", "channel"),
                past(before.series("open_tickets"), "all"),
            ),
            COUNT, link=places.QUEUE,
        ), stacked=True),
        heat(Panel(
            26, "Age of the backlog", (asked.buckets("open_ticket_age_seconds"),), SECONDS,
            "Open tickets by age, over time: a warm band that climbs is a batch that nobody gets to.",
        ), width=16),
        bars(Panel(
            places.BACKLOG_OLDER.panel, "Open longer than", (asked.metric("backlog").named("{{older_than}} s"),),
            COUNT, least=0,
        ), height=9),
        graph(Panel(
            31, "Age of the oldest open ticket",
            (asked.series("oldest_open_timestamp_seconds", "group").since(),), SECONDS,
            no_value="none is open", link=places.QUEUE,
        ), width=24),
    ]  # fmt: skip
