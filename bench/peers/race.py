"""One run of one engine: from the first event that it sees until all it counted is durable, and checked."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from bench.peers.engines import Engine
from bench.peers.events import decoded, race_events
from bench.peers.process import EngineProcess
from bench.peers.reference import Reference, merged
from streams.connect import client_arguments
from streams.demo.exposition_rows import PREFIX
from streams.pace import Pace
from streams.produce import TopicWriter, pour
from streams.settings import Settings, load_settings
from streams.topics import ensure_topics

PARTITIONS = 8
#: how Quix Streams begins the names of topics between two steps
REPARTITION = "repartition__"
#: between two looks at the group's offsets, or at the metrics before the first event
POLL_S = 0.05
#: between two scrapes while events are counted, as Prometheus is set up (deploy/prometheus); the end is told by the
#: time of the last checkpoint, not by the scrape that shows it
SCRAPE_S = 5.0
#: without another checkpoint for so long (they come each second), all is durable
QUIET_S = 2.5
#: Quix Streams writes its stores just after the offsets
SETTLE_S = 0.5
ANSWER_TIMEOUT_S = 60.0

_runs = count()


class FailedRunError(Exception):
    """An engine did not get to the end; the message says why."""


@dataclass(frozen=True)
class Course:
    """A topic that is filled, and what must come out of it."""

    settings: Settings
    events: int
    reference: Reference

    @property
    def topic(self) -> str:
        """What the engines read."""
        return self.settings.helpdesk_topic


@dataclass(frozen=True)
class Run:
    """What an engine took. ``differences`` from the reference, none where the result is right."""

    engine: str
    events: int
    seconds: float
    cpu_s: float
    memory_bytes: int
    differences: tuple[str, ...] = ()

    @property
    def events_per_s(self) -> float:
        """From the first event to the last durable one."""
        return self.events / self.seconds

    @property
    def cpu_us_per_event(self) -> float:
        """User and system time of the engine's process, without its start."""
        return self.cpu_s / self.events * 1e6


async def prepare(brokers: str, events: int, name: str) -> Course:
    """Simulate events and fill a topic of their own with them."""
    made = race_events(events)
    settings = load_settings(
        brokers=brokers,
        app_id=name,
        helpdesk_topic=f"{name}.events",
        crm_topic=f"{name}.crm",
        rejected_topic=f"{name}.rejected",
        partitions=PARTITIONS,
        origin="earliest",
        # windows end with the last event, so that they hold what the reference holds
        clock="event",
        log_level="warning",
    )
    await ensure_topics(settings)
    emissions = [event._replace(topic=settings.helpdesk_topic) for event in made]
    async with TopicWriter(client_arguments(settings)) as writer:
        await pour(emissions, writer, Pace())
    return Course(settings, events, Reference.of(decoded(made)))


def run(engine: Engine, command: list[str], course: Course, timeout_s: float) -> Run:
    """Run an engine on a course with nothing left of an earlier run. Raises FailedRunError."""
    app = f"race-{engine.name}-{os.getpid()}-{next(_runs)}"
    end_s = time.monotonic() + timeout_s
    try:
        if engine.topics:
            asyncio.run(_create(course.settings, [f"{app}-{end}" for end in engine.topics]))
        if engine.durable_by == "metrics":
            return _run_deskpulse(engine, command, course, app, end_s)
        return _run_peer(engine, command, course, app, end_s)
    finally:
        asyncio.run(_forget(course.settings, app))


def _run_peer(engine: Engine, command: list[str], course: Course, app: str, end_s: float) -> Run:
    folder = _new_folder()
    state, asked, answer = (folder / name for name in ("state", "asked", "answer"))
    state.mkdir()
    environment = {
        "PEER_BROKERS": str(course.settings.brokers),
        "PEER_TOPIC": course.topic,
        "PEER_PARTITIONS": str(PARTITIONS),
        "PEER_EVENTS": str(course.events),
        "PEER_APP": app,
        "PEER_STATE": str(state),
        "PEER_ASKED": str(asked),
        "PEER_ANSWER": str(answer),
        **engine.environment,
    }
    with EngineProcess(command, environment, folder) as process:
        durable_s = 0.0
        if engine.durable_by == "offsets":
            durable_s = asyncio.run(_committed_s(course, app, process, end_s))
            time.sleep(SETTLE_S)
            asked.touch()
            end_s = time.monotonic() + ANSWER_TIMEOUT_S
        while not answer.exists():
            _check(process, end_s)
            time.sleep(POLL_S)
        said = json.loads(answer.read_text(encoding="utf-8"))
        if said["events"] != course.events:
            raise FailedRunError(f"it counted {said['events']:,} of {course.events:,} events")
        first_s, durable_s = said["first_s"], said["durable_s"] or durable_s
        differences: tuple[str, ...] = ()
        if engine.is_checked:
            differences = tuple(_differences(course.reference.aggregates(), merged(said["aggregates"])))
        return _measured(engine, course, process, first_s, durable_s, differences)


