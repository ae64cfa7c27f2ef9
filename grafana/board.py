"""A board: panels in the order in which they are read, and what every board has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common, dashboard

from grafana.panels import GREEN, ORANGE, RED, Panel, Sized, number, worded
from grafana.queries import Queries, Query, about
from grafana.variables import DATASOURCE, SOURCE, variable
from streams.alerting import places
from streams.alerting.rules import alerts_by_place

TAG: Final = "deskpulse"
COLUMNS: Final = 24
#: rows of a board have numbers of their own, which nothing links to
_FIRST_ROW_ID: Final = 900
_READY = "sum by (topic, partition) (deskpulse_partition_ready)"
_FRESH = "max by (topic, partition) (deskpulse_partition_fresh)"
_ALL = "sum(max by (topic) (deskpulse_topic_partitions))"

#: what happened to the monitor itself: name, query, colour, text
_EVENTS: Final = (
    ("Incomplete", "min(deskpulse:complete) == 0", RED, "Not every partition is counted: values are withheld"),
    (
        "Recovered",
        "sum by (instance) (increase(deskpulse_recoveries_total[$__rate_interval])) > 0",
        ORANGE,
        "{{instance}} took partitions over or began anew",
    ),
    (
        "Deployed",
        "count by (version) (deskpulse_build_info) unless count by (version) (deskpulse_build_info offset 5m)",
        "blue",
        "deskpulse {{version}}",
    ),
    (
        "Policy changed",
        "count by (policy) (deskpulse_metric_spec_info) unless "
        "count by (policy) (deskpulse_metric_spec_info offset 5m)",
        "purple",
        "policy {{policy}}: numbers from here on follow it",
    ),
)


@dataclass
class Board:
    """A board under construction; ``labels`` are those that its variables choose."""

    uid: str
    title: str
    about: str
    queries: Queries
    #: how much time its graphs show, and how often it is drawn anew
    since: str = "now-24h"
    refresh: str = "30s"
    #: variables that no query of the catalog knows
    more: tuple[str, ...] = ()
    panels: list[Sized | str] = field(default_factory=list)

    def row(self, title: str) -> None:
        """Begin a section."""
        self.panels.append(title)

    def add(self, *panels: Sized) -> None:
        """Place panels from left to right, and below where there is no room."""
        self.panels += panels

    def header(self, *, width: int = 4, height: int = 4) -> None:
        """What every board begins with: as of when, and whether all of it."""
        self.add(as_of(width, height), partitions(width, height))

    def shown(self) -> set[str]:
        """Series and derived metrics that its panels show."""
        return {name for panel in self.panels if isinstance(panel, Sized) for name in panel.spec.shows}

    def json(self) -> str:
        """The board as Grafana loads it."""
        plain = json.loads(json.dumps(self._built(), cls=JSONEncoder))
        return json.dumps(_pruned(plain), indent=2, ensure_ascii=False) + "\n"

    def _built(self) -> dashboard.Dashboard:
        variables = (SOURCE, *self.queries.labels, *self.more)
        built = (
            build.Dashboard(self.title)
            .uid(self.uid)
            .description(self.about)
            .tags([TAG])
            .readonly()
            .timezone("browser")
            .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
            .time(self.since, "now")
            .timepicker(build.TimePicker().refresh_intervals(["10s", "30s", "1m", "5m", "15m"]))
            .refresh(self.refresh)
            .fiscal_year_start_month(0)
            .week_start("monday")
            .preload(False)
            .version(1)
            .variables([variable(name) for name in variables])
            .build()
        )
        built.panels = list(self._placed())
        built.annotations = dashboard.AnnotationContainer([_own_events(), *map(_event, _EVENTS)])
        built.links = [
            dashboard.DashboardLink(
                title="Boards", type_val=dashboard.DashboardLinkType.DASHBOARDS, icon="external link",
                tooltip="Other boards, with the same choices", tags=[TAG], as_dropdown=True, include_vars=True,
                keep_time=True,
            )
        ]  # fmt: skip
        return built

    def _placed(self) -> Iterator[dashboard.Panel | dashboard.RowPanel]:
        x = y = tallest = rows = 0
        for panel in self.panels:
            width, height = (COLUMNS, 1) if isinstance(panel, str) else (panel.width, panel.height)
            if x + width > COLUMNS:
                x, y, tallest = 0, y + tallest, 0
            place = dashboard.GridPos(h=height, w=width, x=x, y=y)
            x, tallest = x + width, max(tallest, height)
            if isinstance(panel, str):
                yield dashboard.RowPanel(title=panel, grid_pos=place, id_val=_FIRST_ROW_ID + rows)
                rows += 1
                continue
            panel.drawn.grid_pos = place
            filters = (*self.queries.labels, *self.more)
            catalog = about(panel.spec.shows, self.queries.policy)
            alerted = alerts_by_place().get(places.Place(self.uid, panel.spec.id), [])
            panel.drawn.description = worded(panel.spec, catalog, filters, [one.runbook for one in alerted])
            yield panel.drawn


def as_of(width: int, height: int) -> Sized:
    """The newest event that is counted, by topic."""
    query = Query(
        "1000 * max by (topic) (deskpulse_watermark_timestamp_seconds)",
        ("watermark_timestamp_seconds",),
        "{{topic}}",
    )
    note = (
        "Time of the newest event that is counted, by topic. At quiet hours it stands still though nothing is "
        "missing: whether the monitor keeps up is said beside it."
    )
    return number(
        Panel(places.AS_OF_PANEL, "Data as of", (query,), "dateTimeFromNow", note, no_value="no monitor"),
        width=width, height=height,
    )  # fmt: skip


def partitions(width: int, height: int) -> Sized:
    """How many of all partitions are counted."""
    ready, fresh = f"sum({_READY} == bool 1)", f"sum({_FRESH} == bool 1)"
    expr = (
        f'count_values("counted", {ready})\n* on () group_left (of) count_values("of", {_ALL})\n'
        f"* on () group_left () (({ready} == bool {_ALL}) * (1 + ({fresh} == bool {_ALL})))"
    )
    shows = ("partition_ready", "partition_fresh", "topic_partitions")
    note = (
        "Partitions that exactly one worker counts, of all. Red: some are missing, and values are withheld rather "
        "than wrong. Orange: all are counted, but some are more than a minute behind. Green: all, and in time."
    )
    spec = Panel(
        places.PARTITIONS_PANEL, "Partitions counted", (Query(expr, shows, "{{counted}} of {{of}}"),), "none", note,
        base=RED, steps=((1, ORANGE), (2, GREEN)), link=places.COMPLETE, no_value="no monitor",
    )  # fmt: skip
    return number(spec, width=width, height=height, text="counted")


def _own_events() -> dashboard.AnnotationQuery:
    source = common.DataSourceRef(type_val="grafana", uid="-- Grafana --")
    return dashboard.AnnotationQuery(
        name="Annotations & Alerts", datasource=source, enable=True, hide=True, type_val="dashboard", built_in=1,
        icon_color="rgba(0, 211, 255, 1)",
    )  # fmt: skip


def _event(event: tuple[str, str, str, str]) -> dashboard.AnnotationQuery:
    name, expr, color, text = event
    return dashboard.AnnotationQuery(
        name=name, datasource=DATASOURCE, enable=True, hide=False, icon_color=color, expr=expr, title_format=name,
        text_format=text, step="60s", use_value_for_time=False,
    )  # fmt: skip


def _pruned(node: Any) -> Any:
    """Without what the SDK adds unasked: a placement that hides links and events in a menu."""
    if isinstance(node, dict):
        return {key: _pruned(value) for key, value in node.items() if value != "inControlsMenu"}
    return [_pruned(one) for one in node] if isinstance(node, list) else node
