"""What the fault tests share: workers as processes, traffic that flows meanwhile, and the verdict at the end.

A worker is the real one, ``deskpulse worker``, stopped by its own pid. The verdict reads the source and the
changelog back and compares the rows that the workers left, through whatever was done to them, with the rows of one
shard that applied the same records in one go.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from metrics_core import changelog as core_changelog
from metrics_core.partitioner import partition_for
from metrics_core.shard import Shard
from metrics_core.times import format_us
from streams.engine.fence import FENCE_KEY, Fence, decode_fence
from streams.settings import Settings, load_settings
from streams.topics import changelog_name, ensure_topics

PARTITIONS = 4
SESSION_TIMEOUT_S = 6.0
CHECKPOINT_INTERVAL_S = 0.3
#: A worker on a busy machine: interpreter, imports, join, recovery.
READY_TIMEOUT_S = 60.0


def seed_of_test(name: str) -> random.Random:
    """Chance with a printed seed; DESKPULSE_FAULT_SEED repeats a run."""
    seed = int(os.environ.get("DESKPULSE_FAULT_SEED", time.time_ns() % 1_000_000_007))
    print(f"{name}: DESKPULSE_FAULT_SEED={seed}")
    return random.Random(seed)


@dataclass
class Worker:
    """One `deskpulse worker` process."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def metrics(self) -> str:
        """The text of /metrics, empty while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=2) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def ready_partitions(self) -> int:
        """Partitions that this worker counts just now."""
        return sum(
            line.startswith("deskpulse_partition_ready{") and line.endswith(" 1.0")
            for line in self.metrics().splitlines()
        )

    def wait_ready(self, partitions: int, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until exactly that many partitions are ready."""
        deadline = time.monotonic() + timeout_s
        while self.ready_partitions() != partitions:
            assert self.process.poll() is None, f"worker ended:\n{self.log.read_text()[-4000:]}"
            assert time.monotonic() < deadline, f"worker not ready:\n{self.log.read_text()[-4000:]}"
            time.sleep(0.2)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """kill -9, and wait for it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    def terminate(self) -> int:
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(20)


@dataclass
class Cluster:
    """An application on a broker of its own topics, its workers and its traffic."""

    settings: Settings
    folder: Path
    free_port: Any
    workers: list[Worker] = field(default_factory=list)

    def start_worker(self, instance_id: str | None = None, script: Path | None = None) -> Worker:
        """Start a worker; ``script`` replaces the product's command by another main program."""
        port = self.free_port()
        log = self.folder / f"worker{len(self.workers)}.log"
        arguments = ["--brokers", str(self.settings.brokers), "--port", str(port), "--origin", "earliest"]
        if instance_id is not None:
            arguments += ["--instance-id", instance_id]
        main = [str(script)] if script is not None else ["-m", "streams.cli.main", "worker"]
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, *main, *arguments], stdout=stream, stderr=stream, env=self.environment
            )
        worker = Worker(process, port, log)
        self.workers.append(worker)
        return worker

    @property
    def environment(self) -> dict[str, str]:
        """Settings of the workers, as variables."""
        settings = self.settings
        return {
            **os.environ,
            "DESKPULSE_APP_ID": settings.app_id,
            "DESKPULSE_HELPDESK_TOPIC": settings.helpdesk_topic,
            "DESKPULSE_CRM_TOPIC": settings.crm_topic,
            "DESKPULSE_REJECTED_TOPIC": settings.rejected_topic,
            "DESKPULSE_PARTITIONS": str(settings.partitions),
            "DESKPULSE_SESSION_TIMEOUT_S": str(settings.session_timeout_s),
            "DESKPULSE_CHECKPOINT_INTERVAL_S": str(settings.checkpoint_interval_s),
        }

    def stop_workers(self) -> None:
        """Every process this test started ends here, each by its own pid."""
        for worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                worker.signal(signal.SIGCONT)
            worker.kill()


@contextlib.contextmanager
def cluster(bootstrap: str, name: str, free_port: Any) -> Iterator[Cluster]:
    """Topics made, and every worker stopped at the end."""
    settings = load_settings(
        brokers=bootstrap,
        app_id=name,
        helpdesk_topic=f"{name}-helpdesk",
        crm_topic=f"{name}-crm",
        rejected_topic=f"{name}-rejected",
        partitions=PARTITIONS,
        session_timeout_s=SESSION_TIMEOUT_S,
        checkpoint_interval_s=CHECKPOINT_INTERVAL_S,
    )
    asyncio.run(ensure_topics(settings))
    with tempfile.TemporaryDirectory() as folder:
        made = Cluster(settings, Path(folder), free_port)
        try:
            yield made
        finally:
            made.stop_workers()


