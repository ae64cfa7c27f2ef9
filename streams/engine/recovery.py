"""Recovery: become the owner of a partition's changelog, then load what it holds.

The order is the protocol. (1) InitProducerId fences the owner before us and settles its open transaction.
(2) Only then the high watermark is taken, so nothing the old owner ever committed lies behind it. (3) Committed
rows are read until the position has reached it. (4) Fences must not fall. (5) The source must still be the log
that was counted, and hold what comes next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from streams.engine.fence import CORE_VERSION, FENCE_KEY, Fence, Loss, UnreadableFence, decode_fence
from streams.engine.policy_marks import PolicyMarks
from streams.engine.ports import (
    Changelog,
    ChangelogReader,
    ChangelogWriter,
    Clock,
    Membership,
    Row,
    ShardFactory,
    ShardState,
    SourceLog,
    SourcePartition,
    Standing,
)
from streams.engine.refusal import (
    check_core_version,
    check_policy,
    check_source,
    fences_fall,
    no_origin,
    rows_without_fence,
    unknown_rows,
    unreadable,
)
from streams.engine.status import PartitionStatus

#: Rows are loaded in slices; the event loop gets its turn once this much time has passed. The recoveries that run
#: at a time (supervisor.RECOVERIES_AT_A_TIME) each take a slice a turn: together some 8 ms.
SLICE_ROWS = 64
SLICE_S = 0.002
#: What the share of a recovery says at most before the last row stands where it should: below 1 it is under way.
SHARE_READ = 0.99


class Superseded(Exception):  # noqa: N818 - named for what happened
    """Another worker owns the partition by now, or the group is being rebalanced."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Under which the partitions of an application are counted."""

    policy: PolicyMarks
    #: where a partition without state begins: "earliest", "latest" or None = refuse
    origin: str | None
    #: partitions whose missing source records are accepted as lost
    accept_loss: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class World:
    """Everything outside the protocol."""

    changelog: Changelog
    sources: SourceLog
    membership: Membership
    clock: Clock
    new_shard: ShardFactory
    #: called when a partition's rows are all loaded and its reader is closed
    after_load: Callable[[], object] = lambda: None


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """A partition that is ours and loaded. ``durable``: the fence is in the changelog as it stands here."""

    shard: ShardState
    writer: ChangelogWriter
    fence: Fence
    durable: bool
    #: the loss that an operator accepted at this start
    accepted: Loss | None
    rows: int


class Progress:
    """How far a recovery is, told to the partition's status."""

    def __init__(self, status: PartitionStatus, clock: Clock) -> None:
        self._status = status
        self._clock = clock
        self._started_s = clock.monotonic()
        self._share = 0.0
        self.tell(0)

    def tell(self, rows: int, share: float | None = None) -> None:
        """So many rows by now; ``share`` is of the whole recovery, as before where None."""
        self._share = self._share if share is None else share
        self._status.recovery_rows, self._status.recovery_share = rows, self._share
        self._status.recovery_seconds = self._clock.monotonic() - self._started_s

    def blocked(self, reason: str | None) -> None:
        """A sentence while a transaction of somebody else's keeps the recovery waiting."""
        self._status.recovery_blocked = reason


async def recover(source: SourcePartition, world: World, terms: Terms, status: PartitionStatus) -> Recovered:
    """Own and load ``source``; raises Refused, Superseded or Unavailable. Nothing stays open on an error."""
    progress = Progress(status, world.clock)
    writer = await world.changelog.open_writer(source)
    try:
        if await world.membership.standing() is Standing.FORMER:
            raise Superseded(str(source))
        until = await world.changelog.high_watermark(source)
        identity = await world.sources.identity(source.topic)
        shard = world.new_shard(source, identity.partitions)
        reader = await world.changelog.open_reader(source, until)
        try:
            rows, fence = await _load(source, reader, until, shard, world, progress)
        finally:
            await reader.close()
            progress.blocked(None)
        await _index(source, shard, world, lambda: progress.tell(rows))
        world.after_load()
        resumed = await _resume(source, fence, rows, world, terms)
    except BaseException:
        await writer.close()
        raise
    progress.tell(rows, 1.0)
    status.recoveries += 1
    accepted = resumed.losses[-1] if fence is not None and resumed.losses_count > fence.losses_count else None
    durable = resumed == fence
    return Recovered(shard=shard, writer=writer, fence=resumed, durable=durable, accepted=accepted, rows=rows)


