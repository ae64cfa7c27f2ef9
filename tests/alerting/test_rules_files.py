"""The rule files themselves: generated, taken by promtool, linked to what exists, and each part of them needed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from debian_programs import promtool
from desk_scenarios import BILLING, CRM, DESK_SCENARIOS, clocks, complaints, flows, open_tickets, put_outcomes
from exposition import Exposition, healthy, incomplete, stale
from promtool_tests import ALERTS, FILES, Trial, run
from scenario import Scenario
from test_rules_scenarios import fires_at, shown_by, step_of, wanted

from metrics_core.policy import Policy
from streams.alerting.alert import Alert, Terms
from streams.alerting.hours import open_condition
from streams.alerting.rules import ALERTS_FILE, rule_files, terms_of
from streams.settings import load_settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "prometheus" / "rules"
OVERDUE = next(one for one in DESK_SCENARIOS if one.alert == "DeskpulseFirstResponseOverdue")


def test_the_committed_rules_are_those_of_the_committed_settings() -> None:
    made = rule_files(terms_of(load_settings(ROOT / "deploy" / "deskpulse.toml")))
    committed = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert committed == made, "run `make generate`"


def test_the_committed_rules_are_those_of_all_defaults() -> None:
    assert (FOLDER / ALERTS_FILE).read_text(encoding="utf-8") == FILES[ALERTS_FILE]


@pytest.mark.parametrize(
    "policy",
    [
        {},
        {"goals": {"backlog": 400, "oldest_unanswered_s": 90}, "gauge_labels": [], "histogram_labels": []},
        {"gauge_labels": ["priority"], "histogram_labels": ["channel"]},
        {
            "goals": {"intake_calendar": "office", "quiet_s": 600},
            "versions": [
                {
                    "version": 1,
                    "calendars": {"office": {"zone": "Asia/Kolkata", "hours": {"mon": ["09:00-17:00"]},
                                             "holidays": ["2026-12-24"]}},
                    "sla": [{"name": "all", "resolution_s": 2592000, "calendar": "office"}],
                }
            ],
        },
    ],
)  # fmt: skip
def test_promtool_takes_the_rules_of_any_policy(policy: dict[str, Any], tmp_path: Path) -> None:
    for name, text in rule_files(Terms(Policy.parse(policy), {"helpdesk": "desk", "crm": "sales"})).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        checked = promtool("check", "rules", "--lint=all", "--lint-fatal", str(tmp_path / name))
        assert checked.returncode == 0, checked.stdout + checked.stderr
        assert "helpdesk.events" not in text


@pytest.mark.parametrize("alert", ALERTS.values(), ids=lambda one: one.name)
def test_the_panel_of_an_alert_is_on_its_board_and_takes_its_choices(alert: Alert) -> None:
    board = json.loads((ROOT / "grafana" / "dashboards" / f"{alert.place.board}.json").read_text(encoding="utf-8"))
    assert alert.place.panel in {panel["id"] for panel in board["panels"]}
    offered = {variable["name"]: variable["query"] for variable in board["templating"]["list"]}
    for name, value in alert.variables.items():
        assert name in offered
        assert "$" in value or value in offered[name].split(",")


@pytest.mark.parametrize("alert", ALERTS.values(), ids=lambda one: one.name)
def test_the_runbook_of_an_alert_exists(alert: Alert) -> None:
    assert (ROOT / alert.runbook).is_file()


def test_every_alert_says_whom_it_reaches_and_what_it_is_about() -> None:
    for group in yaml.safe_load(FILES[ALERTS_FILE])["groups"]:
        for rule in group["rules"]:
            assert set(rule["labels"]) == {"severity", "team", "scope"}
            assert set(rule["annotations"]) == {"summary", "description", "dashboard", "runbook"}


def fires(scenario: Scenario) -> Trial:
    looks = {fires_at(scenario) - step_of(scenario): [], fires_at(scenario): [wanted(scenario)]}
    return Trial("fires", shown_by(scenario), scenario.alert, looks)


def broken(how: Callable[[Exposition], None]) -> Callable[[Scenario], Trial]:
    def trial(scenario: Scenario) -> Trial:
        shown = shown_by(scenario)
        how(shown)
        return Trial("broken", shown, scenario.alert, {fires_at(scenario): []})

    return trial


_EXPR = 'sum(deskpulse_sla_clocks{state="breached",target="first_response"}) > 10'
_FRESH = '          and on () (min(deskpulse_partition_fresh{topic="helpdesk.events"}) == 1)\n'
_WHOLE = (
    "          and on () (\n"
    '            count(sum by (partition) (deskpulse_partition_ready{topic="helpdesk.events"}) == 1)\n'
    '            == min(deskpulse_topic_partitions{topic="helpdesk.events"})\n'
    '            == max(deskpulse_topic_partitions{topic="helpdesk.events"})\n'
    "          )\n"
)


@pytest.mark.parametrize(
    ("written", "instead", "trial"),
    [
        (_EXPR, _EXPR.replace(">", "<"), fires),
        (_EXPR, _EXPR.replace(',target="first_response"', ""), fires),
        (_EXPR, _EXPR.replace("sum(", "max("), fires),
        ("        for: 10m\n", "", fires),
        (_FRESH, "", broken(stale)),
        (_WHOLE, "", broken(incomplete)),
    ],
    ids=["turned round", "of every target", "of one worker", "at once", "not asking for fresh", "nor for whole"],
)
def test_a_fault_planted_in_a_rule_is_found(
    written: str, instead: str, trial: Callable[[Scenario], Trial], tmp_path: Path
) -> None:
    assert run(tmp_path, [trial(OVERDUE)]) == ""
    text = FILES[ALERTS_FILE]
    assert written in text
    assert run(tmp_path, [trial(OVERDUE)], {**FILES, ALERTS_FILE: text.replace(written, instead)}) != ""


#: as far as each goal goes, and what a desk shows that misses all of them as far as it can
_EXTREMES: tuple[dict[str, Any], ...] = (
    {"attainment": 0.999, "burn_fast": 999, "at_risk_share": 0.999, "escalation": 0.999, "churn": 0.999},
    {"attainment": 0.01, "burn_fast": 1.01, "resolution_p90_s": 2_592_000, "inflow": 20, "days_to_clear": 300},
    {"attainment": 0.5, "burn_fast": 1.999, "overdue": 900_000, "backlog": 900_000, "oldest_unanswered_s": 10**8},
)


def worst(shown: Exposition) -> None:
    put_outcomes(shown, _1h=(0, 500, 500), _24h=(0, 500, 500), _7d=(0, 500, 500))
    clocks(shown, "breached", 10**6, 0)
    clocks(shown, "at_risk", 10**6, 0)
    clocks(shown, "running", 0, 0)
    complaints(shown, (100, 0), (100, 0))
    open_tickets(shown, 10**6, 0)
    flows(shown, "24h", created=(10**5, 0), resolved=(1, 0))
    flows(shown, "7d", created=(10**5, 0), resolved=(1, 0))
    flows(shown, "30d", created=(10**6, 0), resolved=(1, 0))
    shown.put("oldest_unanswered_timestamp_seconds", -(10**9), **BILLING)
    labels = {"window": "7d", "clock": "calendar", "resolution": "full", **BILLING}
    for le, count in (("604800.0", 0), ("1.2096e+06", 0), ("2.592e+06", 0), ("+Inf", 100)):
        shown.put("resolution_seconds_bucket", count, **labels, le=le)
    shown.put("resolution_seconds_gcount", 100, **labels)
    month = {"window": "30d", "period": "now"}
    shown.put("customers_at_start", 100, **month)
    shown.put("customer_changes", 100, **month, change="lost", origin="none", segment="none")


@pytest.mark.parametrize("goals", _EXTREMES, ids=["strict", "lax", "large"])
def test_whatever_the_goals_are_they_can_be_missed(goals: dict[str, Any], tmp_path: Path) -> None:
    files = rule_files(Terms(Policy.parse({"goals": goals})))
    shown = healthy(90)
    worst(shown)
    names = [one.alert for one in DESK_SCENARIOS if one.alert != "DeskpulseIntakeStalled"]
    queries = [
        {
            "expr": f'count(ALERTS{{alertname="{name}",alertstate="firing"}})',
            "eval_time": "90m",
            "exp_samples": [{"labels": "{}", "value": 1}],
        }
        for name in names
    ]
    trial = Trial("worst", shown, "DeskpulseWatchdog", queries=queries, step=15)
    assert run(tmp_path, [trial], files) == ""


def test_a_calendar_is_open_where_all_offsets_of_its_zone_agree(tmp_path: Path) -> None:
    days = ("mon", "tue", "wed", "thu", "fri")
    office = {"zone": "Europe/Berlin", "hours": {day: ["09:00-17:00"] for day in days}, "holidays": ["1970-01-02"]}
    policy = Policy.parse({"versions": [{"version": 1, "calendars": {"office": office}}]})
    condition = open_condition(policy.newest.calendars["office"], 1_800)
    # the epoch is a Thursday: nine in Berlin is eight in winter and seven in summer
    wanted_at = {
        "8h29m": False, "8h30m": True, "14h59m": True, "15h": False,
        "34h": False, "58h": False, f"{4 * 24 + 9}h": True,
    }  # fmt: skip
    queries = [
        {
            "expr": f"count({condition})",
            "eval_time": moment,
            "exp_samples": [{"labels": "{}", "value": 1}] if is_open else [],
        }
        for moment, is_open in wanted_at.items()
    ]
    assert run(tmp_path, [Trial("hours", healthy(1), "DeskpulseWatchdog", queries=queries, step=240)]) == ""


def test_a_quiet_topic_pages_in_the_hours_of_its_calendar_without_a_week_before(tmp_path: Path) -> None:
    policy = {
        "goals": {"intake_calendar": "office"},
        "versions": [{"version": 1, "calendars": {"office": {"hours": {"thu": ["01:00-03:00"]}}}}],
    }
    shown = healthy(240)
    for topic in ("helpdesk.events", CRM):
        shown.change("watermark_timestamp_seconds", 60, topic=topic)
    name = 'count(ALERTS{alertname="DeskpulseIntakeStalled",alertstate="firing"}) by (topic)'
    queries = [
        {"expr": name, "eval_time": f"{minute}m", "exp_samples": [
            {"labels": '{topic="helpdesk.events"}', "value": 1}] if is_firing else []}
        for minute, is_firing in ((90, False), (95, True), (179, True), (195, False))
    ]  # fmt: skip
    trial = Trial("calendar", shown, "DeskpulseWatchdog", queries=queries)
    assert run(tmp_path, [trial], rule_files(Terms(Policy.parse(policy)))) == ""
