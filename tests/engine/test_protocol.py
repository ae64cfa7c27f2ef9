"""The engine's protocol on a world in memory: crashes, fences, gaps, poison and rebalances."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from memory_world import POISON, SOURCE, CrashError, Desk, MemoryWorld, SumShard, desk, fence_row

from streams.engine.checkpoint import checkpoint
from streams.engine.ports import SourcePartition, Standing, TopicIdentity
from streams.engine.slot import State

OTHER = SourcePartition("events", 1)


def _crash() -> None:
    raise CrashError


@contextmanager
def fails(world: MemoryWorld, step: str) -> Iterator[None]:
    world.at(step, _crash)
    yield


async def running(world: MemoryWorld, *sources: SourcePartition) -> Desk:
    made = desk(world)
    await made.assign(*(sources or (SOURCE,)))
    await made.ready(*(sources or (SOURCE,)))
    return made


async def test_what_was_applied_is_durable_after_a_shutdown() -> None:
    world = MemoryWorld()
    world.produce(1, 2, 3)
    made = await running(world)
    await made.feed(0, 3)
    await made.table.shutdown()
    assert world.durable_sums() == {b"k": 6}
    assert world.fences()[-1].next == 3


async def test_a_new_partition_writes_its_first_fence_before_it_counts() -> None:
    world = MemoryWorld()
    world.produce(1)
    await running(world)
    assert [fence.next for fence in world.fences()] == [0]


async def test_the_owner_before_is_fenced_before_the_changelog_is_read() -> None:
    world = MemoryWorld()
    world.produce(1, 2)
    first = await running(world)
    await first.feed(0, 2)
    await first.table.shutdown()
    world.steps.clear()
    second = await running(world)
    order = [step for step in world.steps if step in ("open", "watermark", "read")]
    assert order[:3] == ["open", "watermark", "read"]
    await second.table.shutdown()


@pytest.mark.parametrize("step", ["begin", "send", "committed"])
async def test_a_failure_at_any_step_of_a_checkpoint_neither_loses_nor_repeats(step: str) -> None:
    world = MemoryWorld()
    made = await running(world)
    world.produce(*range(1, 101))
    with fails(world, step):
        await made.feed(0, 60)
        await made.until(lambda: len(world.opened) == 2)
    await made.feed_all()
    await made.table.shutdown()
    assert world.durable_sums() == world.expected_sums(100)
    assert world.fences()[-1].next == 100
    assert made.member.crashed is None


async def test_a_partition_that_is_lost_again_and_again_ends_the_worker() -> None:
    world = MemoryWorld()
    world.produce(*range(200))
    made = await running(world)
    for _ in range(3):
        await made.ready(SOURCE)
        world.at("send", _crash)
        await made.feed(0, 1)
        await made.until(lambda: not made.table.fetchable())
    await made.until(lambda: made.member.crashed)
    assert len(world.opened) <= 4


async def test_a_worker_fenced_by_another_gives_the_partition_up() -> None:
    world = MemoryWorld()
    world.produce(1, 2)
    asleep = await running(world)
    await asleep.feed(0, 1)
    awake = await running(world)
    asleep.member.answers = Standing.FORMER
    await asleep.feed(1, 2)
    await asleep.until(lambda: not asleep.table.fetchable())
    await awake.feed_all()
    await awake.table.shutdown()
    assert world.durable_sums() == {b"k": 3}
    assert asleep.member.crashed is None


async def test_a_worker_that_lost_its_place_during_recovery_does_not_serve() -> None:
    world = MemoryWorld()
    made = desk(world)
    made.member.answers = Standing.FORMER
    await made.assign(SOURCE)
    await asyncio.sleep(0.05)
    assert made.table.fetchable() == set()


async def test_a_batch_beyond_the_state_is_never_applied_but_fetched_again() -> None:
    world = MemoryWorld()
    world.produce(1, 2, 3)
    made = await running(world)
    await made.feed(1, 3)
    assert made.table.position(SOURCE) == 0
    assert world.seeks[-1] == {SOURCE: 0}


async def test_a_batch_of_before_the_seek_back_is_stale() -> None:
    world = MemoryWorld()
    world.produce(1, 2, 3)
    made = await running(world)
    late = world.batch(0, 3)
    late.epoch = made.table.epoch(SOURCE)
    await made.feed(1, 3)
    await made.table.process(late)
    assert made.table.position(SOURCE) == 0


async def test_a_repeated_batch_changes_nothing_and_an_overlap_is_trimmed() -> None:
    world = MemoryWorld()
    world.produce(1, 2, 3, 4)
    made = await running(world)
    await made.feed(0, 3)
    await made.feed(0, 3)
    await made.feed(1, 4)
    await made.table.shutdown()
    assert world.durable_sums() == {b"k": 10}


async def test_a_hole_inside_a_batch_is_passed() -> None:
    world = MemoryWorld()
    world.produce(1, 2, 3, 4)
    del world.records[SOURCE][1]
    made = await running(world)
    await made.feed(0, 4)
    assert made.table.position(SOURCE) == 4


async def test_the_record_that_makes_the_core_fail_is_rejected_and_all_others_count() -> None:
    world = MemoryWorld()
    world.produce(1, 2, POISON, 4, 5)
    made = await running(world)
    await made.feed_all()
    await made.table.shutdown()
    assert world.durable_sums() == {b"k": 12}
    assert [(headers["reason"], headers["offset"]) for _, _, headers in world.rejected] == [
        (b"internal_error", b"2")
    ]
    assert made.table.status.counters["events"].rejected["internal_error"] == 1


async def test_rejects_are_written_once_even_where_a_checkpoint_failed() -> None:
    world = MemoryWorld()
    world.produce(1, b"no number", 3)
    made = await running(world)
    with fails(world, "send"):
        await made.feed(0, 3)
        await made.until(lambda: len(world.opened) == 2)
    await made.feed_all()
    await made.table.shutdown()
    assert [headers["offset"] for _, _, headers in world.rejected] == [b"1"]


async def test_a_retained_partition_is_not_read_again() -> None:
    world = MemoryWorld()
    world.produce(1, 2, 3)
    made = await running(world)
    await made.feed(0, 2)
    await made.table.on_revoked()
    assert made.table.fetchable() == set()
    await made.assign(SOURCE)
    assert made.table.fetchable() == {SOURCE}
    await made.feed(2, 3)
    await made.table.shutdown()
    assert world.opened == [SOURCE]
    assert world.durable_sums() == {b"k": 6}


async def test_a_topic_that_grew_is_refused_and_not_retained() -> None:
    world = MemoryWorld()
    made = await running(world)
    await made.table.on_revoked()
    world.topic_identity = TopicIdentity(world.topic_identity.topic_id, 3)
    await made.assign(SOURCE)
    await made.until(lambda: made.table.status.partitions[SOURCE].refused)
    assert made.table.fetchable() == set()
    assert made.table.status.topic_partitions == {"events": 3}


async def test_an_assignment_told_twice_changes_nothing() -> None:
    world = MemoryWorld()
    made = await running(world)
    epoch = made.table.epoch(SOURCE)
    await made.assign(SOURCE, skip=0)
    assert made.table.epoch(SOURCE) == epoch
    assert world.opened == [SOURCE]


async def test_a_partition_is_read_again_where_a_generation_was_missed() -> None:
    world = MemoryWorld()
    made = await running(world)
    await made.table.on_revoked()
    await made.assign(SOURCE, skip=2)
    await made.ready(SOURCE)
    assert world.opened == [SOURCE, SOURCE]


async def test_a_partition_that_moved_away_is_closed_and_shown_no_more() -> None:
    world = MemoryWorld()
    made = await running(world, SOURCE, OTHER)
    await made.until(lambda: set(made.table.latest.partitions) == {SOURCE, OTHER})
    await made.table.on_revoked()
    assert made.table.latest.partitions == ()
    await made.assign(OTHER)
    await made.until(lambda: made.table.latest.partitions == (OTHER,))
    assert set(made.table.status.partitions) == {OTHER}


async def test_the_checkpoint_at_revocation_makes_everything_durable() -> None:
    world = MemoryWorld()
    world.produce(1, 2, 3)
    made = await running(world)
    await made.feed(0, 3)
    await made.table.on_revoked()
    assert world.fences()[-1].next == 3


async def test_a_recovery_is_whole_only_once_its_rows_are_indexed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = MemoryWorld()
    world.produce(1, 2)
    made = await running(world)
    await made.feed(0, 2)
    await made.table.shutdown()
    again, shares = desk(world), []

    def index_loaded(_: SumShard) -> Iterator[None]:
        shares.append(again.table.status.partitions[SOURCE].recovery_share)
        yield

    monkeypatch.setattr(SumShard, "index_loaded", index_loaded)
    await again.assign(SOURCE)
    await again.ready(SOURCE)
    assert len(shares) == 1
    assert 0 < shares[0] < 1
    assert again.table.status.partitions[SOURCE].recovery_share == 1


async def test_a_revocation_during_recovery_leaves_nothing_open() -> None:
    world = MemoryWorld()
    made = desk(world)
    world.logs[SOURCE].blocked = True
    world.logs[SOURCE].rows.append(row := fence_row())
    await made.assign(SOURCE)
    await asyncio.sleep(0.01)
    await made.table.on_revoked()
    assert made.table.fetchable() == set()
    world.logs[SOURCE].blocked = False
    await made.assign(SOURCE)
    await made.ready(SOURCE)
    assert row in world.logs[SOURCE].rows


async def test_a_snapshot_is_frozen_for_one_moment_and_holds_every_ready_partition() -> None:
    world = MemoryWorld()
    world.produce(5)
    made = await running(world, SOURCE, OTHER)
    await made.feed(0, 1)
    await made.until(lambda: any(sums for _, sums in made.table.latest.frozen))
    latest = made.table.latest
    assert {time_us for time_us, _ in latest.frozen} == {latest.time_us}
    assert set(latest.partitions) == {SOURCE, OTHER}


async def test_a_lost_slot_is_never_checkpointed_again() -> None:
    world = MemoryWorld()
    world.produce(1)
    made = await running(world)
    slot = made.table._slot(SOURCE)
    assert slot is not None
    await made.feed(0, 1)
    slot.lose()
    before = len(world.logs[SOURCE].rows)
    await made.until(lambda: len(world.opened) == 2)
    assert len(world.logs[SOURCE].rows) == before
    assert slot.state is State.LOST


async def test_a_copy_that_was_spoilt_while_a_checkpoint_waited_for_it_is_never_written() -> None:
    world = MemoryWorld()
    world.produce(1, 2, POISON)
    made = await running(world)
    slot = made.table._slot(SOURCE)
    assert slot is not None
    before = len(world.logs[SOURCE].rows)
    async with slot.shard_lock:
        feeding = asyncio.create_task(made.feed(0, 3))
        await asyncio.sleep(0)
        writing = asyncio.create_task(checkpoint(slot, made.table._world))
        await asyncio.sleep(0)
    await feeding
    assert await writing is None
    assert len(world.logs[SOURCE].rows) == before


@pytest.mark.parametrize("seed", range(12))
async def test_random_failures_at_random_steps_never_change_the_result(seed: int) -> None:
    chance = random.Random(seed)
    world = MemoryWorld()
    world.produce(*(chance.choice([1, 2, 3, b"bad"]) for _ in range(300)))
    made = await running(world)
    end = 300
    for _ in range(40):
        move = chance.random()
        if move < 0.15:
            world.clock.time_s += 100  # losses far apart are not a reason to leave
            with fails(world, chance.choice(["begin", "send", "committed", "open", "read", "seek"])):
                pass
        elif move < 0.25:
            await made.table.on_revoked()
            await made.assign(SOURCE, skip=chance.choice([1, 2]))
        elif move < 0.3:
            made.member.answers = Standing.FORMER
            made = await running(world)  # a new owner, while the old one knows nothing of it
        position = made.table.position(SOURCE)
        if position is not None:
            start = max(0, position + chance.choice([-3, 0, 0, 0, 2]))
            await made.feed(start, min(end, start + chance.randrange(1, 20)))
        await asyncio.sleep(chance.choice([0, 0.002, 0.03]))
    world.calm()
    made.member.answers = Standing.FORMER
    made = await running(world)
    await made.feed_all()
    await made.table.shutdown()
    assert world.durable_sums() == world.expected_sums(end)
    fences = world.fences()
    assert all(later.follows(earlier) for earlier, later in itertools.pairwise(fences))
    offsets = [int(headers["offset"]) for _, _, headers in world.rejected]
    assert len(offsets) == len(set(offsets))


async def test_two_workers_under_one_identity_do_not_take_it_from_one_another_for_ever() -> None:
    world = MemoryWorld()
    made = await running(world)
    for _ in range(3):
        assert made.member.crashed is None
        await made.table.on_revoked()
        await made.assign(SOURCE, skip=0)
    assert "instance_id" in str(made.member.crashed)
