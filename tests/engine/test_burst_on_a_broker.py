"""A burst that comes at once: what the worker says of itself meanwhile is true, and in the end all is counted."""

from __future__ import annotations

import asyncio
import threading
import time
from itertools import islice

import pytest

from metrics_core.times import DAY_US
from streams.broker import EmbeddedKafka
from streams.connect import client_arguments
from streams.demo.exposition_rows import most, rows_of_exposition, total
from streams.demo.worker_process import WorkerProcess
from streams.pace import wall_us
from streams.produce import TopicWriter
from streams.settings import Settings, load_settings
from streams.simulate import Emission, Traffic
from streams.topics import ensure_topics

pytestmark = pytest.mark.broker

EVENTS = 60_000
#: the end of the topic is known as of the last fetch
LEARNT_WITHIN_S = 5.0
TIMEOUT_S = 240.0


async def _pour(settings: Settings, events: list[Emission]) -> None:
    await ensure_topics(settings)
    async with TopicWriter(client_arguments(settings)) as writer:
        for event in events:
            await writer.write(settings.helpdesk_topic, event.key, event.value, wall_us() // 1000)


def _fresh(text: str, topic: str) -> set[float]:
    rows = rows_of_exposition(text, "now")
    return {row["value"] for row in rows if row["metric"] == "partition_fresh" and row["labels"]["topic"] == topic}


def test_in_a_burst_what_is_counted_and_what_waits_are_all_there_is(kafka: EmbeddedKafka) -> None:
    settings = load_settings(
        brokers=kafka.bootstrap,
        app_id="burst",
        origin="earliest",
        helpdesk_topic="burst.helpdesk",
        crm_topic="burst.crm",
        rejected_topic="burst.rejected",
        partitions=4,
    )
    asyncio.run(_pour(settings, []))
    start_us = wall_us() - 30 * DAY_US
    traffic = Traffic(5, start_us, 3_000, crm=False, bad_events=False)
    events = list(islice(traffic.until(wall_us()), EVENTS))
    assert len(events) == EVENTS
    with WorkerProcess(settings) as worker:
        worker.wait_ready()
        pouring = threading.Thread(target=lambda: asyncio.run(_pour(settings, events)))
        pouring.start()
        watermarks, written_s = [0.0], float("inf")
        end_s = time.monotonic() + TIMEOUT_S
        while True:
            assert time.monotonic() < end_s, "the burst was not counted"
            if not pouring.is_alive():
                written_s = min(written_s, time.monotonic())
            is_known = time.monotonic() - written_s > LEARNT_WITHIN_S
            text = worker.metrics()
            counted, lag = total(text, "events_processed_total"), total(text, "consumer_lag_records")
            # the lag is as of the last look, the count as of now
            assert not is_known or counted + lag >= EVENTS
            watermarks.append(most(text, "watermark_timestamp_seconds"))
            if counted == total(text, "event_shown_seconds_count") == EVENTS and lag == 0:
                break
            time.sleep(0.1)
        pouring.join()
        assert watermarks == sorted(watermarks)
        assert _fresh(text, settings.helpdesk_topic) == {1.0}
