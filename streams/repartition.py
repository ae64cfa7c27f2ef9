"""A source topic copied to a topic with another number of partitions, each record exactly once.

Kafka can add partitions to a topic, but keys move then and a subject's events lie on two of them. So the records
are copied: key, value, headers and time as they are, committed ones only, partition by partition in log order, to
the partition of their key. How far the copy has come is committed in the transactions that copy; a copy that was
stopped, or killed, goes on where the last finished transaction ended. Order between partitions does not matter:
within a subject events are ordered by their own time.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from metrics_core.partitioner import partition_for
from metrics_core.records import Record
from streams import topicid
from streams.connect import client_arguments
from streams.engine.kafka_changelog import BATCH_BYTES, close_producer
from streams.engine.ports import SourcePartition
from streams.log_reader import LogReader
from streams.settings import ConfigurationError, Settings
from streams.topics import (
    RECORD_MAX_BYTES,
    Topic,
    admin_client,
    await_leaders,
    configs_of,
    create_missing,
    metadata_of,
    plan,
)

#: records of one transaction: what a crash repeats, and what a reader of the copy waits for
TRANSACTION_RECORDS = 5_000
TRANSACTION_TIMEOUT_MS = 60_000
#: keys whose partition is remembered: murmur2 takes 3 us in Python
KEYS_REMEMBERED = 200_000
#: what the new topic has of the old one. Not its cleanup policy, which must be to delete, and not the type of its
#: timestamps: those of the records are kept
KEPT_CONFIGS = ("retention.ms", "retention.bytes", "max.message.bytes", "min.insync.replicas")


@dataclass
class Copied:
    """What one run has copied: records by source partition; offsets that were gone before they were copied;
    records that arrived at the source meanwhile, about."""

    created: bool = False
    partitions: int = 0
    records: dict[SourcePartition, int] = field(default_factory=dict)
    gone: list[tuple[SourcePartition, int, int]] = field(default_factory=list)
    arrived: int = 0


async def repartition(
    settings: Settings,
    source: str,
    target: str,
    partitions: int | None,
    *,
    again: bool = False,
    on_start: Callable[[int], None] = lambda _records: None,
    on_records: Callable[[int], None] = lambda _records: None,
) -> Copied:
    """Copy what ``source`` holds now and has not been copied yet to ``target``.

    The target is created where it is missing, with so many ``partitions``. ``again`` lets a topic
    be copied into that holds records of another origin. Raises ConfigurationError with one sentence, or KafkaError;
    what was copied until then stays, and is not copied again.
    """
    async with admin_client(settings) as admin:
        done = await _prepare(settings, admin, source, target, partitions)
        name = await _name_of_copy(admin, source, target)
    async with LogReader(settings) as log:
        ends = {one: bounds.end for one, bounds in (await log.bounds(log.partitions(source))).items()}
        async with _Writer(settings, name, target, done.partitions) as writer:
            # after the writer has become the only one: its start ends the transaction of a run that was killed
            positions = await _positions(settings, name, list(ends))
            if not (positions or again):
                await _check_empty(log, source, target)
            starts = {one: bounds.start for one, bounds in (await log.bounds(list(ends))).items()}
            on_start(sum(max(0, ends[one] - max(starts[one], positions.get(one, 0))) for one in ends))
            for one, end in ends.items():
                start = positions.get(one, starts[one])
                if start < starts[one]:
                    done.gone.append((one, start, starts[one]))
                    start = starts[one]
                done.records[one] = 0
                async for records in log.read(one, start, end):
                    for at in range(0, len(records), TRANSACTION_RECORDS):
                        part = records[at : at + TRANSACTION_RECORDS]
                        await writer.copy(one, part)
                        done.records[one] += len(part)
                        on_records(len(part))
        now = await log.bounds(list(ends))
        done.arrived = sum(now[one].end - end for one, end in ends.items())
    return done


async def _prepare(
    settings: Settings, admin: AIOKafkaAdminClient, source: str, target: str, partitions: int | None
) -> Copied:
    """Create the target where it is missing; raises ConfigurationError where it cannot be copied to."""
    if target in {source, *(topic.name for topic in plan(settings) if topic.role != "source")}:
        raise ConfigurationError(f"{target} cannot be copied to: name a topic that this application does not use")
    there = await metadata_of(admin)
    if source not in there:
        raise ConfigurationError(f"topic {source} does not exist: name the topic to copy, then the new one")
    if target in there:
        found = len(there[target]["partitions"])
        if partitions is not None and partitions != found:
            raise ConfigurationError(
                f"{target} exists with {found} partitions: leave --partitions out, or name a new topic"
            )
        return Copied(partitions=found)
    if partitions is None:
        raise ConfigurationError(f"{target} does not exist: say with --partitions how many it shall have")
    configs = (await configs_of(admin, [source]))[source]
    replication = min(len(one["replicas"]) for one in there[source]["partitions"])
    kept = {name: configs[name] for name in KEPT_CONFIGS if name in configs}
    wanted = Topic(
        target,
        "source",
        partitions,
        replication,
        {**kept, "cleanup.policy": "delete", "message.timestamp.type": "CreateTime"},
    )
    await create_missing(admin, [wanted])
    await await_leaders(admin, [target])
    return Copied(created=True, partitions=partitions)


async def _name_of_copy(admin: AIOKafkaAdminClient, source: str, target: str) -> str:
    """Group and transactional id. The topics' ids are part of it: a topic created anew is copied anew."""
    ids = [(await topicid.ask(admin._client, topic))[0] for topic in (source, target)]
    return f"deskpulse-repartition-{source}-{target}-{ids[0]}-{ids[1]}"


