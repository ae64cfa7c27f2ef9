"""Record batches are read in C as aiokafka's parser reads them: every record, or the same refusal."""

from __future__ import annotations

import gc
import itertools
import random
import struct
import tracemalloc
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import calc_crc32c

from metrics_core.records import FileRecord, Record
from streams.engine import fast_records
from streams.engine.batch import Batch
from streams.engine.ports import SourcePartition

NOW_MS = 1_800_000_000_000
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
#: of a batch: where its attributes begin, which its checksum covers, and its first record
ATTRIBUTES_AT, LAST_OFFSET_DELTA_AT, FIRST_TIMESTAMP_AT, MAX_TIMESTAMP_AT = 21, 23, 27, 35
PRODUCER_ID_AT, RECORDS_AT = 43, 61
LOG_APPEND_TIME, TRANSACTIONAL, CONTROL = 0x08, 0x10, 0x20
ABORT, COMMIT = struct.pack(">HH", 0, 0), struct.pack(">HH", 0, 1)

pytestmark = pytest.mark.usefixtures("built")


@pytest.fixture(scope="module")
def built(compiled: Callable[[str], ModuleType]) -> None:
    compiled("metrics_core.native.records")
    compiled("streams.engine.record_reader")


def sealed(batch: bytearray) -> bytes:
    """With the checksum that it has to have."""
    batch[17:21] = calc_crc32c(bytes(batch[ATTRIBUTES_AT:])).to_bytes(4, "big")
    return bytes(batch)


def built_of(
    records: list[Record], base_offset: int, *, codec: int = 0, producer_id: int = -1, attributes: int = 0
) -> bytes:
    """A batch of records; their offsets are from ``base_offset`` on."""
    builder = DefaultRecordBatchBuilder(2, codec, int(producer_id >= 0), producer_id, 0, 0, 10_000_000)
    for record in records:
        delta = record.offset - base_offset
        assert builder.append(delta, record.timestamp, record.key, record.value, list(record.headers))
    batch = bytearray(builder.build())
    batch[0:8] = base_offset.to_bytes(8, "big")
    batch[ATTRIBUTES_AT + 1] |= attributes
    return sealed(batch)


def some(base_offset: int, count: int, *, seed: int = 0, step: int = 1) -> list[Record]:
    """Records as they may come: with and without key, value and headers, short and long, in no order of time."""
    chance = random.Random(seed)
    return [
        FileRecord(
            chance.choice([None, b"", b"\0v\xff", b"value" * chance.randrange(60)]),
            base_offset + number * step,
            chance.choice([None, b"", b"k%d" % number]),
            NOW_MS + chance.randrange(-10_000, 10_000),
            chance.choice([(), (), (("h", b"1"), ("übrig", None), ("", b""))]),
        )
        for number in range(count)
    ]


def marker(offset: int, producer_id: int, kind: bytes) -> bytes:
    record = FileRecord(struct.pack(">HI", 0, 0), offset, kind, NOW_MS)
    return built_of([record], offset, producer_id=producer_id, attributes=CONTROL)


def read(
    raw: bytes,
    mark: Callable[[bytes], bytes],
    *,
    at: int = 0,
    aborted: list[tuple[int, int]] | None = None,
    check_crcs: bool = True,
    level: int = READ_COMMITTED,
) -> tuple[list[tuple[Any, ...]], int]:
    """What a consumer with that mark takes of a fetch, and where it fetches next."""
    fetch = fast_records.PlainPartitionRecords(
        TopicPartition("t", 0), fast_records.KeptRecords(raw), aborted, at, mark, None, check_crcs, level
    )
    taken = fetch.take_all()
    return [tuple_of(record) for record in taken], fetch.next_fetch_offset


def tuple_of(record: Record) -> tuple[Any, ...]:
    return record.offset, record.timestamp, record.key, record.value, tuple(record.headers)


def read_alike(raw: bytes, **how: Any) -> tuple[list[tuple[Any, ...]], int]:
    blocks, plain = read(raw, fast_records.BLOCKS, **how), read(raw, fast_records.PLAIN, **how)
    assert blocks == plain
    return blocks


