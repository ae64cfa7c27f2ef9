"""`deskpulse verify` on a real broker: beside a worker under traffic, with planted rows, without the history."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from operated_desk import PARTITIONS, Desk, Written, event, wire

from metrics_core import changelog
from streams.connect import client_arguments
from streams.demo.worker_process import WorkerProcess
from streams.engine.fence import FENCE_KEY, encode_fence
from streams.engine.kafka_changelog import KafkaChangelog
from streams.engine.kafka_probe import KafkaProbe
from streams.engine.ports import SourcePartition
from streams.log_reader import LogReader
from streams.settings import Settings
from streams.topics import changelog_name
from streams.verify.live import LiveState, read_live_state

pytestmark = pytest.mark.broker

KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("created", {"channel": "chat", "group": "a"}),
    ("message", {"actor": "agent"}),
    ("message", {"actor": "customer"}),
    ("updated", {"group": "b"}),
    ("status_changed", {"to": "resolved"}),
    ("status_changed", {"to": "open"}),
)


def traffic(count: int, seed: int) -> list[Written]:
    """Events of few tickets at times in no order, repeats among them, and some that cannot be used."""
    chance = random.Random(seed)
    records: list[Written] = []
    for number in range(count):
        if records and chance.random() < 0.1:
            records.append(chance.choice(records))
            continue
        kind, fields = chance.choice(KINDS)
        ticket = f"T-{chance.randrange(40)}"
        moment = f"2026-03-{chance.randrange(1, 28):02d}T{chance.randrange(24):02d}:00:{number % 60:02d}Z"
        fields = {**event(f"e{seed}-{number}", ticket, time=moment), "data": fields}
        fields["type"] = f"helpdesk.ticket.{kind}"
        records.append(Written(ticket.encode(), b"no json" if chance.random() < 0.03 else wire(fields)))
    return records


@contextmanager
def under_traffic(desk: Desk) -> Iterator[None]:
    """Events go on being written, until the block ends."""
    stop = threading.Event()

    def write() -> None:
        seed = 1000
        while not stop.is_set():
            desk.write(*traffic(40, seed))
            seed += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def worker(settings: Settings) -> Iterator[WorkerProcess]:
    counting = settings.model_copy(update={"origin": "earliest", "checkpoint_interval_s": 0.3})
    with WorkerProcess(counting) as running:
        running.wait_ready()
        yield running


def verdicts(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


async def live_state(settings: Settings, source: SourcePartition) -> LiveState:
    async with LogReader(settings) as log:
        return await read_live_state(log, SourcePartition(changelog_name(settings, source.topic), source.partition))


async def plant(settings: Settings, source: SourcePartition) -> bytes:
    """One more message in a ticket's row, written as its worker would have; the row's key."""
    live = await live_state(settings, source)
    assert live.fence is not None
    key = next(key for key in sorted(live.rows) if key[:1] == changelog.TICKET)
    other = next(value for at, value in sorted(live.rows.items()) if at[:1] == changelog.TICKET and at != key)
    arguments = client_arguments(settings)
    log = KafkaChangelog(
        arguments,
        KafkaProbe(arguments),
        app_id=settings.app_id,
        topics={source.topic: changelog_name(settings, source.topic)},
        rejected_topic=settings.rejected_topic,
    )
    writer = await log.open_writer(source)
    encoding = writer.encode()
    encoding.row(key, other)
    encoding.row(b"tnobody", other)
    encoding.row(FENCE_KEY, encode_fence(live.fence))
    await writer.commit(encoding)
    await writer.close()
    await log.close()
    return key


def test_a_worker_under_traffic_is_equal_and_counts_on(desk: Desk) -> None:
    desk.write(*traffic(600, 1))
    with worker(desk.settings), under_traffic(desk):
        first = desk.deskpulse("verify", "--json")
        assert first.returncode == 0, first.stdout + first.stderr
        second = desk.deskpulse("verify")
        assert second.returncode == 0, second.stdout + second.stderr
    found = verdicts(first)
    assert len(found) == 2 * PARTITIONS
    assert {one["outcome"] for one in found} == {"equal"}
    assert sum(one["records"] for one in found) >= 600
    assert f"{desk.settings.helpdesk_topic}[0]" in second.stdout


def test_a_planted_row_is_found_and_read_out(desk: Desk) -> None:
    desk.write(*traffic(300, 2))
    with worker(desk.settings):
        wait_counted(desk)
    source = SourcePartition(desk.settings.helpdesk_topic, 1)
    key = asyncio.run(plant(desk.settings, source))
    done = desk.deskpulse("verify", "--json")
    assert done.returncode == 1, done.stderr
    by_place = {(one["topic"], one["partition"]): one for one in verdicts(done)}
    wrong = by_place.pop(tuple(source))
    assert {one["outcome"] for one in by_place.values()} == {"equal"}
    assert wrong["differences"] == {"differs": 1, "extra": 1}
    assert [one["row"] for one in wrong["examples"]] == [f"tickets {key[1:].decode()}", "tickets nobody"]
    assert wrong["examples"][0]["expected"]["history"] != wrong["examples"][0]["found"]["history"]
    assert wrong["examples"][0]["expected"]["last_us"].startswith("2026-03-")
    shown = desk.deskpulse("verify", "--partition", "1", "--topic", source.topic)
    assert shown.returncode == 1
    assert "different: rows 1 differs, 1 extra" in shown.stdout
    assert f"{source} tickets nobody extra" in shown.stdout


def test_a_topic_that_has_lost_its_beginning_cannot_be_verified(desk: Desk) -> None:
    desk.write(*traffic(300, 3))
    with worker(desk.settings):
        wait_counted(desk)
    desk.delete_records(2)
    done = desk.deskpulse("verify")
    assert done.returncode == 2
    assert done.stderr.startswith(f"cannot verify: {desk.settings.helpdesk_topic}[2] begins at offset ")
    assert "no longer holds the full history" in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_a_worker_there_is_nothing_to_verify(desk: Desk) -> None:
    done = desk.deskpulse("verify", "--topic", desk.settings.crm_topic, "--partition", "0")
    assert done.returncode == 2
    assert "holds no checkpoint" in done.stderr


def wait_counted(desk: Desk) -> None:
    """Until the newest checkpoints reach the ends of the source."""
    deadline = time.monotonic() + 60

    async def behind() -> bool:
        async with LogReader(desk.settings) as log:
            sources = log.partitions(desk.settings.helpdesk_topic)
            bounds = await log.bounds(sources)
        for source in sources:
            fence = (await live_state(desk.settings, source)).fence
            if fence is None or fence.next < bounds[source].end:
                return True
        return False

    while asyncio.run(behind()):
        assert time.monotonic() < deadline, "the worker does not count"
        time.sleep(0.2)
