"""A folder with one file a UTC day, and a manifest by which a replay that was stopped goes on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from metrics_core.times import DAY_US, format_us

MANIFEST = "manifest.json"
_READ_BYTES = 1 << 20


class OtherReplayError(Exception):
    """The folder holds something else; the message is one sentence that says what to change."""


class Identity(msgspec.Struct, frozen=True):
    """What decides every byte of a replay: the same identity, the same files."""

    deskpulse: str
    replay: str
    policy: str
    form: str
    step: str
    first: str
    last: str
    metrics: tuple[str, ...]
    by: tuple[str, ...]
    windows: tuple[str, ...]
    input_lines: int
    input_bytes: int
    input_sha256: str


class Day(msgspec.Struct, frozen=True):
    """A complete day's file."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct):
    """What the folder holds; days by name, such as 2026-03-02."""

    identity: Identity
    suffix: str
    days: dict[str, Day] = {}


class DayFolder:
    """The days of one replay. Raises OtherReplayError where the folder holds another one, unless ``force``.

    ``force`` removes the days of the replay before, and nothing that is not named in its manifest.
    """

    def __init__(self, folder: Path, identity: Identity, suffix: str, *, force: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._suffix = folder, suffix
        before = _read_manifest(folder / MANIFEST)
        if before is not None and force:
            for name in before.days:
                (folder / (name + before.suffix)).unlink(missing_ok=True)
            (folder / MANIFEST).unlink()
            before = None
        if before is None:
            strangers = sorted(path.name for path in folder.glob(f"*{suffix}"))
            if strangers and not force:
                raise OtherReplayError(
                    f"{folder} holds {strangers[0]}, which no manifest knows: name an empty folder, or give --force"
                )
            before = Manifest(identity, suffix)
        elif before.identity != identity:
            raise OtherReplayError(
                f"{folder} holds a replay with another {_difference(before.identity, identity)}: "
                "name another folder, or give --force to start anew"
            )
        self._manifest = before
        self._manifest.days = {name: day for name, day in before.days.items() if self._is_there(name, day)}
        self._save()

    def is_complete(self, time_us: int) -> bool:
        """Whether the day of a moment is there already."""
        return _name(time_us) in self._manifest.days

    @property
    def days(self) -> int:
        """Number of complete days."""
        return len(self._manifest.days)

    @contextmanager
    def writing(self, time_us: int) -> Iterator[BinaryIO]:
        """A file for the day of a moment, under a temporary name until the block ends without an exception."""
        name = _name(time_us)
        path = self._folder / (name + self._suffix)
        with completed(path) as file:
            yield file
        self._manifest.days[name] = Day(path.stat().st_size, _sha256(path))
        self._save()

    def _is_there(self, name: str, day: Day) -> bool:
        path = self._folder / (name + self._suffix)
        return path.is_file() and path.stat().st_size == day.bytes

    def _save(self) -> None:
        with completed(self._folder / MANIFEST) as file:
            file.write(msgspec.json.format(msgspec.json.encode(self._manifest), indent=1) + b"\n")


@contextmanager
def completed(path: Path) -> Iterator[BinaryIO]:
    """A file that has its name only once it is complete, and is removed where it never is."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:  # Ctrl-C too
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def _read_manifest(path: Path) -> Manifest | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise OtherReplayError(f"{path} is no manifest of a replay ({error}): name another folder") from error


def _difference(before: Identity, now: Identity) -> str:
    names = [name for name in Identity.__struct_fields__ if getattr(before, name) != getattr(now, name)]
    # the id follows from all else, where nobody gave one
    told = [name for name in names if name != "replay"] or names
    return ", ".join(name.replace("_", " ") for name in told)


def _name(time_us: int) -> str:
    return format_us(time_us // DAY_US * DAY_US)[:10]


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()
