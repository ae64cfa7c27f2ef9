"""docs/adding-a-metric.md, followed to the letter on a copy of the core."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-a-metric.md"
TIMEOUT_S = 120


def code_of_page() -> dict[str, str]:
    """Code by the file that its first line names."""
    blocks = re.findall(
        r"^```python\n# (\S+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return dict(blocks)


def insert_after(path: Path, line: str, text: str) -> None:
    before = path.read_text(encoding="utf-8")
    assert before.count(line) == 1, f"{path.name} has no single {line!r}"
    path.write_text(before.replace(line, line + text), encoding="utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The core, with what the page says put where the page says."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "metrics_core", folder / "metrics_core", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "tests" / "core").mkdir(parents=True)
    shutil.copy(ROOT / "tests/core/desk_story.py", folder / "tests/core/desk_story.py")
    code = code_of_page()
    catalog_import, catalog_entry = code.pop("metrics_core/catalog.py").splitlines(keepends=True)
    catalog = folder / "metrics_core/catalog.py"
    insert_after(catalog, "from metrics_core.families import (\n", catalog_import)
    insert_after(catalog, "FAMILIES: tuple[Family, ...] = (\n", catalog_entry)
    derived = "metrics_core/derived/helpdesk.py"
    insert_after(folder / derived, "DERIVED_HELPDESK: tuple[Derived, ...] = (\n", code.pop(derived))
    for name, text in code.items():
        assert not (ROOT / name).exists(), f"{name} is there already: take another example"
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def run(copy: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_page_names_every_file_that_it_takes() -> None:
    assert list(code_of_page()) == [
        "metrics_core/families/paused.py",
        "metrics_core/catalog.py",
        "metrics_core/derived/helpdesk.py",
        "tests/core/test_paused.py",
    ]


def test_the_tests_of_the_page_pass(copy: Path) -> None:
    said = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/core/test_paused.py")
    assert "3 passed" in said or said.startswith("...")


def test_the_new_metric_is_recorded_without_another_line(copy: Path) -> None:
    rules = run(copy, "-c", "from metrics_core.derived.rules import recording_rules; print(recording_rules())")
    assert "record: deskpulse:paused_share" in rules
    assert "deskpulse_paused_tickets" in rules


def test_the_core_that_ran_was_the_copy(copy: Path) -> None:
    assert run(copy, "-c", "import metrics_core; print(metrics_core.__file__)").startswith(str(copy))
