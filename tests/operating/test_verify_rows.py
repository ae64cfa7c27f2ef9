"""Replaying and comparing without a broker: what may differ, what must not, and records that fail."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from operated_desk import event, wire

from metrics_core import changelog
from metrics_core.policy import Policy
from metrics_core.records import FileRecord, Record
from metrics_core.shard import Shard
from metrics_core.times import DAY_US, format_us
from streams.engine.ports import SourcePartition
from streams.verify.differences import Reader, Sort, differences
from streams.verify.replayed import MOST_CULPRITS, Replayed, Unreplayable, replay

SOURCE = SourcePartition("desk", 0)
MOVES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("helpdesk.ticket.created", {"channel": "chat", "group": "a"}),
    ("helpdesk.ticket.message", {"actor": "agent"}),
    ("helpdesk.ticket.status_changed", {"to": "closed"}),
    ("helpdesk.agent.joined", {}),
    ("crm.lead.created", {}),
    ("crm.lead.won", {}),
    ("crm.customer.created", {}),
    ("crm.subscription.started", {"subscription": "s", "mrr": "10", "currency": "EUR"}),
    ("crm.subscription.cancelled", {"subscription": "s"}),
    ("crm.payment.received", {"amount": "5", "currency": "EUR"}),
    ("crm.spend.recorded", {"amount": "5", "currency": "EUR", "category": "sales"}),
)
#: longer than the horizon, so that what has ended retires on the way
DAYS = 300


def history(count: int, seed: int) -> list[Record]:
    """Events over many months; the clock leaps at times, and some come late."""
    chance = random.Random(seed)
    records: list[Record] = []
    time_us = 20_000 * DAY_US
    for number in range(count):
        time_us += chance.choice((0, 1, DAY_US, 3 * DAY_US)) * chance.randrange(2 * DAYS) // count * 3
        kind, fields = chance.choice(MOVES)
        late_us = chance.choice((0, 0, 0, DAY_US, 60 * DAY_US))
        one = event(f"e{number}", f"S-{chance.randrange(count // 4)}", time=format_us(time_us - late_us))
        records.append(FileRecord(wire({**one, "type": kind, "data": fields}), number))
    return records


class Log:
    """A source partition in memory that gives fetches of a fixed size."""

    def __init__(self, records: Sequence[Record], fetch: int = 70) -> None:
        self._records, self._fetch = records, fetch

    async def read(self, source: SourcePartition, start: int, end: int) -> AsyncIterator[Sequence[Record]]:
        for at in range(start, min(end, len(self._records)), self._fetch):
            yield self._records[at : min(at + self._fetch, end)]


def live_rows(records: Sequence[Record], seed: int) -> dict[bytes, bytes]:
    """Rows as a worker leaves them that applies batches, saves and begins anew as chance has it."""
    chance = random.Random(seed)
    rows: dict[bytes, bytes] = {}
    shard = Shard(Policy())
    shard.finish_load()
    at = 0
    while at < len(records):
        size = chance.randrange(1, 90)
        shard.apply(records[at : at + size])
        at += size
        if chance.random() < 0.3:
            save(shard, rows)
            if chance.random() < 0.2:
                shard = Shard(Policy())
                for key, value in rows.items():
                    shard.load(key, value)
                shard.finish_load()
    save(shard, rows)
    return rows


def save(shard: Shard, rows: dict[bytes, bytes]) -> None:
    for key, value in shard.drain():
        if value is None:
            rows.pop(key, None)
        else:
            rows[key] = value


def replayed(records: Sequence[Record], new_shard: Any = lambda: Shard(Policy())) -> Replayed:
    return asyncio.run(replay(Log(records), SOURCE, 0, len(records), new_shard))


@pytest.mark.parametrize("seed", range(12))
def test_batches_checkpoints_and_restarts_make_no_difference(seed: int) -> None:
    records = history(600, seed)
    done = replayed(records)
    found = live_rows(records, seed)
    assert [Reader(done.shard, found).difference(one) for one in differences(done.shard, done.rows, found)] == []
    assert done.records == 600


def test_what_retires_is_told_from_what_is_missing() -> None:
    """Of a ticket that ended long ago the row may be gone; of one that is open it may not."""
    day = [format_us(20_000 * DAY_US), format_us(20_200 * DAY_US)]
    closed = {**event("e2", "old", time=day[0]), "type": "helpdesk.ticket.status_changed", "data": {"to": "closed"}}
    events = [
        event("e1", "old", time=day[0]),
        closed,
        event("e3", "open", time=day[0]),
        event("e4", "new", time=day[1]),
    ]
    done = replayed([FileRecord(wire(one), at) for at, one in enumerate(events)])
    before = replayed([FileRecord(wire(one), at) for at, one in enumerate(events[:2])])
    done.rows[b"told"] = before.rows[b"told"]
    without_old = {key: value for key, value in done.rows.items() if key != b"told"}
    assert list(differences(done.shard, done.rows, without_old)) == []
    without_open = {key: value for key, value in done.rows.items() if key != b"topen"}
    assert [(one.key, one.sort) for one in differences(done.shard, done.rows, without_open)] == [
        (b"topen", Sort.MISSING)
    ]


def test_a_count_that_is_off_by_one_is_found_and_named() -> None:
    done = replayed(history(200, 3))
    key, value = next((key, value) for key, value in done.rows.items() if key[:1] == changelog.PANE)
    counts = changelog.unpack_counts(value)
    at = min(counts)
    found = {**done.rows, key: changelog.pack_counts({**counts, at: counts[at] + 1})}
    (one,) = differences(done.shard, done.rows, found)
    read = Reader(done.shard, found).difference(one)
    assert read["what"] == "differs"
    assert read["row"].startswith("pane of ")
    assert list(read["expected"].values()) == [counts[at]]
    assert list(read["found"].values()) == [counts[at] + 1]
    assert read["expected"].keys() == read["found"].keys()


def test_a_row_that_cannot_be_read_is_a_difference() -> None:
    done = replayed(history(100, 4))
    key = next(key for key in done.rows if key[:1] == changelog.TICKET)
    (one,) = differences(done.shard, done.rows, {**done.rows, key: b"\xc1"})
    assert Reader(done.shard, done.rows).difference(one)["found"] == "unreadable: b'\\xc1'"


def test_the_bytes_of_a_row_do_not_matter_but_what_it_says() -> None:
    done = replayed(history(300, 5))
    key, value = next((key, value) for key, value in done.rows.items() if key[:1] == changelog.PANE)
    counts = changelog.unpack_counts(value)
    other = changelog.pack_counts({**dict(reversed(counts.items())), 1 << 40: 0})
    assert other != value
    assert list(differences(done.shard, done.rows, {**done.rows, key: other})) == []


class Fragile(Shard):
    """A shard that fails on some records, having touched its state."""

    fails_at: frozenset[int] = frozenset()

    def apply(self, records: Sequence[Record]) -> None:
        super().apply(records)
        if any(record.offset in self.fails_at for record in records):
            raise RuntimeError("a bug")


def fragile(*offsets: int) -> Any:
    return type("FragileHere", (Fragile,), {"fails_at": frozenset(offsets)})


def test_records_that_make_the_core_fail_are_left_out_as_a_worker_rejects_them() -> None:
    records = history(400, 6)
    done = replayed(records, lambda: fragile(17, 18, 333)(Policy()))
    assert done.culprits == [17, 18, 333]
    without = [record for record in records if record.offset not in (17, 18, 333)]
    assert done.rows == asyncio.run(replay(Log(without), SOURCE, 0, 400, lambda: Shard(Policy()))).rows
    assert done.records == 397


def test_a_version_that_fails_on_much_says_that_it_cannot_verify() -> None:
    fails = fragile(*range(MOST_CULPRITS + 1))
    with pytest.raises(Unreplayable, match="verify with the version"):
        replayed(history(60, 7), lambda: fails(Policy()))
