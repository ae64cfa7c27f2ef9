"""The verdict of the fault tests: what the workers left behind, through whatever was done to them, is exact.

It reads the sources and the changelogs back. Rows must be those of one shard a partition that applied the same
records in one go, and the view of shards loaded from the changelog must be what the batch makes of the same events,
which shares no code with the core.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from aiokafka import AIOKafkaConsumer, TopicPartition

from metrics_core import changelog as core_changelog
from metrics_core.build import build
from metrics_core.policy import WINDOWS
from metrics_core.rejects import Reason
from metrics_core.shard import Shard
from metrics_core.times import HOUR_US
from streams.audit import batch_rows, compare
from streams.connect import client_arguments
from streams.engine.fence import FENCE_KEY, Fence, decode_fence
from streams.report import series_rows
from streams.settings import Settings
from streams.topics import changelog_name

Kind = Literal["helpdesk", "crm"]
KINDS: tuple[Kind, ...] = ("helpdesk", "crm")
#: (topic, partition, offset) of a source's record
Place = tuple[str, int, int]

#: why the workers may refuse what the batch would take: it knows no clock, key, topic and bound of a history
UNKNOWN_TO_THE_BATCH = (Reason.BEYOND_HISTORY, Reason.FUTURE, Reason.WRONG_KEY, Reason.WRONG_TOPIC)


@dataclass
class Source:
    """A source topic read back, with its changelog; records by partition."""

    kind: Kind
    topic: str
    records: dict[int, list[Any]]
    changelog: dict[int, list[Any]]


@dataclass
class Straight:
    """A partition as of one shard that applied everything at once."""

    shard: Shard
    rows: dict[bytes, bytes]
    #: offset -> reason
    rejected: dict[int, Reason]


def source_topic(settings: Settings, kind: Kind) -> str:
    """Name of a source topic."""
    return settings.helpdesk_topic if kind == "helpdesk" else settings.crm_topic


# -- reading back ---------------------------------------------------------------------------------------------


def _reader(settings: Settings) -> AIOKafkaConsumer:
    return AIOKafkaConsumer(
        **client_arguments(settings),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )


async def read_all(settings: Settings, topic: str) -> dict[int, list[Any]]:
    """Every committed record of a topic of the application, by partition."""
    async with _reader(settings) as consumer:
        parts = [TopicPartition(topic, partition) for partition in range(settings.partitions)]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        await consumer.seek_to_beginning(*parts)
        records: dict[int, list[Any]] = {part.partition: [] for part in parts}
        while [part for part in parts if await consumer.position(part) < ends[part]]:
            for part, fetched in (await consumer.getmany(timeout_ms=200)).items():
                records[part.partition].extend(fetched)
        return records


def read_source(settings: Settings, kind: Kind) -> Source:
    """A source topic and its changelog, as they are now."""
    topic = source_topic(settings, kind)
    records = asyncio.run(read_all(settings, topic))
    log = asyncio.run(read_all(settings, changelog_name(settings, topic)))
    return Source(kind, topic, records, log)


def wait_durable(settings: Settings, timeout_s: float = 90.0) -> None:
    """Wait until the fences have reached the ends of both sources, to which nobody writes any more."""
    asyncio.run(_wait_durable(settings, timeout_s))


async def _wait_durable(settings: Settings, timeout_s: float) -> None:
    source_of = {
        TopicPartition(changelog_name(settings, topic), partition): TopicPartition(topic, partition)
        for topic in (settings.helpdesk_topic, settings.crm_topic)
        for partition in range(settings.partitions)
    }
    deadline = time.monotonic() + timeout_s
    async with _reader(settings) as consumer:
        ends = await consumer.end_offsets(list(source_of.values()))
        consumer.assign(list(source_of))
        await consumer.seek_to_beginning(*source_of)
        durable = dict.fromkeys(source_of, 0)
        while behind := [part for part, source in source_of.items() if durable[part] < ends[source]]:
            assert time.monotonic() < deadline, f"the workers did not reach the end of {behind}"
            for part, fetched in (await consumer.getmany(timeout_ms=200)).items():
                for fence in fences_of(fetched):
                    durable[part] = fence.next


# -- what it should be ----------------------------------------------------------------------------------------


def decoded(rows: dict[bytes, bytes]) -> dict[bytes, Any]:
    """Rows with panes and levels as counts: the order of their keys has no meaning."""
    counts = (core_changelog.PANE, core_changelog.LEVELS)
    return {key: core_changelog.unpack_counts(value) if key[:1] in counts else value for key, value in rows.items()}


def new_shard(settings: Settings, kind: Kind, partition: int) -> Shard:
    """An empty shard of a source's partition."""
    return Shard(
        settings.core_policy,
        topic=source_topic(settings, kind),
        kind=kind,
        partition=partition,
        partitions=settings.partitions,
    )


def in_one_go(settings: Settings, kind: Kind, partition: int, records: list[Any]) -> Straight:
    """What one shard makes of everything at once."""
    shard = new_shard(settings, kind, partition)
    shard.finish_load()
    shard.apply(records)
    rows = {key: value for key, value in shard.drain() if value is not None}
    return Straight(shard, rows, {reject.offset: Reason(reject.reason) for reject in shard.take_rejects()})


