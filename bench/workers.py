"""workers: one, two and four workers that share the same partitions, and what a rebalance costs.

``workers_N``: events/s of N workers together, from the commit that makes all events visible at once until the last
checkpoint, against one worker in the same run; ``workers_N_processor``: processor time of all of them, in us an
event, against the same. ``workers_join`` and ``workers_leave``: seconds in which not all partitions were ready,
when a worker joins two others and when it ends, against the session timeout: a worker with an ``instance_id`` is
missed only after it. ``workers_leave_unnamed``: the same of one without, which says that it leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer

from bench.figure import figure
from bench.resident import processor_s
from bench.workload import helpdesk_events
from metrics_core.partitioner import partition_for
from streams.broker import EmbeddedKafka
from streams.connect import client_arguments
from streams.demo.exposition_rows import most, total
from streams.demo.worker_process import WorkerProcess
from streams.pace import wall_us
from streams.settings import Settings, load_settings
from streams.simulate import Emission
from streams.topics import ensure_topics

EVENTS = 400_000
EVENTS_VARIABLE = "DESKPULSE_BENCH_EVENTS"
COUNTS = (1, 2, 4)
ROUNDS = 2
BATCH_BYTES = 256 * 1024
#: Kafka's default upper bound (transaction.max.timeout.ms)
TRANSACTION_TIMEOUT_MS = 900_000
POLL_S, WATCH_S = 0.5, 0.1
TIMEOUT_S = 280.0


def main() -> None:
    """Rounds of all counts in turns, then the rebalances."""
    events = helpdesk_events(int(os.environ.get(EVENTS_VARIABLE, EVENTS)))
    rates: dict[int, list[float]] = {count: [] for count in COUNTS}
    processor_us: dict[int, list[float]] = {count: [] for count in COUNTS}
    settings = load_settings(origin="earliest")
    with EmbeddedKafka(cache_dir=settings.cache_dir, heap_mb=1024) as kafka:
        kafka.start()
        settings = settings.model_copy(update={"brokers": kafka.bootstrap})
        for number in range(ROUNDS):
            for count in COUNTS:
                rate, busy_us = _round(_of(settings, f"bench-{number}-{count}"), events, count)
                rates[count].append(rate)
                processor_us[count].append(busy_us)
        rebalances = _rebalances(_of(settings, f"bench-0-{COUNTS[0]}"), COUNTS[1])
    for name, unit, of in (("", "events/s", rates), ("_processor", "us/event", processor_us)):
        one = statistics.median(of[COUNTS[0]])
        for count in COUNTS:
            figure(f"workers_{count}{name}", statistics.median(of[count]), unit, one, "one worker")
    for name, unready_s in rebalances.items():
        figure(f"workers_{name}", unready_s, "s", settings.session_timeout_s, "the session timeout")


def _of(settings: Settings, name: str) -> Settings:
    topics = {key: f"{name}.{getattr(settings, key)}" for key in ("helpdesk_topic", "crm_topic", "rejected_topic")}
    return settings.model_copy(update={"app_id": name, **topics})


def _round(settings: Settings, events: Sequence[Emission], count: int) -> tuple[float, float]:
    """(events/s, processor us an event) of so many workers."""
    return asyncio.run(_gated(settings, events, count))


async def _gated(settings: Settings, events: Sequence[Emission], count: int) -> tuple[float, float]:
    await ensure_topics(settings)
    producer = AIOKafkaProducer(
        transactional_id=settings.app_id,
        transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        max_batch_size=BATCH_BYTES,
        **client_arguments(settings),
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        await _write(producer, settings, events)
        with _workers(settings, count) as workers:
            await asyncio.to_thread(_wait_ready, workers)
            before_s = sum(processor_s(one) for one in workers)
            start_s = time.time()
            await producer.commit_transaction()
            end_s = await asyncio.to_thread(_counted, workers, len(events))
            busy_s = sum(processor_s(one) for one in workers) - before_s
    finally:
        await producer.stop()
    return len(events) / (end_s - start_s), busy_s / len(events) * 1e6


async def _write(producer: Any, settings: Settings, events: Sequence[Emission]) -> None:
    # the clock's time: with their own, months ago, the broker would delete them before they are read
    topic, partitions, now_ms = settings.helpdesk_topic, settings.partitions, wall_us() // 1000
    open_batches: dict[int, Any] = {}
    sent = []
    for event in events:
        assert event.key is not None
        partition = partition_for(event.key, partitions)
        record = {"timestamp": now_ms, "key": event.key, "value": event.value}
        batch = open_batches.get(partition)
        if batch is None or batch.append(**record) is None:
            if batch is not None:
                sent.append(await producer.send_batch(batch, topic, partition=partition))
            batch = open_batches[partition] = producer.create_batch()
            batch.append(**record)
    for partition, batch in open_batches.items():
        sent.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*sent)


@contextlib.contextmanager
def _workers(settings: Settings, count: int) -> Iterator[list[WorkerProcess]]:
    with contextlib.ExitStack() as running:
        yield [running.enter_context(_worker(settings, number)) for number in range(count)]


def _worker(settings: Settings, number: int) -> WorkerProcess:
    return WorkerProcess(settings.model_copy(update={"instance_id": f"{settings.app_id}-{number}"}))


def _ready(workers: Sequence[WorkerProcess]) -> tuple[int, int]:
    """(partitions that are ready, those that there are), over all workers."""
    ready, there = 0, 0
    for worker in workers:
        topics = worker.readiness().get("partitions", {}).values()
        ready += sum(topic["ready"] for topic in topics)
        there = max(there, sum(topic["of"] for topic in topics))
    return ready, there


def _wait_ready(workers: Sequence[WorkerProcess]) -> None:
    """Until every partition has an owner and every worker has its share, for a while."""
    end_s, calm = time.monotonic() + TIMEOUT_S, 0
    while calm < 3:
        if time.monotonic() > end_s:
            raise SystemExit(f"the workers were not ready in {TIMEOUT_S:g} s")
        time.sleep(POLL_S)
        ready, there = _ready(workers)
        has_share = all(worker.readiness().get("ready") for worker in workers)
        calm = calm + 1 if ready == there > 0 and has_share else 0


def _counted(workers: Sequence[WorkerProcess], events: int) -> float:
    """When the last checkpoint came of all events, in unix time."""
    end_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end_s:
        time.sleep(POLL_S)
        texts = [worker.metrics() for worker in workers]
        if sum(total(text, "events_processed_total") for text in texts) >= events:
            time.sleep(3.0)  # several checkpoint intervals: the last events are durable by then
            return max(most(worker.metrics(), "last_checkpoint_timestamp_seconds") for worker in workers)
    raise SystemExit(f"the workers did not count {events:,} events in {TIMEOUT_S:g} s")


def _rebalances(settings: Settings, count: int) -> dict[str, float]:
    """Seconds in which not every partition was ready: one worker more, then one less, with and without a name."""
    unready_s = {}
    with _workers(settings, count) as workers:
        _wait_ready(workers)
        with _worker(settings, count) as another:
            unready_s["join"] = _unready_s([*workers, another])
        unready_s["leave"] = _unready_s(workers)
        with WorkerProcess(settings) as another:
            _unready_s([*workers, another])
        unready_s["leave_unnamed"] = _unready_s(workers)
    return unready_s


def _unready_s(workers: Sequence[WorkerProcess]) -> float:
    """How long some partition was ready nowhere, until each worker has had its share for a few seconds."""
    unready_s, since_s, calm_s = 0.0, time.monotonic(), time.monotonic()
    end_s = since_s + TIMEOUT_S
    while time.monotonic() - calm_s < 5.0:
        if time.monotonic() > end_s:
            raise SystemExit(f"the rebalance did not end in {TIMEOUT_S:g} s")
        time.sleep(WATCH_S)
        ready, there = _ready(workers)
        now_s = time.monotonic()
        if ready < there:
            unready_s += now_s - since_s
        if ready < there or not all(worker.readiness().get("ready") for worker in workers):
            calm_s = now_s
        since_s = now_s
    return unready_s


if __name__ == "__main__":
    main()
