"""A world in memory for the engine's protocol: a source, transactional changelogs, a group, and a clock that jumps.

It is no mock of a broker: it keeps the few promises that the protocol relies on (one producer epoch a partition,
transactions that are there whole or not at all, committed reads) and can stop or fail at any step.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from metrics_core.counters import Counters
from metrics_core.rejects import Reject
from streams.engine.batch import Batch
from streams.engine.fence import CORE_VERSION, FENCE_KEY, FORMAT, OLDEST_FORMAT, Fence, decode_fence
from streams.engine.policy_marks import PolicyMarks, VersionMark
from streams.engine.ports import Bounds, Row, SourcePartition, Standing, TopicIdentity
from streams.engine.recovery import Terms, World
from streams.engine.snapshot import ViewClock
from streams.engine.table import CheckpointedTable, Tempo

T = TypeVar("T")

SOURCE = SourcePartition("events", 0)
TOPIC_ID = "topic-id-1"
POLICY = PolicyMarks("base", {1: VersionMark("one", 0)})
POISON = b"poison"


class FencedError(Exception):
    """A writer whose partition has a newer owner."""


class CrashError(Exception):
    """The step at which a test stops the world."""


@dataclass
class SourceRecord:
    """A record of the source; the value is a number to add to the key's sum."""

    key: bytes | None
    value: bytes | None
    offset: int
    timestamp: int = -1
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass
class LogRow:
    """A committed changelog row."""

    key: bytes | None
    value: bytes | None


class SumShard:
    """Sums by key; a value that is no number is rejected, and POISON raises half way through the chunk."""

    def __init__(self) -> None:
        self.sums: dict[bytes, int] = {}
        self.dirty: dict[bytes, None] = {}
        self.rejects: list[Reject] = []
        self.clock_us = 0
        self.rejects_bytes = 0

    @property
    def dirty_rows(self) -> int:
        return len(self.dirty)

    def apply(self, records: Sequence[Any]) -> None:
        for record in records:
            if record.value == POISON:
                raise RuntimeError("a bug in the core")
            self.clock_us += 1
            try:
                number = int(record.value)
            except ValueError:
                self.rejects.append(
                    Reject("wrong_type", "no number", record.offset, record.key, record.value, record.timestamp)
                )
                continue
            self.sums[record.key] = self.sums.get(record.key, 0) + number
            self.dirty[record.key] = None

    def take_rejects(self) -> list[Reject]:
        rejects, self.rejects = self.rejects, []
        return rejects

    def drain(self) -> Iterator[tuple[bytes, bytes | None]]:
        for key in list(self.dirty):
            yield key, b"%d" % self.sums[key]
        self.dirty.clear()

    def load_all(self, rows: Iterable[Row]) -> None:
        for row in rows:
            assert row.key is not None
            if row.value is None:
                self.sums.pop(row.key, None)
            else:
                self.sums[row.key] = int(row.value)

    def index_loaded(self) -> Iterator[None]:
        yield

    def finish_load(self) -> None:
        """Nothing to build."""

    def prepare(self, time_us: int) -> Iterator[None]:
        yield

    def freeze(self, time_us: int) -> Any:
        return time_us, dict(self.sums)


@dataclass
class Log:
    """One changelog partition: committed rows, the epoch of its owner, and how reading it ends."""

    rows: list[LogRow] = field(default_factory=list)
    epoch: int = 0
    #: rows that hang behind an open foreign transaction
    blocked: bool = False


