"""Each rule of the lint finds what it is there for."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grafana.lint import findings, query_findings
from grafana.promql import selectors
from streams.alerting import places

FOLDER = Path(__file__).parents[2] / "grafana" / "dashboards"
Json = dict[str, Any]


def live() -> Json:
    board: Json = json.loads((FOLDER / f"{places.LIVE}.json").read_text(encoding="utf-8"))
    return board


def first_panel(board: Json) -> Json:
    panel: Json = next(one for one in board["panels"] if one["id"] == 10)
    return panel


def variable(board: Json, name: str) -> Json:
    found: Json = next(one for one in board["templating"]["list"] if one["name"] == name)
    return found


def _put(*path: Any, value: Any) -> Callable[[Json], None]:
    def put(part: Any) -> None:
        for key in path[:-1]:
            part = part[key]
        part[path[-1]] = value

    return put


BOARD_FAULTS: dict[str, tuple[Callable[[Json], None], str]] = {
    "an old schema": (_put("schemaVersion", value=36), "schemaVersion"),
    "a board that can be edited": (_put("editable", value=True), "edited"),
    "a uid of its own": (_put("uid", value="mine"), "uid"),
    "no description": (_put("description", value=""), "description is not set"),
    "no annotations": (_put("annotations", "list", value=[]), "annotations are missing"),
    "no way out": (_put("links", value=[]), "no way to the other boards"),
    "no header": (_put("panels", 0, "id", value=777), "as of when"),
    "a number twice": (_put("panels", 3, "id", value=10), "given twice"),
    "an overlap": (lambda board: first_panel(board)["gridPos"].update(x=0, y=0), "overlap"),
    "beyond the edge": (lambda board: first_panel(board)["gridPos"].update(x=22), "wider"),
    "no data source to choose": (
        lambda board: board["templating"]["list"].pop(0), "one data source variable",
    ),
    "a variable nobody uses": (
        lambda board: board["templating"]["list"].append({**variable(board, "window"), "name": "unused"}),
        "unused is used by no query",
    ),
    "a variable that is none": (
        lambda board: board["templating"]["list"].remove(variable(board, "group")),
        "$group is used and no variable",
    ),
    "values of another time": (lambda board: variable(board, "group").update(refresh=1), "follow the time range"),
    "values of another label": (
        lambda board: variable(board, "group").update(query="label_values(deskpulse_tickets, channel)"),
        "not filled from the label",
    ),
    "no title": (lambda board: first_panel(board).update(title=""), "no title"),
    "a panel without words": (lambda board: first_panel(board).update(description="Open."), "what is counted"),
    "no unit": (lambda board: first_panel(board)["fieldConfig"]["defaults"].pop("unit"), "no unit"),
    "an empty panel": (lambda board: first_panel(board).update(targets=[]), "asks nothing"),
    "no word for no value": (
        lambda board: first_panel(board)["fieldConfig"]["defaults"].pop("noValue"), "empty value",
    ),
    "a data source written down": (
        lambda board: first_panel(board)["targets"][0].update(datasource={"type": "prometheus", "uid": "abc"}),
        "chosen data source",
    ),
    "a dead link": (
        lambda board: first_panel(board)["fieldConfig"]["defaults"].update(links=[{"url": "/d/gone?x=1"}]),
        "leads to no board",
    ),
    "a link to no panel": (
        lambda board: first_panel(board)["fieldConfig"]["defaults"].update(
            links=[{"url": f"/d/{places.LIVE}?x=1&viewPanel=999"}]
        ),
        "leads to no panel",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", BOARD_FAULTS)
def test_a_board_with_a_fault_is_found(fault: str) -> None:
    broken = live()
    spoil, said = BOARD_FAULTS[fault]
    spoil(broken)
    assert any(said in text for text in findings(broken, {places.LIVE: live()}))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ('sum(deskpulse_tickets{flow="created"})', "added up over window"),
        ('sum(deskpulse_tickets{flow="created",window=~"$window"})', "added up over window"),
        ('sum(deskpulse_tickets{window="1h"})', "added up over flow"),
        ('sum by (group) (deskpulse_revenue{window="1h",period="now"})', "added up over currency"),
        ('sum by (currency) (deskpulse_revenue{window="1h"})', "added up over period"),
        ('sum by (le) (deskpulse_first_response_seconds_bucket{window="1h"})', "added up over clock"),
        (
            'sum by (window) (sum by (window, currency) (deskpulse_orders)) / sum(deskpulse_orders{window="1h"})',
            "added up over currency",
        ),
        ('sum by (resolution) (deskpulse_resolution_seconds_gsum{window="1h",clock="business"}) / 2', ""),
        ('sum by (survey, window) (deskpulse_survey_answers{period="now"})', ""),
        ('sum(deskpulse_survey_answers{period="now",window="1h"})', "added up over survey"),
        ('sum(deskpulse_tickets{window="1h",flow=~"created|reopened"})', ""),
        ('deskpulse:nps{window="$window"}', ""),
        ("sum(deskpulse:aov)", "added up over window"),
        ("sum(rate(deskpulse_open_tickets[$__rate_interval]))", "no counter"),
        ("sum(deskpulse_events_late_total)", "needs a rate"),
        ("sum(rate(deskpulse_events_late_total[5m]))", "not $__rate_interval"),
        ("sum(rate(deskpulse_events_late_total[$__rate_interval]))", ""),
        ("sum(deskpulse_oldest_unanswered_timestamp_seconds)", "min by"),
        ("time() - min by (group) (deskpulse_oldest_unanswered_timestamp_seconds)", ""),
        ("sum(deskpulse_open_ticket)", "is no series"),
        ('sum(deskpulse_open_tickets{team="a"})', "no label team"),
        ('count by (window) (deskpulse_revenue{period="before"})', ""),
    ],
)  # fmt: skip
def test_a_query_with_a_fault_is_found_and_a_sound_one_is_not(query: str, said: str) -> None:
    found = list(query_findings(query))
    assert any(said in text for text in found) if said else found == []


def test_selectors_are_read_with_what_they_stand_in() -> None:
    query = (
        'a * on (x) group_left (y) sum by (x) (rate(deskpulse_a{l=~"b|c",m="{}"}[5m])) or (deskpulse:z offset 1w)'
    )
    one, other = selectors(query)
    assert (one.name, one.range) == ("deskpulse_a", "5m")
    assert one.matchers == {"l": ("=~", "b|c"), "m": ("=", "{}")}
    assert [(call.function, call.by) for call in one.calls] == [("sum", ("x",)), ("rate", ())]
    assert other.name == "deskpulse:z"
    assert other.aggregation is None
