"""worker_durable: events/s from a local broker until durable, against a bare aiokafka and orjson loop."""

from __future__ import annotations

import asyncio
import time

from bench.bare_loop import COMPARED_WITH, bare_rate
from bench.figure import figure
from bench.workload import helpdesk_events
from streams.broker import EmbeddedKafka
from streams.connect import client_arguments
from streams.demo.exposition_rows import most, total
from streams.demo.worker_process import WorkerProcess
from streams.pace import Pace
from streams.produce import TopicWriter, pour
from streams.settings import Settings, load_settings
from streams.topics import ensure_topics

EVENTS = 1_000_000
TIMEOUT_S = 300.0
POLL_S = 0.2


def main() -> None:
    """Fill the topic, read it barely, then with a worker."""
    settings = load_settings(origin="earliest")
    with EmbeddedKafka(cache_dir=settings.cache_dir, heap_mb=1024) as kafka:
        kafka.start()
        settings = settings.model_copy(update={"brokers": kafka.bootstrap})
        events = asyncio.run(_fill(settings))
        bare = asyncio.run(bare_rate(settings, events))
        with WorkerProcess(settings) as worker:
            rate = _durable(worker, events)
        figure("worker_durable", rate, "events/s", bare, COMPARED_WITH)


async def _fill(settings: Settings) -> int:
    events = helpdesk_events(EVENTS)
    await ensure_topics(settings)
    async with TopicWriter(client_arguments(settings)) as writer:
        await pour(events, writer, Pace())
    return len(events)


def _durable(worker: WorkerProcess, events: int) -> float:
    """From the first poll that finds events counted to the last checkpoint, by the worker's own clock."""
    first: tuple[float, float] | None = None
    end_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end_s:
        time.sleep(POLL_S)
        try:
            now_s, text = time.time(), worker.metrics()
        except OSError:
            continue
        counted = total(text, "events_processed_total")
        if counted and first is None:
            first = now_s, counted
        if counted >= events and total(text, "consumer_lag_records") == 0:
            break
    else:
        raise SystemExit(f"the worker did not count {events:,} events in {TIMEOUT_S:g} s")
    time.sleep(3.0)  # several checkpoint intervals: the last events are durable by then
    durable_s = most(worker.metrics(), "last_checkpoint_timestamp_seconds")
    assert first is not None
    return (events - first[1]) / (durable_s - first[0])


if __name__ == "__main__":
    main()
