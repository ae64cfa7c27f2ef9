"""The tree itself: sizes, directions, leftovers, and that what can be set and seen is written down."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from metrics_core.catalog import FAMILIES, all_series
from metrics_core.derived import DERIVED
from metrics_core.policy import Policy
from streams.settings import Settings

ROOT = Path(__file__).parents[2]
PRODUCT = ("metrics_core", "streams")
MOST_LINES = 400
#: a file of tests is read one test at a time
MOST_LINES_OF_TESTS = 450
MOST_LINES_OF_A_FUNCTION = 60

#: time, chance and the outside world are passed into the core, never reached for
OUTSIDE_THE_CORE = {
    "asyncio", "io", "logging", "os", "pathlib", "random", "secrets", "shutil", "socket", "subprocess", "sys",
    "threading", "time", "urllib", "uuid", "aiohttp", "aiokafka", "faust", "mode", "prometheus_client", "pydantic",
    "rich", "structlog", "typer", "streams",
}  # fmt: skip


CLOCKS = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today")


@cache
def tracked() -> tuple[Path, ...]:
    """Files of the tree: those git knows that are there."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return tuple(path for path in (ROOT / name for name in listed if name) if path.is_file())


def code() -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py"]


def product_code(*packages: str) -> list[Path]:
    return [path for path in code() if path.relative_to(ROOT).parts[0] in (packages or PRODUCT)]


