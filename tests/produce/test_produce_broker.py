"""Onto a real broker and back."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from own_application import own_application

from metrics_core.partitioner import partition_for
from metrics_core.times import DAY_US, parse_rfc3339
from streams.broker import EmbeddedKafka
from streams.connect import client_arguments
from streams.event_files import EventFiles, read_envelope
from streams.pace import Pace, wall_us
from streams.produce import BATCH_BYTES, Produced, Routes, TopicWriter, pour, produce
from streams.settings import Settings
from streams.simulate import Traffic
from streams.simulate.files import write_lines_to
from streams.topics import ensure_topics

pytestmark = pytest.mark.broker

MONDAY_US = parse_rfc3339("2026-01-05T00:00:00Z")
PARTITIONS = 3


@dataclass
class Topics:
    settings: Settings

    @property
    def routes(self) -> Routes:
        return Routes(self.settings.helpdesk_topic, self.settings.crm_topic)

    async def read(self, topic: str) -> list[Any]:
        """Every record of a topic, partition by partition."""
        consumer = AIOKafkaConsumer(**client_arguments(self.settings), auto_offset_reset="earliest")
        await consumer.start()
        try:
            places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            records: list[Any] = []
            while any([await consumer.position(place) < ends[place] for place in places]):
                for batch in (await consumer.getmany(timeout_ms=500)).values():
                    records.extend(batch)
            return sorted(records, key=lambda record: (record.partition, record.offset))
        finally:
            await consumer.stop()


@pytest.fixture
async def topics(kafka: EmbeddedKafka, topic_name: Callable[..., str]) -> Topics:
    settings = own_application(kafka.bootstrap, topic_name("app"), partitions=PARTITIONS)
    await ensure_topics(settings)
    return Topics(settings)


async def test_simulated_traffic_arrives_once_each_in_order_where_its_key_belongs(topics: Topics) -> None:
    traffic = Traffic(
        5,
        MONDAY_US,
        helpdesk_topic=topics.settings.helpdesk_topic,
        crm_topic=topics.settings.crm_topic,
    )
    emissions = list(traffic.until(MONDAY_US + DAY_US))
    async with TopicWriter(client_arguments(topics.settings)) as writer:
        assert await pour(emissions, writer, Pace(never_early=True)) == writer.written == len(emissions)
    for topic in (topics.settings.helpdesk_topic, topics.settings.crm_topic):
        records = await topics.read(topic)
        for partition in range(PARTITIONS):
            expected = [
                (e.key, e.value)
                for e in emissions
                if e.topic == topic and partition_for(e.key, PARTITIONS) == partition
            ]
            assert [(r.key, r.value) for r in records if r.partition == partition] == expected


async def test_a_file_arrives_line_by_line_whatever_is_in_it(topics: Topics, tmp_path: Path) -> None:
    file = tmp_path / "day.jsonl.gz"
    count = write_lines_to(Traffic(5, MONDAY_US, 1000).until(MONDAY_US + DAY_US), file)
    produced = Produced()
    async with TopicWriter(client_arguments(topics.settings)) as writer:
        await produce(EventFiles([str(file)]), writer, topics.routes, produced=produced, pace=Pace())
    assert produced.written == count == sum(produced.by_topic.values())
    records = [r for topic in produced.by_topic for r in await topics.read(topic)]
    assert sorted(r.value for r in records) == sorted(EventFiles([str(file)]))
    for record in records:
        if record.key is not None:
            assert record.partition == partition_for(record.key, PARTITIONS)


async def test_records_are_dated_now_or_as_their_events(topics: Topics) -> None:
    line = b'{"type":"helpdesk.ticket.created","subject":"a","time":"2026-01-05T10:00:00.25Z"}'
    before_ms = wall_us() // 1000
    async with TopicWriter(client_arguments(topics.settings)) as writer:
        for event_record_time in (False, True):
            await produce(
                [line],
                writer,
                topics.routes,
                produced=Produced(),
                pace=Pace(),
                event_record_time=event_record_time,
            )
    now, as_event = await topics.read(topics.settings.helpdesk_topic)
    assert before_ms <= now.timestamp <= wall_us() // 1000
    assert as_event.timestamp == parse_rfc3339("2026-01-05T10:00:00.25Z") // 1000


async def test_a_value_larger_than_a_batch_is_written(topics: Topics) -> None:
    large = os.urandom(3 * BATCH_BYTES)
    async with TopicWriter(client_arguments(topics.settings)) as writer:
        for value in (b"before", large, b"after"):
            await writer.write(topics.settings.helpdesk_topic, b"key", value, wall_us() // 1000)
    records = await topics.read(topics.settings.helpdesk_topic)
    assert [record.value for record in records] == [b"before", large, b"after"]


async def test_flush_delivers_and_writing_goes_on(topics: Topics) -> None:
    topic = topics.settings.helpdesk_topic
    async with TopicWriter(client_arguments(topics.settings)) as writer:
        await writer.write(topic, b"key", b"one", wall_us() // 1000)
        await writer.flush()
        assert [record.value for record in await topics.read(topic)] == [b"one"]
        await writer.write(topic, b"key", b"two", wall_us() // 1000)
    assert [record.value for record in await topics.read(topic)] == [b"one", b"two"]


async def test_a_stop_in_the_middle_delivers_what_was_taken(topics: Topics) -> None:
    topic = topics.settings.helpdesk_topic
    writer = TopicWriter(client_arguments(topics.settings))

    some_written = asyncio.Event()

    async def endless() -> None:
        async with writer:
            while True:
                await writer.write(topic, b"key", b"x" * 2_000, wall_us() // 1000)
                if writer.written == 3_000:
                    some_written.set()

    task = asyncio.create_task(endless())
    await some_written.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(await topics.read(topic)) == writer.written


def _happened_us(record: Any) -> int:
    envelope = read_envelope(record.value)
    return (envelope.time_us or 0) if envelope else 0


def _arguments(topics: Topics, *more: str) -> tuple[list[str], dict[str, str]]:
    settings = topics.settings
    environment = {
        **os.environ,
        "DESKPULSE_BROKERS": str(settings.brokers),
        "DESKPULSE_APP_ID": settings.app_id,
        "DESKPULSE_HELPDESK_TOPIC": settings.helpdesk_topic,
        "DESKPULSE_CRM_TOPIC": settings.crm_topic,
        "DESKPULSE_REJECTED_TOPIC": settings.rejected_topic,
        "DESKPULSE_PARTITIONS": str(PARTITIONS),
    }
    return [sys.executable, "-m", "streams.cli.main", *more], environment


def _run(topics: Topics, *more: str) -> subprocess.CompletedProcess[str]:
    command, environment = _arguments(topics, *more)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


async def test_the_command_shifts_a_file_so_that_its_last_event_is_just_now(topics: Topics, tmp_path: Path) -> None:
    file = tmp_path / "day.jsonl"
    write_lines_to(Traffic(5, MONDAY_US, bad_events=False).until(MONDAY_US + DAY_US), file)
    before_us = wall_us()
    ran = await asyncio.to_thread(_run, topics, "produce", str(file), "--shift-to-now")
    assert ran.returncode == 0, ran.stderr
    assert "records in" in ran.stderr
    records = [
        record
        for topic in (topics.settings.helpdesk_topic, topics.settings.crm_topic)
        for record in await topics.read(topic)
    ]
    latest_us = max(parse_rfc3339(json.loads(record.value)["time"]) for record in records)
    assert before_us <= latest_us <= wall_us()


async def test_live_simulation_writes_history_goes_on_and_stops_in_order(topics: Topics) -> None:
    command, environment = _arguments(
        topics, "simulate", "--live", "--days", "0.05", "--tickets-per-day", "50000", "--customers", "10"
    )
    began_us = wall_us() + 2_000_000
    process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.PIPE)
    try:
        async with asyncio.timeout(90):
            # live: an event that happened after the start has been written
            while process.returncode is None:
                records = await topics.read(topics.settings.helpdesk_topic)
                if any(_happened_us(record) > began_us for record in records):
                    break
        said = await _stopped(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    records = await topics.read(topics.settings.helpdesk_topic)
    written = int(said.split(" records")[0].rsplit(None, 1)[-1].replace(",", ""))
    assert len(records) + len(await topics.read(topics.settings.crm_topic)) == written > 1_000


async def _stopped(process: asyncio.subprocess.Process) -> str:
    """What a command says that is asked to end and does so in order."""
    process.send_signal(signal.SIGTERM)
    _, stderr = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0, stderr.decode()
    return stderr.decode()


async def test_lines_of_an_open_pipe_are_delivered_before_it_ends_and_a_stop_does_not_wait_for_it(
    topics: Topics,
) -> None:
    command, environment = _arguments(topics, "produce", "-")
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    try:
        process.stdin.write(b'{"type":"helpdesk.ticket.created","subject":"a"}\n')
        await process.stdin.drain()
        async with asyncio.timeout(60):
            while process.returncode is None and not await topics.read(topics.settings.helpdesk_topic):
                pass
        said = await _stopped(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert "1 records in" in said


async def test_a_missing_file_is_one_sentence(topics: Topics, tmp_path: Path) -> None:
    ran = await asyncio.to_thread(_run, topics, "produce", str(tmp_path / "absent.jsonl"))
    assert ran.returncode == 2
    assert ran.stderr.strip().count("\n") == 0
    assert "absent.jsonl is not a file" in ran.stderr
