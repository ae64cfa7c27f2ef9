"""Changelogs on Kafka: a transactional producer a partition, a reader that sees committed rows only."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from streams.engine import fast_records
from streams.engine.checkpoint import DELIVERY_TIMEOUT_S, TRANSACTION_TIMEOUT_S
from streams.engine.kafka_probe import CLOSE_TIMEOUT_S, OPEN_TIMEOUT_S, KafkaProbe, available
from streams.engine.ports import ChangelogReader, Encoding, Row, SourcePartition

log = structlog.get_logger("deskpulse.engine")

#: Bytes of one produce batch, under the broker's default limit of 1 MiB a batch (message.max.bytes).
BATCH_BYTES = 900_000
REQUEST_BYTES = 1_000_000
READ_TIMEOUT_MS = 200
#: One fetch of the changelog: large enough for 250,000 rows a second, small enough for four at a time.
READ_BYTES = 4 * 1024 * 1024


class KafkaEncoding:
    """Rows and rejects as finished record batches, before the transaction begins."""

    def __init__(self, producer: Any, changelog: TopicPartition, rejected: TopicPartition) -> None:
        self.batches: list[tuple[Any, TopicPartition]] = []
        self._producer = producer
        self._changelog = changelog
        self._rejected = rejected
        self._rows: Any = None
        self._rejects: Any = None
        self._timestamp_ms = int(time.time() * 1000)

    @property
    def size_bytes(self) -> int:
        return sum(batch.size() for batch, _ in self.batches)

    def fill(self, rows: Iterator[tuple[bytes, bytes | None]], limit: int) -> int:
        batch = self._rows
        if batch is None:
            batch = self._rows = self._new_batch(self._changelog)
        timestamp_ms, taken = self._timestamp_ms, 0
        for key, value in islice(rows, limit):
            if batch.append(timestamp=timestamp_ms, key=key, value=value) is None:
                batch = self._rows = self._new_batch(self._changelog)
                batch.append(timestamp=timestamp_ms, key=key, value=value)
            taken += 1
        return taken

    def row(self, key: bytes, value: bytes | None) -> None:
        self.fill(iter(((key, value),)), 1)

    def reject(self, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> None:
        record = {"timestamp": self._timestamp_ms, "key": key, "value": value, "headers": list(headers)}
        if self._rejects is None or self._rejects.append(**record) is None:
            self._rejects = self._new_batch(self._rejected)
            self._rejects.append(**record)

    def _new_batch(self, partition: TopicPartition) -> Any:
        batch = self._producer.create_batch()
        self.batches.append((batch, partition))
        return batch


class KafkaWriter:
    """The owner of one changelog partition."""

    def __init__(self, producer: Any, changelog: TopicPartition, rejected: TopicPartition) -> None:
        self._producer = producer
        self._changelog = changelog
        self._rejected = rejected

    def encode(self) -> KafkaEncoding:
        return KafkaEncoding(self._producer, self._changelog, self._rejected)

    async def commit(self, encoding: Encoding) -> None:
        assert isinstance(encoding, KafkaEncoding)
        producer = self._producer
        await producer.begin_transaction()
        deliveries = []
        for batch, partition in encoding.batches:
            batch.close()
            deliveries.append(await producer.send_batch(batch, partition.topic, partition=partition.partition))
        # aiokafka lets a transaction with a failed batch be committed: every delivery is looked at first
        outcomes = await asyncio.gather(*deliveries, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        await producer.commit_transaction()

    async def close(self) -> None:
        await close_producer(self._producer)


_closing: set[asyncio.Task[None]] = set()


async def close_producer(producer: Any) -> None:
    """Stop a producer whatever state it is in, in the background if need be; never raises."""
    task = asyncio.get_running_loop().create_task(_close_producer(producer))
    _closing.add(task)
    task.add_done_callback(_closing.discard)
    await asyncio.shield(task)


async def _close_producer(producer: Any) -> None:
    try:
        await asyncio.wait_for(producer.stop(), CLOSE_TIMEOUT_S)
        return
    except Exception as error:
        log.debug("producer did not stop", error=repr(error))
    sender_task = producer._sender.sender_task
    if sender_task is not None:
        sender_task.cancel()
    with contextlib.suppress(Exception):
        await asyncio.wait_for(producer.client.close(), CLOSE_TIMEOUT_S)


async def _abort_forgotten(producer: Any, partitions: Sequence[TopicPartition]) -> None:
    """End what an earlier owner left open in these partitions, by aborting an empty transaction over them.

    InitProducerId should have done so. But a coordinator that ends a transaction while a partition has no leader
    takes the partition for a deleted one and writes no marker there (seen with Kafka 4.3.1: restart a broker that
    was killed within a transaction, later than its timeout). Its last stable offset then stands still for good, and
    the next commit of the same producer id would commit the aborted rows as well. A marker of ours ends both.
    """
    await producer.begin_transaction()
    for partition in partitions:
        # as sending to it does; nothing need be sent
        producer._txn_manager.maybe_add_partition_to_txn(partition)
    await producer.abort_transaction()


class KafkaReader:
    """Committed rows of one changelog partition from its start to ``until``."""

    def __init__(self, consumer: Any, changelog: TopicPartition, until: int) -> None:
        self._consumer = consumer
        self._changelog = changelog
        self._until = until
        self.position = 0

    async def rows(self) -> Sequence[Row] | None:
        if self.position >= self._until:
            return None
        fetched = await available(
            self._consumer.getmany(self._changelog, timeout_ms=READ_TIMEOUT_MS), OPEN_TIMEOUT_S
        )
        # past aborted records and the markers of transactions, which are never handed out
        self.position = await available(self._consumer.position(self._changelog), OPEN_TIMEOUT_S)
        rows: Sequence[Row] = fetched.get(self._changelog, ())
        return rows

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._consumer.stop(), CLOSE_TIMEOUT_S)
            # a closed consumer waits in cycles for a full collection, maybe for hours: some 19 MB were read ahead
            self._consumer._fetcher._records.clear()


class EmptyReader:
    """A changelog partition that nothing was ever written to needs no connection."""

    position = 0

    async def rows(self) -> Sequence[Row] | None:
        return None

    async def close(self) -> None:
        return None


class KafkaChangelog:
    """The changelogs of an application; ``topics`` maps a source topic to its changelog. ``native``: read in C
    where it was built."""

    transaction_timeout_s = TRANSACTION_TIMEOUT_S

    def __init__(
        self,
        client_arguments: Mapping[str, Any],
        probe: KafkaProbe,
        *,
        app_id: str,
        topics: Mapping[str, str],
        rejected_topic: str,
        native: bool = True,
    ) -> None:
        self._client_arguments = dict(client_arguments)
        self._app_id = app_id
        self._topics = dict(topics)
        self._rejected_topic = rejected_topic
        self._probe = probe
        self._native = native

    def topic(self, source: SourcePartition) -> str:
        return self._topics[source.topic]

    async def open_writer(self, source: SourcePartition) -> KafkaWriter:
        changelog = TopicPartition(self.topic(source), source.partition)
        producer = AIOKafkaProducer(
            transactional_id=f"{self._app_id}-{changelog.topic}-{changelog.partition}",
            transaction_timeout_ms=int(TRANSACTION_TIMEOUT_S * 1000),
            acks="all",
            max_batch_size=BATCH_BYTES,
            max_request_size=REQUEST_BYTES,
            request_timeout_ms=int(DELIVERY_TIMEOUT_S * 1000),
            **self._client_arguments,
        )
        try:
            await available(producer.start(), OPEN_TIMEOUT_S)
            partitions = await available(producer.partitions_for(self._rejected_topic), OPEN_TIMEOUT_S)
            rejected = TopicPartition(self._rejected_topic, source.partition % len(partitions))
            if await self.high_watermark(source) > 0:
                await available(_abort_forgotten(producer, (changelog, rejected)), OPEN_TIMEOUT_S)
        except BaseException:
            await close_producer(producer)
            raise
        return KafkaWriter(producer, changelog, rejected)

    async def high_watermark(self, source: SourcePartition) -> int:
        bounds = await self._probe.bounds(TopicPartition(self.topic(source), source.partition))
        return bounds.end

    async def open_reader(self, source: SourcePartition, until: int) -> ChangelogReader:
        if until == 0:
            return EmptyReader()
        changelog = TopicPartition(self.topic(source), source.partition)
        fast_records.install()
        consumer = AIOKafkaConsumer(
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            key_deserializer=fast_records.mark(native=self._native),
            max_partition_fetch_bytes=READ_BYTES,
            fetch_max_wait_ms=READ_TIMEOUT_MS // 2,
            **self._client_arguments,
        )
        reader = KafkaReader(consumer, changelog, until)
        try:
            await available(consumer.start(), OPEN_TIMEOUT_S)
            consumer.assign([changelog])
            await available(consumer.seek_to_beginning(changelog), OPEN_TIMEOUT_S)
            reader.position = await available(consumer.position(changelog), OPEN_TIMEOUT_S)
        except BaseException:
            await reader.close()
            raise
        return reader

    async def close(self) -> None:
        """Wait for producers that are still closing; writers and readers are closed by those who opened them."""
        await self._probe.close()
        if _closing:
            await asyncio.wait(_closing, timeout=CLOSE_TIMEOUT_S)
