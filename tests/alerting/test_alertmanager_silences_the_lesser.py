"""What explains an alert silences it: asked of a real Alertmanager that is told of alerts."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from alertmanager_process import Alertmanager, running_alertmanager
from routing import CONFIG, alert_rules, labels_of

from streams.broker.config import free_port

#: it takes in what it was told within a moment
TIMEOUT_S = 30.0
NEVER_SILENCED = {"DeskpulseMonitorDown", "DeskpulseNumbersUntrusted", "DeskpulseWatchdog"}


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    with running_alertmanager(tmp_path_factory.mktemp("alertmanager"), CONFIG, free_port()) as running:
        yield running


def business() -> set[str]:
    return {name for name, rule in alert_rules().items() if rule["labels"]["scope"] == "business"}


def silenced(alertmanager: Alertmanager, firing: dict[str, dict[str, str]], deployment: str) -> set[str]:
    """Names of the alerts that are silenced while these fire (name -> labels besides its own) in a deployment."""
    alerts = [{**labels_of(name), "deployment": deployment, **more} for name, more in firing.items()]
    alertmanager.tell([{"labels": labels, "annotations": {}} for labels in alerts])
    found: list[set[str]] = []
    deadline = time.monotonic() + TIMEOUT_S
    # alerts and what they silence are taken in one after the other: until three answers are the same
    while len(found) < 3 or found[-3:] != [found[-1]] * 3:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
        held = [alert for alert in alertmanager.alerts() if alert["labels"].get("deployment") == deployment]
        if len(held) == len(alerts):
            found.append({alert["labels"]["alertname"] for alert in held if alert["status"]["inhibitedBy"]})
    return found[-1]


def everything() -> dict[str, dict[str, str]]:
    return {name: {} for name in alert_rules()}


def without(*names: str) -> dict[str, dict[str, str]]:
    return {name: {} for name in alert_rules() if name not in names}


def test_numbers_that_cannot_be_believed_silence_every_business_alert_and_nothing_else(
    alertmanager: Alertmanager,
) -> None:
    firing = {name: {} for name in (*business(), "DeskpulseNumbersUntrusted", "DeskpulseEventsRejected")}
    assert silenced(alertmanager, firing, "untrusted") == business()


@pytest.mark.parametrize(
    "page",
    [
        "DeskpulseMonitorDown",
        "DeskpulseMonitorIncomplete",
        "DeskpulseMonitorBehind",
        "DeskpulseMonitorStalled",
        "DeskpulseRecoveryStuck",
        "DeskpulseSourceTruncated",
    ],
)
def test_each_page_about_the_monitor_silences_every_business_alert(alertmanager: Alertmanager, page: str) -> None:
    assert silenced(alertmanager, {name: {} for name in (*business(), page)}, f"page of {page}") == business()


def test_every_page_about_the_monitor_is_among_those_tried() -> None:
    pages = {
        name
        for name, rule in alert_rules().items()
        if rule["labels"]["scope"] == "monitor" and rule["labels"]["severity"] == "page"
    }
    (mark,) = test_each_page_about_the_monitor_silences_every_business_alert.pytestmark  # type: ignore[attr-defined]
    assert pages == set(mark.args[1])


def test_business_alerts_speak_while_the_monitor_is_well(alertmanager: Alertmanager) -> None:
    firing = {name: {} for name in ("DeskpulseBacklogHigh", "DeskpulseChurnHigh", "DeskpulseWatchdog")}
    assert silenced(alertmanager, firing, "well") == set()


def test_tickets_about_the_monitor_silence_no_business_alert(alertmanager: Alertmanager) -> None:
    firing = {name: {} for name in ("DeskpulseBacklogHigh", "DeskpulseEventsRejected", "DeskpulseSeriesBudget")}
    assert silenced(alertmanager, firing, "tickets") == set()


def test_a_monitor_that_is_down_says_only_that(alertmanager: Alertmanager) -> None:
    assert silenced(alertmanager, everything(), "down") == alert_rules().keys() - NEVER_SILENCED


def test_the_cause_silences_its_consequences_on_its_topic_alone(alertmanager: Alertmanager) -> None:
    desk, crm = {"topic": "helpdesk.events"}, {"topic": "crm.events"}
    consequences = ("DeskpulseMonitorIncomplete", "DeskpulseMonitorBehind", "DeskpulseMonitorStalled")
    for cause in ("DeskpulseRecoveryStuck", "DeskpulseSourceTruncated"):
        of_its_topic = {cause: desk, **dict.fromkeys(consequences, desk)}
        assert silenced(alertmanager, of_its_topic, f"{cause} here") == set(consequences)
        of_another = {cause: desk, "DeskpulseMonitorBehind": crm}
        assert silenced(alertmanager, of_another, f"{cause} elsewhere") == set()


def test_what_is_missing_or_stands_still_silences_that_it_is_late(alertmanager: Alertmanager) -> None:
    for cause in ("DeskpulseMonitorIncomplete", "DeskpulseMonitorStalled"):
        firing = {cause: {}, "DeskpulseMonitorBehind": {}}
        assert silenced(alertmanager, firing, f"late by {cause}") == {"DeskpulseMonitorBehind"}


def test_the_worse_of_two_about_the_same_speaks(alertmanager: Alertmanager) -> None:
    pairs = {
        "DeskpulseFirstResponseBurnFast": {"DeskpulseFirstResponseBurnSlow"},
        "DeskpulseBacklogHigh": {"DeskpulseBacklogFillingUp", "DeskpulseInflowOutpacing"},
        "DeskpulseBacklogFillingUp": {"DeskpulseInflowOutpacing"},
    }
    for worse, lesser in pairs.items():
        firing = {name: {} for name in (worse, *lesser)}
        assert silenced(alertmanager, firing, f"worse is {worse}") == lesser


def test_what_needs_a_person_of_its_own_is_not_silenced(alertmanager: Alertmanager) -> None:
    pages = {"DeskpulseFirstResponseOverdue", "DeskpulseOldestUnanswered", "DeskpulseBacklogHigh"}
    assert silenced(alertmanager, {name: {} for name in (*pages, "DeskpulseSlaAtRisk")}, "pages") == set()


def test_the_monitor_of_one_deployment_silences_no_alert_of_another(alertmanager: Alertmanager) -> None:
    silenced(alertmanager, {"DeskpulseMonitorDown": {}, "DeskpulseNumbersUntrusted": {}}, "staging")
    assert silenced(alertmanager, {name: {} for name in ("DeskpulseBacklogHigh",)}, "production") == set()
