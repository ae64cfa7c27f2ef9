"""Records of a whole fetch at a time: as places in its bytes where C was built, or as aiokafka's parser makes them.

aiokafka 0.14 wraps every parsed record in a Python dataclass and hands it through two generators: measured, 4.4 us
a record, a quarter of a busy worker. A list of the parser's own records costs 0.25 to 0.45 us, a block of places
(record_reader.pyx) 0.04 us. Both have key, value, timestamp, offset and headers, all that the engine reads. Only
consumers made with a mark of ``mark`` as ``key_deserializer`` get them; every other consumer of the process keeps
aiokafka's behaviour.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, TypeGuard

import aiokafka.consumer.fetcher as fetcher
from aiokafka.errors import CorruptRecordException
from aiokafka.record.control_record import ABORT_MARKER, ControlRecord
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.util import decode_varint_py

from metrics_core import native as compiled
from metrics_core.records import FileRecord, Record

try:
    from metrics_core.native.records import RecordBlock
    from streams.engine.record_reader import RecordBatches
except ImportError:  # no C compiler was found
    _BUILT = False
else:
    _BUILT = True

#: While records of a node wait to be taken, its other partitions are not fetched for this long. aiokafka's own
#: 0.1 s is shorter than some pauses of a busy worker: it then polled for those partitions alone, and where nothing
#: came for them, what came for all the others meanwhile lay at the broker until the poll had run its time.
TAKEN_WITHIN_S = 1.0


def PLAIN(value: bytes) -> bytes:  # noqa: N802 - a mark, passed as key_deserializer and never called
    """Marks a consumer that takes the parser's records as they are."""
    return value


def BLOCKS(value: bytes) -> bytes:  # noqa: N802 - as above
    """Marks a consumer that takes each fetch as a RecordBlock."""
    return value


def mark(*, native: bool) -> Callable[[bytes], bytes]:
    """What a consumer that reads whole fetches gets as ``key_deserializer``; ``native`` asks for blocks."""
    return BLOCKS if native and compiled.AVAILABLE and _BUILT else PLAIN


def _end_of_batch(raw: bytes, start: int) -> int:
    return start + 12 + int.from_bytes(raw[start + 8 : start + 12], "big")


class KeptRecords(fetcher.MemoryRecords):  # type: ignore[misc]  # aiokafka is untyped
    """aiokafka's walk over the batches of a fetch; it keeps the bytes within reach."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.raw = raw

    def batch_at(self, base_offset: int) -> bytes:
        """The bytes of the batch that begins with that offset."""
        start, end = 0, _end_of_batch(self.raw, 0)
        while int.from_bytes(self.raw[start : start + 8], "big") != base_offset:
            start, end = end, _end_of_batch(self.raw, end)
        return self.raw[start:end]


class PlainPartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka is untyped
    """One fetch of one partition; ``take_all`` does what iterating does, without an object a record."""

    next_fetch_offset: int
    _records: Any

    @property
    def plain(self) -> bool:
        """Whether the consumer asked for whole fetches."""
        return self._key_deserializer in (PLAIN, BLOCKS)

    def take_all(self) -> Sequence[Record]:
        """Every visible record; ``next_fetch_offset`` moves past control and aborted records too.

        Raises CorruptRecordException. Asked again, it has none: then the same offsets are fetched once more.
        """
        records, self._records = self._records, fetcher.MemoryRecords(b"")
        if self._key_deserializer is BLOCKS and isinstance(records, KeptRecords):
            batches = RecordBatches(records.raw)
            if batches.only_current:
                return self._take_block(batches)
        return self._take_list(records)

    def _take_block(self, batches: RecordBatches) -> RecordBlock:
        taken = RecordBlock()
        for batch in self._visible(batches):
            batch.read_into(taken, self.next_fetch_offset)
        return taken

    def _take_list(self, records: Any) -> list[Any]:
        taken: list[Any] = []
        for batch in self._visible(_batches(records)):
            found = _records_of(batch, records)
            if found and found[0].offset < self.next_fetch_offset:
                # a fetch begins with the batch that holds its offset
                found = [record for record in found if record.offset >= self.next_fetch_offset]
            if None in map(_timestamp, found):
                found = [_as_record(record) for record in found]
            taken += found
        return taken

    def _visible(self, batches: Iterable[Any]) -> Iterator[Any]:
        """Batches whose records are handed out; once one was taken, ``next_fetch_offset`` is behind it."""
        for batch in batches:
            if self._check_crcs and not batch.validate_crc():
                raise CorruptRecordException(f"Invalid CRC - {self._tp}")
            if not self._is_hidden(batch):
                yield batch
            self.next_fetch_offset = batch.next_offset

    def _is_hidden(self, batch: Any) -> bool:
        """Whether a batch is control data or, read committed, of an aborted transaction."""
        if self._isolation_level == fetcher.READ_COMMITTED and batch.producer_id is not None:
            self._consume_aborted_up_to(batch.base_offset)
            if batch.is_control_batch and self._contains_abort_marker(batch):
                self._aborted_producers.discard(batch.producer_id)
            if batch.is_transactional and batch.producer_id in self._aborted_producers:
                return True
        return bool(batch.is_control_batch)

    def _contains_abort_marker(self, batch: Any) -> bool:
        """A compacted log may keep a control batch without its marker, for the epoch of its producer. aiokafka
        raises then; Kafka's own consumer takes it as none (CompletedFetch.containsAbortMarker), and so do we."""
        record = next(iter(batch), None)
        return record is not None and bool(ControlRecord.parse(record.key) == ABORT_MARKER)


