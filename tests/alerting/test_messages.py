"""What people read: a real Alertmanager renders the templates as the document's examples use them, for services on
loopback."""

from __future__ import annotations

import re
from collections.abc import Iterator
from mailbox import mailbox
from pathlib import Path
from typing import Any

import pytest
import yaml
from alertmanager_process import Alertmanager, running_alertmanager
from message_receiver import Message, Receiver, listening
from routing import FOLDER, ROOT, in_short, labels_of, written

from streams.broker.config import free_port

Json = dict[str, Any]

TIMEOUT_S = 60.0
SUMMARY = "520 tickets are open; the target is at most 500."
DESCRIPTION = "Open tickets of any status.\nMost of them:\n- billing, email: 300\n- shipping, chat: 120"
PANEL = "/d/deskpulse-live?viewPanel=22&var-group=billing"
RUNBOOK = "docs/runbooks/DeskpulseBacklogHigh.md"
STARTED = "2026-03-01T10:00:00Z"
#: three hours before it began, in milliseconds
FROM_MS = 1_772_348_400_000
#: from there to its end
LASTED_MS = 16_200_000


def documented(kind: str) -> Json:
    """The example of a kind of receiver in the document."""
    text = (ROOT / "docs" / "notifications.md").read_text(encoding="utf-8")
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        found = yaml.safe_load(block)
        if isinstance(found, list) and kind in found[0]:
            (example,) = found[0][kind]
            return dict(example)
    raise AssertionError(f"docs/notifications.md shows no {kind}")


def constant(name: str) -> str:
    """An address that the templates define."""
    text = (FOLDER / "templates" / "deskpulse.tmpl").read_text(encoding="utf-8")
    (found,) = re.findall(rf'{{{{ define "{name}" }}}}(.*?){{{{ end }}}}', text)
    return str(found)


def backlog_high(**more: object) -> Json:
    annotations = {"summary": SUMMARY, "description": DESCRIPTION, "dashboard": PANEL, "runbook": RUNBOOK}
    return {"labels": labels_of("DeskpulseBacklogHigh"), "annotations": annotations, "startsAt": STARTED, **more}


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with listening() as running:
        yield running


