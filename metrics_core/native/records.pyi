"""Records of a fetch as places in its bytes; what Python asks for is made when it asks."""

from collections.abc import Iterable, Iterator, Sequence
from typing import SupportsIndex, overload

from metrics_core.records import FileRecord, Record

class RecordBlock(Sequence[FileRecord]):
    """A run of records in offset order, as a list of them would be, but for ``index`` and ``count``.

    A record that is asked for is a copy; a slice (of step 1) is a block that shares the bytes of the whole.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        """A block of copies of these records; a fetch fills one in C (streams/engine/record_reader.pyx)."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[FileRecord]: ...
    @overload
    def __getitem__(self, index: SupportsIndex) -> FileRecord: ...
    @overload
    def __getitem__(self, index: slice) -> RecordBlock: ...
