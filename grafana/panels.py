"""Panels: few kinds, and what all of them have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from grafana_foundation_sdk.builders import bargauge, heatmap, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import common as build
from grafana_foundation_sdk.builders import prometheus as prom
from grafana_foundation_sdk.models import common, dashboard, prometheus, units
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode

from grafana.queries import Queries, Query
from grafana.variables import DATASOURCE
from streams.alerting.places import Place

RED, ORANGE, GREEN, BLUE, PLAIN = "red", "orange", "green", "blue", "text"
#: values of a week before, beside those of now
PAST: Final = "a week ago"
WITHHELD: Final = "no value: see panel"
_NOTHING: Final = (
    "*No value*: nothing to count, or withheld while the workers do not show every partition exactly once."
)
#: currency -> how Grafana writes amounts
MONEY: Final[Mapping[str, str]] = {
    "EUR": units.Euro, "USD": units.Dollars, "GBP": units.Pounds, "JPY": units.Yen, "INR": units.IndianRupee,
}  # fmt: skip
COUNT: Final = units.Short
RATIO: Final = units.PercentUnit
SECONDS: Final = units.Seconds
DAYS: Final = units.Days
AMOUNT: Final = units.LocaleFormat

Steps = Sequence[tuple[float, str]]
Properties = Mapping[str, object]


@dataclass(frozen=True)
class Panel:
    """What a panel shows. ``note``: said before what the catalog says; ``steps``: from each value on, its colour,
    after ``base``; ``link``: where its number is broken down; ``names``: properties of single rows by name, or by
    pattern between slashes."""

    id: int
    title: str
    queries: tuple[Query, ...]
    unit: str
    note: str = ""
    base: str = PLAIN
    steps: Steps = ()
    link: Place | str | None = None
    decimals: int | None = None
    least: float | None = None
    most: float | None = None
    no_value: str = WITHHELD
    names: Mapping[str, Properties] = field(default_factory=dict)
    mappings: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def shows(self) -> tuple[str, ...]:
        """Series and derived metrics, each once."""
        return tuple(dict.fromkeys(name for query in self.queries for name in query.shows))


@dataclass(frozen=True)
class Sized:
    """A panel as it is drawn, before it has its place."""

    spec: Panel
    drawn: dashboard.Panel
    width: int
    height: int


def number(spec: Panel, *, width: int = 4, height: int = 4, big: bool = False, text: str = "") -> Sized:
    """A number as of now. ``text``: show a label in its place, called so by the legend."""
    mode = common.BigValueTextMode.NAME if text else common.BigValueTextMode.AUTO
    panel = (
        stat.Panel()
        .graph_mode(common.BigValueGraphMode.NONE)
        .color_mode(common.BigValueColorMode.BACKGROUND if big else common.BigValueColorMode.VALUE)
        .justify_mode(common.BigValueJustifyMode.CENTER if big else common.BigValueJustifyMode.AUTO)
        .text_mode(mode)
        .wide_layout(True)
        .reduce_options(_newest())
        .targets([target.instant() for target in _targets(spec)])
    )
    if big:
        # readable from five metres: the title too
        panel = panel.text(build.VizTextDisplayOptions().title_size(28).value_size(120))
    return Sized(spec, _finished(panel.build(), spec), width, height)


def graph(spec: Panel, *, width: int = 12, height: int = 8, stacked: bool = False, bars: bool = False) -> Sized:
    """Lines over time; what was a week ago is grey and dashed."""
    panel = (
        timeseries.Panel()
        .draw_style(common.GraphDrawStyle.BARS if bars else common.GraphDrawStyle.LINE)
        .line_width(1)
        .fill_opacity(60 if bars else 25 if stacked else 8)
        .show_points(common.VisibilityMode.NEVER)
        .span_nulls(False)
        .axis_soft_min(0)
        .stacking(build.StackingConfig().mode(common.StackingMode.NORMAL if stacked else common.StackingMode.NONE))
        .legend(
            build.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.TABLE)
            .placement(common.LegendPlacement.RIGHT if width > 12 else common.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs(["lastNotNull"])
        )
        .tooltip(build.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING))
        .targets([target.range() for target in _targets(spec)])
    )
    if spec.steps:
        panel = panel.thresholds_style(
            build.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
        )
    drawn = _finished(panel.build(), spec, color=dashboard.FieldColorModeId.PALETTE_CLASSIC_BY_NAME)
    _override(drawn, f"/{PAST}/", {
        "color": {"mode": "fixed", "fixedColor": "gray"},
        "custom.lineStyle": {"fill": "dash", "dash": [6, 6]},
        "custom.fillOpacity": 0,
        "custom.stacking": {"mode": "none", "group": PAST},
    })  # fmt: skip
    return Sized(spec, drawn, width, height)


def bars(spec: Panel, *, width: int = 8, height: int = 8) -> Sized:
    """A bar for each row as of now."""
    panel = (
        bargauge.Panel()
        .display_mode(common.BarGaugeDisplayMode.BASIC)
        .value_mode(common.BarGaugeValueMode.TEXT)
        .name_placement(common.BarGaugeNamePlacement.AUTO)
        .show_unfilled(True)
        .orientation(common.VizOrientation.HORIZONTAL)
        .sizing(common.BarGaugeSizing.AUTO)
        .reduce_options(_newest())
        .targets([target.instant() for target in _targets(spec)])
    )
    return Sized(spec, _finished(panel.build(), spec), width, height)


def grid(spec: Panel, *, rows: Sequence[str], width: int = 24, height: int = 8) -> Sized:
    """A table: a row for each value of the labels ``rows``, a column for each query, called by its legend."""
    panel = (
        table.Panel()
        .show_header(True)
        .cell_height(common.TableCellHeight.SM)
        .filterable(True)
        .targets([t.instant().format(prometheus.PromQueryFormat.TABLE) for t in _targets(spec)])
        .transformations(_columns(spec.queries, rows))
    )
    return Sized(spec, _finished(panel.build(), spec), width, height)


def heat(spec: Panel, *, width: int = 24, height: int = 9) -> Sized:
    """Buckets over time."""
    panel = (
        heatmap.Panel()
        .calculate(False)
        .cell_gap(1)
        .color(heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64))
        .y_axis(heatmap.YAxisConfig().unit(spec.unit).axis_placement(common.AxisPlacement.LEFT))
        .cell_values(heatmap.CellValues().unit(COUNT))
        .show_legend()
        .targets([t.range().format(prometheus.PromQueryFormat.HEATMAP) for t in _targets(spec)])
    )
    return Sized(spec, _finished(panel.build(), spec), width, height)


def states(spec: Panel, *, width: int = 24, height: int = 6) -> Sized:
    """A coloured band for each row over time."""
    panel = (
        statetimeline.Panel()
        .show_value(common.VisibilityMode.NEVER)
        .merge_values(True)
        .row_height(0.8)
        .legend(
            build.VizLegendOptions()
            .display_mode(common.LegendDisplayMode.LIST)
            .placement(common.LegendPlacement.BOTTOM)
            .show_legend(True)
            .calcs([])
        )
        .targets([target.range() for target in _targets(spec)])
    )
    return Sized(spec, _finished(panel.build(), spec), width, height)


def past(query: Query, suffix: str = "") -> Query:
    """A query of a week before, named so that panels draw it as such."""
    return query.named(f"{suffix} {PAST}".strip())


def compared(asked: Queries, ask: Callable[[Queries], Query]) -> tuple[Query, Query]:
    """A query now and a week before."""
    return ask(asked).named("now"), past(ask(asked.week_ago))


def worded(spec: Panel, catalog: str, filters: Sequence[str], runbooks: Sequence[str] = ()) -> str:
    """The description: what is counted and what is not, which of the board's ``filters`` do not reach the panel,
    what an empty panel means, and the runbooks of the alerts on its number."""
    deaf = [name for name in filters if all(f"${name}" not in query.expr for query in spec.queries)]
    not_applied = f"Not narrowed by: {', '.join(deaf)}." if deaf else ""
    alerted = f"Alerts on it: {', '.join(runbooks)}." if runbooks else ""
    return "\n\n".join(text for text in (spec.note, catalog, not_applied, _NOTHING, alerted) if text)


def _targets(spec: Panel) -> list[prom.Dataquery]:
    return [
        prom.Dataquery()
        .datasource(DATASOURCE)
        .editor_mode(prometheus.QueryEditorMode.CODE)
        .expr(query.expr)
        .legend_format(query.legend or spec.title)
        .ref_id(chr(ord("A") + at))
        for at, query in enumerate(spec.queries)
    ]


def _newest() -> build.ReduceDataOptions:
    return build.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)


def _finished(
    panel: dashboard.Panel, spec: Panel, color: dashboard.FieldColorModeId = dashboard.FieldColorModeId.THRESHOLDS
) -> dashboard.Panel:
    """What every kind of panel has."""
    panel.id_val, panel.title, panel.datasource = spec.id, spec.title, DATASOURCE
    config = panel.field_config = panel.field_config or dashboard.FieldConfigSource()
    fields = config.defaults
    fields.unit, fields.decimals, fields.no_value = spec.unit, spec.decimals, spec.no_value
    fields.min_val, fields.max_val = spec.least, spec.most
    fields.color = dashboard.FieldColor(mode=color)
    first = dashboard.Threshold(None, spec.base)
    fields.thresholds = dashboard.ThresholdsConfig(
        steps=[first, *(dashboard.Threshold(value, name) for value, name in spec.steps)]
    )
    if spec.mappings:
        options = {
            value: dashboard.ValueMappingResult(text=text, color=name)
            for value, (text, name) in spec.mappings.items()
        }
        fields.mappings = [dashboard.ValueMap(options)]
    if spec.link is not None:
        fields.links = [breakdown(spec.link)]
    if panel.type_val == "stat":
        _override(panel, PAST, {"color": {"mode": "fixed", "fixedColor": "gray"}})
    for name, properties in spec.names.items():
        _override(panel, name, properties)
    return panel


def breakdown(to: Place | str) -> dashboard.DashboardLink:
    """A link from a number to where it is broken down; time range and variables go along."""
    place = to if isinstance(to, Place) else None
    url = f"/d/{place.board if place else to}?${{__url_time_range}}&${{__all_variables}}"
    return dashboard.DashboardLink(
        title="Break down", url=url + (f"&viewPanel={place.panel}" if place else ""), tooltip="Break it down"
    )


def _override(panel: dashboard.Panel, name: str, properties: Properties) -> None:
    assert panel.field_config is not None
    matcher = "byRegexp" if name.startswith("/") else "byName"
    panel.field_config.overrides.append(
        dashboard.DashboardFieldConfigSourceOverrides(
            matcher=dashboard.MatcherConfig(id_val=matcher, options=name),
            properties=[dashboard.DynamicConfigValue(id_val=key, value=value) for key, value in properties.items()],
        )
    )


def _columns(queries: Sequence[Query], rows: Sequence[str]) -> list[dashboard.DataTransformerConfig]:
    """One table of all queries' rows: their labels first, then a column each."""
    names = {f"Value #{chr(ord('A') + at)}": query.legend for at, query in enumerate(queries)}
    if len(queries) == 1:
        names = {"Value": queries[0].legend}
    order = {name: at for at, name in enumerate((*rows, *names))}
    keep = {"include": {"names": list(order)}}
    return [
        dashboard.DataTransformerConfig(id_val="merge", options={}),
        dashboard.DataTransformerConfig(id_val="filterFieldsByName", options=keep),
        dashboard.DataTransformerConfig(
            id_val="organize", options={"excludeByName": {}, "indexByName": order, "renameByName": names}
        ),
    ]


def money() -> dict[str, Properties]:
    """Amounts in the currency that their row names."""
    return {f"/\\b{currency}\\b/": {"unit": unit} for currency, unit in MONEY.items()}
