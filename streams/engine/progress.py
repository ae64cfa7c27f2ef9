"""Progress against the source: lag, freshness, liveness, and slots whose next batch was lost on its way."""

from __future__ import annotations

from collections.abc import Sequence

from streams.engine.ports import SourcePartition
from streams.engine.recovery import World
from streams.engine.slot import Slot
from streams.engine.status import EngineStatus

#: Behind by more than this: what is shown is not fresh, business alerts are silenced.
FRESH_S = 60.0
#: Records wait and none was applied for this long: the worker is stuck and should be restarted.
STALLED_S = 120.0


class Progress:
    """Compares each slot with its source, once a tick."""

    def __init__(self, world: World, status: EngineStatus) -> None:
        self._world = world
        self._status = status
        #: per partition: the offset at the last tick, and since when it has not moved though records waited
        self._seen: dict[SourcePartition, tuple[int, float]] = {}
        self._ahead: dict[SourcePartition, int] = {}

    def stranded(self, slots: Sequence[Slot]) -> list[Slot]:
        """Slots whose source was fetched past their state with nothing on its way, for two ticks in a row.

        A batch can vanish between fetch and agent (a flow stopped by a rebalance); with no batch after it, no
        gap would ever show it.
        """
        ahead: dict[SourcePartition, int] = {}
        for slot in slots:
            fetched = self._world.sources.fetched(slot.source)
            if fetched is not None and fetched > slot.next_offset:
                ahead[slot.source] = slot.next_offset
        stranded = [slot for slot in slots if ahead.get(slot.source, -1) == self._ahead.get(slot.source)]
        self._ahead = ahead
        return stranded

    def refresh(self, slots: Sequence[Slot]) -> None:
        """Write what is known about every ready slot into the status."""
        now_s, wall_s = self._world.clock.monotonic(), self._world.clock.now_us() / 1e6
        stalled = False
        seen: dict[SourcePartition, tuple[int, float]] = {}
        for slot in slots:
            status, source = slot.status, slot.source
            end = self._world.sources.end(source)
            position = max(slot.next_offset, self._world.sources.position(source) or 0)
            status.next_offset = slot.next_offset
            status.end_offset = max(end if end is not None else 0, slot.next_offset)
            if self._world.sources.fetched(source) == slot.next_offset and end is not None and position >= end:
                # only control records (ends of transactions) lie between: nothing is waiting
                status.next_offset = status.end_offset
            status.watermark_us = slot.shard.clock_us
            behind = status.end_offset > status.next_offset
            before, since_s = self._seen.get(source, (-1, now_s))
            seen[source] = (slot.next_offset, now_s if not behind or slot.next_offset != before else since_s)
            waited_s = now_s - seen[source][1]
            stalled |= waited_s > STALLED_S
            delay_s = wall_s - slot.applied_timestamp_ms / 1e3 if slot.applied_timestamp_ms >= 0 else waited_s
            status.fresh = not behind or max(waited_s, delay_s) < FRESH_S
        self._seen = seen
        self._status.live = not stalled