def loaded(settings: Settings, kind: Kind, partition: int, records: Iterable[Any]) -> Shard:
    """The shard that a worker would go on with: read from the changelog, row by row."""
    shard = new_shard(settings, kind, partition)
    for record in records:
        if record.key != FENCE_KEY:
            shard.load(record.key, record.value)
    shard.finish_load()
    return shard


def fences_of(records: Iterable[Any]) -> list[Fence]:
    """The fences of a changelog partition, in log order."""
    return [decode_fence(record.value) for record in records if record.key == FENCE_KEY]


def rows_of_changelog(records: Iterable[Any]) -> dict[bytes, bytes]:
    """The rows that a changelog partition stands for."""
    rows: dict[bytes, bytes] = {}
    for record in records:
        if record.value is None:
            rows.pop(record.key, None)
        elif record.key != FENCE_KEY:
            rows[record.key] = record.value
    return rows


# -- the verdict ----------------------------------------------------------------------------------------------


@dataclass
class Verdict:
    """What was compared, and how it differs."""

    events: int = 0
    rows: int = 0
    values: int = 0
    differences: list[str] = field(default_factory=list)


def assert_exact(settings: Settings) -> int:
    """Changelogs equal what comes of the sources, fences never fell, each reject was written once; returns the
    number of events compared."""
    verdict = verdict_of(settings, [read_source(settings, kind) for kind in KINDS])
    assert not verdict.differences, f"{len(verdict.differences)} differences, first {verdict.differences[0]}"
    return verdict.events


def verdict_of(settings: Settings, sources: Iterable[Source]) -> Verdict:
    """Compare what the workers left behind with what comes of the records of both sources."""
    verdict, ran = Verdict(), {}
    expected: Counter[Place] = Counter()
    for source in (sources := list(sources)):
        ran[source.kind] = straight = {
            partition: in_one_go(settings, source.kind, partition, records)
            for partition, records in source.records.items()
        }
        for partition, one in straight.items():
            _compare_rows(source, partition, one.rows, verdict)
            expected.update((source.topic, partition, offset) for offset in one.rejected)
        verdict.events += sum(len(records) for records in source.records.values())
    _compare_view(settings, sources, ran, verdict)
    written = _rejects_written(settings)
    verdict.differences += [f"reject {place} was not written" for place in expected - written]
    verdict.differences += [f"reject {place} was written too often" for place in written - expected]
    return verdict


def _rejects_written(settings: Settings) -> Counter[Place]:
    rejected = asyncio.run(read_all(settings, settings.rejected_topic))
    return Counter(
        (headers["topic"].decode(), int(headers["partition"]), int(headers["offset"]))
        for records in rejected.values()
        for record in records
        for headers in [dict(record.headers)]
    )


def _compare_rows(source: Source, partition: int, rows: dict[bytes, bytes], verdict: Verdict) -> None:
    where = f"{source.kind} partition {partition}"
    fences = fences_of(source.changelog[partition])
    if not all(later.follows(earlier) for earlier, later in itertools.pairwise(fences)):
        verdict.differences.append(f"the fences of {where} fall")
    if source.records[partition] and fences[-1].next != source.records[partition][-1].offset + 1:
        verdict.differences.append(f"the last fence of {where} is not the end of the source")
    left, right = decoded(rows), decoded(rows_of_changelog(source.changelog[partition]))
    verdict.rows += len(left)
    verdict.differences += [
        f"row {key!r} of {where}: {left.get(key)!r} and {right.get(key)!r}"
        for key in left.keys() | right.keys()
        if left.get(key) != right.get(key)
    ]


def _compare_view(
    settings: Settings, sources: list[Source], ran: dict[Kind, dict[int, Straight]], verdict: Verdict
) -> None:
    """The numbers of shards loaded from the changelogs: those of the shards that applied everything at once, and
    those of the batch. As of the full hour after the last event: within a pane, what is announced shows early."""
    shards = [
        loaded(settings, source.kind, partition, log)
        for source in sources
        for partition, log in source.changelog.items()
    ]
    time_us = -(-max(shard.clock_us for shard in shards) // HOUR_US) * HOUR_US
    rows = rows_of_view(settings, shards, time_us)
    expected = rows_of_view(
        settings, (one.shard for straight in ran.values() for one in straight.values()), time_us
    )
    verdict.differences += [
        f"a value changes with a load of the rows: {pair}"
        for pair in itertools.zip_longest(rows, expected)
        if pair[0] != pair[1]
    ]
    values = [
        record.value
        for source in sources
        for partition, records in source.records.items()
        for record in records
        if ran[source.kind][partition].rejected.get(record.offset) not in UNKNOWN_TO_THE_BATCH
    ]
    batch = [
        row
        for row in batch_rows(values, as_of_us=time_us, windows=WINDOWS)
        if not row["metric"].endswith(("_p50", "_p90", "_mean"))
    ]
    if not batch:
        verdict.differences.append("the batch has nothing to compare")
    verdict.values += len(expected) + len(batch)
    verdict.differences += [f"a value differs from the batch: {difference}" for difference in compare(batch, rows)]


def rows_of_view(settings: Settings, shards: Iterable[Shard], time_us: int) -> list[dict[str, Any]]:
    """Every series of some shards as of a moment, as a report gives them."""
    view = build([shard.freeze(time_us) for shard in shards], settings.core_policy, WINDOWS)
    return list(series_rows(view))
