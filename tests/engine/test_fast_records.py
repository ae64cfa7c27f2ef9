"""The parser's own records are the records that aiokafka would have handed out."""

from __future__ import annotations

from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.memory_records import MemoryRecords

from streams.engine.fast_records import PLAIN, PlainFetchResult, PlainPartitionRecords
from tests.native.fetches import oddly_named, read


def batch(base_offset: int, count: int, *, producer_id: int = -1) -> bytearray:
    builder = DefaultRecordBatchBuilder(2, 0, int(producer_id >= 0), producer_id, 0, 0, 100_000)
    for number in range(count):
        offset = base_offset + number
        builder.append(number, 1_700_000_000_000 + offset, b"k%d" % offset, b"v", [("h", b"1")])
    built = bytearray(builder.build())
    built[0:8] = base_offset.to_bytes(8, "big")
    return built


def records_of(
    buffer: bytes, fetch_offset: int, aborted: list[tuple[int, int]], mark: Any
) -> PlainPartitionRecords:
    return PlainPartitionRecords(
        TopicPartition("t", 0),
        MemoryRecords(buffer),
        aborted,
        fetch_offset,
        mark,
        None,
        True,
        READ_COMMITTED,
    )


def taken(buffer: bytes, fetch_offset: int, aborted: list[tuple[int, int]]) -> tuple[list[Any], int]:
    plain = records_of(buffer, fetch_offset, aborted, PLAIN)
    found = plain.take_all()
    return [(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in found], plain.next_fetch_offset


def iterated(buffer: bytes, fetch_offset: int, aborted: list[tuple[int, int]]) -> tuple[list[Any], int]:
    stock = records_of(buffer, fetch_offset, aborted, None)
    found = list(stock)
    return [(r.offset, r.timestamp, r.key, r.value, tuple(r.headers)) for r in found], stock.next_fetch_offset


def test_a_fetch_that_begins_inside_a_batch_leaves_the_records_before_out() -> None:
    buffer = bytes(batch(10, 5) + batch(15, 3))
    assert taken(buffer, 12, []) == iterated(buffer, 12, [])
    assert [offset for offset, *_ in taken(buffer, 12, [])[0]] == [12, 13, 14, 15, 16, 17]


def test_records_of_an_aborted_transaction_are_hidden_and_passed() -> None:
    buffer = bytes(batch(0, 2, producer_id=7) + batch(2, 2, producer_id=8))
    aborted = [(7, 0)]
    assert taken(buffer, 0, aborted) == iterated(buffer, 0, aborted)
    assert [offset for offset, *_ in taken(buffer, 0, aborted)[0]] == [2, 3]


def test_a_header_named_in_no_utf8_keeps_no_record_from_being_read() -> None:
    raw = bytes(batch(0, 2)) + oddly_named(2, compressed=False) + bytes(batch(5, 1))
    found, next_offset = read(raw, PLAIN)
    assert [value for *_, value, _ in found] == [b"v", b"v", b"before", b"odd", b"after", b"v"]
    assert found[3][-1] == (("n\ufffdm\ufffd", b"\xff"),)
    assert next_offset == 6


def test_a_fetch_without_records_moves_nothing() -> None:
    assert taken(b"", 5, []) == ([], 5)


def test_records_that_wait_to_be_taken_keep_their_node_from_being_polled_without_them() -> None:
    waiting = {
        mark: PlainFetchResult(
            TopicPartition("t", 0),
            assignment=None,
            partition_records=records_of(bytes(batch(0, 1)), 0, [], mark),
            backoff=0.1,
        )
        for mark in (PLAIN, None)
    }
    for one in waiting.values():
        one._created -= 0.5
    assert waiting[PLAIN].calculate_backoff() > 0
    assert waiting[None].calculate_backoff() == 0
    waiting[PLAIN]._created -= 3600
    assert waiting[PLAIN].calculate_backoff() == 0
