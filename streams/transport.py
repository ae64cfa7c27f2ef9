"""The batch transport: one fetch's records of one partition travel through Faust as ONE message.

Faust's own path costs about 100 us a message. Here a whole fetch of one partition passes conductor, queue, stream
and agent as one message whose value is a Batch. Only the topics of the checkpointed table (``app.table``) are
treated so; every other topic keeps Faust's behaviour. Positions come from the table, not from Faust's
acknowledgements; the group's committed offsets follow the durable fences and are for information only.

Registered as ``kafkabatch://`` through the entry point group ``faust.transports``.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, cast

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import (
    IllegalStateError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
    TopicAuthorizationFailedError,
)
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage
from mode.utils.futures import notify

from streams.assignor import EvenInEachTopic
from streams.engine import fast_records
from streams.engine.batch import Batch
from streams.engine.kafka_probe import available
from streams.engine.ports import SourcePartition
from streams.engine.table import CheckpointedTable

log = structlog.get_logger("deskpulse.transport")

#: Batches on their way to the agents before fetching pauses: as many fetches of one partition each.
MAX_BATCHES_IN_FLIGHT = 16
#: One fetch of one partition, in bytes as the broker keeps them: unpacked, events may be several times that.
FETCH_BYTES = 1024 * 1024
#: A long poll; also the longest that a seek waits for the fetch before it.
FETCH_WAIT_MS = 250
#: Partitions that become ready while a fetch waits are fetched after at most this long.
POLL_S = 0.25
#: Fetching goes on as soon as a batch in flight was counted; what is missed of that is seen after so long.
ACK_WAIT_S = 0.1
#: The main loop may be busy with a recovery for minutes; being stuck is /livez's to say.
MAX_POLL_INTERVAL_MS = 30 * 60 * 1000


class BatchThread(driver.AIOKafkaConsumerThread):
    """The consumer's own thread: fetches, heartbeats, seeks."""

    def __post_init__(self) -> None:
        super().__post_init__()
        #: per partition: the offset that the next batch begins at
        self.fetched: dict[SourcePartition, int] = {}

    @property
    def table(self) -> CheckpointedTable:
        table: CheckpointedTable = cast(Any, self.app).table
        return table

    def _create_worker_consumer(self, transport: Any) -> Any:
        fast_records.install()
        conf = self.app.conf
        return AIOKafkaConsumer(
            client_id=conf.broker_client_id,
            group_id=conf.id,
            group_instance_id=conf.consumer_group_instance_id,
            # retained partitions are not loaded again, so an assignment that moves little is worth most
            partition_assignment_strategy=[EvenInEachTopic],
            enable_auto_commit=False,
            # a position that does not exist is an error to look into, never a place to start from
            auto_offset_reset="none",
            isolation_level="read_committed",
            key_deserializer=fast_records.mark(native=cast(Any, self.app).native),
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_poll_interval_ms=MAX_POLL_INTERVAL_MS,
            request_timeout_ms=int(conf.broker_request_timeout * 1000),
            session_timeout_ms=int(conf.broker_session_timeout * 1000),
            rebalance_timeout_ms=int(conf.broker_rebalance_timeout * 1000),
            heartbeat_interval_ms=int(conf.broker_heartbeat_interval * 1000),
            **cast(Any, self.app).client_arguments,
        )

    async def _fetch_records(
        self,
        consumer: Any,
        active_partitions: Any,
        timeout: float | None = None,  # noqa: ASYNC109 - Faust's
        max_records: int | None = None,
    ) -> dict[TP, Any]:
        """Fetched records; those of the table's topics as batches, their interval taken in the same step."""
        try:
            fetched = await super()._fetch_records(consumer, active_partitions, timeout, max_records)
        except OffsetOutOfRangeError as error:
            self._out_of_range(*error.args)
            return {}
        except NoOffsetForPartitionError:
            return {}  # from before the seek that follows every assignment
        except TopicAuthorizationFailedError as error:
            for source in active_partitions:
                if source.topic == str(error.args[0]):
                    self._fail(SourcePartition(*source), "no right to read the topic")
            return {}
        result: dict[TP, Any] = {}
        for tp, records in fetched.items():
            source = SourcePartition(tp.topic, tp.partition)
            if source.topic not in self.table.topics:
                result[tp] = records
            elif records:
                start = self.fetched.get(source, records[0].offset)
                self.fetched[source] = end = records[-1].offset + 1
                result[tp] = Batch(source, start, end, records)
        return result

    def _out_of_range(self, offsets: Mapping[TopicPartition, int]) -> None:
        for tp, offset in offsets.items():
            source = SourcePartition(tp.topic, tp.partition)
            if self.fetched.get(source) == offset:
                self._fail(source, f"offset {offset} is out of range")

    def _fail(self, source: SourcePartition, detail: str) -> None:
        self.parent_loop.call_soon_threadsafe(self.table.source_failed, source, detail)

    async def seek_batches(self, offsets: Mapping[SourcePartition, int]) -> None:
        """Seek; the intervals of batches begin anew, in the same step of this thread."""
        consumer = self._ensure_consumer()
        for source, offset in offsets.items():
            consumer.seek(TopicPartition(*source), offset)
            self.fetched[source] = offset

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit for the eyes of lag tools. Nothing reads these offsets back, so a failure is no failure."""
        consumer = self._ensure_consumer()
        try:
            await consumer.commit(
                {TopicPartition(tp.topic, tp.partition): OffsetAndMetadata(o, "") for tp, o in offsets.items()}
            )
        except (KafkaError, IllegalStateError) as error:
            log.debug("offsets not committed", error=repr(error))
            return False
        return True

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Faust's slow-processing warnings know nothing of batches; /livez does this work."""


