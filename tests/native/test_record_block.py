"""A block of records is a sequence of them, and gives back what it took."""

from __future__ import annotations

import gc
import itertools
import tracemalloc
from collections.abc import Callable
from types import ModuleType

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.errors import CorruptRecordException
from aiokafka.record.memory_records import MemoryRecords

from metrics_core.records import FileRecord
from streams.engine import fast_records
from streams.engine.batch import Batch
from streams.engine.ports import SourcePartition
from tests.native.fetches import (
    CODECS,
    block_of,
    built_of,
    outcome,
    some,
)

pytestmark = pytest.mark.usefixtures("built")


@pytest.fixture(scope="module")
def built(compiled: Callable[[str], ModuleType]) -> None:
    compiled("metrics_core.native.records")
    compiled("streams.engine.record_reader")


def test_a_block_is_a_sequence_of_its_records() -> None:
    records = some(0, 20, seed=2)
    block = block_of(built_of(records, 0))
    assert len(block) == 20
    assert list(block) == records
    assert [block[at] for at in range(-20, 20)] == records + records
    assert list(reversed(block)) == records[::-1]
    assert records[3] in block
    for at in (20, -21, 2**70):
        with pytest.raises(IndexError):
            block[at]
    with pytest.raises(ValueError, match="one piece"):
        block[::2]
    with pytest.raises(TypeError):
        block["0"]
    empty = block_of(b"")
    assert not empty
    assert len(empty[0:5]) == len(empty) == 0


def test_a_block_of_records_holds_them() -> None:
    from metrics_core.native.records import RecordBlock

    records = some(5, 100, seed=4)
    assert list(RecordBlock(records)) == records
    with pytest.raises(TypeError):
        RecordBlock([FileRecord("text", 0)])  # type: ignore[arg-type]


def test_slices_are_those_of_a_list() -> None:
    records = some(0, 9, seed=2)
    block = block_of(built_of(records, 0))
    bounds = [None, *range(-11, 12)]
    for start, stop in itertools.product(bounds, bounds):
        assert list(block[start:stop]) == records[start:stop]
        assert list(block[2:8][start:stop]) == records[2:8][start:stop]


def test_a_slice_outlives_the_block_and_its_bytes() -> None:
    parts = []
    for codec in CODECS.values():
        block = block_of(built_of(some(0, 50, seed=codec), 0, codec=codec))
        parts.append(block[10:40][5:])
        del block
    gc.collect()
    clutter = [bytes(1000) for _ in range(1000)]
    for codec, part in zip(CODECS.values(), parts, strict=True):
        assert list(part) == some(0, 50, seed=codec)[15:40]
    del clutter


def test_a_block_that_was_cut_cannot_grow_under_its_slices() -> None:
    from streams.engine.record_reader import RecordBatches

    block = block_of(built_of(some(0, 3), 0))
    part = block[1:]
    for whole in (block, part):
        with pytest.raises(BufferError):
            next(RecordBatches(built_of(some(3, 3), 3))).read_into(whole, 0)
        with pytest.raises(BufferError):
            whole.__init__(some(3, 3))
    assert list(part) == some(0, 3)[1:]


def test_a_batch_that_is_refused_leaves_the_block_as_it_was() -> None:
    from metrics_core.native.records import RecordBlock
    from streams.engine.record_reader import RecordBatches

    block = block_of(built_of(some(0, 3), 0))
    assert isinstance(block, RecordBlock)
    broken = bytearray(built_of(some(3, 30, seed=9), 3))
    broken[-1] ^= 0x55
    with pytest.raises(CorruptRecordException):
        next(RecordBatches(bytes(broken))).read_into(block, 0)
    assert list(block) == some(0, 3)


def test_the_records_since_an_offset_are_cut_from_a_block() -> None:
    records = some(100, 50, step=3)
    batch = Batch(SourcePartition("t", 0), 100, 250, block_of(built_of(records, 100)))
    for offset in range(95, 255):
        assert list(batch.since(offset)) == [record for record in records if record.offset >= offset]


def test_reading_over_and_over_leaves_no_memory_behind() -> None:
    raw = b"".join(built_of(some(0, 100, seed=codec), 0, codec=codec) for codec in CODECS.values())
    broken = bytearray(raw)
    broken[200] ^= 0x55

    def repeat(times: int) -> None:
        for _ in range(times):
            block = block_of(raw)
            part = block[5:50]
            assert len(list(part)) == 45
            outcome(bytes(broken), "BLOCKS", check_crcs=False)
            next(iter(block))

    repeat(20)
    gc.collect()
    tracemalloc.start()
    try:
        repeat(20)
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        repeat(200)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 10_000


def test_what_a_block_took_is_given_back_to_the_system() -> None:
    import psutil

    raw = b"".join(built_of(some(number * 1000, 1000, seed=1), number * 1000, codec=3) for number in range(4))
    process = psutil.Process()

    def repeat(times: int) -> int:
        for _ in range(times):
            block_of(raw)
        return int(process.memory_info().rss)

    repeat(50)
    # a block holds some 224 KB of places: 200 that were kept would be 45 MB
    assert repeat(200) - repeat(1) < 10_000_000


def test_without_the_setting_a_fetch_is_a_list() -> None:
    raw = built_of(some(0, 3), 0)
    assert fast_records.mark(native=False) is fast_records.PLAIN
    fetch = fast_records.PlainPartitionRecords(
        TopicPartition("t", 0), MemoryRecords(raw), None, 0, fast_records.PLAIN, None, True, READ_COMMITTED
    )
    assert isinstance(fetch.take_all(), list)
