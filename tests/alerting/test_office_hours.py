"""The support lead reads tickets in office hours; on-call is paged at any hour."""

from __future__ import annotations

from pathlib import Path

import pytest
from alertmanager_process import running_alertmanager
from message_receiver import listening
from routing import in_short, labels_of, written

from streams.broker.config import free_port

TIMEOUT_S = 60.0


def alert(name: str, **labels: str) -> dict[str, object]:
    return {"labels": {**labels_of(name), **labels}, "annotations": {"summary": name}}


@pytest.mark.parametrize("open_now", [True, False], ids=["in office hours", "outside of them"])
def test_tickets_reach_the_support_lead_in_office_hours_only(open_now: bool, tmp_path: Path) -> None:
    with listening() as receiver:
        config = written(in_short(receiver, open_now=open_now), tmp_path)
        with running_alertmanager(tmp_path, config, free_port()) as alertmanager:
            alertmanager.tell([alert("DeskpulseChurnHigh"), alert("DeskpulseSlaAtRisk")])
            if open_now:
                for name in ("DeskpulseChurnHigh", "DeskpulseSlaAtRisk"):
                    receiver.wait("support-lead", lambda message, name=name: message.names == {name}, TIMEOUT_S)
            # two rounds of on-call's, the second with what came after the first: tickets had their turn meanwhile
            for group in ("billing", "shipping"):
                alertmanager.tell([alert("DeskpulseFirstResponseOverdue", group=group)])
                receiver.wait("support-oncall", lambda message, group=group: group in str(message.body), TIMEOUT_S)
            assert bool(receiver.messages("support-lead")) == open_now


def test_the_watchdog_is_heard_again_and_again_and_by_its_own_receiver_alone(tmp_path: Path) -> None:
    with listening() as receiver:
        config = in_short(receiver)
        for route in config["route"]["routes"]:
            if route["receiver"] == "watchdog":
                route["repeat_interval"] = "1s"
        with running_alertmanager(tmp_path, written(config, tmp_path), free_port()) as alertmanager:
            alertmanager.tell([alert("DeskpulseWatchdog"), alert("DeskpulseNumbersUntrusted")])
            first = receiver.wait("watchdog", lambda message: True, TIMEOUT_S)
            receiver.wait("watchdog", lambda message: message is not first, TIMEOUT_S)
            assert {message.to for message in receiver.messages()} <= {"watchdog", "nobody"}
