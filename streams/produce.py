"""Events onto topics: a bounded batch writer, and files through it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from aiokafka import AIOKafkaProducer

from metrics_core.partitioner import partition_for
from streams.event_files import Envelope, read_envelope, shifted, subject_in
from streams.pace import Pace, wall_us
from streams.simulate import Emission

#: uncompressed bytes of one batch: large enough to compress well, far below a broker's 1 MiB
BATCH_BYTES = 256 * 1024
#: largest value: the topics we create take 12 MiB, key and headers included; shifting may lengthen a line
RECORD_BYTES_MOST = 11_000_000
#: batches handed to the client and not yet acknowledged: 16 MiB at most, whatever the broker does
BATCHES_IN_FLIGHT = 64
#: keys whose partition is remembered: murmur2 takes 3 us in Python, and a ticket has about ten events
KEYS_REMEMBERED = 200_000
#: records between two turns of the event loop, so that sending goes on while batches fill
RECORDS_PER_TURN = 2_000
PROGRESS_RECORDS = 5_000
#: between two looks at a pipe that is silent
IDLE_S = 0.02


class TopicWriter:
    """Writes records in batches per partition, in order, idempotently; memory is bounded.

    aiokafka's ``send`` makes a future a record; a batch of our own makes one a batch, and is some five times
    as fast. ``arguments`` are the client's (streams.connect.client_arguments). Partition = murmur2 of the
    key, as every Java client has it; records without a key go round. Raises KafkaError from ``write`` or
    ``flush`` when a batch could not be delivered.
    """

    def __init__(self, arguments: dict[str, Any], *, compression: str | None = "lz4") -> None:
        self._arguments = arguments
        self._compression = compression
        self._producer: AIOKafkaProducer | None = None
        self._open: dict[tuple[str, int], Any] = {}
        self._in_flight: deque[asyncio.Future[Any]] = deque()
        self._partitions: dict[str, int] = {}
        self._remembered: dict[tuple[str, bytes], int] = {}
        self._keyless = 0
        #: records taken so far; delivered once ``flush`` has returned
        self.written = 0

    async def start(self) -> None:
        """Connect."""
        producer = AIOKafkaProducer(
            **self._arguments,
            client_id="deskpulse-writer",
            enable_idempotence=True,
            compression_type=self._compression,
            max_batch_size=BATCH_BYTES,
            linger_ms=0,
        )
        await producer.start()
        self._producer = producer

    async def stop(self) -> None:
        """Deliver what is open and disconnect."""
        producer, self._producer = self._producer, None
        if producer is None:
            return
        try:
            await self._deliver(producer)
        finally:
            await producer.stop()

    async def __aenter__(self) -> TopicWriter:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def write(self, topic: str, key: bytes | None, value: bytes, timestamp_ms: int) -> None:
        """Take one record; it leaves when its batch is full or at ``flush``.

        Raises ValueError for a value over RECORD_BYTES_MOST.
        """
        if len(value) > RECORD_BYTES_MOST:
            raise ValueError(f"a record of {len(value)} bytes is larger than brokers take")
        partition = self._remembered.get((topic, key)) if key is not None else None
        if partition is None:
            partition = await self._partition(topic, key)
        place = (topic, partition)
        batch = self._open.get(place)
        if batch is None or batch.append(timestamp=timestamp_ms, key=key, value=value) is None:
            if batch is not None:
                await self._send(place)
            batch = self._open[place] = self._started().create_batch()
            # a batch takes its first record whatever its size
            taken = batch.append(timestamp=timestamp_ms, key=key, value=value)
            assert taken is not None
        self.written += 1
        if self.written % RECORDS_PER_TURN == 0:
            await asyncio.sleep(0)

    async def flush(self) -> None:
        """Return when every record taken so far has been acknowledged."""
        await self._deliver(self._started())

    async def _deliver(self, producer: AIOKafkaProducer) -> None:
        for place in list(self._open):
            await self._send(place, producer)
        while self._in_flight:
            await self._in_flight.popleft()

    def _started(self) -> AIOKafkaProducer:
        assert self._producer is not None, "the writer has not been started"
        return self._producer

    async def _partition(self, topic: str, key: bytes | None) -> int:
        partitions = self._partitions.get(topic)
        if partitions is None:
            partitions = len(await self._started().partitions_for(topic))
            self._partitions[topic] = partitions
        if key is None:
            self._keyless += 1
            return self._keyless % partitions
        if len(self._remembered) >= KEYS_REMEMBERED:
            self._remembered.clear()
        partition = partition_for(key, partitions)
        self._remembered[(topic, key)] = partition
        return partition

    async def _send(self, place: tuple[str, int], producer: AIOKafkaProducer | None = None) -> None:
        topic, partition = place
        batch = self._open[place]
        batch.close()
        # it stays open to us until the client has it: a cancelled wait loses no batch, `stop` sends it
        sent = await (producer or self._started()).send_batch(batch, topic, partition=partition)
        del self._open[place]
        self._in_flight.append(sent)
        while len(self._in_flight) > BATCHES_IN_FLIGHT or (self._in_flight and self._in_flight[0].done()):
            await self._in_flight.popleft()


async def pour(
    emissions: Iterable[Emission],
    writer: TopicWriter,
    pace: Pace,
    on_progress: Callable[[Emission], None] | None = None,
) -> int:
    """Write simulated traffic as it falls due, until ``emissions`` end; returns the number of records.

    Timestamps of records are the clock's, as any producer's: a broker deletes by them, so that a history
    written with its own times would be gone before it is read.
    """
    poured = 0
    for emission in emissions:
        if not pace.flat_out and pace.early_us(emission.arrival_us) > 0:
            await writer.flush()
            await pace.wait(emission.arrival_us)
        await writer.write(emission.topic, emission.key, emission.value, pace.now_us() // 1000)
        poured += 1
        if on_progress is not None and (poured % PROGRESS_RECORDS == 0 or not pace.flat_out):
            on_progress(emission)
    await writer.flush()
    return poured


@dataclass
class Produced:
    """What became of the lines of files."""

    written: int = 0
    #: lines that are no JSON object: written as they are, so that the worker rejects them visibly
    not_json: int = 0
    #: events of a type that belongs to no topic: the same
    unknown_type: int = 0
    #: lines longer than a record may be: not written
    too_long: int = 0
    first_too_long: str | None = None
    by_topic: dict[str, int] = field(default_factory=dict)

    def note_too_long(self, name: str, line_number: int) -> None:
        """Remember a line that was left out."""
        self.too_long += 1
        self.first_too_long = self.first_too_long or f"{name}:{line_number}"


@dataclass(frozen=True)
class Routes:
    """Which topic events go to."""

    helpdesk_topic: str
    crm_topic: str

    def topic_of(self, kind: object) -> str | None:
        """The topic of an event type, None where it belongs to none."""
        if isinstance(kind, str):
            if kind.startswith("helpdesk."):
                return self.helpdesk_topic
            if kind.startswith(("crm.", "finance.")):
                return self.crm_topic
        return None


async def produce(
    lines: Iterable[bytes | None],
    writer: TopicWriter,
    routes: Routes,
    *,
    produced: Produced,
    pace: Pace,
    shift_us: int = 0,
    event_record_time: bool = False,
    now_us: Callable[[], int] = wall_us,
    on_progress: Callable[[Produced], None] | None = None,
) -> None:
    """Write lines of canonical events; counts go to ``produced``.

    None among the lines says that there is none at present: what was taken is delivered meanwhile.
    Key = subject. The record's timestamp is the clock, or the event's time with ``event_record_time``.
    """
    timed = event_record_time or not pace.flat_out
    record_ms = now_us() // 1000
    delivered = 0
    for line in lines:
        if line is None:
            if delivered < produced.written:
                await writer.flush()
                delivered = produced.written
            await asyncio.sleep(IDLE_S)
            continue
        value = shifted(line, shift_us) if shift_us else line
        envelope = read_envelope(value)
        topic, key = _place(value, envelope, routes, produced)
        time_us = envelope.time_us if timed and envelope is not None else None
        if time_us is not None and not pace.flat_out and pace.early_us(time_us) > 0:
            await writer.flush()
            await pace.wait(time_us)
        if produced.written % PROGRESS_RECORDS == 0 or not pace.flat_out:
            record_ms = now_us() // 1000
            if on_progress is not None:
                on_progress(produced)
        at_event = event_record_time and time_us is not None and time_us >= 0
        await writer.write(topic, key, value, time_us // 1000 if at_event and time_us else record_ms)
        produced.written += 1
        produced.by_topic[topic] = produced.by_topic.get(topic, 0) + 1
    await writer.flush()


def _place(value: bytes, envelope: Envelope | None, routes: Routes, produced: Produced) -> tuple[str, bytes | None]:
    """Topic and key of a line; what belongs nowhere goes to the helpdesk topic, whose worker rejects it."""
    if envelope is None:
        produced.not_json += 1
        return routes.helpdesk_topic, subject_in(value)
    subject = envelope.subject
    key = subject.encode(errors="surrogatepass") if isinstance(subject, str) and subject else None
    topic = routes.topic_of(envelope.type)
    if topic is None:
        produced.unknown_type += 1
        return routes.helpdesk_topic, key
    return topic, key
