"""Shards for the simulation: a small stand-in whose state tells any loss, repeat or change of order, and what feeds
it; and the core's own shard with a few tickets.

A Kind brings both together, so that a run does not care which of them it has.
"""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metrics_core import changelog as core_changelog
from metrics_core.partitioner import partition_for
from metrics_core.policy import Policy
from metrics_core.rejects import Reject
from metrics_core.shard import Shard
from metrics_core.times import DAY_US, MINUTE_US, format_us
from streams.engine.ports import Row, ShardState, SourcePartition

BASE_US = 1_772_409_600_000_000  # 2026-03-02T00:00:00Z
#: makes the core raise, always or only when the dice say so
POISON, FLAKY = b"poison", b"flaky"
CHAIN_KEY = b"chain"


class ChainShard:
    """By key: a chain over its values; and one chain over everything that was applied, in order."""

    def __init__(self, dice: Callable[[], float]) -> None:
        self.chains: dict[bytes, int] = {}
        self.chain = 0
        self.clock_us = 0
        self.rejects_bytes = 0
        self._dice = dice
        self._dirty: dict[bytes, None] = {}
        self._rejects: list[Reject] = []

    @property
    def dirty_rows(self) -> int:
        return len(self._dirty)

    def apply(self, records: Sequence[Any]) -> None:
        for record in records:
            key, value = record.key, record.value
            self.clock_us += 1
            self.chain = zlib.crc32(b"%d" % record.offset, self.chain)
            self._dirty[CHAIN_KEY] = None
            if value == POISON or (value == FLAKY and self._dice() < 0.5):
                raise RuntimeError("a bug in the core")
            if value == b"bad":
                self._rejects.append(Reject("invalid_value", "bad", record.offset, key, value, -1))
            elif value == b"close":
                self.chains.pop(key, None)
                self._dirty[key] = None
            else:
                self.chains[key] = zlib.crc32(value, self.chains.get(key, 0))
                self._dirty[key] = None

    def take_rejects(self) -> list[Reject]:
        rejects, self._rejects = self._rejects, []
        return rejects

    def drain(self) -> Iterator[tuple[bytes, bytes | None]]:
        for key in self._dirty:
            if key == CHAIN_KEY:
                yield key, b"%d %d" % (self.clock_us, self.chain)
            else:
                chain = self.chains.get(key)
                yield key, None if chain is None else b"%d" % chain
        self._dirty.clear()

    def load_all(self, rows: Iterable[Row]) -> None:
        for row in rows:
            assert row.key is not None
            if row.key == CHAIN_KEY:
                assert row.value is not None
                self.clock_us, self.chain = map(int, row.value.split())
            elif row.value is None:
                self.chains.pop(row.key, None)
            else:
                self.chains[row.key] = int(row.value)

    def index_loaded(self) -> Iterator[None]:
        yield

    def finish_load(self) -> None:
        """Nothing to build."""

    def prepare(self, time_us: int) -> Iterator[None]:
        yield

    def freeze(self, time_us: int) -> Any:
        return self.clock_us, self.chain, dict(self.chains)


Rows = dict[bytes, Any]
Record = tuple[bytes, bytes]


@dataclass(frozen=True)
class Kind:
    """Which shard a run uses, and what its sources hold."""

    name: str
    new_shard: Callable[[SourcePartition, int], ShardState]
    #: the same for the oracle: what may fail does not
    new_oracle: Callable[[SourcePartition, int], ShardState]
    #: the next record for a partition
    record: Callable[[int], Record]
    #: rows in a form in which equal means equal
    comparable: Callable[[Mapping[bytes, bytes]], Rows]
    #: whether it is quick enough to be compared at every commit
    quick: bool


def stand_in(rng: random.Random, *, keys: int, poison: float, bad: float) -> Kind:
    """The chain shard with ``keys`` keys a partition and shares of records that raise or cannot be used."""

    def record(partition: int) -> Record:
        dice = rng.random()
        key = b"k%d" % rng.randrange(keys)
        if dice < poison:
            return key, rng.choice((POISON, FLAKY))
        if dice < poison + bad:
            return key, b"bad"
        return key, b"close" if rng.random() < 0.15 else b"%d" % rng.randrange(1000)

    def new_shard(source: SourcePartition, partitions: int) -> ShardState:
        return ChainShard(rng.random)

    def new_oracle(source: SourcePartition, partitions: int) -> ShardState:
        return ChainShard(lambda: 1.0)

    return Kind("stand-in", new_shard, new_oracle, record, dict, True)


