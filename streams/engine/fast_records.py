"""Records as aiokafka's C parser makes them, a whole fetch at a time.

aiokafka 0.14 wraps every parsed record in a Python dataclass and hands it through two generators: measured, 4.4 us
a record, a quarter of a busy worker; a list of the parser's own records costs 0.25 us. They have key, value,
timestamp, offset and headers, all that the engine reads. Only consumers made with ``key_deserializer=PLAIN`` get
them; every other consumer of the process keeps aiokafka's behaviour.
"""

from __future__ import annotations

import time
from typing import Any, TypeGuard

import aiokafka.consumer.fetcher as fetcher
from aiokafka.errors import CorruptRecordException

#: While records of a node wait to be taken, its other partitions are not fetched for this long. aiokafka's own
#: 0.1 s is shorter than some pauses of a busy worker: it then polled for those partitions alone, and where nothing
#: came for them, what came for all the others meanwhile lay at the broker until the poll had run its time.
TAKEN_WITHIN_S = 1.0


def PLAIN(value: bytes) -> bytes:  # noqa: N802 - a mark, passed as key_deserializer and never called
    """Marks a consumer that takes the parser's records as they are."""
    return value


class PlainPartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]  # aiokafka is untyped
    """One fetch of one partition; ``take_all`` does what iterating does, without an object a record."""

    next_fetch_offset: int

    @property
    def plain(self) -> bool:
        """Whether the consumer asked for the parser's records."""
        return self._key_deserializer is PLAIN

    def take_all(self) -> list[Any]:
        """Every visible record; ``next_fetch_offset`` moves past control and aborted records too."""
        taken: list[Any] = []
        while self._records.has_next():
            batch = self._records.next_batch()
            if self._check_crcs and not batch.validate_crc():
                raise CorruptRecordException(f"Invalid CRC - {self._tp}")
            if not self._is_hidden(batch):
                records = list(batch)
                if records and records[0].offset < self.next_fetch_offset:
                    # a fetch begins with the batch that holds its offset
                    records = [record for record in records if record.offset >= self.next_fetch_offset]
                taken += records
            self.next_fetch_offset = batch.next_offset
        return taken

    def _is_hidden(self, batch: Any) -> bool:
        """Whether a batch is control data or, read committed, of an aborted transaction."""
        if self._isolation_level == fetcher.READ_COMMITTED and batch.producer_id is not None:
            self._consume_aborted_up_to(batch.base_offset)
            if batch.is_control_batch and self._contains_abort_marker(batch):
                self._aborted_producers.discard(batch.producer_id)
            if batch.is_transactional and batch.producer_id in self._aborted_producers:
                return True
        return bool(batch.is_control_batch)


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

    def getall(self, max_records: int | None = None) -> list[Any]:
        records = self._partition_records
        if max_records is not None or not _is_plain(records):
            whole: list[Any] = super().getall(max_records)
            return whole
        if not self.check_assignment(self._topic_partition):
            return []
        taken = records.take_all()
        self._update_position()
        self._partition_records = None
        return taken


def _is_plain(records: Any) -> TypeGuard[PlainPartitionRecords]:
    """Whether they were fetched for a consumer that takes the parser's records."""
    return isinstance(records, PlainPartitionRecords) and records.plain


def install() -> None:
    """Let aiokafka's fetcher make these; it looks the names up in its module at every fetch."""
    fetcher.PartitionRecords = PlainPartitionRecords
    fetcher.FetchResult = PlainFetchResult
