"""What a consumer costs that only reads: the measure of those benchmarks that count what is on a topic."""

from __future__ import annotations

import time

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.connect import client_arguments
from streams.settings import Settings

COMPARED_WITH = "a bare aiokafka getmany and orjson.loads loop"


async def bare_rate(settings: Settings, events: int) -> float:
    """Events/s of reading and decoding so many helpdesk events, with nothing done with them."""
    partitions = [TopicPartition(settings.helpdesk_topic, number) for number in range(settings.partitions)]
    consumer = AIOKafkaConsumer(
        auto_offset_reset="earliest", max_partition_fetch_bytes=4 << 20, **client_arguments(settings)
    )
    await consumer.start()
    try:
        consumer.assign(partitions)
        read, start_s = 0, 0.0
        while read < events:
            for records in (await consumer.getmany(timeout_ms=100, max_records=20_000)).values():
                start_s = start_s or time.monotonic()
                for record in records:
                    orjson.loads(record.value)
                read += len(records)
        return events / (time.monotonic() - start_s)
    finally:
        await consumer.stop()
