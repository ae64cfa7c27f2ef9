"""Bytes nobody meant: whatever arrives, nothing is raised, everything is accounted for, good events count."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics_core.build import build
from metrics_core.events import DATA_OF_TYPE
from metrics_core.policy import Policy
from metrics_core.records import FileRecord
from metrics_core.shard import Shard
from metrics_core.times import format_us, parse_rfc3339

START_US = parse_rfc3339("2026-03-02T00:00:00Z")
MINUTE_US = 60_000_000
#: of every record: events that a flipped bit throws far ahead are refused, and do not retire what is good
RECORD_TIME_MS = START_US // 1000 + 3 * 3_600_000
RECORDS = 20_000
SEED = int(os.environ.get("DESKPULSE_FUZZ_SEED", "1"))

#: every field that some event has, so that a swap may put any of them anywhere
VALID_DATA: dict[str, Any] = {
    "actor": "agent", "public": True, "to": "resolved", "score": 4, "scale": 5, "survey": "csat",
    "status": "open", "subscription": "s", "mrr": "10.00", "amount": "12.50", "currency": "EUR",
    "category": "sales", "kind": "operating", "channel": "chat", "group": "a", "priority": "low",
    "created_at": "2026-01-01T00:00:00Z",
    "reopens": 1, "tags": ["x"], "level": 2, "effective_at": "2026-01-01T00:00:00Z", "origin": "organic",
}  # fmt: skip
ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**53, 2**63, 2**64, 10**40, 0.1, 1e308, "", "x" * 600, "\0", "ß", [], {}, [[]],
    {"a": 1}, "0001-01-01T00:00:00Z", "9999-12-31T23:59:60Z", "1970-01-01T00:00:00Z", "-5", "1e9", "NaN",
    "٣", "9" * 400, "9" * 60, "9" * 19, "9" * 15, "0." + "0" * 40 + "1", "-0", "NaN", "Infinity", "1_0", " 1", "+1",
)  # fmt: skip


def account(shard: Shard) -> int:
    """Records that the shard has a word for."""
    counters = shard.counters
    return sum(counters.processed.values()) + sum(counters.rejected.values()) + counters.tombstones


def exercise(shard: Shard) -> None:
    """All that happens to a shard after a batch: it is looked at, saved, and loaded again."""
    rows = list(shard.drain())
    build([shard.freeze(START_US + MINUTE_US)], Policy())
    again = Shard(Policy())
    for key, value in rows:
        again.load(key, value)
    again.finish_load()


def valid_event(chance: random.Random, number: int) -> dict[str, Any]:
    event_type = chance.choice(list(DATA_OF_TYPE))
    names = DATA_OF_TYPE[event_type].__struct_fields__
    return {
        "specversion": "1.0",
        "id": f"noise-{number}",
        "source": "noise",
        "type": event_type,
        "subject": f"noise/{chance.randrange(50)}",
        "time": format_us(START_US + chance.randrange(10**10)),
        "data": {name: VALID_DATA[name] for name in names if name in VALID_DATA},
    }


def spoilt(chance: random.Random, number: int) -> bytes:
    """A valid event with one thing wrong, or plain noise."""
    event = valid_event(chance, number)
    how = chance.randrange(6)
    if how == 0:
        return chance.randbytes(chance.randrange(200))
    if how == 1:  # another value for a field, in the envelope or in the data
        where = chance.choice([event, event["data"]]) or event
        where[chance.choice(list(where))] = chance.choice(ODD_VALUES)
    elif how == 2:  # two values change places
        one, other = chance.sample(list(event), 2)
        event[one], event[other] = event[other], event[one]
    elif how == 3:
        where = chance.choice([event, event["data"]]) or event
        del where[chance.choice(list(where))]
    text = bytearray(json.dumps(event, ensure_ascii=chance.random() < 0.5).encode())
    if how == 4:
        return bytes(text[: chance.randrange(len(text))])
    if how == 5:
        for _ in range(chance.randrange(1, 4)):
            text[chance.randrange(len(text))] ^= 1 << chance.randrange(8)
    return bytes(text)


def good_event(number: int) -> bytes:
    """A little life of some tickets, one event at a time."""
    kind, fields = (
        ("created", {"channel": "chat", "group": "a"}),
        ("message", {"actor": "agent"}),
        ("status_changed", {"to": "resolved"}),
        ("status_changed", {"to": "open"}),
    )[number % 4]
    event = {
        "specversion": "1.0",
        "id": f"good-{number}",
        "source": "good",
        "type": f"helpdesk.ticket.{kind}",
        "subject": f"good/{number // 4}",
        "time": format_us(START_US + number * 1_000_000),
        "data": fields,
    }
    return json.dumps(event).encode()


def rows_of_good(shard: Shard) -> dict[str, Any]:
    return {
        subject: shard.ticket(subject) for subject in map("good/{}".format, range(RECORDS)) if shard.ticket(subject)
    }


def test_spoilt_events_are_all_accounted_for_and_good_ones_among_them_stand_as_if_alone() -> None:
    """DESKPULSE_FUZZ_SEED repeats another run."""
    chance = random.Random(SEED)
    mixed, alone = Shard(Policy()), Shard(Policy())
    records: list[FileRecord] = []
    goods: list[FileRecord] = []
    for offset in range(RECORDS):
        if offset % 4 == 3:
            goods.append(FileRecord(good_event(len(goods)), offset, timestamp=RECORD_TIME_MS))
            records.append(goods[-1])
        else:
            records.append(FileRecord(spoilt(chance, offset), offset, timestamp=RECORD_TIME_MS))
    applied = 0
    while applied < RECORDS:
        batch = records[applied : applied + chance.randrange(1, 400)]
        mixed.apply(batch)
        applied += len(batch)
        assert account(mixed) == applied, f"DESKPULSE_FUZZ_SEED={SEED}"
        if chance.random() < 0.1:
            exercise(mixed)
            mixed.take_rejects()
    alone.apply(goods)
    assert account(alone) == len(goods)
    assert rows_of_good(mixed) == rows_of_good(alone)
    assert mixed.counters.rejected, "the noise was no noise"


def test_records_that_are_all_rejected_leave_the_state_of_the_good_ones_byte_by_byte() -> None:
    chance = random.Random(SEED)
    refused = []
    for number in range(3000):
        record = FileRecord(spoilt(chance, number), number)
        probe = Shard(Policy())
        probe.apply([record])
        if probe.take_rejects():
            refused.append(record)
    goods = [FileRecord(good_event(number), number) for number in range(len(refused))]
    mixed, alone = Shard(Policy()), Shard(Policy())
    mixed.apply([record for pair in zip(refused, goods, strict=True) for record in pair])
    alone.apply(goods)
    assert len(refused) > 1000
    assert dict(mixed.counters.processed) == dict(alone.counters.processed)
    assert list(mixed.drain()) == list(alone.drain())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@st.composite
def odd_events(draw: st.DrawFn) -> bytes:
    """An event of a known type whose fields hold any JSON at all."""
    event_type = draw(st.sampled_from(list(DATA_OF_TYPE)))
    names = DATA_OF_TYPE[event_type].__struct_fields__
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": "i",
        "source": "s",
        "type": event_type,
        "subject": "x",
        "time": "2026-03-02T00:00:00Z",
        "data": {
            name: draw(json_values | st.just(VALID_DATA.get(name)))
            for name in names
            if draw(st.booleans()) or name in VALID_DATA
        },
    }
    for name in draw(st.sets(st.sampled_from([*event, "sequence", "tenant"]), max_size=2)):
        event[name] = draw(json_values)
    return json.dumps(event).encode()


headers = st.lists(
    st.tuples(
        st.sampled_from(["ce_id", "ce_type", "ce_specversion", "ce_time", "ce_data", "content-type", "ce_"]),
        st.none() | st.binary(max_size=12) | st.just(b"1.0"),
    ),
    max_size=5,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=st.lists(st.none() | st.binary(max_size=60) | odd_events(), max_size=6), given_headers=headers)
def test_any_bytes_and_any_headers_are_accounted_for(
    values: Sequence[bytes | None], given_headers: list[tuple[str, bytes | None]]
) -> None:
    shard = Shard(Policy())
    shard.apply([FileRecord(value, number, headers=tuple(given_headers)) for number, value in enumerate(values)])
    assert account(shard) == len(values)
    exercise(shard)


@pytest.mark.parametrize("kind", ["helpdesk", "crm"])
def test_a_topic_of_nothing_but_noise_leaves_an_empty_shard_that_can_be_read(kind: Any) -> None:
    chance = random.Random(SEED)
    shard = Shard(Policy(), topic="noise", kind=kind, partition=0, partitions=1)
    shard.apply([FileRecord(chance.randbytes(50), offset, b"k", 0) for offset in range(1000)])
    assert account(shard) == 1000
    assert shard.clock_us == 0
    exercise(shard)
