"""Sorting more bytes than fit in memory: sorted runs in a temporary folder, merged."""

from __future__ import annotations

import heapq
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

#: memory of one run before it is written: 10 million events of 200 bytes make some 60 runs, which is one merge
RUN_BYTES = 48_000_000
#: runs merged at once: each is an open file and a block in memory
FAN_IN = 64
#: what CPython keeps beside the content of a bytes object in a list
_ITEM_OVERHEAD_BYTES = 41
_BLOCK_BYTES = 256 * 1024
_LENGTH_BYTES = 4


class ExternalSort:
    """Takes bytes in any order and gives them back in order, bytewise; memory follows ``run_bytes``, not input.

    A context manager: leaving it, by an exception or Ctrl-C too, removes the temporary folder. The folder lies
    where TMPDIR says.
    """

    def __init__(self, *, run_bytes: int = RUN_BYTES, fan_in: int = FAN_IN) -> None:
        assert run_bytes > 0, "a run holds something"
        assert fan_in >= 2, "a merge needs two runs"
        self._run_bytes, self._fan_in = run_bytes, fan_in
        self._items: list[bytes] = []
        self._items_bytes = 0
        self._folder: Path | None = None
        self._runs: list[Path] = []
        self._runs_made = 0

    def __enter__(self) -> ExternalSort:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def add(self, item: bytes) -> None:
        """Take one item."""
        self._items.append(item)
        self._items_bytes += len(item) + _ITEM_OVERHEAD_BYTES
        if self._items_bytes >= self._run_bytes:
            self._items.sort()
            self._runs.append(self._write(self._items))
            self._items = []
            self._items_bytes = 0

    def merged(self, other: Iterable[bytes] = ()) -> Iterator[bytes]:
        """All items in order, together with those of ``other``, which is in order already.

        More runs than can be merged at once are merged in groups first, as often as needed.
        """
        self._items.sort()
        while len(self._runs) > self._fan_in:
            group, self._runs = self._runs[: self._fan_in], self._runs[self._fan_in :]
            self._runs.append(self._write(heapq.merge(*map(_read, group))))
            for run in group:
                run.unlink()
        return heapq.merge(other, self._items, *map(_read, self._runs))

    def clear(self) -> None:
        """Forget all items and remove the temporary folder."""
        self._items, self._items_bytes, self._runs = [], 0, []
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _write(self, items: Iterable[bytes]) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="deskpulse-sort-"))
        self._runs_made += 1
        path = self._folder / f"{self._runs_made}.run"
        with path.open("wb", buffering=_BLOCK_BYTES) as file:
            for item in items:
                file.write(len(item).to_bytes(_LENGTH_BYTES, "big"))
                file.write(item)
        return path


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        block, at = b"", 0
        while True:
            start = at + _LENGTH_BYTES
            stop = start + int.from_bytes(block[at:start], "big")
            if start > len(block) or stop > len(block):
                missing = max(start, stop) - len(block)
                more = file.read(max(_BLOCK_BYTES, missing))
                if not more:
                    assert at == len(block), "a run ends within an item"
                    return
                block, at = block[at:] + more, 0
                continue
            yield block[start:stop]
            at = stop
