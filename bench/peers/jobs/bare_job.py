"""No engine and no state: the events are fetched with aiokafka and decoded. The limit of any Python worker."""

from __future__ import annotations

import asyncio
import time

import orjson
from aiokafka import AIOKafkaConsumer, TopicPartition
from run import Run


async def read(run: Run) -> None:
    """All partitions to their ends."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=run.brokers,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        max_partition_fetch_bytes=4 << 20,
    )
    await consumer.start()
    consumer.assign([TopicPartition(run.topic, number) for number in range(run.partitions)])
    while run.events < run.expected:
        for records in (await consumer.getmany(timeout_ms=100, max_records=20_000)).values():
            run.count(len(records))
            for record in records:
                orjson.loads(record.value)
    run.answer((), durable_s=time.time())


asyncio.run(read(Run()))
