"""Verifying: each partition's live state against a replay of the offsets that its fence names."""

from __future__ import annotations

import asyncio
import enum
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from metrics_core.counters import Counters
from metrics_core.shard import Shard
from streams.engine.fence import Fence, UnreadableFence
from streams.engine.policy_marks import marks_of
from streams.engine.ports import SourcePartition
from streams.engine.refusal import Refused, check_core_version, check_policy, unreadable
from streams.log_reader import LogReader, LogTruncatedError
from streams.settings import Settings
from streams.shards import shard_factory
from streams.topics import changelog_name
from streams.verify.differences import Difference, Reader, differences
from streams.verify.live import LiveState, read_live_state
from streams.verify.replayed import Unreplayable, replay

#: what a difference is looked at again for: compaction may have taken a row just while it was read
LOOKS = 2


class Outcome(enum.StrEnum):
    """What verifying a partition came to."""

    EQUAL = "equal"
    DIFFERENT = "different"
    CANNOT = "cannot"


class CannotVerify(Exception):  # noqa: N818 - named for what happened
    """A partition that cannot be verified; the message is one sentence."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One partition: source offsets [origin, next) replayed, rows compared, what differs (the first few of it)."""

    source: SourcePartition
    outcome: Outcome
    why: str = ""
    origin: int = 0
    next: int = 0
    records: int = 0
    rows: int = 0
    #: records that make this version fail, left out as a worker rejects them
    culprits: int = 0
    #: how many rows differ, by what is wrong with them
    counts: Counter[str] = field(default_factory=Counter)
    examples: Sequence[dict[str, Any]] = ()


async def verify_partition(
    log: LogReader,
    settings: Settings,
    source: SourcePartition,
    *,
    show: int,
    on_start: Callable[[SourcePartition, int], None] = lambda _source, _records: None,
    on_records: Callable[[int], None] = lambda _records: None,
) -> Verdict:
    """Verify one partition; at most ``show`` differences are read out. Nothing is written.

    Raises what LogReader raises where Kafka does not answer.
    """
    verdict = Verdict(source=source, outcome=Outcome.CANNOT)
    for _ in range(LOOKS):
        try:
            verdict = await _look(log, settings, source, show, on_start, on_records)
        except (CannotVerify, Unreplayable, LogTruncatedError) as error:
            return Verdict(source=source, outcome=Outcome.CANNOT, why=str(error))
        except Refused as refused:
            return Verdict(source=source, outcome=Outcome.CANNOT, why=refused.sentence)
        if verdict.outcome is not Outcome.DIFFERENT:
            break
    return verdict


async def _look(
    log: LogReader,
    settings: Settings,
    source: SourcePartition,
    show: int,
    on_start: Callable[[SourcePartition, int], None],
    on_records: Callable[[int], None],
) -> Verdict:
    changelog = SourcePartition(changelog_name(settings, source.topic), source.partition)
    fence, live = await _live(log, source, changelog)
    await _check(log, settings, source, changelog, fence)
    on_start(source, fence.next - fence.origin)
    new_shard = shard_factory(settings, {source.topic: Counters()})
    done = await replay(
        log, source, fence.origin, fence.next, lambda: new_shard(source, fence.partitions), on_records
    )
    verdict = Verdict(
        source=source,
        outcome=Outcome.EQUAL,
        origin=fence.origin,
        next=fence.next,
        records=done.records,
        rows=len(live.rows),
        culprits=len(done.culprits),
    )
    return await asyncio.to_thread(_compare, verdict, done.shard, done.rows, live.rows, show)


def _compare(
    verdict: Verdict, shard: Shard, expected: dict[bytes, bytes], found: dict[bytes, bytes], show: int
) -> Verdict:
    counts: Counter[str] = Counter()
    examples: list[Difference] = []
    for one in differences(shard, expected, found):
        counts[one.sort.value] += 1
        if len(examples) < show:
            examples.append(one)
    if not counts:
        return verdict
    reader = Reader(shard, {**expected, **found})
    read = [reader.difference(one) for one in islice(examples, show)]
    return replace(verdict, outcome=Outcome.DIFFERENT, counts=counts, examples=read)


async def _live(log: LogReader, source: SourcePartition, changelog: SourcePartition) -> tuple[Fence, LiveState]:
    if not log.has(changelog.topic) or changelog.partition >= len(log.partitions(changelog.topic)):
        raise CannotVerify(f"{changelog} does not exist: no worker with this app_id has counted {source} yet")
    try:
        live = await read_live_state(log, changelog)
    except UnreadableFence as error:
        raise unreadable(source, changelog.topic, error.format) from error
    if live.fence is None:
        raise CannotVerify(f"{changelog} holds no checkpoint: no worker with this app_id has counted {source} yet")
    return live.fence, live


async def _check(
    log: LogReader, settings: Settings, source: SourcePartition, changelog: SourcePartition, fence: Fence
) -> None:
    """Raise CannotVerify or Refused where the source's offsets [origin, next) cannot be counted again alike."""
    check_core_version(source, changelog.topic, fence)
    check_policy(source, fence.policy, marks_of(settings.core_policy), fence.clock_us)
    identity = await log.identity(source.topic)
    start, end = (await log.bounds([source]))[source]
    if fence.losses_count:
        raise CannotVerify(f"{source} was counted with accepted losses: what was lost cannot be replayed")
    if identity.topic_id != fence.topic_id:
        raise CannotVerify(f"{source.topic} is not the topic that was counted: it was deleted and created again")
    if identity.partitions != fence.partitions:
        raise CannotVerify(
            f"{source.topic} has {identity.partitions} partitions and its state was counted with"
            f" {fence.partitions}: keys have moved"
        )
    if start > fence.origin and fence.next > fence.origin:
        raise CannotVerify(
            f"{source} begins at offset {start} and was counted from offset {fence.origin} on: the topic no longer"
            " holds the full history"
        )
    if end < fence.next:
        raise CannotVerify(f"{source} ends at offset {end} and {fence.next} were counted: the log lost its end")
