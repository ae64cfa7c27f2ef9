"""Records that make the core raise: how long they are remembered, and when there are too many."""

from __future__ import annotations

import msgspec
from memory_world import POISON, SOURCE, Desk, MemoryWorld, desk

from streams.engine.ports import TopicIdentity
from streams.engine.supervisor import CULPRITS_WITHIN_S, MAX_CULPRITS


async def running(world: MemoryWorld, accept_loss: frozenset[int] = frozenset()) -> Desk:
    made = desk(world, accept_loss=accept_loss)
    await made.assign(SOURCE)
    await made.ready(SOURCE)
    return made


async def meet(made: Desk, culprits: int, pause_s: float) -> None:
    """Feed a record that raises and one that does not, so many times, each made durable."""
    for _ in range(culprits):
        made.world.produce(POISON, 1)
        await made.feed_all()
        made.world.clock.time_s += pause_s
        await made.until(lambda: made.world.fences()[-1].next == made.world.end(SOURCE))


async def test_a_culprit_now_and_then_never_adds_up_to_a_refusal() -> None:
    made = await running(MemoryWorld())
    await meet(made, MAX_CULPRITS + 2, CULPRITS_WITHIN_S / MAX_CULPRITS * 2)
    assert made.table.status.partitions[SOURCE].refused is None
    assert len(made.world.rejected) == MAX_CULPRITS + 2
    await made.table.shutdown()


async def test_too_many_culprits_within_an_hour_are_refused() -> None:
    made = await running(MemoryWorld())
    await meet(made, MAX_CULPRITS, 1.0)
    made.world.produce(POISON, 1)
    position = made.table.position(SOURCE)
    assert position is not None
    for _ in range(2):  # in a chunk, then alone
        await made.until(lambda: made.table.position(SOURCE) is not None)
        await made.feed(position, position + 2)
    await made.until(lambda: made.table.status.partitions[SOURCE].refused)
    assert "records that make this version fail" in (made.table.status.partitions[SOURCE].refused or "")
    await made.table.shutdown()


async def test_a_culprit_of_a_topic_that_is_gone_says_nothing_about_the_one_that_came() -> None:
    world = MemoryWorld()
    made = await running(world, accept_loss=frozenset({0}))
    world.produce(1, POISON, 2)
    await made.feed(0, 3)
    await made.until(lambda: made.table.position(SOURCE) is not None)
    await made.feed(0, 3)  # alone now: offset 1 is known for what it is, and nothing of it is durable
    world.records[SOURCE].clear()
    world.produce(10, 20, 30)
    world.topic_identity = TopicIdentity("another topic", world.topic_identity.partitions)
    await made.feed_all()
    await made.table.shutdown()
    assert world.fences()[-1].topic_id == "another topic"
    assert b"internal_error" not in {headers["reason"] for _, _, headers in world.rejected}
    assert msgspec.structs.asdict(world.fences()[-1])["losses_count"] == 1
