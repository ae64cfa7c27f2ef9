"""What must hold of every board: Grafana's own rules for dashboards that are code, and ours for these numbers.

Of https://github.com/grafana/dashboard-linter these do not apply: a job and an instance in every query and as
variables (workers are one whole, which guards watch; Pipeline health alone has an instance), and LogQL's.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from grafana.promql import Selector, selectors
from grafana.variables import SOURCE
from metrics_core.catalog import all_series
from metrics_core.counters import Counters
from metrics_core.derived import DERIVED
from metrics_core.derived.rules import RULE_PREFIX
from metrics_core.policy import Policy
from streams.alerting.places import AS_OF_PANEL, BOARDS, PARTITIONS_PANEL
from streams.engine.status import EngineStatus, PartitionStatus
from streams.serving.pipeline import ScrapeFacts, engine_families, policy_label, scrape_families
from streams.settings import Settings

#: adding these up gives a number that is nobody's
NEVER_ADDED: Final = ("window", "period", "clock", "resolution", "currency", "survey", "flow")
COLUMNS: Final = 24
_RATES: Final = ("rate", "irate", "increase")
_VARIABLE = re.compile(r"\$\{?(?!__)([a-z]+)")
_LEAST_DESCRIPTION: Final = 60
_LINK = re.compile(r"^/d/([\w-]+)\?(?:.*&viewPanel=(\d+))?")

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Known:
    """A series as Prometheus sees it."""

    labels: tuple[str, ...]
    is_counter: bool = False
    merge: str = "sum"


@cache
def known_series() -> Mapping[str, Known]:
    """Every name that a query may use: of the catalog, of the pipeline, of the rules."""
    known = {f"{RULE_PREFIX}complete": Known(("topic",))}
    known |= {RULE_PREFIX + metric.id: Known(metric.by) for metric in DERIVED}
    for series in all_series(Policy()):
        if series.kind == "gauge":
            known[f"deskpulse_{series.name}"] = Known(series.labels, merge=series.merge)
        else:
            for part in ("_bucket", "_gcount", "_gsum"):
                known[f"deskpulse_{series.name}{part}"] = Known(series.labels)
    return known | {f"deskpulse_{name}": one for name, one in pipeline_series().items()}


@cache
def pipeline_series() -> Mapping[str, Known]:
    """The pipeline's own series, without prefix."""
    topic = "helpdesk.events"
    state = PartitionStatus(topic, 0, watermark_us=1, last_checkpoint_s=1)
    status = EngineStatus(partitions={(topic, 0): state}, topic_partitions={topic: 1}, counters={topic: Counters()})
    families = [
        *engine_families(status, Settings.model_construct(), policy_label(Policy()), {(topic, 0)}),
        *scrape_families(ScrapeFacts(starts_us={"customers": 1}), 0),
    ]
    found = {}
    for family in families:
        name = family.name.removeprefix("deskpulse_")
        labels = tuple(dict.fromkeys(label for sample in family.samples for label in sample.labels))
        endings = {"counter": ("_total",), "info": ("_info",), "histogram": ("_bucket", "_count", "_sum")}
        for ending in endings.get(family.type, ("",)):
            found[name + ending] = Known(labels, family.type in ("counter", "histogram"))
    return found


def findings(board: Json, boards: Mapping[str, Json]) -> list[str]:
    """What is wrong with a board, one line each; ``boards``: all of them by uid, for links."""
    found = [f"{board.get('uid')}: {text}" for rule in BOARD_RULES for text in rule(board)]
    for panel in panels_of(board):
        place = f"{board.get('uid')} panel {panel.get('id')}"
        found += [f"{place}: {text}" for rule in PANEL_RULES for text in rule(panel)]
        found += [f"{place}: {text}" for text in _links(panel, boards)]
        for target in panel.get("targets", []):
            found += [f"{place} {target.get('refId')}: {text}" for text in query_findings(target["expr"])]
    for event in board["annotations"]["list"]:
        if "expr" in event:
            found += [f"{board.get('uid')} {event['name']}: {text}" for text in query_findings(event["expr"])]
    return found


