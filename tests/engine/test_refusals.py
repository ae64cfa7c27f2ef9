"""A partition that must not be counted stays not ready and says in one sentence what to do."""

from __future__ import annotations

from typing import Any

import pytest
from memory_world import SOURCE, Desk, LogRow, MemoryWorld, desk, fence_row

from streams.engine.fence import FORMAT
from streams.engine.ports import TopicIdentity


async def refused(made: Desk) -> str:
    """The sentence; the partition is neither ready nor shown."""
    await made.assign(SOURCE)
    status = made.table.status.partitions[SOURCE]
    await made.until(lambda: status.refused)
    assert made.table.fetchable() == set()
    assert not status.ready
    assert not made.table.status.ready
    assert status.refused is not None
    return status.refused


def world_with(*rows: LogRow, records: int = 10, start: int = 0) -> MemoryWorld:
    world = MemoryWorld()
    world.start_offsets[SOURCE] = start
    world.produce(*([1] * records))
    world.logs[SOURCE].rows.extend(rows)
    return world


async def test_a_new_application_must_say_where_it_begins() -> None:
    made = desk(world_with(), origin=None)
    assert "--origin earliest" in await refused(made)


async def test_rows_without_a_fence_are_not_trusted() -> None:
    made = desk(world_with(LogRow(b"k", b"1")))
    assert "no fence" in await refused(made)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"min_reader": FORMAT - 1, "format": FORMAT - 1}, f"format {FORMAT - 1}"),
        ({"core_version": 0}, "core version 0"),
        ({"partitions": 3}, "3, so keys have moved"),
        ({"topic_id": "another"}, "deleted and created again"),
        ({"next": 11}, "ends at offset 10"),
        ({"min_reader": FORMAT + 1, "format": FORMAT + 1}, f"format {FORMAT + 1}"),
    ],
)
async def test_a_fence_that_does_not_fit_is_refused(changes: dict[str, Any], says: str) -> None:
    made = desk(world_with(fence_row(**changes)))
    assert says in await refused(made)


async def test_a_source_cut_beyond_what_was_counted_is_refused() -> None:
    made = desk(world_with(fence_row(next=5), start=8))
    assert "--accept-loss 0" in await refused(made)


async def test_fences_that_fall_are_refused() -> None:
    made = desk(world_with(fence_row(next=5), fence_row(next=4)))
    assert "goes back from offset 5 to 4" in await refused(made)


async def test_a_row_that_the_core_cannot_read_is_refused() -> None:
    made = desk(world_with(fence_row(), LogRow(b"k", b"no number")))
    assert "cannot read" in await refused(made)


async def test_a_fence_that_nobody_can_read_is_refused() -> None:
    made = desk(world_with(LogRow(b"\x00fence", b"not a fence")))
    assert "delete the topic" in await refused(made)


@pytest.mark.parametrize(
    ("changes", "start", "goes_on_at"),
    [
        ({"next": 5}, 8, 8),
        ({"next": 11}, 0, 10),
        ({"next": 5, "topic_id": "another"}, 0, 0),
    ],
)
async def test_an_accepted_loss_is_recorded_before_counting_goes_on(
    changes: dict[str, Any], start: int, goes_on_at: int
) -> None:
    world = world_with(fence_row(**changes), start=start)
    made = desk(world, accept_loss=frozenset({0}))
    await made.assign(SOURCE)
    await made.ready(SOURCE)
    fence = world.fences()[-1]
    assert made.table.position(SOURCE) == fence.next == goes_on_at
    assert (fence.losses[-1].from_offset, fence.losses[-1].to_offset) == (changes["next"], goes_on_at)
    assert fence.losses_count == 1
    assert made.table.status.partitions[SOURCE].accepted_losses == 1


async def test_partitions_that_changed_in_number_are_never_accepted() -> None:
    made = desk(world_with(fence_row(partitions=3)), accept_loss=frozenset({0}))
    assert "another app_id" in await refused(made)


async def test_a_refusal_ends_when_its_cause_is_gone() -> None:
    world = world_with(fence_row())
    world.topic_identity = TopicIdentity("another", 2)
    made = desk(world)
    await refused(made)
    world.topic_identity = TopicIdentity("topic-id-1", 2)
    await made.ready(SOURCE)
    assert made.table.status.partitions[SOURCE].refused is None


async def test_latest_begins_at_the_end_of_the_source() -> None:
    made = desk(world_with(records=7), origin="latest")
    await made.assign(SOURCE)
    await made.ready(SOURCE)
    assert made.table.position(SOURCE) == 7


async def test_a_foreign_open_transaction_is_named_and_waited_for() -> None:
    world = world_with(fence_row())
    world.logs[SOURCE].blocked = True
    made = desk(world)
    await made.assign(SOURCE)
    status = made.table.status.partitions[SOURCE]
    await made.until(lambda: status.recovery_blocked)
    assert status.recovery_blocked is not None
    assert "kafka-transactions.sh" in status.recovery_blocked
    await made.until(lambda: status.recovery_seconds > 0)
    assert not status.ready
    world.logs[SOURCE].blocked = False
    await made.ready(SOURCE)
    assert status.recovery_blocked is None
