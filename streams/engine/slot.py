"""A slot: this worker's copy of one source partition, from its recovery to its loss or hand-over."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Sequence
from dataclasses import dataclass, field

from metrics_core.counters import Counters
from metrics_core.records import Record
from metrics_core.rejects import Reason, Reject
from streams.engine.batch import Batch
from streams.engine.fence import Fence
from streams.engine.ports import ChangelogWriter, Clock, ShardState, SourcePartition
from streams.engine.status import DelayHistogram, PartitionStatus

#: A chunk is one step on the event loop: long enough to be cheap, short enough that heartbeats, checkpoints and
#: /metrics never wait over 20 ms.
CHUNK_TARGET_S = 0.010
CHUNK_MIN_RECORDS, CHUNK_START_RECORDS, CHUNK_MAX_RECORDS = 16, 500, 5000
#: A checkpoint comes before its time when this much waits, so that its transaction stays short.
MAX_DIRTY_ROWS = 50_000
MAX_DIRTY_BYTES = 16 * 1024 * 1024
MAX_REJECTS_BYTES = 1024 * 1024
#: Chunks that no snapshot shows yet are remembered one by one up to this many.
MAX_UNSHOWN = 10_000
#: Size of a row before the first checkpoint has measured it.
ROW_BYTES_GUESS = 400


class State(enum.Enum):
    """READY applies and checkpoints; RETAINED waits for the end of a rebalance; LOST is never used again."""

    READY = "ready"
    RETAINED = "retained"
    LOST = "lost"


class Outcome(enum.Enum):
    """What became of a batch. FAILED: the core raised, the slot is lost and its suspects are noted."""

    APPLIED = "applied"
    STALE = "stale"
    GAP = "gap"
    FAILED = "failed"


@dataclass
class Suspects:
    """Records that made the core raise. Up to ``careful_until`` records go one by one; culprits are rejected."""

    careful_until: int = 0
    culprits: dict[int, str] = field(default_factory=dict)


class Slot:
    """State and ownership of one partition. Offsets are source offsets: [origin, next_offset) is applied."""

    def __init__(
        self,
        source: SourcePartition,
        shard: ShardState,
        writer: ChangelogWriter,
        fence: Fence,
        *,
        clock: Clock,
        counters: Counters,
        delay: DelayHistogram,
        status: PartitionStatus,
        suspects: Suspects,
        durable: bool,
    ) -> None:
        self.source = source
        self.shard = shard
        self.writer = writer
        self.fence = fence
        self.next_offset = fence.next
        #: the offset of the last durable fence; None until the first one is written
        self.durable_offset = fence.next if durable else None
        self.state = State.READY
        #: which seek the fetched batches belong to; 0 until the slot is served
        self.epoch = 0
        #: held while the shard changes or is read: apply, drain and freeze exclude one another
        self.shard_lock = asyncio.Lock()
        #: held from encoding to the end of the transaction: one checkpoint at a time
        self.checkpoint_lock = asyncio.Lock()
        #: set when a checkpoint should not wait for its time, and when the slot is lost
        self.wake = asyncio.Event()
        self.status = status
        self.suspects = suspects
        #: rejects of the engine's own (internal_error), written with the shard's
        self.rejects: list[Reject] = []
        self.row_bytes = ROW_BYTES_GUESS
        #: Kafka's time of the newest record applied, in ms
        self.applied_timestamp_ms = -1
        #: how long after Kafka's time the last chunk was counted
        self.late_s = 0.0
        #: (Kafka's time of the oldest record in ms, records) of the chunks that no snapshot shows yet
        self._unshown: list[tuple[int, int]] = []
        self._chunk_records = CHUNK_START_RECORDS
        self._clock = clock
        self._counters = counters
        self._delay = delay

    @property
    def checkpoint_due(self) -> bool:
        """Whether so much waits that a checkpoint should come now."""
        shard = self.shard
        dirty_rows = shard.dirty_rows
        return (
            dirty_rows >= MAX_DIRTY_ROWS
            or dirty_rows * self.row_bytes >= MAX_DIRTY_BYTES
            or shard.rejects_bytes >= MAX_REJECTS_BYTES
        )

    @property
    def clean(self) -> bool:
        """Whether a checkpoint would write nothing new."""
        return self.next_offset == self.durable_offset and not self.shard.dirty_rows and not self.rejects

    def lose(self) -> None:
        """Give the copy up; the state is read again from the changelog, by whoever owns the partition then."""
        self.state = State.LOST
        self.status.ready = self.status.fresh = False
        self.wake.set()

    async def apply(self, batch: Batch) -> Outcome:
        """Apply exactly the records of [next_offset, batch.end), in chunks with a turn of the loop between."""
        if batch.epoch != self.epoch or self.state is not State.READY:
            return Outcome.STALE
        if batch.start > self.next_offset:
            return Outcome.GAP
        records = batch.since(self.next_offset)
        at, count = 0, len(records)
        while at < count:
            async with self.shard_lock:
                if batch.epoch != self.epoch or self.state is not State.READY:
                    return Outcome.STALE
                careful = self.next_offset < self.suspects.careful_until
                chunk = records[at : at + (1 if careful else self._chunk_records)]
                if not self._apply_chunk(chunk):
                    return Outcome.FAILED
            at += len(chunk)
            if self.checkpoint_due:
                self.wake.set()
            await self._clock.sleep(0)
        if batch.epoch == self.epoch and self.state is State.READY and batch.end > self.next_offset:
            self.next_offset = batch.end
        return Outcome.APPLIED

    def _apply_chunk(self, chunk: Sequence[Record]) -> bool:
        """One step of the state; False where the core raised and the shard may be half changed."""
        first, last = chunk[0], chunk[-1]
        started_s = self._clock.monotonic()
        culprit = self.suspects.culprits.get(first.offset) if len(chunk) == 1 else None
        if culprit is not None:
            self._reject(first, culprit)
        else:
            try:
                self.shard.apply(chunk)
            except Exception as error:
                self._suspect(chunk, error)
                self.lose()
                raise_note = f"{self.source} offsets {first.offset} to {last.offset}"
                error.add_note(raise_note)
                self.error = error
                return False
        self.next_offset = last.offset + 1
        ended_s = self._clock.monotonic()
        self._size_chunk(len(chunk), ended_s - started_s)
        self.applied_timestamp_ms = last.timestamp
        if first.timestamp >= 0:
            self.late_s = self._clock.now_us() / 1e6 - first.timestamp / 1e3
            self._delay.observe(self.late_s, len(chunk))
            self._unshown.append((first.timestamp, len(chunk)))
            if len(self._unshown) > MAX_UNSHOWN:
                self._unshown = [(min(self._unshown)[0], sum(records for _, records in self._unshown))]
        return True

    def take_unshown(self) -> list[tuple[int, int]]:
        """(Kafka's time in ms, records) of what was counted since the last call; a snapshot shows it now."""
        unshown, self._unshown = self._unshown, []
        return unshown

    #: the exception behind Outcome.FAILED
    error: Exception | None = None

    def _suspect(self, chunk: Sequence[Record], error: Exception) -> None:
        if len(chunk) == 1:
            self.suspects.culprits[chunk[0].offset] = f"{type(error).__name__}: {error}"
        else:
            self.suspects.careful_until = max(self.suspects.careful_until, chunk[-1].offset + 1)

    def _reject(self, record: Record, detail: str) -> None:
        self.rejects.append(
            Reject(
                reason=Reason.INTERNAL_ERROR,
                detail=detail,
                offset=record.offset,
                key=record.key,
                value=record.value,
                timestamp=record.timestamp,
                headers=tuple(record.headers),
            )
        )
        self._counters.rejected[Reason.INTERNAL_ERROR] += 1

    def _size_chunk(self, records: int, took_s: float) -> None:
        if records == self._chunk_records and took_s > 0:
            wanted = int(records * CHUNK_TARGET_S / took_s)
            # half way, so that one slow step (another thread held the interpreter) does not decide
            sized = (self._chunk_records + wanted) // 2
            self._chunk_records = min(max(sized, CHUNK_MIN_RECORDS), CHUNK_MAX_RECORDS)
