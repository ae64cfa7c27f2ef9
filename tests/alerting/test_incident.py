"""An incident from the event to the pager: the right page, once, and its end; and none while the worker is dead."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from debian_programs import amtool
from message_receiver import Message
from routing import FOLDER
from watched_desk import LIMIT, TIMEOUT_S, WatchedDesk, settings_of, watched_desk

from streams.broker import EmbeddedKafka

pytestmark = [pytest.mark.broker, pytest.mark.fault]

BACKLOG, DOWN, UNTRUSTED = "DeskpulseBacklogHigh", "DeskpulseMonitorDown", "DeskpulseNumbersUntrusted"
TICKETS = 3 * LIMIT
#: receivers of what is said about the desk
BUSINESS = ("support-oncall", "support-lead")


@dataclass(frozen=True)
class Story:
    """What was heard, chapter by chapter."""

    first_incident: list[Message]
    second_incident: list[Message]
    worker_dead: list[Message]
    after_its_return: list[Message]


def business(messages: list[Message]) -> list[tuple[str, str, set[str]]]:
    """What was said about the desk: to whom, firing or resolved, and which alerts."""
    return [(one.to, one.status, one.names) for one in messages if one.to in BUSINESS]


def rendered(name: str, message: Path) -> str:
    """What a template makes of a message."""
    said = amtool(
        "template",
        "render",
        f"--template.glob={FOLDER / 'templates' / '*.tmpl'}",
        f'--template.text={{{{ template "{name}" . }}}}',
        f"--template.data={message}",
    )
    assert said.returncode == 0, said.stderr
    return said.stdout


class Listener:
    """Divides what a receiver hears into chapters."""

    def __init__(self, desk: WatchedDesk) -> None:
        self._desk = desk
        self._begins = 0

    def wait(self, to: str, status: str, name: str) -> None:
        """Return once this has been said in the running chapter."""

        def wanted(message: Message) -> bool:
            return message.status == status and name in message.names

        self._desk.receiver.wait(to, wanted, TIMEOUT_S, self._begins)

    def chapter(self) -> list[Message]:
        """Everything heard since the last one, once nothing is on its way any more."""
        self._desk.wait_rounds(3)
        heard = self._desk.receiver.messages()[self._begins :]
        self._begins += len(heard)
        return heard


@pytest.fixture(scope="module")
def story(kafka: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """Two incidents; the worker is killed in the second one and another takes its place."""
    settings = settings_of(kafka.bootstrap, "watched-desk")
    with watched_desk(settings, tmp_path_factory.mktemp("desk")) as desk:
        heard = Listener(desk)
        heard.chapter()
        desk.open_tickets(TICKETS)
        heard.wait("support-oncall", "firing", BACKLOG)
        desk.resolve_all()
        heard.wait("support-oncall", "resolved", BACKLOG)
        first = heard.chapter()
        desk.open_tickets(TICKETS)
        heard.wait("support-oncall", "firing", BACKLOG)
        second = heard.chapter()
        desk.kill_worker()
        heard.wait("platform-oncall", "firing", DOWN)
        # its value is gone and no longer kept: to Prometheus the incident is over
        desk.wait_firing(BACKLOG, False)
        dead = heard.chapter()
        desk.start_second_worker()
        heard.wait("platform-oncall", "resolved", DOWN)
        desk.wait_firing(UNTRUSTED, False)
        desk.wait_firing(BACKLOG)
        desk.resolve_all()
        heard.wait("support-oncall", "resolved", BACKLOG)
        yield Story(first, second, dead, heard.chapter())


def test_a_backlog_incident_pages_support_on_call_once_and_says_once_that_it_is_over(story: Story) -> None:
    page, end = [("support-oncall", status, {BACKLOG}) for status in ("firing", "resolved")]
    assert business(story.first_incident) == [page, end]


def test_the_page_has_number_limit_and_breakdown_and_leads_to_the_panel_and_the_runbook(story: Story) -> None:
    (alert,) = next(one for one in story.first_incident if one.to == "support-oncall").body["alerts"]
    said = alert["annotations"]
    assert f"{TICKETS} tickets" in said["summary"]
    assert f"{LIMIT}" in said["summary"]
    assert f"billing, email: {TICKETS}" in said["description"]
    assert said["dashboard"].startswith("/d/deskpulse-live?viewPanel=")
    assert said["runbook"] == f"docs/runbooks/{BACKLOG}.md"


def test_people_read_it_as_a_sentence_with_a_breakdown_and_both_links(story: Story, tmp_path: Path) -> None:
    """A webhook's body is what templates are given."""
    page = next(one for one in story.first_incident if one.to == "support-oncall")
    (tmp_path / "page.json").write_text(json.dumps(page.body))
    title, text = (rendered(name, tmp_path / "page.json") for name in ("deskpulse.title", "deskpulse.text"))
    assert title == f"PAGE: {page.body['alerts'][0]['annotations']['summary']}"
    assert f"\n- billing, email: {TICKETS}\n" in text
    assert re.search(r"^Panel: http\S+/d/deskpulse-live\?viewPanel=\d+&from=\d+&to=now$", text, re.MULTILINE)
    assert re.search(rf"^Runbook: http\S+/docs/runbooks/{BACKLOG}\.md$", text, re.MULTILINE)


def test_another_incident_pages_anew(story: Story) -> None:
    assert business(story.second_incident) == [("support-oncall", "firing", {BACKLOG})]


def test_a_worker_that_dies_pages_the_platform_side(story: Story) -> None:
    pages = [one.names for one in story.worker_dead if one.to == "platform-oncall" and one.status == "firing"]
    assert {DOWN} in pages


def test_while_the_worker_is_dead_nothing_is_said_about_the_desk_not_even_that_all_is_well(story: Story) -> None:
    assert business(story.worker_dead) == []
    alerts = [alert for one in story.worker_dead for alert in one.body["alerts"]]
    assert {alert["labels"]["scope"] for alert in alerts} == {"monitor"}


def test_after_its_return_the_incident_is_not_paged_again_and_its_end_is_said_once(story: Story) -> None:
    assert business(story.after_its_return) == [("support-oncall", "resolved", {BACKLOG})]
