"""The compiled form is there wherever it should be, and is used as the settings say."""

from __future__ import annotations

import os
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from metrics_core import native
from metrics_core.counters import Counters
from streams.doctor.run import configuration_findings
from streams.engine.ports import SourcePartition
from streams.settings import Settings, load_settings
from streams.shards import form_of, shard_factory

ROOT = Path(__file__).parents[2]
BUILD = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
MODULES = {module["name"]: module for module in BUILD["ext-modules"]}
IN_CI = bool(os.environ.get("CI"))


def below_packages(suffix: str) -> list[Path]:
    """Files of the product by their suffix, relative to the root."""
    packages = (ROOT / "metrics_core", ROOT / "streams")
    return [path.relative_to(ROOT) for package in packages for path in package.rglob(f"*{suffix}")]


def form_found(settings: Settings) -> list[str]:
    """What the doctor says of the form: level and the first words."""
    findings = configuration_findings(settings)
    return [f"{one.level.value}: {one.found.partition(':')[0]}" for one in findings if one.check == "form"]


@pytest.mark.parametrize("name", MODULES)
def test_every_part_is_built_in_continuous_integration(name: str) -> None:
    try:
        import_module(name)
    except ImportError:
        if IN_CI:
            raise
        pytest.skip("no C compiler was found")


def test_the_compiled_form_is_what_counts_in_continuous_integration(pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("--pure") or not (native.AVAILABLE or IN_CI):
        pytest.skip("the pure form was asked for, or no C compiler was found")
    assert native.AVAILABLE
    assert form_of(load_settings()) == "compiled"
    assert form_found(load_settings()) == ["ok: compiled"]


def test_every_source_is_built_and_none_is_needed_to_install() -> None:
    found = {".".join(path.with_suffix("").parts) for path in below_packages(".pyx")}
    assert set(MODULES) == found, "[[tool.setuptools.ext-modules]] of pyproject.toml and the .pyx that are there"
    assert all(module["optional"] for module in MODULES.values())


def test_what_a_build_reads_is_in_every_distribution() -> None:
    """setuptools knows the sources, and nothing of what they cimport."""
    packed = {
        path
        for package, patterns in BUILD["package-data"].items()
        for pattern in patterns
        for path in (ROOT / package).glob(pattern)
    }
    missing = [path for suffix in (".pxd", ".pyi") for path in below_packages(suffix) if ROOT / path not in packed]
    assert not missing, "name them in package-data of pyproject.toml"


@pytest.mark.parametrize("asked", [True, False])
def test_the_setting_reaches_the_shards(asked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr("streams.shards.Shard", lambda policy, **options: made.append(options["native"]))
    settings = load_settings(native=asked)
    shard_factory(settings, {settings.crm_topic: Counters()})(SourcePartition(settings.crm_topic, 0), 1)
    assert made == [asked]


def test_turned_off_the_pure_form_counts() -> None:
    settings = load_settings(native=False)
    assert form_of(settings) == "pure"
    assert form_found(settings) == ["ok: pure, as native = false asks"]


def test_where_it_was_not_built_the_pure_form_counts_and_nothing_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "AVAILABLE", False)
    settings = load_settings(native=True)
    assert form_of(settings) == "pure"
    assert form_found(settings) == ["ok: pure"]
