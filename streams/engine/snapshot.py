"""The snapshot that serving renders: every ready shard frozen for the same moment, immutable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streams.engine.ports import Clock, Frozen, SourcePartition
from streams.engine.slot import Slot, State
from streams.engine.status import DelayHistogram

#: Seconds from one snapshot to the next where nothing was counted: time goes on.
SNAPSHOT_INTERVAL_S = 1.0
#: The same where something was, so that 99 % of what arrives is shown within 0.15 s.
FRESH_INTERVAL_S = 0.04
#: Freezing takes at most this share of the event loop; where it costs more, snapshots come less often.
SNAPSHOT_SHARE = 0.2
#: While the worker catches up nothing is fresh, and all of it should go into counting.
CATCH_UP_SHARE = 0.05
#: What was counted later than this after its arrival is caught up with.
LIVE_S = 1.0
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


@dataclass(frozen=True)
class Taken:
    """A snapshot, the processor time that it took, (Kafka's time in ms, records) of what it is the first to show,
    and how late that was counted."""

    latest: Latest
    busy_s: float = 0.0
    shown: Sequence[tuple[int, int]] = ()
    late_s: float = 0.0

    def show(self, delay: DelayHistogram, now_us: int) -> float:
        """Observe how late it shows what; seconds until the next one should be taken."""
        for timestamp_ms, records in self.shown:
            delay.observe(now_us / 1e6 - timestamp_ms / 1e3, records)
        if self.late_s < LIVE_S:
            return max(FRESH_INTERVAL_S, self.busy_s / SNAPSHOT_SHARE)
        return max(SNAPSHOT_INTERVAL_S, self.busy_s / CATCH_UP_SHARE)


async def take_snapshot(slots: Sequence[Slot], view_clock: ViewClock, clock: Clock) -> Taken:
    """Freeze the ready slots one by one."""
    time_us = view_clock.now_us(clock.now_us(), slots)
    if not time_us:
        return Taken(NOTHING)
    partitions: list[SourcePartition] = []
    frozen: list[Frozen] = []
    shown: list[tuple[int, int]] = []
    busy_s = late_s = 0.0
    turn_s = clock.monotonic()
    for slot in slots:
        async with slot.shard_lock:
            busy_s += await _prepare(slot, time_us, clock)
            started_s = clock.processor_s()
            if slot.state is State.READY:
                frozen.append(slot.shard.freeze(time_us))
                partitions.append(slot.source)
                if unshown := slot.take_unshown():
                    shown += unshown
                    late_s = max(late_s, slot.late_s)
            busy_s += clock.processor_s() - started_s
        if clock.monotonic() - turn_s > SLICE_S:
            await clock.sleep(0)
            turn_s = clock.monotonic()
    return Taken(Latest(time_us, tuple(partitions), tuple(frozen)), busy_s, shown, late_s)


async def _prepare(slot: Slot, time_us: int, clock: Clock) -> float:
    """Do most of the freezing in slices, with turns of the event loop between; the seconds that it took of it."""
    busy_s, turn_s, began_s = 0.0, clock.monotonic(), clock.processor_s()
    if slot.state is State.READY:
        for _ in slot.shard.prepare(time_us):
            # asked at every step: unlike processor time, this is no call of the system
            if clock.monotonic() - turn_s > SLICE_S:
                busy_s += clock.processor_s() - began_s
                await clock.sleep(0)
                if slot.state is not State.READY:
                    return busy_s
                turn_s, began_s = clock.monotonic(), clock.processor_s()
    return busy_s + clock.processor_s() - began_s