class MemoryEncoding:
    def __init__(self) -> None:
        self.rows: list[LogRow] = []
        self.rejects: list[tuple[bytes | None, bytes | None, dict[str, bytes]]] = []

    @property
    def size_bytes(self) -> int:
        return sum(len(row.key or b"") + len(row.value or b"") for row in self.rows)

    def fill(self, rows: Iterator[tuple[bytes, bytes | None]], limit: int) -> int:
        taken = 0
        for key, value in rows:
            self.rows.append(LogRow(key, value))
            taken += 1
            if taken == limit:
                break
        return taken

    def row(self, key: bytes, value: bytes | None) -> None:
        self.rows.append(LogRow(key, value))

    def reject(self, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> None:
        self.rejects.append((key, value, dict(headers)))


@dataclass
class MemoryWriter:
    world: MemoryWorld
    log: Log
    epoch: int
    closed: bool = False

    def encode(self) -> MemoryEncoding:
        return MemoryEncoding()

    async def commit(self, encoding: Any) -> None:
        await self.world.step("begin")
        if self.log.epoch != self.epoch:
            raise FencedError
        await self.world.step("send")
        if self.log.epoch != self.epoch:
            raise FencedError
        self.log.rows.extend(encoding.rows)
        self.world.rejected.extend(encoding.rejects)
        await self.world.step("committed")

    async def close(self) -> None:
        self.closed = True


@dataclass
class MemoryReader:
    world: MemoryWorld
    log: Log
    until: int
    position: int = 0

    async def rows(self) -> Sequence[Any] | None:
        await self.world.step("read")
        if self.position >= self.until:
            return None
        if self.log.blocked:
            await self.world.clock.sleep(1)
            return ()
        found = self.log.rows[self.position : self.position + 2]
        self.position += len(found)
        return found

    async def close(self) -> None:
        """Nothing is open."""


class JumpingClock:
    """Sleeping lets every other task move, then time has passed."""

    def __init__(self) -> None:
        self.time_s = 1_000.0

    def monotonic(self) -> float:
        return self.time_s

    def processor_s(self) -> float:
        return self.monotonic()

    def now_us(self) -> int:
        return int(self.time_s * 1e6)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.001 if seconds else 0)
        self.time_s += seconds

    async def wait_for(self, awaitable: Awaitable[T], timeout_s: float) -> T:
        async with asyncio.timeout(min(timeout_s, 0.02)):
            return await awaitable

    def uniform(self, low: float, high: float) -> float:
        return low


class MemoryWorld:
    """Source, changelogs, group and clock in one; ``at(step, action)`` interferes at a step."""

    transaction_timeout_s = 30.0

    def __init__(self) -> None:
        self.clock = JumpingClock()
        self.records: dict[SourcePartition, list[SourceRecord]] = defaultdict(list)
        self.start_offsets: dict[SourcePartition, int] = defaultdict(int)
        self.logs: dict[SourcePartition, Log] = defaultdict(Log)
        self.rejected: list[tuple[bytes | None, bytes | None, dict[str, bytes]]] = []
        self.topic_identity = TopicIdentity(TOPIC_ID, 2)
        self.seeks: list[dict[SourcePartition, int]] = []
        self.opened: list[SourcePartition] = []
        self.steps: list[str] = []
        self._actions: dict[str, Callable[[], None]] = {}

    def at(self, step: str, action: Callable[[], None]) -> None:
        """Run ``action`` the next time that step comes; raising there fails the step."""
        self._actions[step] = action

    def calm(self) -> None:
        """Nothing interferes any more."""
        self._actions.clear()

    async def step(self, name: str) -> None:
        self.steps.append(name)
        await asyncio.sleep(0)
        action = self._actions.pop(name, None)
        if action is not None:
            action()

    def produce(self, *values: bytes | int, key: bytes = b"k", source: SourcePartition = SOURCE) -> None:
        log = self.records[source]
        for value in values:
            encoded = value if isinstance(value, bytes) else b"%d" % value
            log.append(SourceRecord(key, encoded, self.start_offsets[source] + len(log)))

    def batch(self, start: int, end: int, source: SourcePartition = SOURCE) -> Batch:
        """The batch that a fetch of [start, end) would bring."""
        records = [record for record in self.records[source] if start <= record.offset < end]
        return Batch(source, start, end, records)

    # Changelog

    def topic(self, source: SourcePartition) -> str:
        return f"app-{source.topic}-changelog"

    async def open_writer(self, source: SourcePartition) -> MemoryWriter:
        await self.step("open")
        log = self.logs[source]
        log.epoch += 1
        self.opened.append(source)
        return MemoryWriter(self, log, log.epoch)

    async def high_watermark(self, source: SourcePartition) -> int:
        await self.step("watermark")
        return len(self.logs[source].rows)

    async def open_reader(self, source: SourcePartition, until: int) -> MemoryReader:
        return MemoryReader(self, self.logs[source], until)

    # SourceLog

    async def bounds(self, source: SourcePartition) -> Bounds:
        start = self.start_offsets[source]
        return Bounds(start, start + len(self.records[source]))

    async def identity(self, topic: str) -> TopicIdentity:
        return self.topic_identity

    async def seek(self, offsets: dict[SourcePartition, int]) -> None:
        await self.step("seek")
        self.seeks.append(offsets)

    def fetched(self, source: SourcePartition) -> int | None:
        return None

    def position(self, source: SourcePartition) -> int | None:
        return None

    def end(self, source: SourcePartition) -> int | None:
        return self.start_offsets[source] + len(self.records[source])

    # verdicts

    def durable_sums(self, source: SourcePartition = SOURCE) -> dict[bytes, int]:
        """What the changelog says."""
        rows = {row.key: row.value for row in self.logs[source].rows if row.key != FENCE_KEY}
        return {key: int(value) for key, value in rows.items() if key is not None and value is not None}

    def fences(self, source: SourcePartition = SOURCE) -> list[Fence]:
        return [decode_fence(row.value) for row in self.logs[source].rows if row.key == FENCE_KEY]

    def expected_sums(self, upto: int, source: SourcePartition = SOURCE) -> dict[bytes, int]:
        """What the records before ``upto`` add up to."""
        shard = SumShard()
        shard.apply([r for r in self.records[source] if r.offset < upto and r.value != POISON])
        return shard.sums