async def _positions(
    settings: Settings, name: str, sources: Sequence[SourcePartition]
) -> dict[SourcePartition, int]:
    """How far each partition was copied; those of which nothing was are left out."""
    consumer = AIOKafkaConsumer(**client_arguments(settings), group_id=name, enable_auto_commit=False)
    positions: dict[SourcePartition, int] = {}
    try:
        await consumer.start()
        consumer.assign([TopicPartition(*source) for source in sources])
        for source in sources:
            offset = await consumer.committed(TopicPartition(*source))
            if offset is not None:
                positions[source] = offset
    finally:
        await consumer.stop()
    return positions


async def _check_empty(log: LogReader, source: str, target: str) -> None:
    """Raise ConfigurationError where the target holds what no copy has written."""
    for one, (start, end) in (await log.bounds(log.partitions(target))).items():
        # the end tells nothing: the transaction of a run that was killed has moved it and left no record
        async for _ in log.read(one, start, end):
            raise ConfigurationError(
                f"{target} holds records and no copy of {source} was begun: name a new topic, or add --again to"
                " copy all the same (events that it holds already are counted once)"
            )


class _Writer:
    """Copies slices of a partition, each in one transaction with its position."""

    def __init__(self, settings: Settings, name: str, target: str, partitions: int) -> None:
        self._name, self._target, self._partitions = name, target, partitions
        self._known: dict[bytes, int] = {}
        self._producer: Any = AIOKafkaProducer(
            **client_arguments(settings),
            client_id="deskpulse-repartition",
            transactional_id=name,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            compression_type="lz4",
            max_batch_size=BATCH_BYTES,
            max_request_size=RECORD_MAX_BYTES,
        )

    async def __aenter__(self) -> _Writer:
        try:
            await self._producer.start()
        except BaseException:
            await close_producer(self._producer)
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            # where it fails, the start of the next run ends the transaction
            with contextlib.suppress(Exception):
                await self._producer.abort_transaction()
        await close_producer(self._producer)

    async def copy(self, source: SourcePartition, records: Sequence[Record]) -> None:
        """Copy records and the position after them."""
        producer = self._producer
        batches = await asyncio.to_thread(self._batches, source, records)
        await producer.begin_transaction()
        deliveries = []
        for batch, partition in batches:
            batch.close()
            deliveries.append(await producer.send_batch(batch, self._target, partition=partition))
        # aiokafka lets a transaction with a failed batch be committed: every delivery is looked at first
        for outcome in await asyncio.gather(*deliveries, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
        await producer.send_offsets_to_transaction({TopicPartition(*source): records[-1].offset + 1}, self._name)
        await producer.commit_transaction()

    def _batches(self, source: SourcePartition, records: Sequence[Record]) -> list[tuple[Any, int]]:
        """Batches of the records, for each partition in their order."""
        batches: list[tuple[Any, int]] = []
        filling: dict[int, Any] = {}
        for record in records:
            partition = self._partition(source, record.key)
            fields = {
                "timestamp": record.timestamp if record.timestamp >= 0 else int(time.time() * 1000),
                "key": record.key,
                "value": record.value,
                "headers": list(record.headers),
            }
            batch = filling.get(partition)
            if batch is None or batch.append(**fields) is None:
                batch = filling[partition] = self._producer.create_batch()
                # a batch takes its first record whatever its size
                taken = batch.append(**fields)
                assert taken is not None
                batches.append((batch, partition))
        return batches

    def _partition(self, source: SourcePartition, key: bytes | None) -> int:
        if key is None:  # rejected wherever it lies
            return source.partition % self._partitions
        partition = self._known.get(key)
        if partition is None:
            if len(self._known) >= KEYS_REMEMBERED:
                self._known.clear()
            partition = self._known[key] = partition_for(key, self._partitions)
        return partition
