"""Two shards, one with the lane and one without, are told the same: what they keep, show and refuse is the same."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.workload import START_US
from metrics_core import changelog
from metrics_core.partitioner import partition_for
from metrics_core.policy import Policy
from metrics_core.records import FileRecord, Record
from metrics_core.shard import Shard
from metrics_core.times import DAY_US, HOUR_US
from streams.simulate import Traffic
from tests.properties.event_logs import Event, as_records, logs

PARTITIONS = 2
OFFICE = {"zone": "Europe/Berlin", "hours": {day: ["08:00-18:00"] for day in ("mon", "tue", "wed", "thu", "fri")}}
PROMISES = [
    {"name": "all", "first_response_s": 3600, "next_reply_s": 1800, "resolution_s": 86400, "calendar": "office"}
]
POLICIES: dict[str, dict[str, Any]] = {
    "as it comes": {},
    "no promises": {"versions": [{"sla": []}]},
    "office hours and every promise": {
        "versions": [{"calendars": {"office": OFFICE}, "hours": [{"calendar": "office"}], "sla": PROMISES}]
    },
    "marks of complaints": {"versions": [{"complaints": {"tags": ["angry", "refund"], "categories": ["returns"]}}]},
    "agents by name": {"roster": ["sim/agent/1", "sim/agent/2", "ann"], "gauge_labels": ["group", "agent"]},
    "short histories": {"history_events": 8, "horizon_days": 61},
    "another preset": {"versions": [{"preset": "zendesk"}]},
    "a change of preset": {
        "versions": [{}, {"version": 2, "effective_from": "2026-01-12T00:00:00Z", "preset": "intercom"}]
    },
}


@pytest.fixture(autouse=True, scope="module")
def built(compiled: Callable[[str], ModuleType]) -> None:
    compiled("metrics_core.native.lane")


class Pair:
    """A shard with the lane, its records as a worker gives them, and one without."""

    def __init__(self, policy: Policy, partition: int | None = None, **options: Any) -> None:
        if partition is not None:
            options |= {"topic": "helpdesk", "kind": "helpdesk", "partition": partition, "partitions": PARTITIONS}
        self._make = lambda native: Shard(policy, native=native, **options)
        self.compiled, self.pure = self._make(True), self._make(False)
        self.taken: Counter[str] = Counter()

    def apply(self, records: Sequence[Record]) -> None:
        from metrics_core.native.records import RecordBlock

        lane = self.compiled._intake.lane
        assert lane is not None
        assert self.pure._intake.lane is None
        self.pure.apply(records)
        self.compiled.apply(RecordBlock(records))

    def compare(self, time_us: int) -> None:
        ours, definition = self.compiled, self.pure
        assert ours.take_rejects() == definition.take_rejects()
        assert vars(ours.counters) == vars(definition.counters)
        assert (ours.clock_us, ours.start_us) == (definition.clock_us, definition.start_us)
        assert shown(ours, time_us) == shown(definition, time_us)
        assert dict(saved(ours)) == dict(saved(definition))

    def reload(self) -> None:
        """Go on from what is saved, as after a restart."""
        for name in ("compiled", "pure"):
            old, new = getattr(self, name), self._make(name == "compiled")
            new.counters = old.counters
            for subjects in old._kinds.values():
                for subject, packed in subjects.rest.items():
                    new.load(subjects.kind.prefix + subject.encode(), packed)
            for label, values in enumerate(old.labels.values):
                new.load(changelog.label_key(label), changelog.pack(values))
            new.load(changelog.META, changelog.pack(old._meta))
            new.finish_load()
            setattr(self, name, new)


def saved(shard: Shard) -> Iterator[tuple[bytes, Any]]:
    """Rows of the changelog; a pane's counts stand in no order."""
    for key, value in shard.drain():
        yield key, changelog.unpack_counts(value) if value and key[:1] == changelog.PANE else value


def shown(shard: Shard, time_us: int) -> dict[str, Any]:
    frozen = shard.freeze(time_us)
    return {field.name: getattr(frozen, field.name) for field in fields(frozen) if field.name != "crm"}


