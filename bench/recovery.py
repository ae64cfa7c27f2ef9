"""recovery: rows/s of a changelog, and seconds until a million open tickets are ready, on a local broker.

``recovery_load`` is the core alone: rows loaded and indexed, against putting the same rows into a dict.
``recovery_ready`` is a worker whose changelog holds that many open tickets over eight partitions, from their
assignment to the last one ready, by the worker's own log, against a bare aiokafka loop that reads the same
rows; ``recovery_seconds`` is the same in seconds, and ``recovery_processor_seconds`` what of both cores it took,
less what a worker with few tickets takes. ``recovery_progress`` is how many answers of /readyz told of a recovery
further on than the one before. ``recovery_row_bytes`` is the mean of the packed rows, against the events that they
remember: of the open tickets that are recovered here, and of all the tickets of the race (bench/peers);
``recovery_resident_bytes`` what a row adds to the worker's memory, against a worker with few tickets and the same
panes.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.figure import figure
from bench.open_desk import OpenDesk, Row, counted
from bench.peers.events import race_events
from bench.resident import processor_s, resident_bytes
from metrics_core.policy import Policy
from metrics_core.shard import Shard
from streams.broker import EmbeddedKafka
from streams.connect import client_arguments
from streams.demo.worker_process import WorkerProcess
from streams.engine.fence import CORE_VERSION, FENCE_KEY, Fence, encode_fence
from streams.engine.kafka_changelog import KafkaChangelog
from streams.engine.kafka_probe import KafkaProbe
from streams.engine.policy_marks import marks_of
from streams.engine.ports import SourcePartition
from streams.settings import Settings, load_settings
from streams.topics import changelog_name, ensure_topics

TICKETS = 1_000_000
#: how many tickets instead
TICKETS_VARIABLE = "DESKPULSE_BENCH_TICKETS"
CORE_ROWS = 200_000
ROUNDS = 3
#: rows of one transaction when the changelog is written
ROWS_A_CHECKPOINT = 20_000
#: of the worker that another one's memory is compared with
FEW_TICKETS = 1_000
RACE_EVENTS = 100_000
BARE = "a bare aiokafka getmany of the same rows"
TIMEOUT_S = 300.0
POLL_S = 0.1


class Logged(NamedTuple):
    """A record of the changelog."""

    key: bytes
    value: bytes


def main() -> None:
    """The core's part, then a worker's."""
    policy = Policy()
    desk = OpenDesk(policy)
    _core(desk, policy)
    tickets = int(os.environ.get(TICKETS_VARIABLE, TICKETS))
    settings = load_settings(origin="earliest")
    with EmbeddedKafka(cache_dir=settings.cache_dir, heap_mb=1024) as kafka:
        kafka.start()
        settings = settings.model_copy(update={"brokers": kafka.bootstrap, "log_format": "json"})
        rows = asyncio.run(_fill(settings, desk, tickets))
        bare_s = asyncio.run(_bare(settings, rows))
        few = settings.model_copy(update={"app_id": "few"})
        asyncio.run(_fill(few, desk, FEW_TICKETS))
        with WorkerProcess(few) as worker:
            _ready(worker)
            few_bytes, few_s = resident_bytes(worker), processor_s(worker)
        with WorkerProcess(settings) as worker:
            ready_s, progress = _ready(worker)
            resident = resident_bytes(worker) - few_bytes
            busy_s = processor_s(worker) - few_s
    figure("recovery_ready", rows / ready_s, "rows/s", rows / bare_s, BARE)
    figure("recovery_seconds", ready_s, "s", bare_s, BARE)
    figure("recovery_processor_seconds", busy_s, "s", bare_s, BARE)
    figure("recovery_progress", progress, "answers", ready_s / POLL_S, "the questions asked meanwhile")
    mean = statistics.mean(len(key) + len(value) for key, value in desk.tickets(1_000))
    resident_row = resident / (tickets - FEW_TICKETS)
    figure("recovery_resident_bytes", resident_row, "bytes/row", mean, "the row's key and value as they rest")


def _core(desk: OpenDesk, policy: Policy) -> None:
    rows: list[Row] = [*desk.shared, *desk.tickets(CORE_ROWS)]
    logged = [Logged(key, value) for key, value in rows]
    loads, bares = [], []
    for _ in range(ROUNDS):
        start_s = time.process_time()
        held: dict[str, bytes] = {}
        for key, value in rows:
            held[key.decode("latin-1")] = value
        bares.append(len(rows) / (time.process_time() - start_s))
        start_s = time.process_time()
        shard = Shard(policy, topic="helpdesk.events", kind="helpdesk")
        shard.load_all(logged)
        shard.finish_load()
        loads.append(len(rows) / (time.process_time() - start_s))
    figure("recovery_load", statistics.median(loads), "rows/s", statistics.median(bares), "a dict of the same rows")
    _row_bytes("recovery_row_bytes", desk.shard, [value for _, value in desk.tickets(1_000)])
    race = counted(policy, race_events(RACE_EVENTS))
    for _ in race.drain():
        pass
    _row_bytes("recovery_row_bytes_race", race, [*race.tickets.rest.values()])


def _row_bytes(bench: str, shard: Shard, values: Sequence[bytes]) -> None:
    unpack = shard.tickets.kind.unpack
    events = statistics.mean(unpack(value).events for value in values)
    sizes = statistics.mean(map(len, values))
    figure(bench, sizes, "bytes/row", events, "the events that a row remembers")


async def _fill(settings: Settings, desk: OpenDesk, tickets: int) -> int:
    """Write the changelogs as checkpoints would have; the number of rows."""
    await ensure_topics(settings)
    arguments = client_arguments(settings)
    probe = KafkaProbe(arguments)
    topic = settings.helpdesk_topic
    changelog = KafkaChangelog(
        arguments,
        probe,
        app_id=settings.app_id,
        topics={topic: changelog_name(settings, topic)},
        rejected_topic=settings.rejected_topic,
    )
    identity = await probe.identity(topic)
    fence = Fence(
        core_version=CORE_VERSION,
        policy=marks_of(settings.core_policy),
        topic_id=identity.topic_id,
        partitions=settings.partitions,
        origin=0,
        next=0,
        clock_us=desk.clock_us,
    )
    written = 0
    for partition in range(settings.partitions):
        rows = desk.of_partition(tickets, partition, settings.partitions)
        await _write(changelog, SourcePartition(topic, partition), rows, encode_fence(fence))
        written += len(rows)
    await changelog.close()
    return written


async def _write(changelog: KafkaChangelog, source: SourcePartition, rows: Sequence[Row], fence: bytes) -> None:
    writer = await changelog.open_writer(source)
    for begin in range(0, len(rows), ROWS_A_CHECKPOINT):
        encoding = writer.encode()
        encoding.fill(iter(rows[begin : begin + ROWS_A_CHECKPOINT]), ROWS_A_CHECKPOINT)
        encoding.row(FENCE_KEY, fence)
        await writer.commit(encoding)
    await writer.close()


async def _bare(settings: Settings, rows: int) -> float:
    """Seconds in which the rows can be read, with nothing done with them."""
    topic = changelog_name(settings, settings.helpdesk_topic)
    consumer = AIOKafkaConsumer(
        auto_offset_reset="earliest", max_partition_fetch_bytes=4 << 20, **client_arguments(settings)
    )
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, partition) for partition in range(settings.partitions)])
        read, start_s = 0, time.monotonic()
        while read < rows:
            for records in (await consumer.getmany(timeout_ms=100, max_records=20_000)).values():
                read += len(records)
        return time.monotonic() - start_s
    finally:
        await consumer.stop()


def _ready(worker: WorkerProcess) -> tuple[float, int]:
    """Seconds from the assignment to the last partition ready, as the worker's log has them; how many answers of
    /readyz told of progress."""
    end_s = time.monotonic() + TIMEOUT_S
    known, progress = 0.0, 0
    while time.monotonic() < end_s:
        time.sleep(POLL_S)
        answer = worker.readiness()
        if answer.get("ready"):
            break
        done = sum(topic["ready"] for topic in answer.get("partitions", {}).values())
        share = done + sum(one["share"] for one in answer.get("recovering", ()))
        progress += share > known
        known = max(known, share)
    else:
        raise SystemExit(f"the worker was not ready in {TIMEOUT_S:g} s")
    lines = [json.loads(line) for line in worker.log.read_text().splitlines() if line.startswith("{")]
    assigned = [line for line in lines if line["event"] == "partitions assigned"]
    ready = [line for line in lines if line["event"] == "partition ready"]
    first, last = (datetime.fromisoformat(line["time"]) for line in (assigned[0], ready[-1]))
    return (last - first).total_seconds(), progress


if __name__ == "__main__":
    main()
