"""A simulated worker: the engine's own table, with a transport, a place in the group and a clock of the world's."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import TypeVar

from sim_cluster import Cluster, SimChangelog
from sim_group import SESSION_S, Joined
from sim_net import SimKafkaError
from sim_shards import BASE_US
from virtual_loop import Process, VirtualLoop

from metrics_core.counters import Counters
from streams.engine.batch import Batch
from streams.engine.ports import Bounds, SourcePartition, Standing, TopicIdentity, Unavailable
from streams.engine.recovery import Superseded, Terms, World
from streams.engine.snapshot import ViewClock
from streams.engine.table import CheckpointedTable, InstanceTwice, Tempo

T = TypeVar("T")

MAX_BATCHES_IN_FLIGHT = 16


@dataclass
class SimClock:
    """The loop's time; asking costs some, so that slices and chunks have lengths."""

    loop: VirtualLoop
    #: most seconds that pass between two questions
    work_s: float

    def monotonic(self) -> float:
        if self.work_s:
            self.loop.time_s += self.work_s * self.loop.rng.random() ** 4
        return self.loop.time_s

    def processor_s(self) -> float:
        return self.monotonic()

    def now_us(self) -> int:
        return BASE_US + int(self.loop.time_s * 1e6)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait_for(self, awaitable: Awaitable[T], timeout_s: float) -> T:
        async with asyncio.timeout(timeout_s):
            return await awaitable

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * self.loop.rng.random()


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How a worker is set up."""

    accept_loss: frozenset[int] = frozenset()
    #: a static member's name
    instance: str | None = None
    #: writes the format after ours
    newer: bool = False
    checkpoint_s: float = 1.0
    fetch_records: int = 20
    #: how often a batch is lost, repeated or overtaken between fetch and table
    lost: float = 0.0
    repeated: float = 0.0
    reordered: float = 0.0
    #: once it has partitions, believes itself the owner whatever the group says
    stubborn: bool = False


class SimWorker:
    """One process. ``start`` begins; ``process.kill`` ends it without a word, ``stop`` in good order."""

    def __init__(self, name: str, cluster: Cluster, habits: Habits) -> None:
        loop = cluster.loop
        self.process = Process(loop, name)
        self.habits = habits
        self.stopped = False
        self.stopping = False
        #: what ended it, where the engine said so
        self.crashed: BaseException | None = None
        self.sources = SimSources(self, cluster)
        self.table = CheckpointedTable(
            {cluster.topic: Counters()},
            World(
                changelog=SimChangelog(cluster, newer=habits.newer),
                sources=self.sources,
                membership=self,
                clock=cluster.clock,
                new_shard=cluster.kind.new_shard,
            ),
            Terms(policy=cluster.policy, origin="earliest", accept_loss=habits.accept_loss),
            view_clock=ViewClock("wall"),
            tempo=Tempo(checkpoint_s=habits.checkpoint_s, handover_s=SESSION_S / 2),
        )
        self.member_id = ""
        self.generation = 0
        self.assigned: tuple[SourcePartition, ...] = ()
        self.revoked = False
        self._cluster = cluster
        self._rejoin = asyncio.Event()
        self._rebalanced = asyncio.Event()
        self._flows = False

    def start(self) -> None:
        """Join, fetch and count."""
        self._rejoin.set()
        for part in (self._take_part, self._beat, self._announce, self.sources.fetch, self.sources.deliver):
            self.process.start(part(), f"{self.process.name} {part.__name__}")

    def stop(self) -> None:
        """SIGTERM: a final checkpoint, then leave."""
        if not self.stopping:
            self.stopping = True
            self._cluster.trace.add(f"{self.process.name} is asked to stop")
            self.process.start(self._shut_down(), f"{self.process.name} shuts down")

    @property
    def flows(self) -> bool:
        """Whether batches may be handed over; not during a rebalance."""
        return self._flows and not self.stopping

    @property
    def deaf(self) -> bool:
        """Whether the group cannot reach this worker, which takes itself for a member."""
        return self.habits.stubborn and self._cluster.restless and bool(self.assigned)

    # membership, as the engine sees it

    async def standing(self) -> Standing:
        if self.deaf:
            return Standing.MEMBER
        if not self.member_id:
            return Standing.FORMER
        try:
            async with asyncio.timeout(5.0):
                answer = await self._ask()
        except (TimeoutError, Unavailable, SimKafkaError):
            return Standing.UNKNOWN
        if answer == "ok":
            return Standing.MEMBER
        return Standing.UNKNOWN if self.member_id else Standing.FORMER

    def crash(self, error: BaseException) -> None:
        self._cluster.trace.add(f"leaves: {error!r}")
        self.crashed = self.crashed or error
        if isinstance(error, InstanceTwice):
            self._cluster.trace.count("two workers under one identity")
        self.stop()

    async def _ask(self) -> str:
        group, member_id, generation = self._cluster.group, self.member_id, self.generation
        answer: str = await self._cluster.net.call("heartbeat", lambda: group.heartbeat(member_id, generation))
        if answer != "ok" and (member_id, generation) == (self.member_id, self.generation):
            if answer == "illegal":
                self.member_id = ""
            self._rejoin.set()
        return answer

    # the life of a member

    async def _take_part(self) -> None:
        group, net = self._cluster.group, self._cluster.net
        while True:
            await self._rejoin.wait()
            self._rejoin.clear()
            if self.assigned:
                await self._revoke()
            try:
                member_id, instance = self.member_id, self.habits.instance
                joined: Joined = await net.call("join", lambda: group.join(member_id, instance))  # noqa: B023
            except SimKafkaError as error:
                self.crash(error)
                return
            except Unavailable:
                self._rejoin.set()
                await asyncio.sleep(1.0)
                continue
            self.member_id, self.generation = joined.member_id, joined.generation
            self._rejoin.clear()  # what a heartbeat said meanwhile was about this rebalance
            self.assigned = joined.sources
            self.revoked = False
            self.table.on_settled()
            self._rebalanced.set()

    async def _revoke(self) -> None:
        self._flows = False
        self.sources.clear_queue()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SESSION_S / 2):
                await self.sources.idle()
        self._cluster.trace.add("revoking")
        await self.table.on_revoked()
        self._cluster.trace.add("revoked")
        self.revoked = True
        self._cluster.verdict.shows(self)

    async def _announce(self) -> None:
        """Faust's recovery task: tells of the newest assignment, not of each, and late at times."""
        rng, wait = self._cluster.loop.rng, self._rebalanced
        while True:
            await wait.wait()
            wait.clear()
            await asyncio.sleep(rng.choice((0, 0, 0.01, 1.0, 4.0)))
            generation = self.generation
            self._cluster.trace.add(f"told of generation {generation}")
            try:
                await self.table.on_assigned(self.assigned, generation)
            except SimKafkaError as error:
                self.crash(error)  # as Faust does when its recovery fails
                return
            self._cluster.verdict.shows(self)
            if generation == self.generation and not self.revoked:
                await self.sources.resume()
                self._flows = True

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(SESSION_S / 4)
            if self.member_id and not self.deaf:
                with contextlib.suppress(Unavailable, SimKafkaError):
                    await self._ask()

    async def _shut_down(self) -> None:
        await self.table.shutdown()
        if self.habits.instance is None and self.member_id:
            group, member_id = self._cluster.group, self.member_id
            with contextlib.suppress(Unavailable, TimeoutError):
                async with asyncio.timeout(2.0):
                    await self._cluster.net.call("leave", lambda: group.leave(member_id))
        self.stopped = True
        self._cluster.trace.add("ended")
        self.process.kill()


