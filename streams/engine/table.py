"""The checkpointed table: the slots of every assigned source partition, and what a rebalance does to them.

Correctness rests on three things, none of them group membership: the producer epoch (one writer a partition),
loading only after fencing, and contiguous intervals (a batch is applied exactly where the state ends).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from metrics_core.counters import Counters
from streams.engine.batch import Batch
from streams.engine.checkpoint import DELIVERY_TIMEOUT_S, CheckpointLost, checkpoint
from streams.engine.ports import SourcePartition, Unavailable
from streams.engine.progress import Progress
from streams.engine.recovery import Terms, World
from streams.engine.slot import Outcome, Slot, State
from streams.engine.snapshot import (
    NOTHING,
    SNAPSHOT_INTERVAL_S,
    ViewClock,
    take_snapshot,
)
from streams.engine.status import EngineStatus, PartitionStatus
from streams.engine.supervisor import RECOVERIES_AT_A_TIME, STEADY_S, Supervisor

log = structlog.get_logger("deskpulse.engine")


#: Times within STEADY_S that another process took this worker's place in the group: two workers share an identity
#: and would go on taking it from one another.
MAX_REPLACED = 3


class InstanceTwice(Exception):  # noqa: N818 - named for what happened
    """Two workers run under one instance_id."""


@dataclass(frozen=True, kw_only=True)
class Tempo:
    """How often: seconds between checkpoints of a partition, and what may be spent at a hand-over."""

    checkpoint_s: float = 1.0
    #: half the session timeout: the coordinator waits for us, but not for ever
    handover_s: float = DELIVERY_TIMEOUT_S


class CheckpointedTable:
    """Keyed state over several source topics, one changelog a topic, exact over crashes and rebalances."""

    def __init__(
        self,
        counters: dict[str, Counters],
        world: World,
        terms: Terms,
        *,
        view_clock: ViewClock,
        tempo: Tempo,
    ) -> None:
        #: names of the source topics, the keys of ``counters``
        self.topics = frozenset(counters)
        self.status = EngineStatus(counters=counters, started_s=world.clock.now_us() / 1e6)
        #: the newest snapshot of the ready partitions, replaced and never changed; time_us 0 = nothing yet
        self.latest = NOTHING
        self._world = world
        self._terms = terms
        self._view_clock = view_clock
        self._tempo = tempo
        self._supervisors: dict[SourcePartition, Supervisor] = {}
        self._turns = asyncio.Semaphore(RECOVERIES_AT_A_TIME)
        self._progress = Progress(world, self.status)
        self._assigned: frozenset[SourcePartition] = frozenset()
        #: everything was given back, or nothing was ever assigned, and what comes is not known yet
        self._revoked = True
        #: a rebalance is under way
        self._unsettled = False
        self._generation: int | None = None
        self._epoch = 0
        self._replaced_s: list[float] = []
        #: what is shown has changed altogether; something was counted since the last snapshot
        self._changed = asyncio.Event()
        self._counted = False
        self._idle = False
        self._ticker: asyncio.Task[None] | None = None

    # what the transport asks

    def fetchable(self) -> set[SourcePartition]:
        """Partitions whose records can be applied now."""
        return {slot.source for slot in self._ready()}

    def position(self, source: SourcePartition) -> int | None:
        """Where the state of a partition ends; None where it is not ours to apply."""
        slot = self._slot(source)
        return slot.next_offset if slot is not None else None

    def durable(self, source: SourcePartition) -> int | None:
        """Where the durable state of a partition ends."""
        slot = self._slot(source)
        return slot.durable_offset if slot is not None else None

    def epoch(self, source: SourcePartition) -> int:
        """Which seek the batches fetched now belong to; -1 where none are wanted."""
        slot = self._slot(source)
        return slot.epoch if slot is not None else -1

    def source_failed(self, source: SourcePartition, detail: str) -> None:
        """The source cannot be read where the state ends: recovery will say what that means."""
        slot = self._slot(source)
        if slot is not None:
            log.warning("source failed", partition=str(source), error=detail)
            slot.lose()

    # what the agents call

    async def process(self, batch: Batch) -> None:
        """Apply one batch; never raises for what is in it."""
        slot = self._slot(batch.source)
        outcome = Outcome.STALE if slot is None else await slot.apply(batch)
        if slot is None or outcome is Outcome.APPLIED or outcome is Outcome.FAILED:
            self._counted = True
            if self._idle:
                self._changed.set()
            return
        if outcome is Outcome.STALE:
            slot.status.stale_batches += 1
        else:
            slot.status.gaps += 1
            await self._seek_back([slot])

    # what the group does

    async def on_revoked(self) -> None:
        """Still the owner here: make everything durable, then wait for the outcome of the rebalance."""
        self._assigned = frozenset()
        self._revoked = self._unsettled = True
        supervisors = list(self._supervisors.values())
        # a slot that is being served only needs its checkpoint; a recovery is begun again by who owns it next
        await asyncio.gather(*(s.stop() for s in supervisors if s.recovering))
        slots = self._ready()
        await self._checkpoint(slots)
        for slot in slots:
            if slot.state is State.READY and not slot.checkpoint_lock.locked():
                slot.state = State.RETAINED
                slot.status.ready = slot.status.fresh = False
            else:
                slot.lose()
        self._forget(frozenset(self.latest.partitions))
        # what was lost, or is still being written, must not be recovered in place: nobody knows yet whose it is
        await asyncio.gather(*(s.stop() for s in supervisors if not s.retained))

    def on_settled(self) -> None:
        """A rebalance has ended; ``on_assigned`` will tell how."""
        self._unsettled = False

    async def on_assigned(self, sources: Iterable[SourcePartition], generation: int) -> None:
        """Keep what nobody else can have owned meanwhile, close the rest, recover what is new."""
        if self._unsettled:
            return  # told late of the rebalance before: what it gave was given back, the next one will tell
        assigned = frozenset(source for source in sources if source.topic in self.topics)
        if generation == self._generation and assigned == self._assigned:
            return  # told twice, with no revocation between
        if generation == self._generation:
            self._replaced()
        straight = self._generation is not None and generation == self._generation + 1
        self._generation = generation
        self._assigned = assigned
        self._revoked = False
        changed = await self._learn_topics()
        closing = []
        for source, supervisor in list(self._supervisors.items()):
            slot = supervisor.slot
            keep = straight and source in self._assigned and source.topic not in changed
            if keep and slot is not None and slot.state is State.RETAINED:
                slot.epoch = self._next_epoch()
                slot.state = State.READY
                slot.status.ready = True
            else:
                del self._supervisors[source]
                closing.append(supervisor.stop())
        self._forget(frozenset(self.latest.partitions) - self._supervisors.keys())
        kept = len(self._supervisors)
        await asyncio.gather(*closing)
        self.status.partitions = {
            source: self.status.partitions.get(source) or PartitionStatus(*source)
            for source in sorted(self._assigned)
        }
        for source in sorted(self._assigned - self._supervisors.keys()):
            self._supervisors[source] = supervisor = self._new_supervisor(source)
            supervisor.start()
        log.info("partitions assigned", generation=generation, partitions=len(self._assigned), kept=kept)
        if self._ticker is None:
            self._ticker = asyncio.get_running_loop().create_task(self._tick(), name="engine ticker")
        self._changed.set()

    async def shutdown(self) -> None:
        """A final checkpoint of everything, then close. Never raises."""
        if self._ticker is not None:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        slots = self._ready()
        await self._checkpoint(slots)
        durable = sum(slot.state is not State.LOST for slot in slots)
        await asyncio.gather(*(supervisor.stop() for supervisor in self._supervisors.values()))
        self._supervisors.clear()
        self.status.ready = False
        log.info("final checkpoint", partitions=len(slots), durable=durable)

    # inside

    async def _learn_topics(self) -> set[str]:
        """Ask how many partitions each topic has; the topics that have another number than before."""
        changed = set()
        for topic in self.topics:
            try:
                partitions = (await self._world.sources.identity(topic)).partitions
            except Unavailable as error:
                log.warning("kafka unavailable", error=str(error))
                continue
            if self.status.topic_partitions.get(topic, partitions) != partitions:
                changed.add(topic)
            self.status.topic_partitions[topic] = partitions
        return changed

    def _replaced(self) -> None:
        """A place given back within one generation was another process's: only static members are replaced so."""
        now_s = self._world.clock.monotonic()
        self._replaced_s = [at_s for at_s in self._replaced_s if now_s - at_s < STEADY_S] + [now_s]
        if len(self._replaced_s) >= MAX_REPLACED:
            self._world.membership.crash(
                InstanceTwice("another worker runs under the same instance_id: give every worker its own")
            )

    def _slot(self, source: SourcePartition) -> Slot | None:
        supervisor = self._supervisors.get(source)
        slot = supervisor.slot if supervisor is not None else None
        return slot if slot is not None and slot.state is State.READY and slot.epoch else None

    def _ready(self) -> list[Slot]:
        return [slot for source in self._supervisors if (slot := self._slot(source)) is not None]

    def _next_epoch(self) -> int:
        self._epoch += 1
        return self._epoch

    def _new_supervisor(self, source: SourcePartition) -> Supervisor:
        return Supervisor(
            source,
            self._world,
            self._terms,
            interval_s=self._tempo.checkpoint_s,
            turns=self._turns,
            counters=self.status.counters[source.topic],
            delay=self.status.event_delay,
            status=self.status.partitions[source],
            on_ready=self._on_ready,
            on_lost=self._on_lost,
        )

    def _on_ready(self, slot: Slot) -> None:
        slot.epoch = self._next_epoch()
        self._changed.set()

    def _on_lost(self, source: SourcePartition) -> None:
        self._forget(frozenset({source}))

    def _forget(self, gone: frozenset[SourcePartition]) -> None:
        """Show these partitions no more, from this moment on: their next owner will."""
        self.latest = self.latest.without(gone)
        self.status.ready = False

    async def _checkpoint(self, slots: list[Slot]) -> None:
        """Checkpoint several slots at once, within the time of a hand-over; failures leave them lost."""
        clock = self._world.clock
        done = asyncio.gather(
            *(checkpoint(slot, self._world) for slot in slots if not slot.clean), return_exceptions=True
        )
        try:
            for result in await clock.wait_for(done, self._tempo.handover_s):
                if isinstance(result, CheckpointLost):
                    log.warning("checkpoint lost", error=str(result))
        except TimeoutError:
            log.warning("checkpoints of the hand-over took too long", partitions=len(slots))

    async def _look_after(self, slots: list[Slot]) -> None:
        """What a snapshot does not need."""
        if self.topics - self.status.topic_partitions.keys():
            await self._learn_topics()
        if stranded := self._progress.stranded(slots):
            await self._seek_back(stranded)

    async def _seek_back(self, slots: list[Slot]) -> None:
        """Fetch again from where the state ends; batches on their way become stale."""
        for slot in slots:
            slot.epoch = self._next_epoch()
        try:
            await self._world.sources.seek({slot.source: slot.next_offset for slot in slots})
        except Exception as error:
            # not assigned any more: the rebalance that is under way settles it
            log.info("seek back failed", error=repr(error))

    async def _pause(self, least_s: float) -> None:
        """Wait for as long as no snapshot should come, then until there is something new to show, but no longer
        than a second in all."""
        await self._wait_for_change(least_s)
        if not self._counted and not self._changed.is_set():
            self._idle = True
            await self._wait_for_change(SNAPSHOT_INTERVAL_S - least_s)
            self._idle = False
        self._changed.clear()
        self._counted = False

    async def _wait_for_change(self, timeout_s: float) -> None:
        if timeout_s > 0:
            with contextlib.suppress(TimeoutError):
                await self._world.clock.wait_for(self._changed.wait(), timeout_s)

    async def _tick(self) -> None:
        """When something was counted, and once a second: status, slots that wait for lost batches, the snapshot."""
        clock, pause_s = self._world.clock, 0.0
        looked_s = clock.monotonic() - SNAPSHOT_INTERVAL_S
        while True:
            await self._pause(pause_s)
            try:
                slots = self._ready()
                if clock.monotonic() - looked_s >= SNAPSHOT_INTERVAL_S:
                    looked_s = clock.monotonic()
                    await self._look_after(slots)
                taken = await take_snapshot(slots, self._view_clock, clock)
                latest, ready = taken.latest, self.fetchable()
                self.latest = latest.without(frozenset(latest.partitions) - ready)
                pause_s = taken.show(self.status.shown_delay, clock.now_us())
                self._progress.refresh(slots)
                self.status.ready = not self._revoked and self._assigned <= ready
            except Exception:
                log.exception("snapshot failed")
                pause_s = SNAPSHOT_INTERVAL_S
