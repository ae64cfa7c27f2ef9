"""Queue detail: where the work lies and how long it takes there."""

from __future__ import annotations

from grafana.board import Board
from grafana.panels import COUNT, DAYS, RATIO, RED, SECONDS, Panel, Sized, bars, graph, grid, number
from grafana.queries import Queries, Query
from grafana.variables import TICKETS
from streams.alerting import places


def board(queries: Queries) -> Board:
    """Behind each number of the live board."""
    asked = queries.of(*TICKETS, "window", "clock")
    made = Board(places.QUEUE, "Queue detail", "Groups, channels and priorities one by one, and durations.", asked)
    made.header()
    made.add(*_now(asked))
    made.row("Who has what")
    made.add(_queues(asked, 14, "group", "Queues by group"), _queues(asked, 15, "channel", "Queues by channel"))
    made.add(
        *(
            graph(
                Panel(id, f"Open by {label}", (asked.series("open_tickets", label),), COUNT),
                stacked=True,
            )
            for id, label in ((16, "status"), (17, "priority"))
        )
    )
    made.row("What moved")
    made.add(*_flow(asked))
    made.row("How long it takes")
    made.add(*_durations(asked))
    return made


def _now(asked: Queries) -> list[Sized]:
    counted = "How many durations are behind the percentiles below: of a handful, a percentile says nothing."
    return [
        number(Panel(10, "Reopened for each resolved", (asked.metric("reopen_rate"),), RATIO, decimals=1)),
        number(Panel(11, "Solved with one answer", (asked.metric("one_touch_rate"),), RATIO, decimals=1)),
        number(Panel(
            12, "First answers counted",
            (asked.observed("first_response_seconds", "window", "clock"),), COUNT, counted,
        )),
        number(Panel(
            13, "Mean first response", (asked.metric("first_response_mean"),), SECONDS, link=places.FIRST_RESPONSE,
        )),
    ]  # fmt: skip


def _queues(asked: Queries, id: int, label: str, title: str) -> Sized:
    columns: list[tuple[str, Query, str]] = [
        ("Open", asked.series("open_tickets", label), COUNT),
        ("Waiting", asked.series("unanswered_tickets", label), COUNT),
        ("Nobody's", asked.series("unassigned_tickets", label), COUNT),
        ("Longest wait", asked.series("oldest_unanswered_timestamp_seconds", label).since(), SECONDS),
        ("At risk", asked.series("sla_clocks", label, state="at_risk"), COUNT),
        ("Overdue", asked.series("sla_clocks", label, state="breached"), COUNT),
        ("Created", asked.series("tickets", label, "window", flow="created"), COUNT),
        ("Resolved", asked.series("tickets", label, "window", flow="resolved"), COUNT),
        ("First response p90", asked.metric("first_response_p90", label), SECONDS),
        ("Days to clear", asked.metric("days_to_clear", label), DAYS),
    ]
    red = {"steps": [{"value": None, "color": "text"}, {"value": 1, "color": RED}], "mode": "absolute"}
    names: dict[str, dict[str, object]] = {name: {"unit": unit} for name, _, unit in columns}
    names["Overdue"] |= {"thresholds": red, "custom.cellOptions": {"type": "color-text"}}
    link = (
        f"/d/{places.QUEUE}?${{__url_time_range}}&${{datasource:queryparam}}&var-{label}=${{__data.fields.{label}}}"
    )
    names[label] = {"links": [{"title": "This one alone", "url": link}]}
    queries = tuple(query.named(name) for name, query, _ in columns)
    return grid(Panel(id, title, queries, COUNT, names=names, no_value="-"), rows=(label,))


def _flow(asked: Queries) -> list[Sized]:
    note = "Every transition of the window; the backlog is what came in less what went out."
    return [
        bars(Panel(20, "Transitions", (asked.series("tickets", "window", "flow"),), COUNT, note)),
        bars(Panel(
            21, "Reopened for each resolved, by group", (asked.metric("reopen_rate", "group"),),
            RATIO, least=0,
        )),
        bars(Panel(
            22, "Solved with one answer, by group", (asked.metric("one_touch_rate", "group"),),
            RATIO, least=0, most=1,
        )),
    ]  # fmt: skip


def _durations(asked: Queries) -> list[Sized]:
    note = "Read full beside first: what lies between is the time after a reopen."
    lines = [("p50", "resolution_p50"), ("p90", "resolution_p90"), ("mean", "resolution_mean")]
    waits = [("p50", "reply_wait_p50"), ("p90", "reply_wait_p90")]
    return [
        graph(Panel(
            places.RESOLUTION_TIME.panel, "Resolution",
            tuple(asked.metric(name).named(f"{said}, {{{{resolution}}}}") for said, name in lines), SECONDS, note,
        ), height=9),
        graph(Panel(
            31, "Wait for any reply", tuple(asked.metric(name).named(said) for said, name in waits), SECONDS,
        ), height=9),
        bars(Panel(
            32, "First response p90 by group", (asked.metric("first_response_p90", "group"),), SECONDS,
            least=0,
        )),
        bars(Panel(
            33, "Resolution p90 by group, first",
            (asked.pin(resolution="first").metric("resolution_p90", "group"),), SECONDS, least=0,
        )),
        bars(Panel(
            34, "Wait for any reply p90 by group", (asked.metric("reply_wait_p90", "group"),), SECONDS,
            least=0,
        )),
        bars(Panel(
            35, "Resolutions and replies counted",
            (
                asked.observed("resolution_seconds", "window", "clock", "resolution")
                .named("resolution, {{resolution}}"),
                asked.observed("reply_wait_seconds", "window", "clock").named("reply"),
            ),
            COUNT, "How many durations are behind the percentiles beside it.", least=0,
        ), width=24, height=5),
    ]  # fmt: skip
