"""The engine's small parts: fences, batches, rejects, delays, freshness."""

from __future__ import annotations

import asyncio
import hashlib

import pytest
from memory_world import SOURCE, MemoryWorld, SourceRecord, desk, fence_row

from metrics_core.rejects import Reject
from streams.engine.batch import Batch
from streams.engine.fence import Loss, UnreadableFence, decode_fence, encode_fence
from streams.engine.rejected import MAX_VALUE_BYTES, rejected_record
from streams.engine.snapshot import NOTHING, SNAPSHOT_INTERVAL_S, SNAPSHOT_SHARE, Taken, ViewClock
from streams.engine.status import DelayHistogram


def test_a_fence_survives_its_encoding() -> None:
    fence = decode_fence(fence_row(next=7).value).with_loss(Loss(7, 9, "truncated"), topic_id="t")
    assert decode_fence(encode_fence(fence)) == fence


def test_a_fence_may_fall_only_after_an_accepted_loss() -> None:
    earlier = decode_fence(fence_row(next=7).value)
    lower = decode_fence(fence_row(next=3).value)
    assert not lower.follows(earlier)
    assert earlier.with_loss(Loss(7, 3, "rewound"), topic_id="t").follows(earlier)


@pytest.mark.parametrize("value", [None, b"", b"12", b'{"format": 1}'])
def test_bytes_that_are_no_fence_raise(value: bytes | None) -> None:
    with pytest.raises(UnreadableFence):
        decode_fence(value)


def test_a_batch_is_cut_at_the_offset_where_the_state_ends() -> None:
    records = [SourceRecord(b"k", b"1", offset) for offset in (3, 5, 6, 9)]
    batch = Batch(SOURCE, 3, 10, records)
    assert [record.offset for record in batch.since(5)] == [5, 6, 9]
    assert [record.offset for record in batch.since(4)] == [5, 6, 9]
    assert list(batch.since(3)) == records
    assert list(batch.since(10)) == []


def test_a_large_reject_keeps_its_beginning_its_size_and_its_hash() -> None:
    value = b"x" * (MAX_VALUE_BYTES + 1)
    key, kept, headers = rejected_record(SOURCE, Reject("too_large", "70 kB", 4, b"k", value, 1000))
    found = dict(headers)
    assert key == b"k"
    assert kept == value[:MAX_VALUE_BYTES]
    assert found["size"] == b"%d" % len(value)
    assert found["sha256"] == hashlib.sha256(value).hexdigest().encode()
    assert (found["reason"], found["topic"], found["partition"], found["offset"]) == (
        b"too_large",
        b"events",
        b"0",
        b"4",
    )


def test_a_small_reject_goes_out_whole() -> None:
    _, kept, headers = rejected_record(SOURCE, Reject("wrong_type", "no number", 4, None, b"x", -1))
    assert kept == b"x"
    assert "sha256" not in dict(headers)


def test_a_reject_keeps_the_headers_of_the_record_under_names_of_their_own() -> None:
    own: tuple[tuple[str, bytes | None], ...] = (("ce_id", b"7"), ("reason", b"a guest"), ("empty", None))
    _, _, headers = rejected_record(SOURCE, Reject("wrong_type", "no number", 4, None, b"x", -1, own))
    assert headers[-3:] == [("original.ce_id", b"7"), ("original.reason", b"a guest"), ("original.empty", None)]
    assert dict(headers)["reason"] == b"wrong_type"


def test_headers_beyond_their_limit_are_left_out_and_the_value_is_known_by_its_hash() -> None:
    own = tuple((f"h{number}", b"x" * 1000) for number in range(17))
    _, kept, headers = rejected_record(SOURCE, Reject("wrong_type", "no number", 4, None, b"x", -1, own))
    found = dict(headers)
    assert kept == b"x"
    assert (found["headers_cut"], found["size"], found["sha256"]) == (
        b"1",
        b"1",
        hashlib.sha256(b"x").hexdigest().encode(),
    )
    assert not [name for name in found if name.startswith("original.")]


def test_delays_are_weighted_by_records_and_never_negative() -> None:
    delays = DelayHistogram()
    delays.observe(0.02, 10)
    delays.observe(-5, 1)
    delays.observe(7200, 2)
    assert delays.count == 13
    assert delays.counts[-1] == 2
    assert delays.counts[0] == 1


@pytest.mark.parametrize(
    ("kind", "at_us", "clock_us", "expected"),
    [("wall", None, 5, 77), ("fixed", 9, 5, 9), ("event", None, 5, 6), ("event", None, 0, 0)],
)
async def test_the_view_shows_the_moment_of_its_clock(
    kind: str, at_us: int | None, clock_us: int, expected: int
) -> None:
    world = MemoryWorld()
    made = desk(world)
    await made.assign(SOURCE)
    await made.ready(SOURCE)
    slot = made.table._slot(SOURCE)
    assert slot is not None
    slot.shard.clock_us = clock_us
    assert ViewClock(kind, at_us).now_us(77, [slot]) == expected
    await made.table.shutdown()


async def test_a_partition_far_behind_is_ready_but_not_fresh() -> None:
    world = MemoryWorld()
    world.produce(1, 2)
    world.records[SOURCE][0].timestamp = 1
    made = desk(world)
    await made.assign(SOURCE)
    await made.ready(SOURCE)
    await made.feed(0, 1)
    status = made.table.status.partitions[SOURCE]
    await made.until(lambda: status.end_offset == 2 and not status.fresh)
    await made.feed(1, 2)
    await made.until(lambda: status.fresh)
    assert status.ready
    await made.table.shutdown()


async def test_records_that_wait_without_progress_make_the_worker_not_live() -> None:
    world = MemoryWorld()
    world.produce(1)
    made = desk(world)
    await made.assign(SOURCE)
    await made.ready(SOURCE)
    for _ in range(10):
        world.clock.time_s += 60
        await asyncio.sleep(0.005)
    await made.until(lambda: not made.table.status.live)
    await made.feed(0, 1)
    await made.until(lambda: made.table.status.live)
    await made.table.shutdown()


def test_a_snapshot_observes_how_late_it_shows_what_and_the_next_one_comes_soon() -> None:
    delays = DelayHistogram((0.15,))
    pause_s = Taken(NOTHING, 0.001, [(1_000, 3), (1_060, 2)]).show(delays, 1_160_000)
    assert (delays.counts, delays.count) == ([2, 3], 5)
    assert pause_s < SNAPSHOT_INTERVAL_S / 10


def test_freezing_that_costs_much_comes_less_often() -> None:
    cheap, dear = (Taken(NOTHING, busy_s, [(1_000, 1)]).show(DelayHistogram(), 1_100_000) for busy_s in (0.01, 0.1))
    assert dear == 0.1 / SNAPSHOT_SHARE > cheap


def test_while_a_worker_catches_up_its_snapshots_come_once_a_second() -> None:
    assert Taken(NOTHING, 0.01, [(1_000, 1)], late_s=59.0).show(DelayHistogram(), 60_000_000) == SNAPSHOT_INTERVAL_S


def test_a_snapshot_that_was_late_itself_does_not_make_the_next_one_late() -> None:
    assert Taken(NOTHING, 0.001, [(1_000, 1)], late_s=0.1).show(DelayHistogram(), 3_000_000) < SNAPSHOT_INTERVAL_S