def traffic(seed: int, days: int, *, crm: bool = False) -> list[FileRecord]:
    """Simulated records in the order of their arrival: late ones, repeats and broken ones among them."""
    made = Traffic(seed, START_US, 60.0, crm=crm).until(START_US + days * DAY_US)
    return [
        FileRecord(event.value, offset, key=event.key, timestamp=event.arrival_us // 1000)
        for offset, event in enumerate(made)
    ]


def chunks(records: Sequence[Record], chance: random.Random) -> Iterator[Sequence[Record]]:
    at = 0
    while at < len(records):
        size = chance.choice((1, 3, 50, 400))
        yield records[at : at + size]
        at += size


@pytest.mark.parametrize("name", POLICIES)
def test_simulated_traffic_is_counted_alike(name: str) -> None:
    policy, chance = Policy.parse(POLICIES[name]), random.Random(5)
    pairs = [Pair(policy, partition) for partition in range(PARTITIONS)]
    records = traffic(3, 21)
    for some in chunks(records, chance):
        for partition, pair in enumerate(pairs):
            own = [record for record in some if partition_for(record.key or b"", PARTITIONS) == partition]
            pair.apply(own)
            if chance.random() < 0.05:
                pair.compare(pair.pure.clock_us + chance.choice((1, HOUR_US)))
            if chance.random() < 0.02:
                pair.compare(pair.pure.clock_us + 1)
                pair.reload()
    for pair in pairs:
        pair.compare(pair.pure.clock_us + 1)


def test_records_on_the_wrong_partition_or_with_a_wrong_key_are_refused_alike() -> None:
    pair, chance = Pair(Policy(), 0), random.Random(6)
    records = traffic(4, 3)
    for record in records:
        if chance.random() < 0.2:
            record.key = chance.choice((None, b"", b"other", record.key))
        if chance.random() < 0.2:
            record.timestamp = chance.choice((-1, 0, record.timestamp - 700_000, record.timestamp - 5_000))
        if chance.random() < 0.1:
            record.headers = (("trace", b"1"),)
        if chance.random() < 0.05:
            record.value = None
    pair.apply(records)
    pair.compare(pair.pure.clock_us + 1)
    assert pair.pure.counters.rejected["wrong_partition"] > 0
    assert pair.pure.counters.rejected["wrong_key"] > 0


def test_broken_bytes_are_refused_alike() -> None:
    pair, chance = Pair(Policy(tenant="us")), random.Random(7)
    records = traffic(5, 10)
    for record in records:
        assert record.value is not None
        if chance.random() < 0.3:
            broken = bytearray(record.value)
            for _ in range(chance.choice((1, 1, 2, 5))):
                at = chance.randrange(len(broken))
                broken[at : at + chance.choice((0, 1, 1, 4))] = chance.choice(
                    (b"", b"0", b'"', b"\\", b"{", b"\xff", b" ", b",", b"9")
                )
            record.value = bytes(broken)
    pair.apply(records)
    pair.compare(pair.pure.clock_us + 1)
    assert sum(pair.pure.counters.rejected.values()) > 100


def test_a_moment_to_stop_at_and_the_events_of_all_topics_in_one_shard() -> None:
    pair = Pair(Policy(), until_us=START_US + 5 * DAY_US, retire=False, fine=True, since_beginning=True)
    pair.apply(traffic(6, 8, crm=True))
    pair.compare(START_US + 5 * DAY_US)


def test_the_lane_takes_nearly_all_of_it() -> None:
    pair, records = Pair(Policy()), traffic(8, 10)
    lane = pair.compiled._intake.lane
    assert lane is not None
    at = taken = 0
    lane.start_us = START_US * 2
    while (end := lane.run(records, at)) < len(records):
        taken += end - at
        pair.compiled._intake._take_any([records[end]], [])
        at = end + 1
    assert taken > 0.7 * len(records)


@given(log=logs(), name=st.sampled_from(sorted(POLICIES)), cuts=st.lists(st.integers(1, 20), max_size=3))
def test_any_log_is_counted_alike(log: list[Event], name: str, cuts: list[int]) -> None:
    pair, records = Pair(Policy.parse(POLICIES[name])), as_records(log)
    for some in (records[a:b] for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), None], strict=True)):
        pair.apply(some)
        pair.compare(pair.pure.clock_us + 1)
