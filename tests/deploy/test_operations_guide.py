"""docs/operations.md knows every series of the pipeline, and what it tells people to write is right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_file import COMPOSE, ROOT, SERVICES, compose

from metrics_core.policy import Policy
from streams.cli.main import VERBS
from streams.engine.status import Counters, EngineStatus, PartitionStatus
from streams.serving.pipeline import ScrapeFacts, engine_families, policy_label, scrape_families
from streams.settings import Settings

GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "grafana" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
ENDINGS = {"counter": "_total", "info": "_info"}


def pipeline_series() -> set[str]:
    """Names of the pipeline's series without their prefix, as a worker shows them."""
    place = ("helpdesk.events", 0)
    status = EngineStatus(
        partitions={place: PartitionStatus(*place)}, topic_partitions={place[0]: 1}, counters={place[0]: Counters()}
    )
    shown = engine_families(status, Settings.model_construct(), policy_label(Policy()), {place})
    families = [*shown, *scrape_families(ScrapeFacts(), 0)]
    return {family.name.removeprefix("deskpulse_") + ENDINGS.get(family.type, "") for family in families}


def rows(section: str) -> list[list[str]]:
    """Cells of the tables of a section, without their heads."""
    text = GUIDE.split(f"\n## {section}\n")[1].split("\n## ")[0]
    cells = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert cells
    return cells


def block(language: str, beginning: str) -> str:
    """The text of the first fenced block of a language that begins so."""
    return next(
        text
        for text in re.findall(rf"^```{language}\n(.+?)^```", GUIDE, re.MULTILINE | re.DOTALL)
        if text.startswith(beginning)
    )


def test_every_series_of_the_pipeline_is_explained_once_and_none_that_is_not_shown() -> None:
    explained = [name for row in rows("What the pipeline's series say") for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(explained) == sorted(pipeline_series())


def test_every_series_is_said_to_mean_something_and_what_to_do() -> None:
    for row in rows("What the pipeline's series say"):
        assert len(row) == 3
        assert all(cell.strip() for cell in row), row


def test_every_service_of_the_stack_is_listed() -> None:
    listed = {name for row in rows("The stack in compose") for name in re.findall(r"`([\w-]+)`", row[0])}
    assert listed == SERVICES.keys()
    for volume in COMPOSE["volumes"]:
        assert f"`{volume}`" in GUIDE
        assert volume in GUIDE.split("for name in ")[1].split(";")[0], "not backed up"


def test_the_second_worker_is_the_first_with_another_name_and_no_port(tmp_path: Path) -> None:
    text = block("yaml", "services:\n  worker-2:")
    (tmp_path / "docker-compose.override.yml").write_text(text)
    done = compose("-f", "docker-compose.yml", "-f", str(tmp_path / "docker-compose.override.yml"), "config")
    assert done.returncode == 0, done.stderr
    services: dict[str, dict[str, Any]] = yaml.safe_load(done.stdout)["services"]
    first, second = services["worker"], services["worker-2"]
    for key in ("build", "ports"):
        first.pop(key)
    assert first["environment"].pop("DESKPULSE_INSTANCE_ID") != second["environment"].pop("DESKPULSE_INSTANCE_ID")
    assert second == first


def test_the_second_worker_s_target_is_read_by_prometheus_and_ignored_by_git() -> None:
    (group,) = yaml.safe_load(block("yaml", '- targets: ["worker-2'))
    assert group == {"targets": ["worker-2:9464"]}
    (name,) = re.findall(r"`deploy/prometheus/targets-compose/(workers-\w+\.yml)`", GUIDE)
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())
    (pattern,) = config["scrape_configs"][0]["file_sd_configs"][0]["files"]
    assert Path(f"targets/{name}").match(pattern)
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"deploy/prometheus/targets*/workers-*.yml", "docker-compose.override.yml", "live.env"} <= set(ignored)


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md"])
def test_every_verb_that_a_page_tells_to_run_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    verbs = re.findall(r"(?:^    (?:\.venv/bin/)?|`)deskpulse ([a-z]+)", text, re.MULTILINE)
    assert verbs
    assert set(verbs) <= set(VERBS)


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md", "docs/README.md", "grafana/README.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    here = ROOT / page
    for target in re.findall(r"\]\(([^)\s]+)\)", here.read_text(encoding="utf-8")):
        if re.match(r"https?://", target):
            continue
        path, _, anchor = target.partition("#")
        there = (here.parent / path).resolve() if path else here
        assert there.exists(), f"{page} links to {target}"
        assert not anchor or anchor in anchors(there), f"{page} links to {target}"


def anchors(page: Path) -> set[str]:
    """Anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_index_of_the_documentation_names_every_page() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md") if not path.name.endswith(".intro.md")}
    missing = [name for name in sorted(pages - {"README.md"}) if f"({name})" not in index]
    assert not missing
    assert "(runbooks/README.md)" in index
