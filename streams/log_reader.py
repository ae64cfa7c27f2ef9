"""Kafka's logs as commands read them: committed records only, without a group, up to an end taken beforehand."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from metrics_core.records import Record
from streams import topicid
from streams.connect import client_arguments
from streams.engine import fast_records
from streams.engine.ports import Bounds, SourcePartition, TopicIdentity
from streams.settings import ConfigurationError, Settings
from streams.topics import admin_client, metadata_of

#: one fetch; a batch that is larger comes all the same
FETCH_BYTES = 4 * 1024 * 1024
#: short, for behind the last record of a log there may be markers of transactions, which are never handed out
FETCH_WAIT_MS = 100
#: offsets before an end are known to be there: a fetch that brings none for so long is a broker that is away
SILENCE_S = 30.0
CLOSE_TIMEOUT_S = 5.0


class LogTruncatedError(ConfigurationError):
    """Offsets that were to be read are gone: retention took them, before or while they were read."""

    def __init__(self, source: SourcePartition, offset: int) -> None:
        super().__init__(f"{source} does not hold offset {offset} any more: its retention took it")


class LogReader:
    """Reads partitions one at a time; an async context manager.

    Raises ConfigurationError with one sentence where no broker answers or a topic does not exist. The records are
    those of streams.engine.fast_records.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._consumer: Any = None
        self._partitions: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        async with admin_client(self.settings) as admin:
            there = await metadata_of(admin)
        self._partitions = {name: len(topic["partitions"]) for name, topic in there.items()}
        fast_records.install()
        consumer = AIOKafkaConsumer(
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="none",
            key_deserializer=fast_records.mark(native=self.settings.native),
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MS // 2,
            **client_arguments(self.settings),
        )
        self._consumer = consumer
        try:
            await consumer.start()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._consumer.stop(), CLOSE_TIMEOUT_S)

    def has(self, topic: str) -> bool:
        """Whether the topic exists."""
        return topic in self._partitions

    def partitions(self, topic: str) -> list[SourcePartition]:
        """The partitions of a topic in order; raises ConfigurationError where there is no such topic."""
        if topic not in self._partitions:
            raise ConfigurationError(f"topic {topic} does not exist: run `deskpulse topics list` to see what does")
        return [SourcePartition(topic, partition) for partition in range(self._partitions[topic])]

    async def identity(self, topic: str) -> TopicIdentity:
        """Topic id and number of partitions, as of now."""
        return TopicIdentity(*await topicid.ask(self._consumer._client, topic))

    async def bounds(self, sources: Sequence[SourcePartition]) -> dict[SourcePartition, Bounds]:
        """First offset and last stable offset of each partition, as of now."""
        wanted = [TopicPartition(*source) for source in sources]
        starts = await self._consumer.beginning_offsets(wanted)
        ends = await self._consumer.end_offsets(wanted)
        return {SourcePartition(*tp): Bounds(starts[tp], ends[tp]) for tp in wanted}

    async def offset_at(self, source: SourcePartition, time_ms: int) -> int | None:
        """The first offset whose record time is not before ``time_ms``, None where there is none."""
        tp = TopicPartition(*source)
        found = (await self._consumer.offsets_for_times({tp: time_ms}))[tp]
        return None if found is None else int(found.offset)

    async def read(self, source: SourcePartition, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        """Committed records of [start, end), a fetch at a time; holes are passed over.

        Raises LogTruncatedError where the log does not hold an offset any more.
        """
        if start >= end:
            return
        tp = TopicPartition(*source)
        self._consumer.assign([tp])
        self._consumer.seek(tp, start)
        position, moved_s = start, time.monotonic()
        while position < end:
            try:
                fetched = await self._consumer.getmany(tp, timeout_ms=FETCH_WAIT_MS)
                reached = await self._consumer.position(tp)
            except OffsetOutOfRangeError as error:
                raise LogTruncatedError(source, position) from error
            if reached == position and time.monotonic() - moved_s > SILENCE_S:
                raise ConfigurationError(
                    f"{source} brings nothing at offset {position} though it ends at {end}: look at the brokers"
                )
            if reached != position:
                position, moved_s = reached, time.monotonic()
            records: Sequence[Record] = fetched.get(tp, ())
            if records and records[-1].offset >= end:
                records = [record for record in records if record.offset < end]
            if records:
                yield records

    async def record_at(self, source: SourcePartition, offset: int) -> Record | None:
        """The committed record at an offset, None where the log does not hold it (any more)."""
        bounds = (await self.bounds([source]))[source]
        if not bounds.start <= offset < bounds.end:
            return None
        with contextlib.suppress(LogTruncatedError):
            async for records in self.read(source, offset, offset + 1):
                return records[0]
        return None