def panels_of(board: Json) -> list[Json]:
    """Panels that show something."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def queries_of(board: Json) -> list[str]:
    """Queries of all panels."""
    return [target["expr"] for panel in panels_of(board) for target in panel.get("targets", [])]


def query_findings(query: str) -> Iterator[str]:
    """What is wrong with a query."""
    for one in selectors(query):
        known = known_series().get(one.name)
        if known is None:
            yield f"{one.name} is no series"
            continue
        for label in NEVER_ADDED:
            if label in known.labels and not (_pins(one, label) or _groups(one, label)):
                yield f"{one.name} is added up over {label}"
        unknown = set(one.matchers) - set(known.labels) - {"le", "instance", "job"}
        if unknown:
            yield f"{one.name} has no label {', '.join(sorted(unknown))}"
        if known.is_counter and not one.called(*_RATES):
            yield f"{one.name} is a counter and needs a rate"
        if not known.is_counter and one.called(*_RATES):
            yield f"{one.name} is no counter and has no rate"
        if one.called(*_RATES) and one.range != "$__rate_interval":
            yield f"{one.name} is rated over {one.range or 'nothing'}, not $__rate_interval"
        if known.merge == "min" and (one.aggregation is None or one.aggregation.function != "min"):
            yield f"{one.name} needs the least over workers: min by"


def _pins(one: Selector, label: str) -> bool:
    """Whether one value is chosen, or several are listed on purpose."""
    how, value = one.matchers.get(label, ("", ""))
    return how == "=" or (how == "=~" and "$" not in value)


def _groups(one: Selector, label: str) -> bool:
    """Whether its rows are kept apart by the label; counting them adds nothing up."""
    first = one.aggregation
    return first is None or first.function in ("count", "count_values") or label in first.by


def _frame(board: Json) -> Iterator[str]:
    if board.get("schemaVersion") != 42:
        yield "schemaVersion is not 42"
    if board.get("uid") not in BOARDS:
        yield "its uid is none of streams.alerting.places"
    if board.get("editable") is not False:
        yield "it can be edited in the browser, though it is code"
    for name in ("title", "description", "tags", "timezone", "refresh", "time", "graphTooltip", "version"):
        if board.get(name) in (None, "", []):
            yield f"{name} is not set"
    if not any(event.get("builtIn") == 1 for event in board["annotations"]["list"]):
        yield "Grafana's own annotations are missing"
    if not any(link["type"] == "dashboards" for link in board.get("links", [])):
        yield "there is no way to the other boards"
    ids = {panel["id"] for panel in panels_of(board)}
    if not {AS_OF_PANEL, PARTITIONS_PANEL} <= ids:
        yield "it does not say as of when, or whether all partitions are counted"


def _numbers(board: Json) -> Iterator[str]:
    ids = [panel.get("id") for panel in board["panels"]]
    if None in ids or len(set(ids)) != len(ids):
        yield f"panel numbers are missing or given twice: {ids}"


def _overlaps(board: Json) -> Iterator[str]:
    for one, other in itertools.combinations(board["panels"], 2):
        a, b = one["gridPos"], other["gridPos"]
        apart = (
            a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
            or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        )  # fmt: skip
        if not apart:
            yield f"panels {one['id']} and {other['id']} overlap"
    for panel in board["panels"]:
        if panel["gridPos"]["x"] + panel["gridPos"]["w"] > COLUMNS:
            yield f"panel {panel['id']} is wider than the board"


def _variables(board: Json) -> Iterator[str]:
    variables = {one["name"]: one for one in board["templating"]["list"]}
    sources = [one for one in variables.values() if one["type"] == "datasource"]
    if [(one["name"], one["label"], one["query"]) for one in sources] != [(SOURCE, "Data source", "prometheus")]:
        yield "there must be one data source variable, datasource, called Data source"
    used = {name for query in queries_of(board) for name in _VARIABLE.findall(query)}
    for name in sorted(used - variables.keys()):
        yield f"${name} is used and no variable"
    for name in sorted(variables.keys() - used - {SOURCE}):
        yield f"variable {name} is used by no query"
    for one in variables.values():
        if not (one.get("label") and one.get("description")):
            yield f"variable {one['name']} has no label or description"
        if one["type"] == "query":
            yield from _query_variable(one)


def _query_variable(variable: Json) -> Iterator[str]:
    name = variable["name"]
    if variable.get("refresh") != 2:
        yield f"variable {name} does not follow the time range"
    if variable["datasource"]["uid"] != f"${{{SOURCE}}}":
        yield f"variable {name} asks another data source"
    if not re.fullmatch(rf"label_values\(.+, {name}\)", variable["query"]):
        yield f"variable {name} is not filled from the label of its name"
    if not (variable.get("multi") and variable.get("includeAll") and variable.get("allValue") == ".*"):
        yield f"variable {name} cannot show all"


def _shape(panel: Json) -> Iterator[str]:
    fields = panel["fieldConfig"]["defaults"]
    if not panel.get("title"):
        yield "it has no title"
    if len(panel.get("description", "")) < _LEAST_DESCRIPTION:
        yield "its description does not say what is counted"
    if not fields.get("unit"):
        yield "it has no unit"
    if not fields.get("noValue"):
        yield "it does not say what an empty value means"
    if not panel.get("targets"):
        yield "it asks nothing"
    if fields.get("thresholds", {}).get("steps", [{}])[0].get("value", 0) is not None:
        yield "its thresholds do not begin with a base"
    places = [target.get("refId") for target in panel.get("targets", [])]
    if len(set(places)) != len(places):
        yield "two queries have one letter"
    for what in (panel, *panel.get("targets", [])):
        if what.get("datasource") != {"type": "prometheus", "uid": f"${{{SOURCE}}}"}:
            yield "it does not ask the chosen data source"


def _links(panel: Json, boards: Mapping[str, Json]) -> Iterator[str]:
    config = panel["fieldConfig"]
    links = [*panel.get("links", []), *config["defaults"].get("links", [])]
    for override in config["overrides"]:
        links += [link for one in override["properties"] if one["id"] == "links" for link in one["value"]]
    for link in links:
        found = _LINK.match(link["url"])
        if found is None or found[1] not in boards:
            yield f"its link {link['url']} leads to no board"
        elif found[2] and int(found[2]) not in {one["id"] for one in panels_of(boards[found[1]])}:
            yield f"its link {link['url']} leads to no panel"


BOARD_RULES: Final[tuple[Callable[[Json], Iterator[str]], ...]] = (_frame, _numbers, _overlaps, _variables)
PANEL_RULES: Final[tuple[Callable[[Json], Iterator[str]], ...]] = (_shape,)
