"""Alertmanager takes the committed configuration, and every alert reaches whom it is for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from debian_programs import amtool
from routing import CONFIG, ROOT, alert_rules, committed, labels_of, names_in, written

EXAMPLES = ROOT / "docs" / "notifications.md"
#: who hears of what; office hours bear on the support lead alone
RECEIVERS = {
    "support-oncall": {
        "DeskpulseFirstResponseBurnFast", "DeskpulseFirstResponseOverdue", "DeskpulseOldestUnanswered",
        "DeskpulseBacklogHigh",
    },
    "support-lead": {
        "DeskpulseFirstResponseBurnSlow", "DeskpulseBacklogFillingUp", "DeskpulseInflowOutpacing",
        "DeskpulseResolutionSlow", "DeskpulseSlaAtRisk", "DeskpulseChurnHigh", "DeskpulseComplaintEscalation",
    },
    "platform-oncall": {
        "DeskpulseIntakeStalled", "DeskpulseMonitorDown", "DeskpulseMonitorIncomplete", "DeskpulseMonitorBehind",
        "DeskpulseMonitorStalled", "DeskpulseRecoveryStuck", "DeskpulseSourceTruncated",
    },
    "platform-tickets": {"DeskpulseEventsRejected", "DeskpulseSeriesBudget", "DeskpulseSpecVersionsMixed"},
    "watchdog": {"DeskpulseWatchdog"},
    "nobody": {"DeskpulseNumbersUntrusted"},
}  # fmt: skip
RECEIVER_OF = {name: receiver for receiver, names in RECEIVERS.items() for name in names}


def receivers_for(labels: dict[str, str]) -> str:
    """Whom alerts with these labels go to, separated by commas, whatever time it is."""
    pairs = [f"{name}={value}" for name, value in labels.items()]
    said = amtool("config", "routes", "test", f"--config.file={CONFIG}", *pairs)
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout.strip()


def examples() -> list[dict[str, object]]:
    """Receivers that the document shows."""
    blocks = re.findall(r"```yaml\n(.*?)```", EXAMPLES.read_text(encoding="utf-8"), re.DOTALL)
    return [receiver for block in blocks if isinstance(found := yaml.safe_load(block), list) for receiver in found]


def test_amtool_takes_the_configuration_and_finds_the_templates() -> None:
    checked = amtool("check-config", str(CONFIG))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "1 templates" in checked.stdout


def test_every_alert_is_for_somebody() -> None:
    assert RECEIVER_OF.keys() == alert_rules().keys()


@pytest.mark.parametrize("name", RECEIVER_OF)
def test_an_alert_goes_to_whom_it_is_for_and_to_nobody_else(name: str) -> None:
    assert receivers_for(labels_of(name)) == RECEIVER_OF[name]


def test_what_no_route_names_is_read_by_somebody() -> None:
    assert receivers_for({"alertname": "SomethingElse", "severity": "warning"}) == "platform-tickets"


def test_only_tickets_of_the_support_lead_wait_for_office_hours() -> None:
    waiting = [route["receiver"] for route in committed()["route"]["routes"] if "active_time_intervals" in route]
    assert waiting == ["support-lead"]
    assert {alert_rules()[name]["labels"]["severity"] for name in RECEIVERS["support-lead"]} == {"ticket"}


def test_everybody_who_is_paged_is_paged_at_any_hour() -> None:
    pages = {name for name, rule in alert_rules().items() if rule["labels"]["severity"] == "page"}
    assert {RECEIVER_OF[name] for name in pages} == {"support-oncall", "platform-oncall"}


def test_inhibitions_and_routes_name_alerts_that_exist() -> None:
    assert set(names_in(CONFIG.read_text(encoding="utf-8"))) <= alert_rules().keys()


def test_every_inhibition_stays_within_one_deployment() -> None:
    assert all("deployment" in rule["equal"] for rule in committed()["inhibit_rules"])


def test_it_starts_as_it_is_with_receivers_that_hold_no_secret() -> None:
    assert [receiver.keys() for receiver in committed()["receivers"]] == [{"name"}] * len(RECEIVERS)


@pytest.mark.parametrize("example", examples(), ids=lambda example: example["name"])
def test_alertmanager_takes_the_examples_of_the_document(example: dict[str, object], tmp_path: Path) -> None:
    config = committed()
    config["receivers"] = [example if one["name"] == example["name"] else one for one in config["receivers"]]
    assert example in config["receivers"]
    checked = amtool("check-config", str(written(config, tmp_path)))
    assert checked.returncode == 0, checked.stdout + checked.stderr