@dataclass
class Member:
    """What the coordinator says about one worker, and the error that ended it."""

    answers: Standing = Standing.MEMBER
    crashed: BaseException | None = None

    async def standing(self) -> Standing:
        await asyncio.sleep(0)
        return self.answers

    def crash(self, error: BaseException) -> None:
        self.crashed = error


@dataclass
class Desk:
    """A table in a memory world, with the group's events as methods."""

    world: MemoryWorld
    table: CheckpointedTable
    member: Member
    generation: int = 0

    async def assign(self, *sources: SourcePartition, skip: int = 1) -> None:
        """A rebalance that ends with these partitions; ``skip`` generations after the one before."""
        self.generation += skip
        self.table.on_settled()
        await self.table.on_assigned(sources, self.generation)

    async def ready(self, *sources: SourcePartition) -> None:
        """Wait until exactly these are fetchable."""
        for _ in range(2000):
            if self.table.fetchable() == set(sources):
                return
            await asyncio.sleep(0.001)
        raise AssertionError(f"ready: {self.table.fetchable()}, statuses {self.table.status.partitions}")

    async def until(self, condition: Callable[[], object]) -> None:
        for _ in range(2000):
            if condition():
                return
            await asyncio.sleep(0.001)
        raise AssertionError("it did not come true")

    async def feed(self, start: int, end: int, source: SourcePartition = SOURCE) -> None:
        """Hand a batch over, as the agent does."""
        batch = self.world.batch(start, end, source)
        batch.epoch = self.table.epoch(source)
        await self.table.process(batch)

    async def feed_all(self, source: SourcePartition = SOURCE) -> None:
        """Feed from where the state ends, again after every loss, until all records are applied."""
        end = self.world.end(source)
        assert end is not None
        for _ in range(200):
            await self.until(lambda: self.table.position(source) is not None)
            position = self.table.position(source)
            if position is not None and position >= end:
                return
            await self.feed(position or 0, end, source)
        raise AssertionError("the records were never applied")


def desk(
    world: MemoryWorld,
    *,
    origin: str | None = "earliest",
    policy: PolicyMarks = POLICY,
    accept_loss: frozenset[int] = frozenset(),
) -> Desk:
    """A worker's engine in ``world``."""
    member = Member()
    table = CheckpointedTable(
        {SOURCE.topic: Counters()},
        World(
            changelog=world,
            sources=world,
            membership=member,
            clock=world.clock,
            new_shard=lambda source, partitions: SumShard(),
        ),
        Terms(policy=policy, origin=origin, accept_loss=accept_loss),
        view_clock=ViewClock("wall"),
        tempo=Tempo(checkpoint_s=1.0),
    )
    return Desk(world, table, member)


def fence_row(**changes: Any) -> LogRow:
    """A fence as another program may have left it."""
    fields: dict[str, Any] = {
        "format": FORMAT,
        "min_reader": OLDEST_FORMAT,
        "core_version": CORE_VERSION,
        "policy": msgspec.to_builtins(POLICY, str_keys=True),
        "topic_id": TOPIC_ID,
        "partitions": 2,
        "origin": 0,
        "next": 0,
        "clock_us": 0,
    }
    return LogRow(FENCE_KEY, json.dumps({**fields, **changes}).encode())
