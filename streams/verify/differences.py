"""Differences between two sets of rows, and how they read."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from metrics_core import changelog
from metrics_core import facts as f
from metrics_core.panes import WINDOW_SPANS_US
from metrics_core.rows import Row, entries
from metrics_core.shard import Shard
from metrics_core.times import MINUTE_US, format_us

#: places of the rings among the rings of a shard -> width of their panes
_WIDTHS_US = list(dict.fromkeys(width_us for width_us, _ in WINDOW_SPANS_US.values()))
_CODE_NAMES = {
    number: name.lower()
    for name, value in vars(f).items()
    if name.isupper() and not name.endswith(("_SHIFT", "_MASK")) and name != "SUM"
    for number in (value if isinstance(value, tuple) else (value,))
    if isinstance(number, int)
}


class Sort(enum.StrEnum):
    """What is wrong with a row."""

    DIFFERS = "differs"
    MISSING = "missing"
    EXTRA = "extra"


@dataclass(frozen=True)
class Difference:
    """One row: as the replay has it (None = not at all) and as the live state has it."""

    key: bytes
    expected: bytes | None
    found: bytes | None

    @property
    def sort(self) -> Sort:
        """Whether the live row differs, is missing, or should not be there."""
        if self.expected is None:
            return Sort.EXTRA
        return Sort.MISSING if self.found is None else Sort.DIFFERS


def differences(
    shard: Shard, expected: Mapping[bytes, bytes], found: Mapping[bytes, bytes]
) -> Iterator[Difference]:
    """Rows that differ, in the order of their keys.

    ``shard`` is the one that ``expected`` came from. A subject that has ended, and of which nothing was heard for
    the horizon, may be there or not: it goes at the next sweep, and its absence counts nothing. A pane that holds
    nothing is as good as none.
    """
    for key in sorted(expected.keys() | found.keys()):
        want, have = expected.get(key), found.get(key)
        if want == have or _mean_the_same(shard, key, want, have):
            continue
        yield Difference(key, want, have)


def _mean_the_same(shard: Shard, key: bytes, want: bytes | None, have: bytes | None) -> bool:
    if want is None or have is None:
        return _is_as_good_as_none(shard, key, want or have or b"")
    try:
        return bool(_contents(shard, key, want) == _contents(shard, key, have))
    except (msgspec.MsgspecError, ValueError, IndexError):
        return False  # a row that cannot be read is different from one that can


def _is_as_good_as_none(shard: Shard, key: bytes, value: bytes) -> bool:
    kind = key[:1]
    try:
        if kind in (changelog.PANE, changelog.LEVELS):
            return not any(changelog.unpack_counts(value).values())
        subjects = shard.kinds.by_prefix().get(kind)
        if subjects is None:
            return False
        row = subjects.kind.unpack(value)
        gone_us = subjects.kind.heard_us(row) + shard.policy.horizon_us
        return gone_us < shard.clock_us and subjects.kind.is_closed(row)
    except (msgspec.MsgspecError, ValueError):
        return False


def _contents(shard: Shard, key: bytes, value: bytes) -> Any:
    """What a row says, comparable whatever its bytes."""
    kind = key[:1]
    if kind in (changelog.PANE, changelog.LEVELS):
        return {at: n for at, n in changelog.unpack_counts(value).items() if n or kind == changelog.LEVELS}
    if kind == changelog.LABEL:
        return changelog.unpack_label(value)
    if kind == changelog.META:
        return changelog.unpack_meta(value)
    subjects = shard.kinds.by_prefix()[kind]
    return _fields_of(subjects.kind.unpack(value), lambda base: _fields_of(subjects.kind.unpack(base), None))


def _fields_of(row: Row, unpack_base: Any) -> dict[str, Any]:
    fields = msgspec.structs.asdict(row)
    fields["history"] = [(entry.time_us, entry.ident, entry.move, entry.seq) for entry in entries(row)]
    if unpack_base is not None:
        fields["base"] = unpack_base(row.base) if row.base else None
    return fields


class Reader:
    """Rows for people: names instead of numbers, times instead of microseconds."""

    def __init__(self, shard: Shard, labels: Mapping[bytes, bytes]) -> None:
        self._shard = shard
        self._kinds = shard.kinds.by_prefix()
        #: rows of the same state, of which those of labels are read
        self._labels = labels

    def key(self, key: bytes) -> str:
        """What a row is about."""
        kind = key[:1]
        try:
            if kind in self._kinds:
                name = self._kinds[kind].kind.name
                return f"{name} {key[1:].decode().replace(chr(0), ' slice ')}"
            if kind == changelog.PANE:
                ring, index = changelog.read_pane_key(key)
                width_us = _WIDTHS_US[ring]
                return f"pane of {width_us // MINUTE_US} min from {format_us(index * width_us)}"
            if kind == changelog.LABEL:
                return f"label {changelog.read_label_key(key)}"
        except Exception:
            return repr(key)
        return {changelog.LEVELS: "levels", changelog.META: "clock and start"}.get(key, repr(key))

    def difference(self, one: Difference) -> dict[str, Any]:
        """A difference as one JSON object; of rows on both sides only what differs."""
        want, have = self._read(one.key, one.expected), self._read(one.key, one.found)
        if isinstance(want, dict) and isinstance(have, dict):
            same = {name for name in want.keys() & have.keys() if want[name] == have[name]}
            want = {name: value for name, value in want.items() if name not in same}
            have = {name: value for name, value in have.items() if name not in same}
        return {"row": self.key(one.key), "what": one.sort.value, "expected": want, "found": have}

    def _read(self, key: bytes, value: bytes | None) -> Any:
        if value is None:
            return None
        kind = key[:1]
        try:
            contents = _contents(self._shard, key, value)
            if kind in (changelog.PANE, changelog.LEVELS):
                return {self._fact(at): n for at, n in sorted(contents.items())}
            if isinstance(contents, changelog.Meta):
                contents = msgspec.structs.asdict(contents)
            return _plain(contents)
        except Exception:
            return f"unreadable: {value[:64]!r}"

    def _fact(self, key: int) -> str:
        label, code, cell = key >> f.LABEL_SHIFT, key & f.CODE_MASK << f.CODE_SHIFT, key & f.CELL_MASK
        row = self._labels.get(changelog.label_key(label))
        known = self._shard.labels.values
        if row is not None:
            labels = " ".join(changelog.unpack_label(row))
        else:
            labels = " ".join(known[label]) if label < len(known) else f"label {label}"
        return f"{_CODE_NAMES.get(code, f'code {code >> f.CODE_SHIFT}')} [{labels}]" + (
            f" cell {cell}" if cell else ""
        )


def _plain(contents: Any, name: str = "") -> Any:
    """JSON's values; what is named as a time in microseconds becomes one."""
    if isinstance(contents, dict):
        return {str(key): _plain(value, str(key)) for key, value in contents.items()}
    if isinstance(contents, msgspec.Struct):
        return _plain(msgspec.structs.asdict(contents))
    if isinstance(contents, list | tuple):
        return [_plain(value) for value in contents]
    if isinstance(contents, bytes):
        return contents.hex()
    if isinstance(contents, int) and not isinstance(contents, bool) and name.endswith("_us") and contents > 0:
        return format_us(contents)
    return contents