def _records_of(batch: Any, fetch: Any) -> list[Any]:
    """The batch's records, also where the name of a header is no UTF-8."""
    try:
        return list(batch)
    except UnicodeDecodeError:
        if not isinstance(fetch, KeptRecords):
            raise
        return list(TolerantBatch(fetch.batch_at(batch.base_offset)))


class TolerantBatch(_DefaultRecordBatchPy):  # type: ignore[misc]  # aiokafka is untyped
    """A batch in which the name of a header may be any bytes, as record_reader.pyx reads it: U+FFFD for what is no
    UTF-8. Ten times slower than the parser in C."""

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _AnyText(self._buffer)

    def _read_msg(self, decode_varint: Any = decode_varint_py) -> Any:
        return super()._read_msg(decode_varint)  # the one in C reads behind the end


class _AnyText(bytearray):
    """Bytes whose slices decode, whatever they are."""

    def __getitem__(self, place: Any) -> Any:
        found = super().__getitem__(place)
        return _AnyText(found) if isinstance(found, bytearray) else found

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


_timestamp = attrgetter("timestamp")


def _as_record(record: Any) -> Record:
    """aiokafka says None where a record has no time, as one of a client that does not know it; a Record says -1."""
    timestamp = -1 if record.timestamp is None else record.timestamp
    return FileRecord(record.value, record.offset, record.key, timestamp, tuple(record.headers))


def _batches(records: Any) -> Iterator[Any]:
    while records.has_next():
        yield records.next_batch()


class PlainFetchResult(fetcher.FetchResult):  # type: ignore[misc]  # aiokafka is untyped
    """What was fetched and not yet asked for."""

    _partition_records: Any
    _created: float

    def calculate_backoff(self) -> float:
        """Seconds until the node may be asked although these records were not taken."""
        if not _is_plain(self._partition_records):
            other_s: float = super().calculate_backoff()
            return other_s
        return max(0.0, TAKEN_WITHIN_S - (time.monotonic() - self._created))

    def getall(self, max_records: int | None = None) -> Sequence[Any]:
        records = self._partition_records
        if max_records is not None or not _is_plain(records):
            whole: list[Any] = super().getall(max_records)
            return whole
        if not self.check_assignment(self._topic_partition):
            return ()
        taken = records.take_all()
        self._update_position()
        self._partition_records = None
        return taken


def _is_plain(records: Any) -> TypeGuard[PlainPartitionRecords]:
    """Whether they were fetched for a consumer that takes whole fetches."""
    return isinstance(records, PlainPartitionRecords) and records.plain


def install() -> None:
    """Let aiokafka's fetcher make these; it looks the names up in its module at every fetch."""
    fetcher.PartitionRecords = PlainPartitionRecords
    fetcher.FetchResult = PlainFetchResult
    fetcher.MemoryRecords = KeptRecords