class Traffic:
    """Helpdesk events in a thread, at a rate; 1 % of them cannot be used."""

    def __init__(self, settings: Settings, rate: float, seed: int) -> None:
        self._settings = settings
        self._rate = rate
        self._random = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._flow()))
        self.sent = 0
        self.bad = 0

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """No more events; those sent are acknowledged."""
        self._stop.set()
        self._thread.join()

    async def _flow(self) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self._settings.brokers, acks="all", linger_ms=5)
        await producer.start()
        try:
            began_s = time.monotonic()
            while not self._stop.is_set():
                due = int((time.monotonic() - began_s) * self._rate) - self.sent
                for _ in range(due):
                    key, value = self._event()
                    partition = partition_for(key, self._settings.partitions)
                    await producer.send(self._settings.helpdesk_topic, value=value, key=key, partition=partition)
                    self.sent += 1
                await asyncio.sleep(0.02)
        finally:
            await producer.stop()

    def _event(self) -> tuple[bytes, bytes]:
        chance, number = self._random, self.sent
        subject = f"T-{chance.randrange(number // 5 + 1)}"
        if chance.random() < 0.01:
            self.bad += 1
            return subject.encode(), b'{"specversion": "1.0", broken'
        kind, fields = chance.choice(
            [
                (
                    "helpdesk.ticket.created",
                    {"channel": "email", "group": chance.choice("ab"), "priority": "high"},
                ),
                ("helpdesk.ticket.message", {"actor": "agent", "public": True}),
                ("helpdesk.ticket.message", {"actor": "customer", "public": True}),
                ("helpdesk.ticket.status_changed", {"to": chance.choice(["resolved", "open", "pending"])}),
            ]
        )
        # some events come late, so that rows are folded again
        time_us = time.time_ns() // 1000 - chance.choice([0, 0, 0, 3_600_000_000])
        event = {
            "specversion": "1.0",
            "id": f"e{number}",
            "source": "fault-tests",
            "type": kind,
            "subject": subject,
            "time": format_us(time_us),
            "data": fields,
        }
        return subject.encode(), json.dumps(event).encode()


async def steal_changelog(settings: Settings, partition: int) -> None:
    """Open the transactional id of a helpdesk partition, as a second owner would."""
    changelog = changelog_name(settings, settings.helpdesk_topic)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.brokers,
        transactional_id=f"{settings.app_id}-{changelog}-{partition}",
    )
    await producer.start()
    await producer.stop()


async def read_all(bootstrap: str, topic: str, partitions: int) -> dict[int, list[Any]]:
    """Every committed record of a topic, by partition."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    try:
        parts = [TopicPartition(topic, partition) for partition in range(partitions)]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        await consumer.seek_to_beginning(*parts)
        records: dict[int, list[Any]] = {partition: [] for partition in range(partitions)}
        while [part for part in parts if await consumer.position(part) < ends[part]]:
            for part, fetched in (await consumer.getmany(timeout_ms=200)).items():
                records[part.partition].extend(fetched)
        return records
    finally:
        await consumer.stop()


def decoded(rows: dict[bytes, bytes]) -> dict[bytes, Any]:
    """Rows with panes as counts: the order of a pane's keys has no meaning."""
    return {
        key: core_changelog.unpack_counts(value) if key[:1] == core_changelog.PANE else value
        for key, value in rows.items()
    }


def rows_in_one_go(settings: Settings, partition: int, records: list[Any]) -> tuple[dict[bytes, bytes], list[int]]:
    """The rows of one shard that applied everything at once, and the offsets it rejected."""
    shard = Shard(
        settings.core_policy,
        topic=settings.helpdesk_topic,
        kind="helpdesk",
        partition=partition,
        partitions=settings.partitions,
    )
    shard.finish_load()
    shard.apply(records)
    rows = {key: value for key, value in shard.drain() if value is not None}
    return rows, [reject.offset for reject in shard.take_rejects()]


def rows_of_changelog(records: list[Any]) -> tuple[dict[bytes, bytes], list[Fence]]:
    """The rows that a changelog partition stands for, and its fences in log order."""
    rows: dict[bytes, bytes] = {}
    fences = []
    for record in records:
        if record.key == FENCE_KEY:
            fences.append(decode_fence(record.value))
        elif record.value is None:
            rows.pop(record.key, None)
        else:
            rows[record.key] = record.value
    return rows, fences


def wait_durable(settings: Settings, timeout_s: float = 90.0) -> None:
    """Wait until the fences have reached the end of the source."""
    deadline = time.monotonic() + timeout_s
    topic = changelog_name(settings, settings.helpdesk_topic)
    while time.monotonic() < deadline:
        source = asyncio.run(read_all(str(settings.brokers), settings.helpdesk_topic, settings.partitions))
        logs = asyncio.run(read_all(str(settings.brokers), topic, settings.partitions))
        ends = {partition: records[-1].offset + 1 for partition, records in source.items() if records}
        fences = {partition: rows_of_changelog(records)[1] for partition, records in logs.items()}
        if all(fences[partition] and fences[partition][-1].next >= end for partition, end in ends.items()):
            return
        time.sleep(0.5)
    raise AssertionError("the workers did not reach the end of the source")


def assert_exact(settings: Settings) -> int:
    """The changelog equals the batch result, fences never fell, each reject was written once; events compared."""
    bootstrap = str(settings.brokers)
    source = asyncio.run(read_all(bootstrap, settings.helpdesk_topic, settings.partitions))
    logs = asyncio.run(read_all(bootstrap, changelog_name(settings, settings.helpdesk_topic), settings.partitions))
    rejected = asyncio.run(read_all(bootstrap, settings.rejected_topic, settings.partitions))
    written = Counter(
        (int(headers["partition"]), int(headers["offset"]))
        for records in rejected.values()
        for record in records
        for headers in [dict(record.headers)]
    )
    expected: Counter[tuple[int, int]] = Counter()
    for partition, records in source.items():
        rows, rejects = rows_in_one_go(settings, partition, records)
        expected.update((partition, offset) for offset in rejects)
        stored, fences = rows_of_changelog(logs[partition])
        assert all(later.follows(earlier) for earlier, later in itertools.pairwise(fences))
        assert fences[-1].next == records[-1].offset + 1
        left, right = decoded(rows), decoded(stored)
        different = [key for key in left.keys() | right.keys() if left.get(key) != right.get(key)]
        assert not different, f"{len(different)} rows differ in partition {partition}, first {different[0]!r}"
    assert written == expected, "rejects are missing, or were written twice"
    return sum(len(records) for records in source.values())