def texts() -> Iterator[tuple[Path, str]]:
    """Every tracked file that is text, but this one, which must name what it looks for."""
    for path in tracked():
        if path != Path(__file__):
            try:
                yield path, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports_of(path: Path) -> Iterator[str]:
    """Dotted names that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_file_of_code_needs_a_table_of_contents() -> None:
    long = {}
    for path in code():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > (MOST_LINES if path.relative_to(ROOT).parts[0] in PRODUCT else MOST_LINES_OF_TESTS):
            long[name_of(path)] = lines
    assert not long, f"split into two modules: {long}"


def test_no_function_is_longer_than_a_screen() -> None:
    """Its body counts: the options of a command are a list, not a procedure."""
    long = {}
    for path in code():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.body[0].lineno + 1
                if lines > MOST_LINES_OF_A_FUNCTION:
                    long[f"{name_of(path)}:{node.name}"] = lines
    assert not long, f"more than {MOST_LINES_OF_A_FUNCTION} lines: {long}"


def test_every_module_of_the_product_says_what_it_is() -> None:
    silent = [
        name_of(path)
        for path in product_code()
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not silent, f"no docstring: {silent}"


def test_nothing_is_left_to_do_without_a_reason() -> None:
    """``TODO: because ...`` is fine; a bare one is a wish."""
    bare = [
        f"{name_of(path)}:{number}"
        for path, text in texts()
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(r"\b(TODO|FIXME|XXX|HACK)\b(?!: \w+ \w+)", line)
    ]
    assert not bare, f"say why it is not done, or do it: {bare}"


def test_the_core_knows_nothing_of_the_world_outside() -> None:
    reaching = [
        f"{name_of(path)} imports {imported}"
        for path in product_code("metrics_core")
        for imported in imports_of(path)
        if imported.split(".")[0] in OUTSIDE_THE_CORE
    ]
    assert not reaching, f"pass it in as an argument: {reaching}"


def test_the_core_never_asks_what_time_it_is() -> None:
    asking = [
        f"{name_of(path)}:{node.lineno}"
        for path in product_code("metrics_core")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in CLOCKS
    ]
    assert not asking, f"take the time as an argument: {asking}"


def test_only_the_command_line_imports_the_command_line() -> None:
    wrong = [
        f"{name_of(path)} imports {imported}"
        for path in product_code("streams")
        for imported in imports_of(path)
        if f"{imported}.".startswith("streams.cli.") and (ROOT / "streams/cli") not in path.parents
    ]
    assert not wrong, f"imports point cli -> streams -> metrics_core: {wrong}"


def test_the_product_imports_nothing_of_its_tests_and_benchmarks() -> None:
    wrong = [
        f"{name_of(path)} imports {imported}"
        for path in product_code()
        for imported in imports_of(path)
        if imported.split(".")[0] in ("tests", "bench", "docs", "pytest", "hypothesis")
    ]
    assert not wrong


def test_the_batch_computation_is_independent_of_the_core() -> None:
    """An audit that shares code with what it audits shares its mistakes."""
    shared = [
        f"{name_of(path)} imports {imported}"
        for path in product_code("streams")
        if (ROOT / "streams/audit") in path.parents
        for imported in imports_of(path)
        if imported.split(".")[0] == "metrics_core"
    ]
    assert not shared


def document(name: str) -> str:
    path = ROOT / "docs" / name
    assert path.is_file(), f"docs/{name} does not exist: run `make generate`"
    return path.read_text(encoding="utf-8")


def undocumented(page: str, names: Iterable[str]) -> list[str]:
    """Names that a page has no word on, where it would have them as code."""
    text = document(page)
    return [name for name in names if not re.search(rf"`(policy\.|deskpulse_)?{re.escape(name)}`", text)]


def test_every_setting_is_documented() -> None:
    missing = undocumented("configuration.md", Settings.model_fields)
    assert not missing, f"docs/configuration.md has no word on {missing}: run `make generate`"


def test_every_key_of_the_policy_is_documented() -> None:
    missing = undocumented("configuration.md", Policy.__struct_fields__)
    assert not missing, f"docs/configuration.md has no word on policy keys {missing}: run `make generate`"


def test_every_setting_describes_itself() -> None:
    silent = [name for name, field in Settings.model_fields.items() if not field.description]
    assert not silent, f"give it a description in streams/settings.py: {silent}"


def test_every_series_has_a_line_in_the_docs() -> None:
    missing = undocumented("metrics.md", [series.name for series in all_series(Policy())])
    assert not missing, f"docs/metrics.md has no line on {missing}: run `make generate`"


def test_every_derived_metric_has_a_line_in_the_docs() -> None:
    missing = undocumented("metrics.md", [derived.id for derived in DERIVED])
    assert not missing, f"docs/metrics.md has no line on {missing}: run `make generate`"


def test_every_family_of_metrics_is_in_the_catalog() -> None:
    modules = {path.stem for path in product_code("metrics_core") if path.parent.name == "families"}
    catalog = (ROOT / "metrics_core/catalog.py").read_text(encoding="utf-8")
    missing = [name for name in modules - {"__init__", "base"} if not re.search(rf"\b{name}\b", catalog)]
    assert not missing, f"families that nobody shows: {missing}"
    assert len({family.id for family in FAMILIES}) == len(FAMILIES)


def test_nothing_names_a_folder_of_somebodys_machine() -> None:
    #: /tmp and the like are everybody's; /home and its kin are somebody's
    found = [
        f"{name_of(path)}: {match.group()}"
        for path, text in texts()
        for match in re.finditer(r"(?<![\w.:/-])(/home|/root|/work|/Users|/mnt)/[\w.-]+|\b[A-Z]:\\\\?[\w.-]+", text)
    ]
    assert not found, f"make it relative, or a setting: {found}"


def test_nothing_names_the_host_of_a_registry() -> None:
    """Where packages, images and jars come from is for the machine's own configuration to say."""
    hosts = re.compile(
        r"pypi\.org|pythonhosted\.org|repo\d?\.maven|maven\.org|docker\.io|ghcr\.io|quay\.io|npmjs\.|jfrog|"
        r"artifactory|registry\.\w+\.\w+|proxy\.golang|--index-url|--extra-index-url"
    )
    found = [f"{name_of(path)}: {match.group()}" for path, text in texts() for match in hosts.finditer(text)]
    assert not found


def test_no_cache_log_or_build_is_tracked() -> None:
    parts = {"__pycache__", ".venv", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "build", "dist"}
    suffixes = {".pyc", ".pyo", ".log", ".egg-info", ".class", ".jar", ".whl", ".swp", ".orig", ".rej", ".DS_Store"}
    found = [
        name_of(path)
        for path in tracked()
        if parts & set(path.relative_to(ROOT).parts) or path.suffix in suffixes or path.name in suffixes
    ]
    assert not found


def test_no_file_is_empty_but_the_marks_of_packages() -> None:
    empty = [name_of(path) for path in tracked() if not path.stat().st_size]
    assert not [name for name in empty if not name.endswith(("__init__.py", "py.typed"))]


def test_no_two_test_files_share_a_name() -> None:
    """Folders of tests are no packages: two modules of one name would be one."""
    tests = [path for path in code() if path.relative_to(ROOT).parts[0] == "tests"]
    loose = [path.name for path in tests if not (path.parent / "__init__.py").exists()]
    assert not [name for name in set(loose) - {"conftest.py"} if loose.count(name) > 1]
