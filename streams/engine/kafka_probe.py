"""Questions to Kafka: where a log begins and ends, and which topic this is."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from streams.engine.ports import Bounds, TopicIdentity, Unavailable
from streams.topics import topic_identity

T = TypeVar("T")

#: InitProducerId waits for the end of the transaction before it; then the broker is as good as away.
OPEN_TIMEOUT_S = 40.0
CLOSE_TIMEOUT_S = 5.0


async def available(awaitable: Awaitable[T], timeout_s: float) -> T:
    """The result, or Unavailable where Kafka did not answer, was away or asked to try again."""
    try:
        async with asyncio.timeout(timeout_s):
            return await awaitable
    except TimeoutError as error:
        raise Unavailable(f"no answer in {timeout_s:g} s") from error
    except KafkaError as error:
        if error.retriable:
            raise Unavailable(repr(error)) from error
        raise


class KafkaProbe:
    """A consumer that never consumes, started at the first question."""

    def __init__(self, client_arguments: Mapping[str, Any]) -> None:
        self._client_arguments = dict(client_arguments)
        self._consumer: Any = None
        self._starting = asyncio.Lock()

    async def bounds(self, partition: TopicPartition) -> Bounds:
        """First offset and end of a log, read uncommitted: the end is the high watermark."""
        consumer = await self._started()
        starts = await available(consumer.beginning_offsets([partition]), OPEN_TIMEOUT_S)
        ends = await available(consumer.end_offsets([partition]), OPEN_TIMEOUT_S)
        return Bounds(starts[partition], ends[partition])

    async def identity(self, topic: str) -> TopicIdentity:
        """Topic id and number of partitions."""
        consumer = await self._started()
        return TopicIdentity(*await available(topic_identity(consumer._client, topic), OPEN_TIMEOUT_S))

    async def close(self) -> None:
        """Close the connections; never raises."""
        if self._consumer is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._consumer.stop(), CLOSE_TIMEOUT_S)

    async def _started(self) -> Any:
        async with self._starting:
            if self._consumer is None:
                consumer = AIOKafkaConsumer(
                    isolation_level="read_uncommitted", enable_auto_commit=False, **self._client_arguments
                )
                try:
                    await available(consumer.start(), OPEN_TIMEOUT_S)
                except BaseException:
                    with contextlib.suppress(Exception):
                        await consumer.stop()
                    raise
                self._consumer = consumer
            return self._consumer