class SimSources:
    """The transport of one worker: positions, batches on their way, and the engine's questions."""

    def __init__(self, worker: SimWorker, cluster: Cluster) -> None:
        self._worker = worker
        self._cluster = cluster
        #: next offset to fetch, and where the next batch begins
        self._positions: dict[SourcePartition, int] = {}
        self._fetched: dict[SourcePartition, int] = {}
        self._ends: dict[SourcePartition, int] = {}
        self._queue: deque[Batch] = deque()
        self._arrived = asyncio.Event()
        self._processing = 0
        self._last: Batch | None = None

    # what the engine asks

    async def bounds(self, source: SourcePartition) -> Bounds:
        cluster = self._cluster
        bounds: Bounds = await cluster.net.call(
            "bounds", lambda: Bounds(cluster.source(source).start, cluster.source(source).end)
        )
        return bounds

    async def identity(self, topic: str) -> TopicIdentity:
        cluster = self._cluster
        identity: TopicIdentity = await cluster.net.call(
            "identity", lambda: TopicIdentity(cluster.topic_id, cluster.partitions)
        )
        return identity

    async def seek(self, offsets: dict[SourcePartition, int]) -> None:
        await self._cluster.net.call("seek", lambda: None)
        self._seek(offsets)

    def _seek(self, offsets: dict[SourcePartition, int]) -> None:
        if not offsets.keys() <= set(self._worker.assigned):
            raise Superseded(f"not assigned: {offsets}")
        self._positions.update(offsets)
        self._fetched.update(offsets)

    def fetched(self, source: SourcePartition) -> int | None:
        return None if self._queue or self._processing else self._fetched.get(source)

    def position(self, source: SourcePartition) -> int | None:
        return self._positions.get(source)

    def end(self, source: SourcePartition) -> int | None:
        return self._ends.get(source)

    # what the transport does

    def clear_queue(self) -> None:
        """A rebalance drops what is on its way; in most cases."""
        if self._cluster.loop.rng.random() < 0.8:
            self._queue.clear()

    async def idle(self) -> None:
        while self._processing or self._queue:  # noqa: ASYNC110 - time is free here
            await asyncio.sleep(0.05)

    async def resume(self) -> None:
        """After a rebalance: what was kept goes on where its state ends."""
        table = self._worker.table
        offsets = {s: at for s in sorted(table.fetchable()) if (at := table.position(s)) is not None}
        with contextlib.suppress(Superseded, Unavailable, SimKafkaError):
            if offsets:
                await self.seek(offsets)

    async def fetch(self) -> None:
        worker = self._worker
        while True:
            room = len(self._queue) < MAX_BATCHES_IN_FLIGHT
            active = sorted(worker.table.fetchable() & set(worker.assigned)) if worker.flows and room else ()
            got = 0
            for source in active:
                if source in self._positions:
                    got += await self._fetch(source)
            await asyncio.sleep(0.02 if got else 0.25)

    async def _fetch(self, source: SourcePartition) -> int:
        cluster, worker = self._cluster, self._worker
        rng, at, generation = cluster.loop.rng, self._positions[source], worker.generation
        limit = 1 + int(rng.random() * worker.habits.fetch_records)
        try:
            answer = await cluster.net.call("fetch", lambda: cluster.read_source(source, at, limit))
        except (Unavailable, SimKafkaError):
            return 0
        if self._positions.get(source) != at:
            return 0  # a seek came between
        if answer is None:
            if self._fetched.get(source) == at:
                worker.table.source_failed(source, f"offset {at} is out of range")
            return 0
        records, self._positions[source], self._ends[source] = answer
        if not records:
            return 0
        start = self._fetched.get(source, records[0].offset)
        self._fetched[source] = end = records[-1].offset + 1
        batch = Batch(source, start, end, records)
        if rng.random() < 0.3:
            await asyncio.sleep(0.01 * rng.random())
        if not worker.flows or generation != worker.generation or rng.random() < worker.habits.lost:
            cluster.trace.count("a batch was lost")
            return 0
        batch.epoch = worker.table.epoch(source)
        self._hand_over(batch)
        return len(records)

    def _hand_over(self, batch: Batch) -> None:
        rng, habits = self._cluster.loop.rng, self._worker.habits
        self._queue.append(batch)
        if rng.random() < habits.reordered and len(self._queue) > 1:
            self._queue.rotate(1)
            self._cluster.trace.count("a batch overtook another")
        if rng.random() < habits.repeated and self._last is not None:
            if rng.random() < 0.5:
                self._last.epoch = self._worker.table.epoch(self._last.source)
            self._queue.append(self._last)
            self._cluster.trace.count("a batch came again")
        self._last = batch
        self._arrived.set()

    async def deliver(self) -> None:
        """The agent: one batch after another."""
        while True:
            while not self._queue:
                self._arrived.clear()
                await self._arrived.wait()
            batch = self._queue.popleft()
            self._processing += 1
            try:
                await self._worker.table.process(batch)
            finally:
                self._processing -= 1
