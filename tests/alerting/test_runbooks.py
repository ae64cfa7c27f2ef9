"""Every alert has a page, of one shape, and what a page names exists."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from message_receiver import Json
from routing import ROOT, alert_rules

from metrics_core.catalog import all_series
from metrics_core.derived import DERIVED
from metrics_core.derived.rules import RULE_PREFIX
from metrics_core.policy import Policy
from metrics_core.policy.goals import Goals
from metrics_core.rejects import Reason
from streams.cli.main import VERBS, app, register
from streams.engine.status import EngineStatus, PartitionStatus
from streams.serving.exposition import PREFIX
from streams.serving.pipeline import ScrapeFacts, engine_families, policy_label, scrape_families
from streams.settings import load_settings

FOLDER = ROOT / "docs" / "runbooks"
PAGES = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")
NOTIFICATIONS = ROOT / "docs" / "notifications.md"
SECTIONS = ["Meaning", "First look", "Likely causes", "What to do", "When to escalate"]


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def code_of(page: Path) -> list[str]:
    """What stands between backticks; lines may break within."""
    return [" ".join(found.split()) for found in re.findall(r"`([^`]+)`", text_of(page))]


@cache
def series() -> set[str]:
    """Names of everything that workers expose or rules record."""
    settings = load_settings()
    status = EngineStatus(partitions={("t", 0): PartitionStatus("t", 0)}, topic_partitions={"t": 1})
    families = [
        *engine_families(status, settings, policy_label(Policy()), ()),
        *scrape_families(ScrapeFacts(), 0),
    ]
    suffix = {"counter": "_total", "info": "_info"}
    return {
        *(PREFIX + one.name for one in all_series(Policy())),
        *(family.name + suffix.get(family.type, "") for family in families),
        *(RULE_PREFIX + metric.id for metric in DERIVED),
        RULE_PREFIX + "complete",
    }


@cache
def command_line() -> Any:
    """The command line as a tree: groups have `commands`, and all of them `params`."""
    register(VERBS)
    return typer.main.get_command(app)


@cache
def panels() -> dict[str, str]:
    """Address of each panel below Grafana's -> its title."""

    def flat(members: list[Json]) -> list[Json]:
        return [one for member in members for one in (member, *flat(member.get("panels", [])))]

    boards: list[dict[str, Any]] = [
        json.loads(file.read_text(encoding="utf-8")) for file in (ROOT / "grafana" / "dashboards").glob("*.json")
    ]
    return {
        f"/d/{board['uid']}?viewPanel={panel['id']}": panel["title"]
        for board in boards
        for panel in flat(board["panels"])
    }


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    assert {page.stem for page in PAGES} == alert_rules().keys()


def test_every_alert_links_to_its_page() -> None:
    for name, rule in alert_rules().items():
        assert rule["annotations"]["runbook"] == f"docs/runbooks/{name}.md"


def test_the_index_says_who_is_told_of_what() -> None:
    rows = re.findall(
        r"^\| \[(\w+)\]\((\w+)\.md\) \| (\w+) \| (\w+) \|", text_of(FOLDER / "README.md"), re.MULTILINE
    )
    assert all(name == file for name, file, _, _ in rows)
    labels = {name: rule["labels"] for name, rule in alert_rules().items()}
    assert {name: (severity, team) for name, _, severity, team in rows} == {
        name: (one["severity"], one["team"]) for name, one in labels.items()
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_has_its_name_and_the_five_sections(page: Path) -> None:
    text = text_of(page)
    assert text.startswith(f"# {page.stem}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == SECTIONS
    assert all(len(section.split("\n", 1)[1].strip()) > 40 for section in text.split("\n## ")[1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_shows_a_panel_a_series_or_a_command_to_look_at_first(page: Path) -> None:
    (look,) = re.findall(r"## First look\n(.*?)\n## ", text_of(page), re.DOTALL)
    assert "/d/deskpulse-" in look or "`/-/ready`" in look
    assert "`deskpulse" in text_of(page)


@pytest.mark.parametrize("page", [*PAGES, NOTIFICATIONS], ids=lambda page: page.stem)
def test_series_that_a_page_names_exist(page: Path) -> None:
    named = {name for code in code_of(page) for name in re.findall(r"\bdeskpulse[_:]\w+", code)}
    assert not named - series()


@pytest.mark.parametrize("page", [*PAGES, NOTIFICATIONS], ids=lambda page: page.stem)
def test_commands_that_a_page_names_exist(page: Path) -> None:
    for code in code_of(page):
        if not code.startswith("deskpulse "):
            continue
        command, words = command_line(), code.split()[1:]
        while members := getattr(command, "commands", None):
            assert words, f"{code}: names a group of commands, and none of them"
            assert words[0] in members, code
            command = members[words.pop(0)]
        known = {name for parameter in command.params for name in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, code


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_panels_that_a_page_names_exist_under_that_title(page: Path) -> None:
    text = " ".join(text_of(page).split())
    named = re.findall(r"\*([^*]+)\*[ (,]+`(/d/[^`]+)`", text)
    assert len(named) == text.count("`/d/")
    for title, path in named:
        assert panels()[path] == title


@pytest.mark.parametrize("page", [*PAGES, FOLDER / "README.md", NOTIFICATIONS], ids=lambda page: page.stem)
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target, _, heading in re.findall(r"\]\(([^)#:]*)(#([^)]+))?\)", text_of(page)):
        file = page.parent / target if target else page
        assert file.is_file(), target
        headings = [line.lstrip("# ") for line in text_of(file).splitlines() if line.startswith("#")]
        anchors = {re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings}
        assert not heading or heading in anchors, f"{target}#{heading}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_keys_of_the_policy_that_a_page_names_exist(page: Path) -> None:
    for code in code_of(page):
        for key in re.findall(r"^\[?policy\.goals\.(\w+)", code):
            assert key in Goals.__struct_fields__, code
        for key in re.findall(r"^\[?policy\.(\w+)", code):
            assert key in Policy.__struct_fields__, code


def test_reasons_of_rejects_that_a_page_names_exist() -> None:
    text = text_of(FOLDER / "DeskpulseEventsRejected.md")
    (causes,) = re.findall(r"## Likely causes\n(.*?)\n## ", text, re.DOTALL)
    named = set(re.findall(r"`([a-z_]+)`", causes))
    assert named
    assert named <= {reason.value for reason in Reason}
