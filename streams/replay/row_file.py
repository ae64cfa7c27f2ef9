"""Packed rows in a temporary file: of millions of subjects, memory holds but names and places."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, MutableMapping

#: rows that wait in memory to be written at once
_BUFFER_BYTES = 1 << 20
_LENGTH_BITS = 28


class RowFile(MutableMapping[str, bytes]):
    """Subject -> packed row. A row written again takes new room; the file has no name and goes with the process."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as this does
        #: subject -> offset << _LENGTH_BITS | length
        self._places: dict[str, int] = {}
        self._buffer = bytearray()
        self._written = 0

    def __getitem__(self, subject: str) -> bytes:
        place = self._places[subject]
        offset, length = place >> _LENGTH_BITS, place & (1 << _LENGTH_BITS) - 1
        if offset >= self._written:
            start = offset - self._written
            return bytes(self._buffer[start : start + length])
        return os.pread(self._file.fileno(), length, offset)

    def __setitem__(self, subject: str, packed: bytes) -> None:
        assert len(packed) < 1 << _LENGTH_BITS, "a row's history is bounded"
        self._places[subject] = (self._written + len(self._buffer)) << _LENGTH_BITS | len(packed)
        self._buffer += packed
        if len(self._buffer) >= _BUFFER_BYTES:
            self._file.write(self._buffer)
            self._file.flush()
            self._written += len(self._buffer)
            self._buffer.clear()

    def __delitem__(self, subject: str) -> None:
        del self._places[subject]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)