class BatchConsumer(driver.Consumer):
    """Faust's consumer with batches; runs on the main loop and delegates to its thread."""

    _thread: BatchThread

    def _new_consumer_thread(self) -> BatchThread:
        return BatchThread(self, loop=self.loop, beacon=self.beacon)

    # what the engine's adapter asks

    @property
    def table(self) -> CheckpointedTable:
        table: CheckpointedTable = cast(Any, self.app).table
        return table

    @property
    def coordinator(self) -> Any:
        """aiokafka's group coordinator; belongs to the thread's loop."""
        return self._thread._ensure_consumer()._coordinator

    @property
    def thread_loop(self) -> asyncio.AbstractEventLoop:
        loop: asyncio.AbstractEventLoop = self._thread.thread_loop
        return loop

    def partition_state(self, source: SourcePartition) -> Any:
        """aiokafka's state of an assigned partition (position, lso); None where it is not assigned."""
        subscription = self._thread._ensure_consumer()._subscription.subscription
        if subscription is None or subscription.assignment is None:
            return None
        try:
            return subscription.assignment.state_value(TopicPartition(*source))
        except (KeyError, IllegalStateError):
            return None

    def fetched(self, source: SourcePartition) -> int | None:
        """Up to where a partition was fetched; None while batches are on their way."""
        return None if self._unacked_messages else self._thread.fetched.get(source)

    async def seek_batches(self, offsets: Mapping[SourcePartition, int]) -> None:
        """Continue each partition exactly where its state ends."""
        await self._thread.call_thread(self._thread.seek_batches, offsets)

    # fetching

    async def getmany(
        self,
        timeout: float,  # noqa: ASYNC109 - Faust's
    ) -> AsyncIterator[tuple[TP, ConsumerMessage]]:
        """Batches of the partitions whose state can take them, and single messages of other topics."""
        while len(self._unacked_messages) >= MAX_BATCHES_IN_FLIGHT and self.flow_active:
            await self._some_acknowledged()
            self._clean_unacked_messages()
        if not self.flow_active:
            await self.wait(cast(Any, self.can_resume_flow))
        generation = self.app.consumer_generation_id
        active = self._fetchable()
        if not active:
            await self.sleep(POLL_S / 5)
            return
        fetched = await self._getmany(active_partitions=active, timeout=min(timeout, POLL_S))
        if self.should_stop:
            return
        for tp, records in fetched.items():
            if not self.flow_active or generation != self.app.consumer_generation_id:
                return
            if isinstance(records, Batch):
                records.epoch = self.table.epoch(records.source)
                # Faust drops messages before its own read offset; the table's intervals decide here
                self._read_offset[TP(*tp)] = None
                yield TP(*tp), self._batch_message(records, generation)
            else:
                for record in records:
                    yield TP(*tp), self._to_message(TP(*tp), record)

    def _fetchable(self) -> set[TP]:
        ready = self.table.fetchable()
        return {
            tp for tp in self._get_active_partitions() if tp.topic not in self.table.topics or tuple(tp) in ready
        }

    def _batch_message(self, batch: Batch, generation: int) -> ConsumerMessage:
        last = batch.records[-1]
        source = TP(*batch.source)
        return ConsumerMessage(
            source.topic,
            source.partition,
            last.offset,
            last.timestamp / 1000.0,
            0,
            [],
            None,
            cast(Any, batch),
            None,
            None,
            None,
            source,
            generation_id=generation,
        )

    # positions: the table's, not those of Faust's acknowledgements

    async def perform_seek(self) -> None:
        """After a rebalance: retained partitions go on where their state ends; the others seek when recovered."""
        # what was on its way was cleared from the agents' queues and will never be acknowledged
        self._unacked_messages.clear()
        self._forget_acknowledged()
        notify(self._waiting_for_ack)
        offsets = {
            source: offset
            for source in self.table.fetchable()
            if (offset := self.table.position(source)) is not None
        }
        if offsets:
            try:
                await available(self.seek_batches(offsets), self.app.conf.broker_request_timeout)
            except Exception as error:
                # the assignment changed meanwhile: the rebalance that follows seeks again
                log.info("seek after rebalance failed", error=repr(error))

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        if tp.topic not in self.table.topics:
            await super()._add_gap(tp, offset_from, offset_to)

    async def _some_acknowledged(self) -> None:
        """Until a batch was counted, or a moment has passed. Faust's stream tells this future alone: its compiled
        half (_cython/streams.pyx, `after`) never calls ``ack``."""
        self._waiting_for_ack = self.loop.create_future()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._waiting_for_ack, ACK_WAIT_S)

    def ack(self, message: Any) -> bool:
        if message.topic not in self.table.topics:
            return bool(super().ack(message))
        if not message.acked:
            message.acked = True
            self._unacked_messages.discard(message)
            notify(self._waiting_for_ack)
        return True

    def _forget_acknowledged(self) -> None:
        """Faust books each batch's offset until a commit finds all before it booked, too; of batches it never does,
        and the books would grow for ever."""
        for tp in list(self._acked):
            if tp.topic in self.table.topics:
                self._acked.pop(tp)
                self._acked_index.pop(tp, None)

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Iterator[TP]:
        self._forget_acknowledged()
        yield from super()._filter_tps_with_pending_acks(topics)
        for source in self.table.fetchable():
            tp = TP(*source)
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        if tp.topic in self.table.topics:
            return self.table.durable(SourcePartition(*tp))
        offset: int | None = super()._new_offset(tp)
        return offset

    def on_buffer_full(self, tp: TP) -> None:
        """Back pressure is MAX_BATCHES_IN_FLIGHT; Faust's own sleeps a second (consumer.py, _wait_next_records)."""


class BatchTransport(driver.Transport):
    """``kafkabatch://host:port``"""

    Consumer = BatchConsumer
