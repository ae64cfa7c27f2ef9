"""The supervisor of one assigned partition: recover, serve, and after a loss recover in place.

A loss is normal: a broker that was away too long, a worker that was stopped, another worker that took over. What is
not normal is losing the same partition again and again while the group says it is ours; then the worker ends.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import msgspec
import structlog

from metrics_core.counters import Counters
from streams.engine.checkpoint import CheckpointLost, checkpoint
from streams.engine.fence import Fence
from streams.engine.ports import SourcePartition, Standing, Unavailable
from streams.engine.recovery import Superseded, Terms, World, recover
from streams.engine.refusal import PolicyRefused, Refused, poisoned
from streams.engine.slot import Slot, State, Suspects
from streams.engine.status import DelayHistogram, PartitionStatus

log = structlog.get_logger("deskpulse.engine")

#: Losses in a row, each within STEADY_S of the one before, after which the worker leaves.
MAX_LOSSES = 3
STEADY_S = 60.0
#: Before recovering in place: long enough for a heartbeat to say that the partition is no longer ours.
RETRY_S = (0.5, 1.5)
#: While Kafka cannot be reached.
UNAVAILABLE_RETRY_S = (1.0, 3.0)
#: A refusal ends when someone acts; looking again costs one recovery.
REFUSED_RETRY_S = 30.0
#: A fence at least this often, so that the transactional id outlives a quiet source (Kafka forgets after 7 days).
IDLE_CHECKPOINT_S = 3600.0
#: Records that make the core raise, within CULPRITS_WITHIN_S; more is not bad luck but a bad release.
MAX_CULPRITS = 20
CULPRITS_WITHIN_S = 3600.0
CANCEL_AGAIN_S = 0.5
#: A partition's recoveries run at most this many at a time: each holds a fetch of several MB.
RECOVERIES_AT_A_TIME = 4


class PartitionLost(Exception):  # noqa: N818 - named for what happened
    """A partition could not be held although the group says that it is ours."""


class Supervisor:
    """Runs one partition from its assignment to its revocation."""

    def __init__(
        self,
        source: SourcePartition,
        world: World,
        terms: Terms,
        *,
        interval_s: float,
        turns: asyncio.Semaphore,
        counters: Counters,
        delay: DelayHistogram,
        status: PartitionStatus,
        on_ready: Callable[[Slot], None],
        on_lost: Callable[[SourcePartition], None],
    ) -> None:
        self.source = source
        self.slot: Slot | None = None
        self.status = status
        self._world = world
        self._terms = terms
        self._interval_s = interval_s
        self._turns = turns
        self._counters = counters
        self._delay = delay
        self._on_ready = on_ready
        self._on_lost = on_lost
        self._suspects = Suspects()
        #: when each culprit was met, of the last CULPRITS_WITHIN_S
        self._culprits_s: dict[int, float] = {}
        self._topic_id: str | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin with recovery, in the background."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=f"supervisor {self.source}")

    @property
    def recovering(self) -> bool:
        """Whether there is no slot to keep over a rebalance."""
        return self.slot is None or self.slot.state is State.LOST or not self.slot.epoch

    @property
    def retained(self) -> bool:
        """Whether the slot waits for the end of a rebalance."""
        return self.slot is not None and self.slot.state is State.RETAINED

    async def stop(self) -> None:
        """End at once and close the writer; what is not durable is given up."""
        task = self._task
        while task is not None and not task.done():
            # again and again: libraries below us (asyncio.wait_for before 3.12) may swallow a cancellation
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_AGAIN_S)
        await self._close_slot()

    async def _run(self) -> None:
        losses = 0
        while True:
            try:
                slot = await self._open()
                opened_s = self._world.clock.monotonic()
                await self._serve(slot)
                losses = 1 if self._world.clock.monotonic() - opened_s > STEADY_S else losses + 1
                if slot.error is not None:
                    losses = 0  # a record did it, and the suspects make the next time different
                    log.error("core failed on a record", exc_info=slot.error)
            except Superseded:
                return  # the rebalance that follows starts again
            except PolicyRefused as refusal:
                self.status.refused = refusal.sentence
                self._world.membership.crash(refusal)
                return
            except Refused as refusal:
                await self._refused(refusal)
                continue
            except Unavailable as error:
                log.warning("kafka unavailable", partition=str(self.source), error=str(error))
                await self._pause(*UNAVAILABLE_RETRY_S)
                continue
            except CheckpointLost as error:
                losses += 1
                log.warning("partition lost", partition=str(self.source), error=str(error))
            except Exception as error:
                losses += 1
                log.exception("recovery failed", partition=str(self.source))
                if losses >= MAX_LOSSES:
                    self._world.membership.crash(error)
                    return
            if losses >= MAX_LOSSES:
                self._world.membership.crash(PartitionLost(f"{self.source} was lost {losses} times"))
                return
            await self._close_slot()
            if not await self._still_ours():
                return

    async def _open(self) -> Slot:
        """Recover and begin to serve."""
        world = self._world
        if (culprits := self._recent_culprits()) > MAX_CULPRITS:
            raise poisoned(self.source, culprits)
        async with self._turns:
            recovered = await recover(self.source, world, self._terms, self.status)
        self._acquit(recovered.fence)
        self.slot = slot = Slot(
            self.source,
            recovered.shard,
            recovered.writer,
            recovered.fence,
            clock=world.clock,
            counters=self._counters,
            delay=self._delay,
            status=self.status,
            suspects=self._suspects,
            durable=recovered.durable,
        )
        self.status.refused = None
        try:
            if slot.durable_offset is None:
                # the first fence makes the origin, or an accepted loss, a fact before anything is counted
                await checkpoint(slot, world)
            await world.sources.seek({self.source: slot.next_offset})
            if await world.membership.standing() is Standing.FORMER:
                raise Superseded(str(self.source))
        except BaseException:
            slot.lose()
            await self._close_slot()
            raise
        self.status.ready = True
        self.status.accepted_losses = recovered.fence.losses_count
        if recovered.accepted is not None:
            loss = msgspec.structs.asdict(recovered.accepted)
            log.warning("loss accepted", partition=str(self.source), **loss)
        log.info(
            "partition ready",
            partition=str(self.source),
            offset=slot.next_offset,
            rows=recovered.rows,
            seconds=round(self.status.recovery_seconds, 3),
        )
        self._on_ready(slot)
        return slot

    def _recent_culprits(self) -> int:
        now_s = self._world.clock.monotonic()
        met_s = {**dict.fromkeys(self._suspects.culprits, now_s), **self._culprits_s}
        self._culprits_s = {offset: at_s for offset, at_s in met_s.items() if now_s - at_s < CULPRITS_WITHIN_S}
        return len(self._culprits_s)

    def _acquit(self, fence: Fence) -> None:
        """Culprits whose rejects are durable need no keeping, and those of another topic meant other records."""
        suspects = self._suspects
        if fence.topic_id != self._topic_id:
            self._topic_id, suspects.careful_until = fence.topic_id, 0
            suspects.culprits.clear()
        for offset in [offset for offset in suspects.culprits if offset < fence.next]:
            del suspects.culprits[offset]

    async def _serve(self, slot: Slot) -> None:
        """Checkpoint until the slot is lost. The first pause is random, so partitions take turns."""
        clock = self._world.clock
        checkpointed_s = clock.monotonic()
        pause_s = clock.uniform(0, self._interval_s)
        while slot.state is not State.LOST:
            with contextlib.suppress(TimeoutError):
                await clock.wait_for(slot.wake.wait(), pause_s)
            pause_s = self._interval_s
            slot.wake.clear()
            if slot.state is not State.READY:
                continue
            if slot.clean and clock.monotonic() - checkpointed_s < IDLE_CHECKPOINT_S:
                continue
            try:
                await checkpoint(slot, self._world)
            except CheckpointLost as error:
                log.warning("checkpoint lost", partition=str(self.source), error=str(error))
            checkpointed_s = clock.monotonic()
        self._on_lost(self.source)

    async def _still_ours(self) -> bool:
        """Ask the group before taking the partition back: it may be another worker that fenced us."""
        while True:
            await self._pause(*RETRY_S)
            standing = await self._world.membership.standing()
            if standing is not Standing.UNKNOWN:
                return standing is Standing.MEMBER
            await self._pause(*UNAVAILABLE_RETRY_S)

    async def _refused(self, refusal: Refused) -> None:
        if self.status.refused != refusal.sentence:
            log.error("partition refused", partition=str(self.source), reason=refusal.name, what=refusal.sentence)
        self.status.refused = refusal.sentence
        await self._world.clock.sleep(REFUSED_RETRY_S)

    async def _pause(self, low_s: float, high_s: float) -> None:
        await self._world.clock.sleep(self._world.clock.uniform(low_s, high_s))

    async def _close_slot(self) -> None:
        if self.slot is not None:
            slot, self.slot = self.slot, None
            slot.lose()
            await slot.writer.close()
