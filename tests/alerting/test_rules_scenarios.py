"""Every alert under promtool, with the recording rules it stands on: it fires when it should, says what it should,
and is silent just before, and while the monitor does not know."""

from __future__ import annotations

from pathlib import Path

import pytest
from desk_scenarios import DESK_SCENARIOS
from exposition import Exposition, healthy, incomplete, mixed, stale, twice
from monitor_scenarios import MONITOR_SCENARIOS
from promtool_tests import ALERTS, Trial, expected, run
from scenario import Scenario

SCENARIOS = (*DESK_SCENARIOS, *MONITOR_SCENARIOS)
BUSINESS = [one for one in SCENARIOS if ALERTS[one.alert].scope == "business"]
#: what always fires has no border
BORDERLESS = {"DeskpulseWatchdog"}
#: after an alert has fired
_AFTER_LOOKS = 5


def fires_at(scenario: Scenario) -> int:
    """The first look at which it fires."""
    step, for_min = step_of(scenario), ALERTS[scenario.alert].for_s // 60
    return first_look(scenario) + for_min + -for_min % step


def step_of(scenario: Scenario) -> int:
    """Minutes between two looks: few, where it takes long."""
    if scenario.since > 24 * 60:
        return 60
    return 15 if ALERTS[scenario.alert].for_s >= 3600 else 1


def first_look(scenario: Scenario) -> int:
    """The first look at which it should."""
    return scenario.since + -scenario.since % step_of(scenario)


def shown_by(scenario: Scenario) -> Exposition:
    shown = healthy(fires_at(scenario) + _AFTER_LOOKS * step_of(scenario))
    scenario.fires(shown)
    return shown


def wanted(scenario: Scenario) -> dict[str, object]:
    return expected(ALERTS[scenario.alert], scenario.labels, scenario.summary, scenario.description)


def named(scenario: Scenario) -> str:
    return "-".join((scenario.alert.removeprefix("Deskpulse"), *scenario.labels.values()))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=named)
def test_it_waits_then_fires_and_says_so(scenario: Scenario, tmp_path: Path) -> None:
    fires, step = fires_at(scenario), step_of(scenario)
    looks = {fires: [wanted(scenario)]}
    if ALERTS[scenario.alert].for_s:
        looks[fires - step] = []
    assert run(tmp_path, [Trial("fires", shown_by(scenario), scenario.alert, looks, step=step)]) == ""


@pytest.mark.parametrize("scenario", [one for one in SCENARIOS if one.borders], ids=named)
def test_it_is_silent_at_the_border(scenario: Scenario, tmp_path: Path) -> None:
    fires, step = fires_at(scenario), step_of(scenario)
    trials = []
    for number, border in enumerate(scenario.borders):
        shown = healthy(fires + step)
        border(shown)
        looks = {fires: [], fires + step: []}
        trials.append(Trial(f"border {number}", shown, scenario.alert, looks, step=step))
    assert run(tmp_path, trials) == ""


@pytest.mark.parametrize("scenario", BUSINESS, ids=named)
def test_it_is_silent_while_the_monitor_does_not_know(scenario: Scenario, tmp_path: Path) -> None:
    fires, trials = fires_at(scenario), []
    for breakage in (stale, incomplete, mixed, twice):
        shown = shown_by(scenario)
        breakage(shown)
        trials.append(Trial(breakage.__name__, shown, scenario.alert, {fires: []}, step=step_of(scenario)))
    assert run(tmp_path, trials) == ""


@pytest.mark.parametrize("scenario", BUSINESS, ids=named)
def test_a_rebalance_of_a_minute_neither_resolves_nor_repeats_it(scenario: Scenario, tmp_path: Path) -> None:
    shown, fires = shown_by(scenario), fires_at(scenario)
    step = step_of(scenario)
    away = fires + step
    shown.change("partition_ready", 0, since=away, until=away + step, worker="w2")
    since_s = 60 * first_look(scenario)
    name = f'ALERTS_FOR_STATE{{alertname="{scenario.alert}"}}'
    trial = Trial("rebalance", shown, scenario.alert, step=step)
    for minute in (away, away + step, away + 2 * step):
        trial.queries += [
            {
                "expr": f'count(ALERTS{{alertname="{scenario.alert}",alertstate="firing"}})',
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": "{}", "value": 1}],
            },
            {
                "expr": f"max({name})",
                "eval_time": f"{minute}m",
                "exp_samples": [{"labels": "{}", "value": since_s}],
            },
        ]
    assert run(tmp_path, [trial]) == ""


def test_every_alert_has_scenarios_for_all_of_this() -> None:
    tried = {one.alert for one in SCENARIOS}
    assert tried == set(ALERTS)
    assert {one.alert for one in SCENARIOS if one.borders} == set(ALERTS) - BORDERLESS
    assert {one.alert for one in BUSINESS} == {name for name, alert in ALERTS.items() if alert.scope == "business"}
    assert all(ALERTS[one.alert].keep_s >= 300 for one in BUSINESS)


def test_the_watchdog_fires_although_nothing_is_scraped(tmp_path: Path) -> None:
    scenario = next(one for one in SCENARIOS if one.alert == "DeskpulseWatchdog")
    shown = Exposition(5)
    shown.put("unrelated", 1)
    assert (
        run(tmp_path, [Trial("alone", shown, scenario.alert, {0: [wanted(scenario)], 5: [wanted(scenario)]})]) == ""
    )