def _run_deskpulse(engine: Engine, command: list[str], course: Course, app: str, end_s: float) -> Run:
    port = _free_port()
    settings = course.settings.model_copy(update={"app_id": app, "http_port": port})
    changed = settings.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    environment = {f"DESKPULSE_{name.upper()}": str(value) for name, value in changed.items()}
    environment["DESKPULSE_POLICY"] = json.dumps({"histogram_labels": ["group", "priority"]})
    environment.update(engine.environment)
    with EngineProcess(command, environment, _new_folder()) as process:
        first_s, counted = time.time(), 0.0
        while counted < course.events:
            _check(process, end_s)
            time.sleep(SCRAPE_S if counted else POLL_S)
            asked_s = time.time()
            counted = sum(_values(_scrape(port), "events_processed_total"))
            if not counted:
                first_s = asked_s  # the last moment at which nothing was counted yet
        durable_s, seen_s = 0.0, time.monotonic()
        while time.monotonic() - seen_s < QUIET_S:
            _check(process, end_s)
            time.sleep(POLL_S * 4)
            text = _scrape(port)
            newest_s = max(_values(text, "last_checkpoint_timestamp_seconds"), default=0.0)
            if newest_s > durable_s:
                durable_s, seen_s = newest_s, time.monotonic()
        differences = tuple(course.reference.differences(text))
        return _measured(engine, course, process, first_s, durable_s, differences)


def _measured(
    engine: Engine,
    course: Course,
    process: EngineProcess,
    first_s: float,
    durable_s: float,
    differences: tuple[str, ...],
) -> Run:
    return Run(
        engine.name,
        course.events,
        durable_s - first_s,
        process.cpu_between_s(first_s, durable_s),
        process.memory_most_bytes,
        differences,
    )


def _check(process: EngineProcess, end_s: float) -> None:
    if process.has_ended:
        raise FailedRunError(f"it ended: {process.last_words}")
    if time.monotonic() > end_s:
        raise FailedRunError(f"it took too long; it last said: {process.last_words}")


def _differences(wanted: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    for key in sorted(wanted.keys() | found.keys()):
        if wanted.get(key) != found.get(key):
            yield f"{key}: {wanted.get(key)} and {found.get(key)}"


async def _committed_s(course: Course, app: str, process: EngineProcess, end_s: float) -> float:
    """When the group had committed the ends of its source, then of topics that it repartitioned into."""
    async with _admin(course.settings) as admin:
        topics = [course.topic]
        while True:
            ends = await _ends(course.settings, topics)
            while not _is_committed(ends, await _committed(admin, app)):
                _check(process, end_s)
                await asyncio.sleep(POLL_S)
            durable_s = time.time()
            between = {name for name in await admin.list_topics() if app in name and name.startswith(REPARTITION)}
            if between <= set(topics):
                return durable_s
            topics += sorted(between)


async def _ends(settings: Settings, topics: list[str]) -> dict[TopicPartition, int]:
    consumer = AIOKafkaConsumer(**client_arguments(settings))
    await consumer.start()
    try:
        ends: dict[TopicPartition, int] = await consumer.end_offsets(
            [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
        )
        return ends
    finally:
        await consumer.stop()


async def _committed(admin: AIOKafkaAdminClient, app: str) -> dict[TopicPartition, Any]:
    try:
        return dict(await admin.list_consumer_group_offsets(app))
    except KafkaError:
        return {}  # the group's coordinator is not known yet


def _is_committed(ends: dict[TopicPartition, int], committed: dict[TopicPartition, Any]) -> bool:
    return all(not end or (place in committed and committed[place].offset >= end) for place, end in ends.items())


async def _create(settings: Settings, names: list[str]) -> None:
    """Compacted topics, as engines make them for what they keep."""
    async with _admin(settings) as admin:
        await admin.create_topics(
            [NewTopic(name, PARTITIONS, 1, topic_configs={"cleanup.policy": "compact"}) for name in names]
        )


async def _forget(settings: Settings, app: str) -> None:
    """Delete the topics that a run has made, so that the broker is as it was."""
    async with _admin(settings) as admin:
        made = [name for name in await admin.list_topics() if app in name]
        if made:
            await admin.delete_topics(made)


@asynccontextmanager
async def _admin(settings: Settings) -> Any:
    admin = AIOKafkaAdminClient(**client_arguments(settings))
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


def _new_folder() -> Path:
    """The supervisor of the process removes it."""
    return Path(tempfile.mkdtemp(prefix="deskpulse-race-"))


def _values(text: str, name: str) -> list[float]:
    """A series' samples: the whole text is parsed once, at the end, since that takes the CPU that is measured."""
    return [float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(f"{PREFIX}{name}{{")]


def _scrape(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return str(answer.read(), "utf-8")
    except OSError:
        return ""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