def block_of(raw: bytes) -> Any:
    from metrics_core.native.records import RecordBlock
    from streams.engine.record_reader import RecordBatches

    block = RecordBlock()
    for batch in RecordBatches(raw):
        batch.read_into(block, 0)
    return block


# -- records ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_records_of_every_codec_are_those_of_the_parser(codec: int) -> None:
    records = some(7, 300, seed=codec)
    found, next_offset = read_alike(built_of(records, 7, codec=codec), at=7)
    assert found == [tuple_of(record) for record in records]
    assert next_offset == 307


def test_batches_of_several_codecs_and_producers_make_one_block() -> None:
    raw = b"".join(
        built_of(some(offset, 50, seed=offset), offset, codec=offset // 50 % 5, producer_id=offset % 3 - 1)
        for offset in range(0, 1000, 50)
    )
    found, next_offset = read_alike(raw)
    assert [offset for offset, *_ in found] == list(range(1000))
    assert next_offset == 1000


def test_offsets_that_compaction_left_out_stay_out() -> None:
    batch = bytearray(built_of(some(100, 9, step=5), 100))
    batch[LAST_OFFSET_DELTA_AT : LAST_OFFSET_DELTA_AT + 4] = (99).to_bytes(4, "big")
    found, next_offset = read_alike(sealed(batch), at=100)
    assert [offset for offset, *_ in found] == list(range(100, 145, 5))
    assert next_offset == 200


def test_a_batch_that_compaction_emptied_is_passed() -> None:
    empty = bytearray(built_of([], 0))
    empty[0:8] = (10).to_bytes(8, "big")
    empty[LAST_OFFSET_DELTA_AT : LAST_OFFSET_DELTA_AT + 4] = (4).to_bytes(4, "big")
    found, next_offset = read_alike(sealed(empty) + built_of(some(15, 3), 15), at=10)
    assert [offset for offset, *_ in found] == [15, 16, 17]
    assert next_offset == 18
    assert read_alike(sealed(empty), at=10) == ([], 15)


def test_records_before_the_offset_that_was_asked_for_are_left_out_with_their_headers() -> None:
    records = some(20, 40, seed=3)
    found, _ = read_alike(built_of(records, 20) + built_of(some(60, 5), 60), at=33)
    assert found[:27] == [tuple_of(record) for record in records[13:]]
    assert read_alike(built_of(records, 20), at=60) == ([], 60)


def test_the_time_of_appending_is_that_of_the_batch() -> None:
    batch = bytearray(built_of(some(0, 5), 0, attributes=LOG_APPEND_TIME))
    batch[MAX_TIMESTAMP_AT : MAX_TIMESTAMP_AT + 8] = (NOW_MS + 77).to_bytes(8, "big")
    found, _ = read_alike(sealed(batch))
    assert {timestamp for _, timestamp, *_ in found} == {NOW_MS + 77}


def test_a_record_without_a_time_says_so_with_a_number() -> None:
    batch = bytearray(built_of([FileRecord(b"v", offset, b"k", NOW_MS + offset) for offset in range(2)], 0))
    batch[FIRST_TIMESTAMP_AT : FIRST_TIMESTAMP_AT + 8] = (-1).to_bytes(8, "big", signed=True)
    found, _ = read_alike(sealed(batch))
    assert [timestamp for _, timestamp, *_ in found] == [-1, 0]


def test_large_deltas_and_lengths_are_read() -> None:
    records: list[Record] = [
        FileRecord(b"x", 0, None, 0),
        FileRecord(b"y" * 300_000, 2**20, b"k" * 70_000, 2**45),
        FileRecord(None, 2**31 - 1, None, 2**62),
    ]
    assert [tuple_of(record) for record in records] == read_alike(built_of(records, 0))[0]


# -- transactions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [READ_COMMITTED, READ_UNCOMMITTED])
@pytest.mark.parametrize("aborted", [[], [(7, 0)], [(8, 4), (7, 0)], [(7, 10), (8, 4)]])
def test_markers_and_aborted_transactions_are_hidden_alike(aborted: list[tuple[int, int]], level: int) -> None:
    raw = (
        built_of(some(0, 4), 0, producer_id=7)
        + built_of(some(4, 2), 4, producer_id=8)
        + marker(6, 7, ABORT)
        + built_of(some(7, 2), 7)
        + marker(9, 8, ABORT if (8, 4) in aborted else COMMIT)
        + built_of(some(10, 3), 10, producer_id=7)
        + marker(13, 7, COMMIT)
    )
    found, next_offset = read_alike(raw, aborted=aborted, level=level)
    assert next_offset == 14
    assert not {offset for offset, *_ in found} & {6, 9, 13}
    if aborted == [(7, 0)] and level == READ_COMMITTED:
        assert [offset for offset, *_ in found] == [4, 5, 7, 8, 10, 11, 12]


@pytest.mark.parametrize("name", ["PLAIN", "BLOCKS"])
def test_a_control_batch_whose_marker_was_compacted_away_ends_no_transaction(name: str) -> None:
    emptied = bytearray(built_of([], 0, producer_id=7, attributes=CONTROL))
    emptied[PRODUCER_ID_AT : PRODUCER_ID_AT + 8] = (7).to_bytes(8, "big")
    emptied[0:8] = (3).to_bytes(8, "big")
    raw = sealed(emptied) + built_of(some(4, 2), 4, producer_id=7)
    assert read(raw, getattr(fast_records, name), at=3, aborted=[(7, 3)]) == ([], 6)


# -- what is no true batch --------------------------------------------------------------------------------


def outcome(raw: bytes, name: str, **how: Any) -> object:
    try:
        return read(raw, getattr(fast_records, name), **how)
    except Exception as error:
        return error


def test_a_batch_that_is_cut_off_is_left_for_the_next_fetch() -> None:
    whole, begun = built_of(some(0, 3), 0), built_of(some(3, 3), 3)
    for end in range(len(begun)):
        assert read_alike(whole + begun[:end])[1] == 3


def test_a_false_checksum_is_refused_and_the_fetch_is_read_no_further() -> None:
    batch = bytearray(built_of(some(0, 3), 0))
    batch[-1] ^= 1
    for mark in (fast_records.PLAIN, fast_records.BLOCKS):
        fetch = fast_records.PlainPartitionRecords(
            TopicPartition("t", 0),
            fast_records.KeptRecords(bytes(batch) + built_of(some(3, 3), 3)),
            None,
            0,
            mark,
            None,
            True,
            READ_COMMITTED,
        )
        with pytest.raises(CorruptRecordException, match="CRC"):
            fetch.take_all()
        assert not fetch.take_all()
        assert fetch.next_fetch_offset == 0, "the offsets are fetched again, not passed over"


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 15, 16, 17, 1000])
def test_the_checksum_is_that_of_any_number_of_bytes(size: int) -> None:
    raw = built_of([FileRecord(b"v" * size, 0, None, NOW_MS)], 0)
    assert len(read_alike(raw)[0]) == 1


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_every_shortened_batch_is_refused_by_both(codec: int) -> None:
    batch = built_of(some(0, 6, seed=5), 0, codec=codec)
    for end in range(RECORDS_AT, len(batch)):
        short = bytearray(batch[:end])
        short[8:12] = (end - 12).to_bytes(4, "big")
        results = [outcome(sealed(short), name) for name in ("BLOCKS", "PLAIN")]
        assert all(isinstance(result, Exception) for result in results), (end, results)
        if codec == 0:
            assert isinstance(results[0], CorruptRecordException)


