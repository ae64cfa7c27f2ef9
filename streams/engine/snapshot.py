"""The snapshot that serving renders: every ready shard frozen for the same moment, immutable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.engine.ports import Clock, Frozen, SourcePartition
from streams.engine.slot import Slot, State

#: Seconds from one snapshot to the next, where freezing is cheap.
SNAPSHOT_INTERVAL_S = 1.0
#: Freezing takes at most this share of the event loop; where it costs more, snapshots come less often.
SNAPSHOT_SHARE = 0.05
#: The event loop gets its turn once freezing has taken this much time.
SLICE_S = 0.008


@dataclass(frozen=True)
class Latest:
    """What is shown: ``frozen[i]`` is the shard of ``partitions[i]`` as of ``time_us``."""

    time_us: int
    partitions: tuple[SourcePartition, ...] = ()
    frozen: tuple[Frozen, ...] = ()

    def without(self, gone: frozenset[SourcePartition]) -> Latest:
        """The same moment without the partitions that are ours no more."""
        kept = [
            (source, shard)
            for source, shard in zip(self.partitions, self.frozen, strict=True)
            if source not in gone
        ]
        return Latest(self.time_us, tuple(s for s, _ in kept), tuple(f for _, f in kept))


#: before anything is ready
NOTHING = Latest(0)


@dataclass(frozen=True)
class ViewClock:
    """What time it is for the numbers: "wall", "event" (just after the newest event) or "fixed"."""

    kind: str
    at_us: int | None = None

    def now_us(self, wall_us: int, slots: Sequence[Slot]) -> int:
        """The moment to show, in microseconds since the epoch; 0 = no moment yet, show nothing."""
        if self.kind == "fixed":
            return self.at_us or 0
        if self.kind == "event":
            newest = max((slot.shard.clock_us for slot in slots), default=0)
            return newest + 1 if newest else 0
        return wall_us


async def take_snapshot(slots: Sequence[Slot], view_clock: ViewClock, clock: Clock) -> tuple[Latest, float]:
    """Freeze the ready slots one by one; the snapshot and the seconds of event loop that it took."""
    time_us = view_clock.now_us(clock.now_us(), slots)
    if not time_us:
        return NOTHING, 0.0
    partitions: list[SourcePartition] = []
    frozen: list[Frozen] = []
    busy_s = 0.0
    for slot in slots:
        async with slot.shard_lock:
            busy_s += await _prepare(slot, time_us, clock)
            if slot.state is State.READY:
                started_s = clock.monotonic()
                frozen.append(slot.shard.freeze(time_us))
                partitions.append(slot.source)
                busy_s += clock.monotonic() - started_s
        await clock.sleep(0)
    return Latest(time_us, tuple(partitions), tuple(frozen)), busy_s


async def _prepare(slot: Slot, time_us: int, clock: Clock) -> float:
    """Do most of the freezing in slices, with turns of the event loop between; the seconds that it took of it."""
    busy_s, turn_s = 0.0, clock.monotonic()
    if slot.state is State.READY:
        for _ in slot.shard.prepare(time_us):
            took_s = clock.monotonic() - turn_s
            if took_s > SLICE_S:
                busy_s += took_s
                await clock.sleep(0)
                if slot.state is not State.READY:
                    return busy_s
                turn_s = clock.monotonic()
    return busy_s + clock.monotonic() - turn_s
