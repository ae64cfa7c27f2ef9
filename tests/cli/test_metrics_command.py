"""``deskpulse metrics``: the whole catalog, readable and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer import Typer
from typer.testing import CliRunner

from metrics_core.catalog import FAMILIES, all_series
from metrics_core.derived import DERIVED, REPORTED
from metrics_core.policy import WINDOWS, Policy
from streams.cli import metrics
from streams.settings import ConfigurationError

Run = Callable[..., str]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """What the command prints, on a wide terminal and away from any deskpulse.toml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    app = Typer()
    app.command()(metrics.command)

    def printed(*arguments: str) -> str:
        result = CliRunner().invoke(app, arguments, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return printed


def document(run: Run, *arguments: str) -> Any:
    return json.loads(run("--json", *arguments))


def test_the_document_has_every_series_and_every_derived_metric(run: Run) -> None:
    found = document(run)
    assert [one["name"] for one in found["series"]] == [f"deskpulse_{one.name}" for one in all_series(Policy())]
    assert [one["id"] for one in found["derived"]] == [one.id for one in REPORTED]
    assert [one["id"] for one in found["derived"] if one["rule"]] == [one.id for one in DERIVED]
    assert [one["id"] for one in found["families"]] == [one.id for one in FAMILIES]


def test_the_keys_of_the_document_stay(run: Run) -> None:
    found = document(run)
    assert list(found) == ["families", "series", "derived"]
    assert list(found["families"][0]) == ["id", "question", "events", "traps"]
    assert list(found["series"][0]) == [
        "name", "family", "kind", "unit", "labels", "windows", "periods", "merge", "help",
    ]  # fmt: skip
    assert list(found["derived"][0]) == [
        "id", "rule", "formula", "unit", "labels", "series", "families", "events", "question", "traps",
    ]  # fmt: skip


def test_a_series_says_its_labels_its_windows_and_its_periods(run: Run) -> None:
    [changes] = document(run, "customer_changes")["series"]
    assert changes["windows"] == changes["labels"]["window"] == list(WINDOWS)
    assert changes["periods"] == changes["labels"]["period"] == ["now", "before"]
    assert changes["labels"]["change"] == ["new", "lost", "reactivated"]
    assert changes["labels"]["segment"] is None


def test_labels_are_those_of_the_policy(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "small.toml"
    config.write_text('[policy]\ngauge_labels = ["group"]\n')
    [open_tickets] = document(run, "open_tickets", "--config", str(config))["series"]
    assert list(open_tickets["labels"]) == ["status", "group"]


def test_a_derived_metric_says_its_formula_its_rule_and_the_events_behind_it(run: Run) -> None:
    [rate] = document(run, "reopen_rate")["derived"]
    assert rate["formula"] == "tickets{flow=reopened} / tickets{flow=resolved}"
    assert rate["rule"] == "deskpulse:reopen_rate"
    assert rate["labels"] == ["window"]
    assert "helpdesk.ticket.status_changed" in rate["events"]
    [backlog] = document(run, "backlog", "--family", "backlog_age")["derived"]
    assert backlog["labels"] == ["older_than"]


def test_a_family_comes_with_what_is_derived_from_it(run: Run) -> None:
    found = document(run, "--family", "leads")
    assert {one["family"] for one in found["series"]} == {"leads"}
    assert {"conversion", "referral_rate"} <= {one["id"] for one in found["derived"]}


def test_the_tables_say_the_same_for_people(run: Run) -> None:
    shown = run()
    for series in all_series(Policy()):
        assert f"deskpulse_{series.name} " in shown
    for derived in DERIVED:
        assert f"deskpulse:{derived.id} " in shown
        assert derived.question in shown
    for family in FAMILIES:
        assert f"{family.id}: {family.question}" in shown
    assert "status=new|open|pending|on_hold" in shown


def test_a_family_that_there_is_not_names_those_that_there_are(run: Run) -> None:
    with pytest.raises(ConfigurationError, match="choose one of first_response"):
        run("--family", "nonsense")


def test_a_name_that_nothing_has_says_so(run: Run) -> None:
    with pytest.raises(ConfigurationError, match="nothing that is measured has 'nonsense'"):
        run("nonsense")