@pytest.mark.parametrize("end", range(12, RECORDS_AT))
def test_a_batch_shorter_than_its_header_is_refused(end: int) -> None:
    short = bytearray(built_of(some(0, 1), 0)[:end]).ljust(RECORDS_AT, b"\x02")
    short[8:12] = (end - 12).to_bytes(4, "big")
    with pytest.raises(CorruptRecordException):
        read(bytes(short), fast_records.BLOCKS)


@pytest.mark.parametrize("length", [-(2**31), -13, -12, -11, -1])
def test_a_length_below_zero_is_refused(length: int) -> None:
    batch = bytearray(built_of(some(0, 1), 0))
    batch[8:12] = length.to_bytes(4, "big", signed=True)
    for name in ("BLOCKS", "PLAIN"):
        assert isinstance(outcome(bytes(batch), name), CorruptRecordException)


def test_a_number_of_records_that_cannot_be_is_refused_without_asking_for_its_memory() -> None:
    batch = bytearray(built_of(some(0, 3), 0))
    for count in (2, 4, 2**31 - 1):
        batch[57:61] = count.to_bytes(4, "big")
        assert isinstance(outcome(sealed(batch), "BLOCKS"), CorruptRecordException)


def test_an_unknown_codec_is_refused() -> None:
    batch = bytearray(built_of(some(0, 3), 0))
    for codec in (5, 6, 7):
        batch[ATTRIBUTES_AT + 1] = codec
        with pytest.raises(UnsupportedCodecError):
            read(sealed(batch), fast_records.BLOCKS)


