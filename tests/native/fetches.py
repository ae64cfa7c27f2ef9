"""Fetches as a broker sends them, and what each form reads of them."""

from __future__ import annotations

import gzip
import random
import struct
from collections.abc import Callable
from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from metrics_core.records import FileRecord, Record
from streams.engine import fast_records

NOW_MS = 1_800_000_000_000
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
#: of a batch: where its attributes begin, which its checksum covers, and its first record
ATTRIBUTES_AT, LAST_OFFSET_DELTA_AT, FIRST_TIMESTAMP_AT, MAX_TIMESTAMP_AT = 21, 23, 27, 35
PRODUCER_ID_AT, RECORDS_AT = 43, 61
LOG_APPEND_TIME, TRANSACTIONAL, CONTROL = 0x08, 0x10, 0x20
ABORT, COMMIT = struct.pack(">HH", 0, 0), struct.pack(">HH", 0, 1)


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


def oddly_named(base_offset: int, *, compressed: bool) -> bytes:
    """Three records; the second has a header whose name is no UTF-8: some clients take any bytes."""
    headers = [(("h", b"1"),), (("name", b"\xff"),), ()]
    records = [
        FileRecord(value, base_offset + number, b"k", NOW_MS, headers[number])
        for number, value in enumerate((b"before", b"odd", b"after"))
    ]
    batch = bytearray(built_of(records, base_offset).replace(b"name", b"n\xffm\xc3"))
    if compressed:
        batch[RECORDS_AT:] = gzip.compress(batch[RECORDS_AT:])
        batch[8:12] = (len(batch) - 12).to_bytes(4, "big")
        batch[ATTRIBUTES_AT + 1] |= CODECS["gzip"]
    return sealed(batch)


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


def outcome(raw: bytes, name: str, **how: Any) -> object:
    try:
        return read(raw, getattr(fast_records, name), **how)
    except Exception as error:
        return error
