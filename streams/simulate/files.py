"""Simulated traffic as JSON lines."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, cast

from streams.simulate.wire import Emission

#: lines joined into one write
LINES_PER_WRITE = 2_000


def write_lines(emissions: Iterable[Emission], file: BinaryIO) -> int:
    """One value a line in order of arrival; returns the number of lines.

    Bad events stay as the raw lines they are. Topic, key and time of arrival are not kept.
    """
    count = 0
    lines: list[bytes] = []
    for emission in emissions:
        lines.append(emission.value)
        if len(lines) == LINES_PER_WRITE:
            file.write(b"\n".join(lines) + b"\n")
            count += len(lines)
            lines.clear()
    if lines:
        file.write(b"\n".join(lines) + b"\n")
    file.flush()
    return count + len(lines)


def write_lines_to(emissions: Iterable[Emission], path: Path) -> int:
    """The same into a file, compressed where its name ends in .gz; it appears only when it is complete.

    The same emissions give the same bytes: the gzip header holds neither name nor time.
    """
    partial = path.with_name(path.name + ".part")
    try:
        with partial.open("wb") as raw:
            if path.suffix == ".gz":
                with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as packed:
                    count = write_lines(emissions, cast(BinaryIO, packed))
            else:
                count = write_lines(emissions, raw)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return count
