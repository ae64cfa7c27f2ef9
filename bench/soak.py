"""soak: whether a worker's memory stays flat under live traffic: `python -m bench soak --minutes 30`.

A day of the desk passes every few seconds (``clock=event``), closed tickets are retired after the shortest horizon
that a policy allows, and a scraper asks all along. Once the horizon has passed twice, as many rows go as come;
customers are kept for good, so there are none. ``soak_slope`` is the least-squares slope of the resident memory
from then on, in MB an hour, beside the mean; ``soak_growth`` the mean of the last tenth of the samples less that
of the first tenth, ``soak_late_growth`` the same of the second half alone: what only settles grows less and less;
``soak_rows`` the live rows of the changelog at the end, against those when the measuring began.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from itertools import takewhile

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.figure import figure
from bench.resident import resident_bytes
from bench.workload import SEED, START_US
from metrics_core.times import DAY_US
from streams.broker import EmbeddedKafka
from streams.connect import client_arguments
from streams.demo.exposition_rows import total
from streams.demo.worker_process import WorkerProcess
from streams.pace import Pace
from streams.produce import TopicWriter, pour
from streams.settings import Settings, load_settings
from streams.simulate import Emission, Traffic
from streams.topics import changelog_name, ensure_topics

MINUTES = 3.0
#: the least that the windows allow (metrics_core.policy)
HORIZON_DAYS = 61
TICKETS_PER_DAY = 500
#: so many days in a minute: with 500 tickets a day some 1,000 events/s
DAYS_A_MINUTE = 12
#: before anything is retired, and until what Python and Kafka keep for themselves has been taken
WARM_UP_DAYS = 150
SAMPLE_S = 1.0
SCRAPE_EVERY = 5
#: the rest is a look at the slope of noise
LEAST_SAMPLES = 30


def main(minutes: float) -> None:
    """Warm up flat out, then measure at the pace."""
    settings = load_settings(origin="earliest", clock="event", policy={"horizon_days": HORIZON_DAYS})
    with EmbeddedKafka(cache_dir=settings.cache_dir, heap_mb=512) as kafka:
        kafka.start()
        settings = settings.model_copy(update={"brokers": kafka.bootstrap})
        asyncio.run(ensure_topics(settings))
        traffic = Traffic(SEED, START_US, TICKETS_PER_DAY, crm=False, bad_events=False)
        # one iterator for both: what comes after the warm-up is the same desk
        events = iter(traffic.until(START_US + 36_500 * DAY_US))
        with WorkerProcess(settings) as worker:
            worker.wait_ready()
            asyncio.run(_pour(settings, events, START_US + WARM_UP_DAYS * DAY_US, None))
            _wait_until_counted(worker)
            rows = asyncio.run(live_rows(settings))
            samples = _live(worker, settings, events, minutes)
            _wait_until_counted(worker)
            rows_at_end = asyncio.run(live_rows(settings))
    hours, sizes = zip(*((at_s / 3600, size / 1e6) for at_s, size in samples), strict=True)
    figure(
        "soak_slope",
        statistics.linear_regression(hours, sizes).slope,
        "MB/h",
        statistics.mean(sizes),
        "the mean, MB",
    )
    _growth("soak_growth", sizes)
    _growth("soak_late_growth", sizes[len(sizes) // 2 :])
    figure("soak_rows", rows_at_end, "rows", rows, "when the measuring began")


def _growth(name: str, sizes: Sequence[float]) -> None:
    tenth = max(1, len(sizes) // 10)
    first, last = statistics.mean(sizes[:tenth]), statistics.mean(sizes[-tenth:])
    figure(name, last - first, "MB", first, "the mean of the first tenth, MB")


def _live(
    worker: WorkerProcess, settings: Settings, events: Iterator[Emission], minutes: float
) -> list[tuple[float, int]]:
    """(seconds, bytes) once a second, while traffic flows at its pace."""
    until_us = START_US + int((WARM_UP_DAYS + minutes * DAYS_A_MINUTE) * DAY_US)
    speed = DAYS_A_MINUTE * 86_400 / 60
    pouring = threading.Thread(target=lambda: asyncio.run(_pour(settings, events, until_us, speed)))
    samples: list[tuple[float, int]] = []
    start_s = time.monotonic()
    pouring.start()
    while pouring.is_alive() or len(samples) < LEAST_SAMPLES:
        samples.append((time.monotonic() - start_s, resident_bytes(worker)))
        if len(samples) % SCRAPE_EVERY == 0:
            worker.metrics()
        time.sleep(SAMPLE_S)
    pouring.join()
    return samples


async def _pour(settings: Settings, events: Iterator[Emission], until_us: int, speed: float | None) -> None:
    async with TopicWriter(client_arguments(settings)) as writer:
        await pour(takewhile(lambda one: one.arrival_us < until_us, events), writer, Pace(speed))


def _wait_until_counted(worker: WorkerProcess) -> None:
    """Until nothing waits in the topics and the last checkpoint is over."""
    calm = 0
    while calm < 3:
        time.sleep(SAMPLE_S)
        calm = calm + 1 if total(worker.metrics(), "consumer_lag_records") == 0 else 0


async def live_rows(settings: Settings) -> int:
    """Keys of the changelog whose last record is no deletion."""
    topic = changelog_name(settings, settings.helpdesk_topic)
    partitions = [TopicPartition(topic, number) for number in range(settings.partitions)]
    consumer = AIOKafkaConsumer(isolation_level="read_committed", **client_arguments(settings))
    await consumer.start()
    try:
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        for partition, start in (await consumer.beginning_offsets(partitions)).items():
            consumer.seek(partition, start)
        live: set[tuple[TopicPartition, bytes]] = set()
        while any([await consumer.position(one) < ends[one] for one in partitions]):
            for partition, records in (await consumer.getmany(timeout_ms=100)).items():
                for record in records:
                    change = live.discard if record.value is None else live.add
                    change((partition, record.key))
        return len(live)
    finally:
        await consumer.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=MINUTES, help=f"how long to measure (default: {MINUTES:g})"
    )
    main(parser.parse_args().minutes)
