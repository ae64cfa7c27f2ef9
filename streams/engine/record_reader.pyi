"""Reads the record batches of a fetch into a RecordBlock, without an object a record."""

from collections.abc import Iterator

from metrics_core.native.records import RecordBlock
from metrics_core.records import FileRecord

class RecordBatch:
    """One batch of magic 2; its properties are named as those of aiokafka's."""

    base_offset: int
    #: -1 = none
    producer_id: int

    @property
    def next_offset(self) -> int: ...
    @property
    def is_transactional(self) -> bool: ...
    @property
    def is_control_batch(self) -> bool: ...
    def validate_crc(self) -> bool:
        """Whether the sum that the producer made of the batch is still its sum."""

    def __iter__(self) -> Iterator[FileRecord]: ...
    def read_into(self, block: RecordBlock, from_offset: int) -> None:
        """Append the records to ``block``; those before ``from_offset`` are left out where the batch begins so.

        Raises CorruptRecordException, UnsupportedCodecError or what the codec raises; ``block`` is as before then.
        """

class RecordBatches:
    """The batches in the bytes of a fetch, in order; a part of one at the end is normal and left out."""

    def __init__(self, raw: bytes) -> None: ...
    @property
    def only_current(self) -> bool:
        """Whether none is of the formats before magic 2, which these cannot read."""

    def __iter__(self) -> Iterator[RecordBatch]: ...
    def __next__(self) -> RecordBatch:
        """Raises CorruptRecordException where a batch is shorter than its header."""
