"""The generated rule file and the configuration beside it are what Prometheus takes."""

from __future__ import annotations

from pathlib import Path

import yaml
from debian_programs import promtool

from metrics_core.catalog import all_series
from metrics_core.derived import DERIVED
from metrics_core.derived.formulas import Term, parts_of
from metrics_core.derived.promql import PREFIX, _le
from metrics_core.derived.rules import RULE_PREFIX, recording_rules
from metrics_core.grid import EDGES_S
from metrics_core.policy import Policy
from streams.serving import exposition
from streams.serving.rendering import LE

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
RULES = FOLDER / "rules" / "deskpulse-recording.yml"


def test_the_rule_file_is_what_the_catalog_says() -> None:
    assert RULES.read_text(encoding="utf-8") == recording_rules(), "run `make generate`"


def test_promtool_takes_the_rules() -> None:
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", str(RULES))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(DERIVED) + 1} rules found" in checked.stdout


def test_promtool_takes_the_configuration_and_finds_the_rules() -> None:
    checked = promtool("check", "config", "--lint=all", "--lint-fatal", str(FOLDER / "prometheus.yml"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "2 rule files found" in checked.stdout


def test_every_derived_metric_has_one_rule() -> None:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    names = [rule["record"] for group in groups for rule in group["rules"]]
    assert sorted(names) == sorted([RULE_PREFIX + "complete", *(RULE_PREFIX + metric.id for metric in DERIVED)])


def test_topics_of_other_names_stand_in_every_guard() -> None:
    text = recording_rules({"helpdesk": "desk", "crm": "sales"})
    assert 'topic="desk"' in text
    assert 'topic="sales"' in text
    assert "helpdesk.events" not in text
    assert "crm.events" not in text


def test_prefix_and_edges_are_those_of_the_exposition() -> None:
    assert PREFIX == exposition.PREFIX
    assert (*(_le(edge) for edge in EDGES_S), "+Inf") == LE


def test_every_term_says_which_period_it_counts() -> None:
    series = {one.name: one for one in all_series(Policy())}
    adding_both_up = [
        (metric.id, part.series)
        for metric in DERIVED
        for part in parts_of(metric.formula)
        if isinstance(part, Term) and "period" in series[part.series].labels and "period" not in part.where
    ]
    assert not adding_both_up
