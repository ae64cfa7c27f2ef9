"""A desk whose backlog a test fills and clears: a real broker, worker, Prometheus with the product's rules, and
Alertmanager with the committed routes, which posts to the test."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from alertmanager_process import Alertmanager, running_alertmanager
from message_receiver import Receiver, listening
from own_application import own_application
from prometheus_process import Prometheus, running_prometheus
from routing import in_short, written
from rules_on_workers import kill

from metrics_core.times import SECOND_US, format_us
from streams.alerting.rules import rule_files, terms_of
from streams.broker.config import free_port
from streams.connect import client_arguments
from streams.demo.worker_process import WorkerProcess
from streams.produce import TopicWriter
from streams.settings import Settings
from streams.topics import ensure_topics

#: tickets that may be open
LIMIT = 20
#: a killed worker's partitions are free after the session timeout; the least that Kafka takes
SESSION_TIMEOUT_S = 6.0
#: for something to happen that takes seconds, on a busy machine
TIMEOUT_S = 120.0
#: instead of 15 s, of minutes until an alert fires, and of minutes for which it is kept
EVERY, FOR, KEPT = "1s", "2s", "6s"


def settings_of(bootstrap: str, name: str) -> Settings:
    """A worker with topics of its own, and a limit of the backlog that a test reaches."""
    return own_application(
        bootstrap,
        name,
        partitions=2,
        origin="earliest",
        clock="wall",
        session_timeout_s=SESSION_TIMEOUT_S,
        policy={"goals": {"backlog": LIMIT}},
    )


def in_seconds(rules: str) -> str:
    """A rule file whose durations are seconds; what fires at once still does."""
    for key, value in (("interval", EVERY), ("for", FOR), ("keep_firing_for", KEPT)):
        rules = re.sub(rf"^( +){key}: .*$", rf"\g<1>{key}: {value}", rules, flags=re.MULTILINE)
    return rules


@dataclass
class WatchedDesk:
    """What a test does to it, and what it hears."""

    settings: Settings
    worker: WorkerProcess
    #: takes over the address of the first one
    second_worker: WorkerProcess
    prometheus: Prometheus
    alertmanager: Alertmanager
    receiver: Receiver
    workers: contextlib.ExitStack
    _tickets: list[str] = field(default_factory=list)
    _events: int = 0

    def open_tickets(self, count: int) -> None:
        """Customers write that many mails."""
        subjects = [f"desk/{self._events + number}" for number in range(count)]
        self._tickets += subjects
        self._send("created", subjects, {"actor": "customer", "channel": "email", "group": "billing"})

    def resolve_all(self) -> None:
        """All that were opened are resolved."""
        self._send("status_changed", self._tickets, {"to": "resolved", "actor": "agent"})
        self._tickets.clear()

    def _send(self, kind: str, subjects: Sequence[str], content: dict[str, str]) -> None:
        now_us = int(time.time() * SECOND_US)
        events = []
        for subject in subjects:
            self._events += 1
            event = {
                "specversion": "1.0",
                "id": f"e{self._events}",
                "source": "desk",
                "type": f"helpdesk.ticket.{kind}",
                "subject": subject,
                "time": format_us(now_us),
                "data": content,
            }
            events.append((subject.encode(), json.dumps(event).encode()))
        asyncio.run(self._write(events, now_us // 1000))

    async def _write(self, events: Sequence[tuple[bytes, bytes]], time_ms: int) -> None:
        async with TopicWriter(client_arguments(self.settings)) as writer:
            for key, value in events:
                await writer.write(self.settings.helpdesk_topic, key, value, time_ms)
            await writer.flush()

    def kill_worker(self) -> None:
        """kill -9."""
        kill(self.worker)

    def start_second_worker(self) -> None:
        """Another one at the address that Prometheus scrapes."""
        self.workers.enter_context(self.second_worker)
        self.second_worker.wait_ready()

    def firing(self, name: str) -> bool:
        """Whether an alert fires in Prometheus."""
        return bool(self.prometheus.query(f'ALERTS{{alertname="{name}",alertstate="firing"}}'))

    def wait_firing(self, name: str, wanted: bool = True) -> None:
        """Return once it does, or does no longer."""
        deadline = time.monotonic() + TIMEOUT_S
        while self.firing(name) != wanted:
            assert time.monotonic() < deadline, f"{name}: {self.prometheus.query('ALERTS')}"
            time.sleep(0.2)

    def wait_rounds(self, rounds: int) -> None:
        """Return once Alertmanager has posted so often that what it had to say before has been said."""
        seen = len(self.receiver.messages("watchdog"))
        deadline = time.monotonic() + TIMEOUT_S
        while len(self.receiver.messages("watchdog")) < seen + rounds:
            assert time.monotonic() < deadline, "the watchdog is not heard"
            time.sleep(0.2)


@contextlib.contextmanager
def watched_desk(settings: Settings, folder: Path) -> Iterator[WatchedDesk]:
    """All of it, complete and with nothing to do; every process is stopped at the end."""
    asyncio.run(ensure_topics(settings))
    for name, content in rule_files(terms_of(settings)).items():
        (folder / name).write_text(in_seconds(content))
    first, second = WorkerProcess(settings), WorkerProcess(settings)
    second.url = first.url
    with contextlib.ExitStack() as stack:
        receiver = stack.enter_context(listening())
        port = free_port()
        routes = written(_with_a_quick_watchdog(in_short(receiver)), folder)
        alertmanager = stack.enter_context(running_alertmanager(folder, routes, port))
        workers = stack.enter_context(contextlib.ExitStack())
        workers.enter_context(first)
        first.wait_ready()
        config = yaml.safe_dump(
            {
                "global": {"scrape_interval": EVERY, "evaluation_interval": EVERY},
                "rule_files": ["deskpulse-*.yml"],
                "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}]},
                "scrape_configs": [
                    {
                        "job_name": "deskpulse",
                        "static_configs": [{"targets": [first.url.removeprefix("http://")]}],
                    }
                ],
            }
        )
        prometheus = stack.enter_context(running_prometheus(folder, config, free_port()))
        desk = WatchedDesk(settings, first, second, prometheus, alertmanager, receiver, workers)
        desk.wait_firing("DeskpulseWatchdog")
        desk.wait_firing("DeskpulseNumbersUntrusted", False)
        yield desk


def _with_a_quick_watchdog(config: dict[str, object]) -> dict[str, object]:
    for route in config["route"]["routes"]:  # type: ignore[index]
        if route["receiver"] == "watchdog":
            route["repeat_interval"] = "1s"
    return config
