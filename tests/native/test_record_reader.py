"""Record batches are read in C as aiokafka's parser reads them: every record, or the same refusal."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import ModuleType

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, READ_UNCOMMITTED
from aiokafka.errors import CorruptRecordException, UnsupportedCodecError
from aiokafka.record.legacy_records import LegacyRecordBatchBuilder

from metrics_core.records import FileRecord, Record
from streams.engine import fast_records
from tests.native.fetches import (
    ABORT,
    ATTRIBUTES_AT,
    CODECS,
    COMMIT,
    CONTROL,
    FIRST_TIMESTAMP_AT,
    LAST_OFFSET_DELTA_AT,
    LOG_APPEND_TIME,
    MAX_TIMESTAMP_AT,
    NOW_MS,
    PRODUCER_ID_AT,
    RECORDS_AT,
    built_of,
    marker,
    oddly_named,
    outcome,
    read,
    read_alike,
    sealed,
    some,
    tuple_of,
)

pytestmark = pytest.mark.usefixtures("built")


@pytest.fixture(scope="module")
def built(compiled: Callable[[str], ModuleType]) -> None:
    compiled("metrics_core.native.records")
    compiled("streams.engine.record_reader")


# -- records ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_records_of_every_codec_are_those_of_the_parser(codec: int) -> None:
    records = some(7, 300, seed=codec)
    found, next_offset = read_alike(built_of(records, 7, codec=codec), at=7)
    assert found == [tuple_of(record) for record in records]
    assert next_offset == 307


@pytest.mark.parametrize("compressed", [False, True])
def test_a_header_named_in_no_utf8_is_read_alike(compressed: bool) -> None:
    found, next_offset = read_alike(built_of(some(3, 4), 3) + oddly_named(7, compressed=compressed), at=7)
    assert [headers for *_, headers in found] == [(("h", b"1"),), (("n\ufffdm\ufffd", b"\xff"),), ()]
    assert [value for *_, value, _ in found] == [b"before", b"odd", b"after"]
    assert next_offset == 10


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
            assert isinstance(blocks, CorruptRecordException), (blocks, plain)
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
        assert isinstance(result, tuple | CorruptRecordException), result
        result = outcome(chance.randbytes(chance.randrange(200)), "BLOCKS", check_crcs=False)
        assert isinstance(result, tuple | CorruptRecordException), result


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
