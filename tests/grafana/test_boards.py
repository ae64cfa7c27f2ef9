"""The committed boards: what the generator writes, complete, and sound by every rule."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models import dashboard

from grafana.boards import boards
from grafana.lint import findings, panels_of, pipeline_series
from metrics_core.catalog import all_series
from metrics_core.derived import DERIVED
from metrics_core.policy import Policy
from streams.alerting import places

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "grafana" / "dashboards"
Json = dict[str, Any]


@cache
def committed() -> dict[str, Json]:
    """Every committed board by its uid."""
    read = (json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json")))
    return {board["uid"]: board for board in read}


def test_boards_and_playlist_are_what_make_generate_writes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "grafana.generate", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_uid_is_a_board_and_each_file_is_named_by_its_uid() -> None:
    assert set(committed()) == set(places.BOARDS)
    assert {path.stem for path in FOLDER.iterdir()} == set(places.BOARDS)


@pytest.mark.parametrize("uid", places.BOARDS)
def test_no_rule_finds_anything(uid: str) -> None:
    assert findings(committed()[uid], committed()) == []


@pytest.mark.parametrize("uid", places.BOARDS)
def test_grafana_s_own_model_reads_a_board_and_loses_nothing(uid: str) -> None:
    register_default_plugins()
    board = committed()[uid]
    again = json.loads(json.dumps(dashboard.Dashboard.from_json(board), cls=JSONEncoder))
    assert _lost(board, again) == []


def _lost(one: Any, other: Any, path: str = "") -> list[str]:
    """What is in ``one`` and is not, or not the same, in ``other``."""
    if isinstance(one, dict):
        if not isinstance(other, dict):
            return [path]
        return [text for key in one for text in _lost(one[key], other.get(key), f"{path}.{key}")]
    if isinstance(one, list):
        if not isinstance(other, list) or len(one) != len(other):
            return [path]
        return [
            text for at, (a, b) in enumerate(zip(one, other, strict=True)) for text in _lost(a, b, f"{path}[{at}]")
        ]
    return [] if one == other else [f"{path}: {one!r} became {other!r}"]


def test_every_derived_metric_and_every_series_has_a_panel() -> None:
    shown = set().union(*(board.shown() for board in boards()))
    assert {metric.id for metric in DERIVED} - shown == set()
    assert {series.name for series in all_series(Policy())} - shown == set()
    own = {re.sub(r"_(bucket|count|sum)$", "", name) for name in pipeline_series()}
    assert {name for name in own if not {name, name.removesuffix("_total")} & shown} == set()


def test_a_panel_reads_each_series_that_it_says_it_shows() -> None:
    ids = {metric.id for metric in DERIVED}
    silent = [
        (board.uid, panel.spec.id, name)
        for board in boards()
        for panel in board.panels
        if not isinstance(panel, str)
        for name in panel.spec.shows
        if name not in ids and not any(f"deskpulse_{name}" in query.expr for query in panel.spec.queries)
    ]
    assert silent == []


@pytest.mark.parametrize("name", places.PLACES)
def test_a_place_that_alerts_link_to_is_a_panel(name: str) -> None:
    place = places.PLACES[name]
    assert place.panel in {panel["id"] for panel in panels_of(committed()[place.board])}
    assert place.path == f"/d/{place.board}?viewPanel={place.panel}"


def test_a_description_says_what_the_catalog_says() -> None:
    metrics = {metric.id: metric for metric in DERIVED}
    series = {one.name: one for one in all_series(Policy())}
    for board in boards():
        written = {panel["id"]: panel["description"] for panel in panels_of(json.loads(board.json()))}
        for panel in board.panels:
            if isinstance(panel, str):
                continue
            for name in panel.spec.shows:
                if name in metrics:
                    assert metrics[name].question in written[panel.spec.id]
                    assert metrics[name].traps in written[panel.spec.id]
                elif name in series:
                    assert series[name].help in written[panel.spec.id]


def test_the_wallboard_shows_six_large_numbers_and_says_their_targets() -> None:
    wall = committed()[places.WALLBOARD]
    large = [panel for panel in panels_of(wall) if panel["gridPos"]["h"] >= 8]
    assert len(large) == 6
    for panel in large:
        assert "target" in panel["title"]
        assert panel["options"]["text"]["valueSize"] >= 100
        assert len(panel["fieldConfig"]["defaults"]["thresholds"]["steps"]) >= 2
    # two screens' heights are one too many for a wall: Grafana shows about 27 rows of 30 pixels at 1080
    assert max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in wall["panels"]) <= 27


def test_the_playlist_shows_boards_that_there_are() -> None:
    playlist = json.loads((ROOT / "grafana" / "playlist.json").read_text(encoding="utf-8"))
    assert playlist["metadata"]["name"] == places.PLAYLIST
    shown = [item["value"] for item in playlist["spec"]["items"]]
    assert shown[0] == places.WALLBOARD
    assert set(shown) <= set(places.BOARDS)


def test_targets_come_from_the_policy() -> None:
    policy = Policy.parse(
        {"versions": [{"version": 1, "sla": [{"name": "all", "channels": ["chat"], "first_response_s": 300}]}]}
    )
    written = {board.uid: json.loads(board.json()) for board in boards(policy)}
    (panel,) = (one for one in panels_of(written[places.LIVE]) if one["id"] == 25)
    (chat,) = (one for one in panel["fieldConfig"]["overrides"] if one["matcher"]["options"] == "chat")
    assert [step["value"] for step in chat["properties"][0]["value"]["steps"]] == [None, 300]
    (wait,) = (one for one in panels_of(written[places.WALLBOARD]) if one["id"] == 11)
    assert wait["title"] == "Longest wait (target 5 min)"
    assert wait["fieldConfig"]["defaults"]["thresholds"]["steps"][-1]["value"] == 300


def test_topics_of_other_names_stand_in_the_queries() -> None:
    text = "".join(board.json() for board in boards(topics={"helpdesk": "desk", "crm": "sales"}))
    assert "desk" in text
    assert "helpdesk.events" not in text
    assert "crm.events" not in text
