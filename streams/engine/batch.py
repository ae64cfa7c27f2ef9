"""A batch: one fetch's records of one source partition, with the interval of offsets that they cover."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from metrics_core.records import Record
from streams.engine.ports import SourcePartition


class Batch:
    """Records of one partition in offset order; offsets of [start, end) that have no record hold none.

    ``start`` is the offset that was asked for. Both ends are taken in the same step as the records, so the
    interval is true whatever seeks and rebalances happen meanwhile.
    """

    __slots__ = ("end", "epoch", "records", "source", "start")

    def __init__(
        self, source: SourcePartition, start: int, end: int, records: Sequence[Record], epoch: int = -1
    ) -> None:
        self.source = source
        self.start = start
        self.end = end
        self.records = records
        #: which seek of the slot this batch belongs to; set when it is handed to the engine
        self.epoch = epoch

    def since(self, offset: int) -> Sequence[Record]:
        """The records at ``offset`` and after."""
        records = self.records
        if not records or records[0].offset >= offset:
            return records
        return records[bisect_left(records, offset, key=_offset) :]


def _offset(record: Record) -> int:
    return record.offset