TYPES = (
    *("created", "created", "message", "message", "message", "status_changed", "status_changed", "status_changed"),
    *("updated", "escalated", "merged", "deleted", "restored", "rated"),
)
STATUSES = ("new", "open", "pending", "on_hold", "resolved", "closed")
#: a few rows that come and go: closed tickets are retired after two days, histories are folded after eight events
POLICY = Policy(horizon_days=2, history_events=8)


class Desk:
    """Ticket events in no good order: repeats, late ones, some that cannot be used."""

    def __init__(self, rng: random.Random, partitions: int, tickets: int) -> None:
        self._rng = rng
        self._now_us = BASE_US
        self._sent = 0
        self._before: list[tuple[int, Record]] = []
        self._subjects: dict[int, list[str]] = {partition: [] for partition in range(partitions)}
        number = 0
        while any(len(subjects) < tickets for subjects in self._subjects.values()):
            subject = f"desk/{number}"
            self._subjects[partition_for(subject.encode(), partitions)].append(subject)
            number += 1

    def record(self, partition: int) -> Record:
        rng = self._rng
        dice = rng.random()
        if dice < 0.06 and self._before:
            owner, again = rng.choice(self._before)
            if owner == partition or dice < 0.003:
                return again
        self._now_us += rng.choice((0, 1000, MINUTE_US, 30 * MINUTE_US, DAY_US // 4))
        self._sent += 1
        subject = rng.choice(self._subjects[partition])
        late_us = rng.choice((0, 0, 0, 0, MINUTE_US, DAY_US, 3 * DAY_US))
        kind = rng.choice(TYPES)
        event = {
            "specversion": "1.0",
            "id": str(self._sent),
            "source": "desk",
            "type": f"helpdesk.ticket.{kind}",
            "subject": subject,
            "time": format_us(self._now_us - late_us),
            "data": self._fields(kind),
        }
        value = json.dumps(event).encode()
        if dice > 0.97:
            value = value[: len(value) // 2]
        made = subject.encode(), value
        self._before = [*self._before[-20:], (partition, made)]
        return made

    def _fields(self, kind: str) -> dict[str, Any]:
        rng = self._rng
        if kind == "message":
            return {"actor": rng.choice(("customer", "agent", "bot"))}
        if kind == "status_changed":
            return {"to": rng.choice(STATUSES)}
        if kind == "created":
            return {"channel": rng.choice(("email", "chat")), "actor": "customer"}
        if kind == "updated":
            return {"group": rng.choice(("a", "b", None)), "assignee": rng.choice(("ann", None))}
        return {"score": 4, "scale": 5} if kind == "rated" else {}


def real(rng: random.Random, *, topic: str, partitions: int, tickets: int) -> Kind:
    """The core's shard, fed by a Desk of so many tickets a partition; the oracle counts in the pure form."""

    def shard(partition: int, partitions: int, *, native: bool) -> ShardState:
        return Shard(
            POLICY, topic=topic, kind="helpdesk", partition=partition, partitions=partitions, native=native
        )

    def new_shard(source: SourcePartition, partitions: int) -> ShardState:
        return shard(source.partition, partitions, native=True)

    def new_oracle(source: SourcePartition, partitions: int) -> ShardState:
        return shard(source.partition, partitions, native=False)

    return Kind("core", new_shard, new_oracle, Desk(rng, partitions, tickets).record, _as_loaded, False)


def _as_loaded(rows: Mapping[bytes, bytes]) -> Rows:
    """Panes and levels as counts, in which the order of keys has no meaning; without tickets whose time is over:
    when they are swept away depends on when rows are settled, what they count does not."""
    shard = Shard(POLICY)
    for key, value in rows.items():
        shard.load(key, value)
    shard.finish_load()
    shard.tickets.sweep(shard.clock_us // DAY_US)
    counts, tickets = (core_changelog.PANE, core_changelog.LEVELS), shard.tickets.rest
    return {
        key: core_changelog.unpack_counts(value) if key[:1] in counts else value
        for key, value in rows.items()
        if key[:1] != core_changelog.TICKET or key[1:].decode() in tickets
    }