async def _load(
    source: SourcePartition,
    reader: ChangelogReader,
    until: int,
    shard: ShardState,
    world: World,
    progress: Progress,
) -> tuple[int, Fence | None]:
    """Load every row into ``shard``; the number of rows without fences, and the last fence."""
    clock, changelog = world.clock, world.changelog
    fence: Fence | None = None
    loaded = 0
    turn_s = clock.monotonic()
    moved_s, position = clock.monotonic(), reader.position
    start = position
    while (slice_ := await reader.rows()) is not None:
        if reader.position != position:
            moved_s, position = clock.monotonic(), reader.position
        elif clock.monotonic() - moved_s > 2 * changelog.transaction_timeout_s:
            progress.blocked(_blocked(source, changelog, position))
        for at in range(0, len(slice_), SLICE_ROWS):
            own, some = _parted(slice_[at : at + SLICE_ROWS])
            for row in own:
                if row.key == FENCE_KEY:
                    fence = _next_fence(source, changelog, fence, row.value)
            try:
                shard.load_all(some)
            except Exception as error:
                raise unknown_rows(source, changelog.topic(source), error) from error
            loaded += len(some)
            if clock.monotonic() - turn_s > SLICE_S:
                progress.tell(loaded)
                await clock.sleep(0)
                turn_s = clock.monotonic()
        progress.tell(loaded, SHARE_READ * min(1.0, (reader.position - start) / max(1, until - start)))
    return loaded, fence


def _parted(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Rows of the engine itself, then those of the shard, either in the log's order."""
    own: list[Row] = []
    others: list[Row] = []
    for row in rows:
        key = row.key
        (own if key is not None and b"\x00" <= key < b"\x01" else others).append(row)
    return own, others


async def _index(source: SourcePartition, shard: ShardState, world: World, tell: Callable[[], None]) -> None:
    """Find out how all that was loaded stands; ``tell`` is called before others have their turn."""
    clock = world.clock
    turn_s = clock.monotonic()
    try:
        for _ in shard.index_loaded():
            if clock.monotonic() - turn_s > SLICE_S:
                tell()
                await clock.sleep(0)
                turn_s = clock.monotonic()
        shard.finish_load()
    except Exception as error:
        raise unknown_rows(source, world.changelog.topic(source), error) from error


def _next_fence(source: SourcePartition, changelog: Changelog, earlier: Fence | None, value: bytes | None) -> Fence:
    try:
        fence = decode_fence(value)
    except UnreadableFence as error:
        raise unreadable(source, changelog.topic(source), error.format) from error
    if earlier is not None and not fence.follows(earlier):
        raise fences_fall(source, changelog.topic(source), earlier, fence)
    return fence


def _blocked(source: SourcePartition, changelog: Changelog, position: int) -> str:
    topic = changelog.topic(source)
    return (
        f"{topic}[{source.partition}] has a transaction of a foreign producer open at offset {position}: name it"
        f" with `kafka-transactions.sh describe-producers --topic {topic} --partition {source.partition}` and"
        " end it with `kafka-transactions.sh abort`"
    )


async def _resume(source: SourcePartition, fence: Fence | None, rows: int, world: World, terms: Terms) -> Fence:
    """The fence to go on from; raises Refused where going on would be wrong."""
    topic = world.changelog.topic(source)
    identity = await world.sources.identity(source.topic)
    bounds = await world.sources.bounds(source)
    if fence is not None:
        check_core_version(source, topic, fence)
        check_policy(source, fence.policy, terms.policy, fence.clock_us)
        accept_loss = source.partition in terms.accept_loss
        resumed = check_source(source, fence, identity, bounds, accept_loss=accept_loss)
        return msgspec.structs.replace(resumed, policy=terms.policy)
    if rows:
        raise rows_without_fence(source, topic)
    if terms.origin is None:
        raise no_origin(source)
    origin = bounds.start if terms.origin == "earliest" else bounds.end
    return Fence(
        core_version=CORE_VERSION,
        policy=terms.policy,
        topic_id=identity.topic_id,
        partitions=identity.partitions,
        origin=origin,
        next=origin,
        clock_us=0,
    )
