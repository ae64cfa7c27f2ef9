"""Logs with transactions: what a broker promises about partitions, and nothing of how it does it."""

from __future__ import annotations

import enum
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

Headers = tuple[tuple[str, bytes], ...]


class TxnState(enum.Enum):
    OPEN = "open"
    #: decided, and the markers are on their way
    COMMITTING = "committing"
    ABORTING = "aborting"
    COMMITTED = "committed"
    ABORTED = "aborted"


class Txn:
    """A transaction over any number of logs."""

    def __init__(self) -> None:
        self.state = TxnState.OPEN
        #: the logs it wrote to, with its first offset there
        self.logs: dict[Log, int] = {}

    @property
    def ended(self) -> bool:
        return self.state in (TxnState.COMMITTED, TxnState.ABORTED)


class Entry:
    """A record, or the marker of a transaction's end; has the shape of the engine's Record and Row."""

    __slots__ = ("headers", "key", "marker", "offset", "timestamp", "txn", "value")

    def __init__(
        self,
        offset: int,
        key: bytes | None,
        value: bytes | None,
        timestamp: int,
        headers: Headers,
        txn: Txn | None,
        marker: bool,
    ) -> None:
        self.offset = offset
        self.key = key
        self.value = value
        self.timestamp = timestamp
        self.headers = headers
        self.txn = txn
        self.marker = marker

    @property
    def committed(self) -> bool:
        return not self.marker and (self.txn is None or self.txn.state is TxnState.COMMITTED)


class Log:
    """One partition. ``start`` rises with retention; what lies below stays for the oracle's eyes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.start = 0
        self.end = 0
        self.entries: list[Entry] = []
        self._open: dict[Txn, int] = {}

    @property
    def lso(self) -> int:
        """The last stable offset: nothing from here on may be read committed."""
        return min(self._open.values(), default=self.end)

    def append(
        self,
        key: bytes | None,
        value: bytes | None,
        *,
        timestamp: int = -1,
        headers: Headers = (),
        txn: Txn | None = None,
        skip: int = 0,
    ) -> None:
        """Add a record; ``skip`` leaves a hole in the offsets before it."""
        self.end += skip
        if txn is not None and self not in txn.logs:
            txn.logs[self] = self._open[txn] = self.end
        self.entries.append(Entry(self.end, key, value, timestamp, headers, txn, False))
        self.end += 1

    def close(self, txn: Txn) -> None:
        """Write the marker of a transaction that ended."""
        self._open.pop(txn)
        self.entries.append(Entry(self.end, None, None, -1, (), txn, True))
        self.end += 1

    def open_transactions(self) -> list[Txn]:
        """Those that have not ended here."""
        return list(self._open)

    def read(self, offset: int, limit: int, *, committed: bool = True) -> tuple[list[Entry], int]:
        """At most ``limit`` entries from ``offset`` on: the records among them, and the offset to go on at."""
        until = self.lso if committed else self.end
        found: list[Entry] = []
        for entry in self.entries[self._index(offset) :]:
            if entry.offset >= until or limit == 0:
                until = min(until, entry.offset)
                break
            limit -= 1
            if entry.committed if committed else not entry.marker:
                found.append(entry)
        return found, max(offset, until)

    def between(self, offset: int, end: int) -> list[Entry]:
        """The committed records of [offset, end), retention or not."""
        return [e for e in self.entries[self._index(offset) : self._index(end)] if e.committed]

    def compact(self, *, tombstones: bool) -> int:
        """Keep the newest record of each key below the last stable offset; the number of those that go."""
        stable = self.lso
        newest = {e.key: e.offset for e in self.entries if e.committed and e.offset < stable}
        kept = [
            e
            for e in self.entries
            if e.offset >= stable
            or (e.committed and newest[e.key] == e.offset and (e.value is not None or not tombstones))
        ]
        gone = len(self.entries) - len(kept)
        self.entries = kept
        return gone

    def cut(self, end: int) -> None:
        """Lose everything from ``end`` on, as an unclean election does."""
        del self.entries[self._index(end) :]
        self.end = end
        self._open.clear()

    def _index(self, offset: int) -> int:
        return bisect_left(self.entries, offset, key=attrgetter("offset"))


class FencedError(Exception):
    """A newer producer has this transactional id."""


class ConcurrentError(Exception):
    """The transaction before has not ended yet; the client tries again by itself."""


@dataclass
class TransactionalId:
    epoch: int = 0
    txn: Txn | None = None
    #: counts transactions, so that a timeout meets its own only
    number: int = 0


@dataclass
class Coordinator:
    """Transactional ids and the ends of their transactions. ``later`` runs something in a while."""

    later: Callable[[float, Callable[[], None]], Any]
    marker_delay_s: Callable[[], float]
    on_commit: Callable[[str, Txn], None]
    timeout_s: float
    ids: dict[str, TransactionalId] = field(default_factory=dict)
    #: what the runs have met
    seen: dict[str, int] = field(default_factory=dict)

    def init(self, name: str) -> int:
        """InitProducerId: fence the producer before, settle its transaction, then the new epoch."""
        one = self.ids.setdefault(name, TransactionalId())
        txn = one.txn
        if txn is not None and not txn.ended:
            if txn.state is TxnState.OPEN:
                one.epoch += 1
                self._end(name, txn, commit=False)
                self._count("init aborted a transaction")
            raise ConcurrentError
        one.epoch += 1
        return one.epoch

    def produce(self, name: str, epoch: int, log: Log, rows: Sequence[tuple[Any, Any, Headers]]) -> None:
        """Add records to the producer's transaction, opening it where there is none."""
        one = self._checked(name, epoch)
        if one.txn is None or one.txn.ended:
            one.txn = Txn()
            one.number += 1
            number = one.number
            self.later(self.timeout_s, lambda: self._expire(name, number))
        elif one.txn.state is not TxnState.OPEN:
            raise ConcurrentError
        for key, value, headers in rows:
            log.append(key, value, headers=headers, txn=one.txn)

    def end(self, name: str, epoch: int, *, commit: bool) -> None:
        """EndTxn: decided when this returns; the markers follow."""
        one = self._checked(name, epoch)
        if one.txn is None or one.txn.state is not TxnState.OPEN:
            raise FencedError(f"{name}: no transaction is open")
        self._end(name, one.txn, commit=commit)

    def _checked(self, name: str, epoch: int) -> TransactionalId:
        one = self.ids[name]
        if one.epoch != epoch:
            self._count("a producer was fenced")
            raise FencedError(f"{name}: epoch {epoch}, not {one.epoch}")
        return one

    def _expire(self, name: str, number: int) -> None:
        one = self.ids[name]
        if one.number == number and one.txn is not None and one.txn.state is TxnState.OPEN:
            one.epoch += 1
            self._end(name, one.txn, commit=False)
            self._count("a transaction timed out")

    def _end(self, name: str, txn: Txn, *, commit: bool) -> None:
        txn.state = TxnState.COMMITTING if commit else TxnState.ABORTING
        self.later(self.marker_delay_s(), lambda: self._mark(name, txn))

    def _mark(self, name: str, txn: Txn) -> None:
        committed = txn.state is TxnState.COMMITTING
        txn.state = TxnState.COMMITTED if committed else TxnState.ABORTED
        for log in txn.logs:
            log.close(txn)
        if committed:
            self.on_commit(name, txn)

    def _count(self, what: str) -> None:
        self.seen[what] = self.seen.get(what, 0) + 1
