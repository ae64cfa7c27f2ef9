"""Handing over: between giving partitions back and being told what comes, nothing is shown or recovered."""

from __future__ import annotations

import asyncio

from memory_world import SOURCE, CrashError, Desk, MemoryWorld, desk

from streams.engine.ports import SourcePartition, TopicIdentity
from streams.engine.slot import State

OTHER = SourcePartition("events", 1)


async def running(world: MemoryWorld, *sources: SourcePartition) -> Desk:
    made = desk(world)
    await made.assign(*(sources or (SOURCE,)))
    await made.ready(*(sources or (SOURCE,)))
    await made.until(lambda: made.table.status.ready)
    return made


async def several_ticks(made: Desk) -> None:
    for _ in range(5):
        made.table._changed.set()
        await asyncio.sleep(0.005)


async def test_a_worker_that_gave_everything_back_is_not_ready() -> None:
    made = await running(MemoryWorld())
    await made.table.on_revoked()
    await several_ticks(made)
    assert not made.table.status.ready


async def test_a_worker_with_nothing_assigned_is_ready() -> None:
    made = await running(MemoryWorld())
    await made.table.on_revoked()
    await made.assign()
    await made.until(lambda: made.table.status.ready)


async def test_what_was_given_back_is_not_taken_up_when_told_late_of_the_rebalance_before() -> None:
    world = MemoryWorld()
    made = await running(world)
    await made.table.on_revoked()
    await made.table.on_assigned([SOURCE], made.generation)
    await several_ticks(made)
    assert made.table.fetchable() == set()
    assert made.table.latest.partitions == ()


async def test_a_slot_lost_at_the_hand_over_is_not_recovered_in_place() -> None:
    world = MemoryWorld()
    world.produce(1)
    made = await running(world)
    await made.feed(0, 1)

    def crash() -> None:
        raise CrashError

    world.at("send", crash)
    await made.table.on_revoked()
    await asyncio.sleep(0.05)
    assert world.opened == [SOURCE]
    assert made.table.fetchable() == set()


async def test_a_partition_that_went_without_being_given_back_is_shown_no_more() -> None:
    world = MemoryWorld()
    made = await running(world, SOURCE, OTHER)
    await made.until(lambda: set(made.table.latest.partitions) == {SOURCE, OTHER})
    assigning = asyncio.ensure_future(made.assign(OTHER))
    await made.until(lambda: SOURCE not in made.table.latest.partitions or assigning.done())
    assert SOURCE not in made.table.latest.partitions
    await assigning


async def test_a_source_created_again_under_a_running_worker_is_never_counted_on() -> None:
    world = MemoryWorld()
    world.produce(1, 2, 3)
    made = await running(world)
    await made.feed(0, 2)
    await made.until(lambda: world.fences()[-1].next == 2)
    world.topic_identity = TopicIdentity("another topic", 2)
    await made.feed(2, 3)
    await made.until(lambda: made.table.status.partitions[SOURCE].refused)
    assert "not the topic that was counted" in (made.table.status.partitions[SOURCE].refused or "")
    assert world.fences()[-1].next == 2
    assert made.member.crashed is None


async def test_a_source_that_grew_under_a_running_worker_is_refused_at_the_next_checkpoint() -> None:
    world = MemoryWorld()
    world.produce(1)
    made = await running(world)
    world.topic_identity = TopicIdentity(world.topic_identity.topic_id, 3)
    await made.feed(0, 1)
    await made.until(lambda: made.table.status.partitions[SOURCE].refused)
    assert world.fences()[-1].next == 0


async def test_a_slot_whose_checkpoint_does_not_end_in_time_is_not_kept() -> None:
    world = MemoryWorld()
    world.produce(1)
    made = await running(world)
    slot = made.table._slot(SOURCE)
    assert slot is not None
    await made.feed(0, 1)
    async with slot.checkpoint_lock:  # as if the supervisor's own were waiting for its broker
        await made.table.on_revoked()
    assert slot.state is State.LOST
    await made.assign(SOURCE)
    await made.feed_all()
    await made.table.shutdown()
    assert world.durable_sums() == {b"k": 1}
