"""A checkpoint: dirty rows, rejects and the fence of one slot, in one transaction.

Everything is encoded before the transaction begins, so it is open for no longer than its delivery takes. Whatever
goes wrong, the slot is lost: an unknown end of a transaction is settled by recovery, never by guessing.
"""

from __future__ import annotations

import msgspec

from streams.engine.fence import FENCE_KEY, Fence, encode_fence
from streams.engine.ports import Clock, Encoding, Unavailable
from streams.engine.recovery import World
from streams.engine.rejected import rejected_record
from streams.engine.slot import Slot, State

#: Below the transaction timeout, so that our own verdict comes before the broker's.
DELIVERY_TIMEOUT_S = 10.0
TRANSACTION_TIMEOUT_S = 30.0
#: Rows are encoded in slices; the event loop gets its turn once this much time has passed.
SLICE_ROWS = 64
SLICE_S = 0.008
#: Between two attempts to learn which topic the source is.
ASK_AGAIN_S = 0.25


class CheckpointLost(Exception):  # noqa: N818 - named for what happened
    """The checkpoint failed or its outcome is unknown; the slot is lost. The cause is chained."""


class SourceChanged(Exception):  # noqa: N818 - named for what happened
    """The source is not the topic any more that the state is about, or has grown; recovery will say more."""


async def checkpoint(slot: Slot, world: World) -> int | None:
    """Make the slot durable; returns the rows written, None where it was not ours to write any more.

    Raises CheckpointLost, or passes a cancellation on; the slot is lost then.
    """
    clock = world.clock
    async with slot.checkpoint_lock:
        if slot.state is not State.READY:
            return None
        started_s = clock.monotonic()
        try:
            encoding = slot.writer.encode()
            async with slot.shard_lock:
                if slot.state is not State.READY:
                    return None  # a record made the core raise while the lock was waited for: the copy is spoilt
                rows = await _encode_rows(slot, encoding, clock)
                fence = msgspec.structs.replace(slot.fence, next=slot.next_offset, clock_us=slot.shard.clock_us)
            encoding.row(FENCE_KEY, encode_fence(fence))
            await clock.wait_for(_commit(slot, encoding, fence, world), DELIVERY_TIMEOUT_S)
        except BaseException as error:
            slot.lose()
            slot.status.checkpoints_failed += 1
            if not isinstance(error, Exception):
                raise
            raise CheckpointLost(f"{slot.source} at offset {slot.next_offset}: {error!r}") from error
        slot.fence = fence
        slot.durable_offset = fence.next
        if rows:
            slot.row_bytes = max(1, encoding.size_bytes // rows)
        status = slot.status
        status.checkpoints += 1
        status.checkpoint_rows = rows
        status.checkpoint_duration_s = clock.monotonic() - started_s
        status.last_checkpoint_s = clock.now_us() / 1e6
        status.durable_offset = fence.next
        return rows


async def _commit(slot: Slot, encoding: Encoding, fence: Fence, world: World) -> None:
    """Commit what was encoded, if all of it was read from the topic that the fence names.

    Fetches go by name: a topic that was deleted and created again, and filled beyond where we stood, is read on
    as if nothing had happened. An id never comes back, so the topic that has it now was read all along.
    """
    while True:
        try:
            identity = await world.sources.identity(slot.source.topic)
            break
        except Unavailable:
            await world.clock.sleep(ASK_AGAIN_S)
    if identity != (fence.topic_id, fence.partitions):
        raise SourceChanged(f"{slot.source.topic} is {identity}, and was {fence.topic_id}, {fence.partitions}")
    await slot.writer.commit(encoding)


async def _encode_rows(slot: Slot, encoding: Encoding, clock: Clock) -> int:
    """Encode the dirty rows in slices, then the rejects; the shard lock is held throughout."""
    rows = 0
    draining = slot.shard.drain()
    turn_s = clock.monotonic()
    while (taken := encoding.fill(draining, SLICE_ROWS)) == SLICE_ROWS:
        rows += taken
        if clock.monotonic() - turn_s > SLICE_S:
            await clock.sleep(0)
            turn_s = clock.monotonic()
    rows += taken
    for reject in (*slot.shard.take_rejects(), *slot.rejects):
        encoding.reject(*rejected_record(slot.source, reject))
    slot.rejects = []
    return rows