@pytest.mark.parametrize("seed", range(6))
def test_flipped_bits_are_read_alike_or_refused_by_both(seed: int) -> None:
    chance = random.Random(seed)
    whole = built_of(some(0, 12, seed=seed), 0, codec=0) + built_of(some(12, 3, seed=seed), 12)
    first = len(built_of(some(0, 12, seed=seed), 0))
    for _ in range(3_000):
        raw = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            # never the codec, the lengths of batches or their formats: what stands there has its own tests
            at = chance.choice([chance.randrange(23, first), chance.randrange(first + 23, len(whole))])
            raw[at] ^= 1 << chance.randrange(8)
        blocks, plain = (outcome(bytes(raw), name, check_crcs=False) for name in ("BLOCKS", "PLAIN"))
        if isinstance(plain, Exception):
            assert isinstance(blocks, CorruptRecordException | UnicodeDecodeError), (blocks, plain)
        else:
            assert blocks == plain


def test_any_bytes_are_read_or_refused() -> None:
    chance = random.Random(1)
    header = built_of([], 0)
    for _ in range(20_000):
        noise = chance.randbytes(chance.randrange(80))
        raw = bytearray(header + noise)
        raw[8:12] = (len(raw) - 12).to_bytes(4, "big")
        raw[57:61] = chance.randrange(12).to_bytes(4, "big")
        result = outcome(bytes(raw), "BLOCKS", check_crcs=False)
        assert isinstance(result, tuple | CorruptRecordException | UnicodeDecodeError), result
        result = outcome(chance.randbytes(chance.randrange(200)), "BLOCKS", check_crcs=False)
        assert isinstance(result, tuple | CorruptRecordException | UnicodeDecodeError), result


# -- older formats, other consumers -----------------------------------------------------------------------


@pytest.mark.parametrize("magic", [0, 1])
def test_older_formats_go_the_way_of_the_parser(magic: int) -> None:
    builder = LegacyRecordBatchBuilder(magic, 0, 10_000)
    for offset in range(3):
        builder.append(offset, NOW_MS, b"k", b"v%d" % offset)
    found, next_offset = read(bytes(builder.build()), fast_records.BLOCKS)
    assert [value for *_, value, _ in found] == [b"v0", b"v1", b"v2"]
    assert next_offset == 3


def test_an_older_format_behind_the_current_one_is_noticed() -> None:
    from streams.engine.record_reader import RecordBatches

    builder = LegacyRecordBatchBuilder(1, 0, 10_000)
    builder.append(0, NOW_MS, b"k", b"v")
    current = built_of(some(0, 3), 0)
    assert RecordBatches(current + current).only_current
    assert not RecordBatches(current + bytes(builder.build())).only_current


def test_a_consumer_without_a_mark_gets_what_aiokafka_makes() -> None:
    fetch = fast_records.PlainPartitionRecords(
        TopicPartition("t", 0),
        fast_records.KeptRecords(built_of(some(0, 3), 0)),
        None,
        0,
        None,
        None,
        True,
        READ_COMMITTED,
    )
    assert not fetch.plain
    assert [type(record).__name__ for record in fetch] == ["ConsumerRecord"] * 3


# -- blocks -----------------------------------------------------------------------------------------------


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
