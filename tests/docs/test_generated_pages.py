"""What is generated is what the catalog says, and the catalog says everything."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from metrics_core.catalog import FAMILIES
from metrics_core.derived import DERIVED, REPORTED, Derived
from metrics_core.derived.wording import text
from metrics_core.families.base import Family

ROOT = Path(__file__).parents[2]
#: a trap is a sentence at least
LEAST_TRAPS = 20


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / "docs/metrics.md").read_text(encoding="utf-8")


def test_generated_files_are_what_make_generate_writes() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("entry", [*FAMILIES, *REPORTED], ids=lambda entry: entry.id)
def test_every_entry_has_a_question_and_says_its_traps(entry: Family | Derived) -> None:
    assert entry.question.endswith("?")
    assert len(entry.traps) > LEAST_TRAPS
    assert entry.traps.endswith(".")


def test_every_family_says_what_feeds_it_and_what_is_read_wrong(page: str) -> None:
    for family in FAMILIES:
        section = section_of(page, f"### {family.id.replace('_', ' ')}\n")
        assert f"*{family.question}*" in section
        assert f"Traps: {family.traps}" in section
        assert "Events: " in section
        for series in family.series:
            assert f"`deskpulse_{series.name}` (" in section
            for values in series.enums.values():
                assert ", ".join(values) in section


def test_every_derived_metric_says_its_formula_its_labels_its_events_and_its_traps(page: str) -> None:
    for derived in REPORTED:
        section = section_of(page, f"### `{derived.id}`\n")
        assert f"`{text(derived.formula)}`" in section
        assert (f"Recorded as `deskpulse:{derived.id}`" in section) == (derived in DERIVED)
        assert f"Unit: {derived.unit}." in section
        assert f"Traps: {derived.traps}" in section
        assert re.search(r"Events: (helpdesk|crm|finance)\.", section)
        for label in derived.by:
            assert f"`{label}`" in section


def test_the_pipelines_own_series_are_on_the_page(page: str) -> None:
    section = page[page.index("## The pipeline's own series") :]
    for name in ("partition_ready", "checkpoints_failed_total", "recovery_blocked", "metric_spec_info"):
        assert f"`deskpulse_{name}`" in section


def section_of(page: str, heading: str) -> str:
    assert page.count(heading) == 1, heading
    start = page.index(heading)
    return page[start : page.index("\n#", start + len(heading))]
