"""Files of canonical events: one JSON object a line, .gz by name, - for standard input."""

from __future__ import annotations

import gzip
import os
import queue
import re
import sys
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

import msgspec

from metrics_core.times import format_us, parse_rfc3339

#: longest line that becomes a record; the topics we create take 12 MiB (streams.topics.RECORD_MAX_BYTES)
LINE_BYTES_MOST = 10_000_000
STANDARD_INPUT = "-"
#: lines of a pipe that are read before they are asked for
LINES_AHEAD = 10_000
#: fields of `data` that hold a moment
MOMENTS = ("effective_at", "created_at", "first_response_at", "waiting_since", "resolved_at")

_SUBJECT = re.compile(rb'"subject"\s*:\s*"([^"\\]{1,512})"')


class Envelope(msgspec.Struct):
    """What routing needs of an event; types are checked by whoever consumes it."""

    type: Any = None
    subject: Any = None
    time: Any = None

    @property
    def time_us(self) -> int | None:
        """Microseconds since the epoch, None where there is no usable time."""
        try:
            return parse_rfc3339(self.time) if isinstance(self.time, str) else None
        except ValueError:
            return None


_decode_envelope = msgspec.json.Decoder(Envelope).decode
_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class EventFiles:
    """The lines of some files, in order; ``bytes_read`` of ``bytes_total`` (0 = unknown) tells how far it is.

    Empty lines are skipped. A line over LINE_BYTES_MOST is given to ``on_too_long`` as (file, line number)
    and skipped without being held in memory. Raises FileNotFoundError before anything is read.
    """

    def __init__(self, names: Sequence[str], on_too_long: Callable[[str, int], None] | None = None) -> None:
        for name in names:
            if name != STANDARD_INPUT and not Path(name).is_file():
                raise FileNotFoundError(f"{name} is not a file")
        self.names = list(names)
        self._on_too_long = on_too_long
        known = STANDARD_INPUT not in self.names
        self.bytes_total = sum(Path(name).stat().st_size for name in self.names) if known else 0
        self._bytes_before = 0
        self._raw: BinaryIO | None = None

    @property
    def bytes_read(self) -> int:
        """Bytes taken from the files so far, compressed where they are."""
        return self._bytes_before + (self._raw.tell() if self._raw is not None else 0)

    def __iter__(self) -> Iterator[bytes]:
        self._bytes_before = 0
        for name in self.names:
            if name == STANDARD_INPUT:
                # a reader of our own: Python ends in an abort when a thread still reads from sys.stdin
                yield from self._lines(name, os.fdopen(os.dup(sys.stdin.fileno()), "rb"))
                continue
            with Path(name).open("rb") as raw:
                self._raw = raw
                plain = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if name.endswith(".gz") else raw
                try:
                    yield from self._lines(name, plain)
                except (gzip.BadGzipFile, EOFError, zlib.error) as error:
                    raise OSError(f"{name} is no whole gzip file ({error})") from error
                self._raw = None
                self._bytes_before += Path(name).stat().st_size

    def _lines(self, name: str, file: BinaryIO) -> Iterator[bytes]:
        number = 0
        while line := file.readline(LINE_BYTES_MOST + 2):
            number += 1
            text = line.rstrip(b"\r\n")
            if len(text) > LINE_BYTES_MOST:
                while line and not line.endswith(b"\n"):
                    line = file.readline(LINE_BYTES_MOST)
                if self._on_too_long is not None:
                    self._on_too_long(name, number)
            elif text:
                yield text


def as_they_come(lines: Iterable[bytes]) -> Iterator[bytes | None]:
    """The lines read in a thread of their own; None where there is none yet, so that nobody waits for a pipe.

    Raises what reading raised, in its place.
    """
    waiting: queue.Queue[bytes | Exception | None] = queue.Queue(LINES_AHEAD)

    def read() -> None:
        try:
            for line in lines:
                waiting.put(line)
        except Exception as error:  # goes on in the thread that asked
            waiting.put(error)
        else:
            waiting.put(None)

    # a daemon: a read from a pipe that stays silent cannot be called off
    threading.Thread(target=read, name="lines", daemon=True).start()
    while True:
        try:
            line = waiting.get_nowait()
        except queue.Empty:
            yield None
            continue
        if line is None:
            return
        if isinstance(line, Exception):
            raise line
        yield line


def read_envelope(line: bytes) -> Envelope | None:
    """The envelope of a line, None where the line is no JSON object."""
    try:
        return _decode_envelope(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def subject_in(line: bytes) -> bytes | None:
    """What looks like the subject in a line that is no JSON."""
    found = _SUBJECT.search(line)
    return found.group(1) if found else None


def latest_us(lines: Iterator[bytes] | EventFiles) -> int | None:
    """The largest event time in the lines, None where there is none."""
    latest: int | None = None
    for line in lines:
        envelope = read_envelope(line)
        time_us = None if envelope is None else envelope.time_us
        if time_us is not None and (latest is None or time_us > latest):
            latest = time_us
    return latest


def shifted(line: bytes, shift_us: int) -> bytes:
    """The event with every moment moved by ``shift_us``; all other fields keep their bytes.

    A moment that cannot be read, and a line that is no JSON object, stay as they are.
    """
    try:
        fields = _decode_fields(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return line
    _shift_field(fields, "time", shift_us)
    if "data" in fields:
        try:
            data = _decode_fields(fields["data"])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _encode(fields)
        moved = [_shift_field(data, moment, shift_us) for moment in MOMENTS]
        if any(moved):
            fields["data"] = msgspec.Raw(_encode(data))
    return _encode(fields)


def _shift_field(fields: dict[str, msgspec.Raw], name: str, shift_us: int) -> bool:
    if name not in fields:
        return False
    try:
        text = msgspec.json.decode(fields[name], type=str)
        fields[name] = msgspec.Raw(_encode(format_us(parse_rfc3339(text) + shift_us)))
    except (msgspec.DecodeError, ValueError, OverflowError):
        return False
    return True