@pytest.fixture(scope="module")
def alertmanager(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[Alertmanager]:
    """On-call has a chat and a pager, as the document configures them but for the addresses and their secrets."""
    folder = tmp_path_factory.mktemp("alertmanager")
    (folder / "slack").write_text(f"{receiver.url}/slack")
    (folder / "pagerduty").write_text("a-routing-key")
    slack = {**documented("slack_configs"), "api_url_file": str(folder / "slack")}
    key = {"routing_key_file": str(folder / "pagerduty"), "url": f"{receiver.url}/pagerduty"}
    config = in_short(receiver)
    for one in config["receivers"]:
        if one["name"] == "support-oncall":
            one["slack_configs"] = [slack]
            one["pagerduty_configs"] = [{**documented("pagerduty_configs"), **key}]
    with running_alertmanager(folder, written(config, folder), free_port()) as running:
        yield running


@pytest.fixture(scope="module")
def fired(alertmanager: Alertmanager, receiver: Receiver) -> None:
    """The alert fires and then is over."""
    alertmanager.tell([backlog_high()])
    for service in ("slack", "pagerduty"):
        receiver.wait(service, lambda message: True, TIMEOUT_S)
    alertmanager.tell([backlog_high(endsAt="2026-03-01T11:30:00Z")])


def slack(receiver: Receiver, beginning: str) -> Json:
    def about(message: Message) -> bool:
        return str(message.body["attachments"][0]["title"]).startswith(beginning)

    (attachment,) = receiver.wait("slack", about, TIMEOUT_S).body["attachments"]
    return dict(attachment)


def pagerduty(receiver: Receiver, action: str) -> Json:
    return receiver.wait("pagerduty", lambda message: message.body["event_action"] == action, TIMEOUT_S).body


@pytest.mark.usefixtures("fired")
def test_a_chat_reads_number_target_breakdown_and_since_when(receiver: Receiver) -> None:
    message = slack(receiver, "PAGE")
    assert message["title"] == f"PAGE: {SUMMARY}"
    assert SUMMARY in message["text"]
    assert DESCRIPTION in message["text"]
    assert "Since: 2026-03-01 10:00 UTC" in message["text"]


@pytest.mark.usefixtures("fired")
def test_a_chat_links_to_the_panel_at_the_hours_of_the_incident_and_to_the_runbook(receiver: Receiver) -> None:
    message = slack(receiver, "PAGE")
    panel = f"{constant('deskpulse.grafana')}{PANEL}&from={FROM_MS}&to=now"
    assert message["title_link"] == panel
    assert f"Panel: {panel}\n" in message["text"]
    assert f"Runbook: {constant('deskpulse.repository')}/{RUNBOOK}" in message["text"]


@pytest.mark.usefixtures("fired")
def test_a_chat_reads_that_it_is_over_how_long_it_took_and_what_was_said_last(receiver: Receiver) -> None:
    message = slack(receiver, "RESOLVED")
    assert message["title"] == f"RESOLVED: {SUMMARY}"
    assert "Over: DeskpulseBacklogHigh, 2026-03-01 10:00 UTC to 2026-03-01 11:30 UTC (1h30m0s)" in message["text"]
    assert f"Last: {SUMMARY}" in message["text"]
    assert f"{PANEL}&from={FROM_MS}&to={FROM_MS + LASTED_MS}" in message["text"]
    assert RUNBOOK in message["text"]


@pytest.mark.usefixtures("fired")
def test_a_pager_gets_the_same_and_is_told_when_it_is_over(receiver: Receiver) -> None:
    rings = pagerduty(receiver, "trigger")
    assert rings["payload"]["summary"] == f"PAGE: {SUMMARY}"
    assert DESCRIPTION in rings["payload"]["custom_details"]["text"]
    links = {link["text"]: link["href"] for link in rings["links"]}
    assert links["Panel"] == rings["client_url"] == f"{constant('deskpulse.grafana')}{PANEL}&from={FROM_MS}&to=now"
    assert links["Runbook"] == f"{constant('deskpulse.repository')}/{RUNBOOK}"
    assert pagerduty(receiver, "resolve")["dedup_key"] == rings["dedup_key"]


def test_rows_of_one_alert_are_one_message_that_names_each(alertmanager: Alertmanager, receiver: Receiver) -> None:
    labels = labels_of("DeskpulseFirstResponseOverdue")
    groups = ("billing", "shipping")
    alertmanager.tell(
        [{"labels": {**labels, "group": group}, "annotations": {"summary": f"Late in {group}"}} for group in groups]
    )
    (attachment,) = receiver.wait("slack", lambda one: "(1 of 2)" in str(one.body), TIMEOUT_S).body["attachments"]
    for group in groups:
        assert f"Late in {group}\n" in attachment["text"]
        assert f"Of: group {group}\n" in attachment["text"]
    # links that an alert does not have are not made up
    assert "Panel:" not in attachment["text"]
    assert "Runbook:" not in attachment["text"]


def test_each_address_stands_once_and_without_a_slash_at_its_end() -> None:
    for name in ("deskpulse.grafana", "deskpulse.repository"):
        assert re.fullmatch(r"https?://\S+[^/]", constant(name))


def test_a_mail_is_plain_text_with_the_same_title_and_message(tmp_path: Path) -> None:
    with mailbox() as (smarthost, mails), listening() as receiver:
        example = {key: value for key, value in documented("email_configs").items() if not key.startswith("auth_")}
        config = in_short(receiver)
        for one in config["receivers"]:
            one["email_configs"] = [{**example, "smarthost": smarthost, "require_tls": False}]
        with running_alertmanager(tmp_path, written(config, tmp_path), free_port()) as running:
            running.tell([backlog_high()])
            mail = mails.get(timeout=TIMEOUT_S)
    assert mail["Subject"] == f"PAGE: {SUMMARY}"
    assert [part.get_content_type() for part in mail.walk() if not part.is_multipart()] == ["text/plain"]
    (part,) = (part for part in mail.walk() if not part.is_multipart())
    text = part.get_payload(decode=True).decode().replace("\r\n", "\n")
    assert SUMMARY in text
    assert DESCRIPTION in text
    assert PANEL in text
