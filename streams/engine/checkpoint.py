"""A checkpoint: dirty rows, rejects and the fence of one slot, in one transaction.

Everything is encoded before the transaction begins, so it is open for no longer than its delivery takes. Whatever
goes wrong, the slot is lost: an unknown end of a transaction is settled by recovery, never by guessing.
"""

from __future__ import annotations

import msgspec

from streams.engine.fence import FENCE_KEY, encode_fence
from streams.engine.ports import Clock, Encoding
from streams.engine.rejected import rejected_record
from streams.engine.slot import Slot, State

#: Below the transaction timeout, so that our own verdict comes before the broker's.
DELIVERY_TIMEOUT_S = 10.0
TRANSACTION_TIMEOUT_S = 30.0
#: Rows are encoded in slices; the event loop gets its turn once this much time has passed.
SLICE_ROWS = 64
SLICE_S = 0.008


class CheckpointLost(Exception):  # noqa: N818 - named for what happened
    """The checkpoint failed or its outcome is unknown; the slot is lost. The cause is chained."""


async def checkpoint(slot: Slot, clock: Clock) -> int | None:
    """Make the slot durable; returns the rows written, None where it was not ours to write any more.

    Raises CheckpointLost, or passes a cancellation on; the slot is lost then.
    """
    async with slot.checkpoint_lock:
        if slot.state is not State.READY:
            return None
        started_s = clock.monotonic()
        try:
            encoding = slot.writer.encode()
            async with slot.shard_lock:
                rows = await _encode_rows(slot, encoding, clock)
                fence = msgspec.structs.replace(slot.fence, next=slot.next_offset, clock_us=slot.shard.clock_us)
            encoding.row(FENCE_KEY, encode_fence(fence))
            await clock.wait_for(slot.writer.commit(encoding), DELIVERY_TIMEOUT_S)
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
