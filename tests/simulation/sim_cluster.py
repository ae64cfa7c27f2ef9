"""The cluster of a simulation: source topics, changelogs, the group, and the engine's changelog on top of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim_group import Group
from sim_log import ConcurrentError, Coordinator, Entry, Headers, Log
from sim_net import Net, Trace
from sim_shards import Kind
from virtual_loop import VirtualLoop

from streams.engine.fence import FENCE_KEY, FORMAT, OLDEST_FORMAT
from streams.engine.policy_marks import PolicyMarks, VersionMark
from streams.engine.ports import ChangelogReader, ChangelogWriter, Encoding, Row, SourcePartition, Unavailable

if TYPE_CHECKING:
    from sim_verdict import Verdict
    from sim_worker import SimClock

TRANSACTION_TIMEOUT_S = 30.0
#: InitProducerId is tried again by the client for so long
OPEN_TIMEOUT_S = 40.0
#: a reader that was stopped half-way would miss a deletion: brokers keep tombstones for long (delete.retention.ms)
TOMBSTONES_S = 100.0


class Cluster:
    """Everything that outlives a worker."""

    topic = "events"
    verdict: Verdict
    clock: SimClock
    kind: Kind

    def __init__(self, loop: VirtualLoop, partitions: int) -> None:
        self.loop = loop
        self.trace = Trace(loop)
        self.net = Net(loop, self.trace)
        self.group = Group(loop, self.partitions_now)
        self.policy = PolicyMarks("base", {1: VersionMark("one", 0)})
        self.partitions = partitions
        self.incarnation = 1
        #: by topic id, then partition
        self.sources: dict[str, dict[SourcePartition, Log]] = {}
        self.changelogs: dict[SourcePartition, Log] = {}
        self.rejected = Log("rejected")
        #: whether the world still does what it can to workers
        self.restless = True
        #: whether the newer version writes rows that only it can read
        self.finalized = False
        #: how long it takes to write the markers of a transaction
        self.markers_s = 0.01
        self.read_at_s: dict[SourcePartition, float] = {}
        self._outside = Context()
        self.coordinator = Coordinator(
            later=self._later,
            marker_delay_s=lambda: self.markers_s * loop.rng.random(),
            on_commit=lambda name, txn: self.verdict.committed(txn),
            timeout_s=TRANSACTION_TIMEOUT_S,
        )

    def _later(self, delay_s: float, action: Callable[[], None]) -> None:
        self.loop.call_later(delay_s, action, context=self._outside)

    # the source

    @property
    def topic_id(self) -> str:
        return f"topic-id-{self.incarnation}"

    def partitions_now(self) -> list[SourcePartition]:
        return [SourcePartition(self.topic, number) for number in range(self.partitions)]

    def source(self, source: SourcePartition, topic_id: str | None = None) -> Log:
        """The log of a source partition, of the topic as it is now or as it was."""
        logs = self.sources.setdefault(topic_id or self.topic_id, {})
        if source not in logs:
            logs[source] = Log(str(source))
        return logs[source]

    def read_source(self, source: SourcePartition, at: int, limit: int) -> tuple[list[Entry], int, int] | None:
        """Committed records from ``at`` on, the next position, the last stable offset; None: out of range."""
        log = self.source(source)
        if not log.start <= at <= log.end:
            return None
        records, position = log.read(at, limit)
        return records, position, log.lso

    # changelogs

    def changelog(self, source: SourcePartition) -> Log:
        if source not in self.changelogs:
            self.changelogs[source] = Log(f"changelog {source}")
        return self.changelogs[source]

    def source_of(self, changelog: Log) -> SourcePartition | None:
        return next((source for source, log in self.changelogs.items() if log is changelog), None)

    def compact(self, source: SourcePartition) -> None:
        """One run of the log cleaner."""
        quiet_s = self.loop.time_s - self.read_at_s.get(source, -TOMBSTONES_S)
        gone = self.changelog(source).compact(tombstones=quiet_s >= TOMBSTONES_S)
        self.trace.add(f"{source}: changelog compacted, {gone} rows go")


class SimEncoding:
    """Rows and rejects on their way into a transaction."""

    def __init__(self, fence_value: Callable[[bytes], bytes]) -> None:
        self.rows: list[tuple[bytes | None, bytes | None, Headers]] = []
        self.rejects: list[tuple[bytes | None, bytes | None, Headers]] = []
        self._fence_value = fence_value

    @property
    def size_bytes(self) -> int:
        return sum(len(key or b"") + len(value or b"") for key, value, _ in self.rows)

    def fill(self, rows: Iterator[tuple[bytes, bytes | None]], limit: int) -> int:
        taken = 0
        for key, value in rows:
            self.row(key, value)
            taken += 1
            if taken == limit:
                break
        return taken

    def row(self, key: bytes, value: bytes | None) -> None:
        if key == FENCE_KEY and value is not None:
            value = self._fence_value(value)
        self.rows.append((key, value, ()))

    def reject(self, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]) -> None:
        self.rejects.append((key, value, tuple(headers)))


@dataclass
class SimWriter:
    """A transactional producer."""

    cluster: Cluster
    name: str
    epoch: int
    log: Log
    newer: bool

    def encode(self) -> SimEncoding:
        return SimEncoding(self._fence_value)

    def _fence_value(self, value: bytes) -> bytes:
        if not self.newer:
            return value
        needs = FORMAT + 1 if self.cluster.finalized else OLDEST_FORMAT
        return json.dumps({**json.loads(value), "format": FORMAT + 1, "min_reader": needs, "to_come": 1}).encode()

    async def commit(self, encoding: Encoding) -> None:
        assert isinstance(encoding, SimEncoding)
        cluster = self.cluster
        cut = int(cluster.loop.rng.random() * len(encoding.rows))
        await self._produce(self.log, encoding.rows[:cut])
        if encoding.rejects:
            await self._produce(cluster.rejected, encoding.rejects)
        await self._produce(self.log, encoding.rows[cut:])
        await self._end()

    async def _end(self) -> None:
        coordinator = self.cluster.coordinator
        await self.cluster.net.call("end", lambda: coordinator.end(self.name, self.epoch, commit=True))

    async def _produce(self, log: Log, rows: list[tuple[bytes | None, bytes | None, Headers]]) -> None:
        coordinator = self.cluster.coordinator
        while rows:
            try:
                await self.cluster.net.call(
                    "produce", lambda: coordinator.produce(self.name, self.epoch, log, rows)
                )
            except ConcurrentError:
                await asyncio.sleep(0.02)  # the transaction before is still being ended
            else:
                return

    async def close(self) -> None:
        await asyncio.sleep(self.cluster.loop.rng.choice((0.0, 0.01, 1.0)))


@dataclass
class SimReader:
    """Committed rows from the start to ``until``."""

    cluster: Cluster
    source: SourcePartition
    until: int
    newer: bool
    position: int = 0

    async def rows(self) -> Sequence[Row] | None:
        if self.position >= self.until:
            return None
        found, position = await self.cluster.net.call("read", self._read)
        if position == self.position:
            await asyncio.sleep(0.5)
        self.position = position
        return [self._translated(row) for row in found] if self.newer else found

    def _read(self) -> tuple[list[Entry], int]:
        self.cluster.read_at_s[self.source] = self.cluster.loop.time_s
        limit = 1 + int(40 * self.cluster.loop.rng.random())
        return self.cluster.changelog(self.source).read(self.position, limit)

    @staticmethod
    def _translated(row: Entry) -> Entry:
        """The newer version reads both formats."""
        if row.key != FENCE_KEY:
            return row
        return Entry(row.offset, row.key, as_ours(row.value), row.timestamp, row.headers, row.txn, row.marker)

    async def close(self) -> None:
        """Nothing is open."""


def as_ours(fence: bytes | None) -> bytes:
    """A fence row of any format that the simulation writes, in ours."""
    return json.dumps({**json.loads(fence or b"{}"), "format": FORMAT, "min_reader": OLDEST_FORMAT}).encode()


@dataclass
class SimChangelog:
    """The engine's Changelog, of one worker."""

    cluster: Cluster
    newer: bool = False
    transaction_timeout_s: float = TRANSACTION_TIMEOUT_S

    def topic(self, source: SourcePartition) -> str:
        return f"app-{source.topic}-changelog"

    def transactional_id(self, source: SourcePartition) -> str:
        """One a partition, whoever owns it."""
        return f"app-{source}"

    async def open_writer(self, source: SourcePartition) -> ChangelogWriter:
        cluster = self.cluster
        name, log = self.transactional_id(source), cluster.changelog(source)
        deadline_s = cluster.loop.time_s + OPEN_TIMEOUT_S
        while cluster.loop.time_s < deadline_s:
            try:
                epoch = await cluster.net.call("init", lambda: cluster.coordinator.init(name))
            except ConcurrentError:
                await asyncio.sleep(0.05)
            else:
                return SimWriter(cluster, name, epoch, log, self.newer)
        raise Unavailable("the transaction before does not end")

    async def high_watermark(self, source: SourcePartition) -> int:
        end: int = await self.cluster.net.call("watermark", lambda: self.cluster.changelog(source).end)
        return end

    async def open_reader(self, source: SourcePartition, until: int) -> ChangelogReader:
        return SimReader(self.cluster, source, until, self.newer)
