"""A worker that meets every kind of bad input in one log: counted, kept, and counting on."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from bad_kinds import BAD_INPUTS, MAX_RECORD_BYTES, PARTITIONS, RECORD_TIME_MS, BadInput, home_of, line
from own_application import own_application

from streams.broker import EmbeddedKafka
from streams.demo.exposition_rows import total
from streams.demo.worker_process import WorkerProcess
from streams.engine.rejected import MAX_VALUE_BYTES
from streams.settings import Settings
from streams.topics import ensure_topics

pytestmark = [pytest.mark.broker]

SENT = BAD_INPUTS
COUNTED_TIMEOUT_S = 60.0


@dataclass
class Outcome:
    """What the worker made of the log: bad input by its place in the log, rejects by the place they name."""

    settings: Settings
    places: dict[str, tuple[int, int]]
    rejected: dict[tuple[int, int], list[Any]]
    metrics: str

    def reject_of(self, bad: BadInput) -> Any:
        [record] = self.rejected[self.places[bad.name]]
        return record


@pytest.fixture(scope="module")
def outcome(kafka: EmbeddedKafka) -> Outcome:
    """One run of one worker over everything bad, with a good event after each."""
    name = f"bad-input-{time.monotonic_ns()}"
    settings = own_application(
        kafka.bootstrap,
        name,
        partitions=PARTITIONS,
        session_timeout_s=6.0,
        checkpoint_interval_s=0.3,
        origin="earliest",
    )
    asyncio.run(ensure_topics(settings))
    places = asyncio.run(send(settings))
    with WorkerProcess(settings) as worker:
        worker.wait_ready()
        metrics = wait_counted(worker)
        rejected = asyncio.run(read_rejected(settings, sum(bad.reason is not None for bad in SENT)))
    return Outcome(settings, places, rejected, metrics)


async def send(settings: Settings) -> dict[str, tuple[int, int]]:
    """Each bad record, then a good event in the same partition; where the bad ones went."""
    places: dict[str, tuple[int, int]] = {}
    producer = AIOKafkaProducer(bootstrap_servers=settings.brokers, max_request_size=MAX_RECORD_BYTES)
    await producer.start()
    try:
        for number, bad in enumerate(SENT):
            sent = await producer.send_and_wait(
                settings.helpdesk_topic,
                bad.value,
                bad.key,
                bad.at,
                timestamp_ms=RECORD_TIME_MS,
                headers=bad.headers,
            )
            places[bad.name] = sent.partition, sent.offset
            subject = next(s for s in map("good/{}".format, range(100)) if home_of(s.encode()) == bad.at)
            good = line(id=f"good-{number}", subject=subject)
            await producer.send_and_wait(settings.helpdesk_topic, good, subject.encode(), bad.at)
    finally:
        await producer.stop()
    return places


def wait_counted(worker: WorkerProcess) -> str:
    """The metrics once every good event was counted."""
    deadline = time.monotonic() + COUNTED_TIMEOUT_S
    while True:
        metrics = worker.metrics()
        if sum(counts_of(metrics, "events_processed_total", "type").values()) >= len(SENT):
            return metrics
        assert time.monotonic() < deadline, worker.log.read_text()[-4000:]
        time.sleep(0.2)


def counts_of(metrics: str, name: str, label: str) -> Counter[str]:
    """Samples of a series that are above 0, by one label."""
    found: Counter[str] = Counter()
    for labels, value in re.findall(rf"^deskpulse_{name}{{(.*)}} (\S+)$", metrics, re.MULTILINE):
        found[dict(re.findall(r'(\w+)="(.*?)"', labels))[label]] += int(float(value))
    return +found


async def read_rejected(settings: Settings, expected: int) -> dict[tuple[int, int], list[Any]]:
    """Records of the topic of rejects, by the place that they name; waits until there are enough."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.brokers,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    await consumer.start()
    found: dict[tuple[int, int], list[Any]] = {}
    deadline = time.monotonic() + COUNTED_TIMEOUT_S
    try:
        consumer.assign([TopicPartition(settings.rejected_topic, partition) for partition in range(PARTITIONS)])
        while sum(map(len, found.values())) < expected and time.monotonic() < deadline:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                for record in records:
                    headers = dict(record.headers)
                    place = int(headers["partition"]), int(headers["offset"])
                    found.setdefault(place, []).append(record)
    finally:
        await consumer.stop()
    return found


def test_good_events_between_bad_ones_are_all_counted(outcome: Outcome) -> None:
    counted = counts_of(outcome.metrics, "events_processed_total", "type")
    assert counted == {"helpdesk.ticket.message": len(SENT)}


def test_rejects_are_counted_by_reason(outcome: Outcome) -> None:
    expected = Counter(bad.reason for bad in SENT if bad.reason is not None)
    assert counts_of(outcome.metrics, "events_rejected_total", "reason") == expected


def test_a_tombstone_is_skipped_and_counted_as_one(outcome: Outcome) -> None:
    assert total(outcome.metrics, "events_tombstone_total") == 1


def test_nothing_else_reaches_the_topic_of_rejects(outcome: Outcome) -> None:
    assert set(outcome.rejected) == {outcome.places[bad.name] for bad in SENT if bad.reason is not None}
    assert all(len(records) == 1 for records in outcome.rejected.values())


@pytest.mark.parametrize("bad", [bad for bad in SENT if bad.reason], ids=lambda bad: bad.name)
def test_a_reject_is_found_with_its_reason_its_origin_and_its_key(outcome: Outcome, bad: BadInput) -> None:
    record = outcome.reject_of(bad)
    headers = dict(record.headers)
    partition, offset = outcome.places[bad.name]
    assert headers["reason"].decode() == bad.reason
    assert headers["topic"].decode() == outcome.settings.helpdesk_topic
    assert (int(headers["partition"]), int(headers["offset"])) == (partition, offset)
    assert int(headers["timestamp"]) == RECORD_TIME_MS
    assert headers["detail"]
    assert record.key == bad.key
    assert bad.value is not None
    assert record.value == bad.value[:MAX_VALUE_BYTES]


def test_a_value_too_large_to_keep_leaves_its_size_and_hash(outcome: Outcome) -> None:
    bad = next(bad for bad in SENT if bad.reason == "too_large")
    headers = dict(outcome.reject_of(bad).headers)
    assert bad.value is not None
    assert int(headers["size"]) == len(bad.value)
    assert len(headers["sha256"]) == 64
