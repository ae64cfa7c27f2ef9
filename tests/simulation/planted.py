"""Faults to plant in the engine, or in what it relies on: each is a mistake that somebody could make, and that the
simulation must notice. They are put over the seams for the time of a run; the product has no switch for any."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from itertools import count, islice
from typing import Any

import msgspec
from sim_cluster import Cluster, SimChangelog, SimEncoding, SimReader, SimWriter
from sim_log import Coordinator, Log, TxnState
from sim_run import replaced, simulate
from sim_scenario import Scenario, scenario
from sim_shards import ChainShard
from virtual_loop import OWNER

import streams.engine.checkpoint
import streams.engine.recovery
from streams.engine.batch import Batch
from streams.engine.fence import FENCE_KEY, Fence
from streams.engine.ports import Bounds, SourcePartition, TopicIdentity, Unavailable
from streams.engine.recovery import World
from streams.engine.refusal import check_source
from streams.engine.slot import Slot
from streams.engine.table import CheckpointedTable

Fault = Callable[[], AbstractContextManager[None]]
Wanted = Callable[[Scenario], bool]


def _owner() -> str:
    owner = OWNER.get()
    return owner.name if owner is not None else "world"


# -- ownership ------------------------------------------------------------------------------------------------


def skip_the_fence() -> AbstractContextManager[None]:
    """A producer is opened without InitProducerId: nobody is fenced, no transaction settled."""
    init = Coordinator.init

    def first_only(self: Coordinator, name: str) -> int:
        return self.ids[name].epoch if name in self.ids else init(self, name)

    return replaced(Coordinator, init=first_only)


def ignore_the_epoch() -> AbstractContextManager[None]:
    """A producer that was fenced may go on writing."""
    return replaced(Coordinator, _checked=lambda self, name, epoch: self.ids[name])


def a_transactional_id_per_worker() -> AbstractContextManager[None]:
    """Which fences a worker's own past, and nobody else."""
    return replaced(SimChangelog, transactional_id=lambda self, source: f"{_owner()}-{source}")


def load_before_fencing() -> AbstractContextManager[None]:
    """The rows are read while the owner before may still write; InitProducerId comes when they are."""
    open_writer = SimChangelog.open_writer
    waiting: dict[tuple[str, SourcePartition], tuple[SimChangelog, SimWriter]] = {}

    async def later(self: SimChangelog, source: SourcePartition) -> SimWriter:
        writer = SimWriter(
            self.cluster, self.transactional_id(source), -1, self.cluster.changelog(source), self.newer
        )
        waiting[_owner(), source] = self, writer
        return writer

    async def now(self: SimReader) -> None:
        changelog, writer = waiting.pop((_owner(), self.source))
        opened: Any = await open_writer(changelog, self.source)
        writer.epoch = opened.epoch

    both = contextlib.ExitStack()
    both.enter_context(replaced(SimChangelog, open_writer=later))
    both.enter_context(replaced(SimReader, close=now))
    return both


def the_watermark_before_fencing() -> AbstractContextManager[None]:
    """Rows are read up to an end that was asked for too early."""
    open_writer, high_watermark = SimChangelog.open_writer, SimChangelog.high_watermark
    ends: dict[tuple[str, SourcePartition], int] = {}

    async def late_writer(self: SimChangelog, source: SourcePartition) -> Any:
        ends[_owner(), source] = await high_watermark(self, source)
        await asyncio.sleep(1.0)
        return await open_writer(self, source)

    async def early_watermark(self: SimChangelog, source: SourcePartition) -> int:
        return ends[_owner(), source]

    return replaced(SimChangelog, open_writer=late_writer, high_watermark=early_watermark)


# -- reading --------------------------------------------------------------------------------------------------


def read_the_changelog_uncommitted() -> AbstractContextManager[None]:
    """Rows of transactions that were aborted, or have not ended, count."""
    return replaced(
        SimReader, _read=lambda self: self.cluster.changelog(self.source).read(self.position, 40, committed=False)
    )


def stop_at_the_last_stable_offset() -> AbstractContextManager[None]:
    """Recovery does not wait for the transaction that keeps rows back."""
    rows = SimReader.rows

    async def no_waiting(self: SimReader) -> Sequence[Any] | None:
        return None if self.position >= self.cluster.changelog(self.source).lso else await rows(self)

    return replaced(SimReader, rows=no_waiting)


def read_the_source_uncommitted() -> AbstractContextManager[None]:
    """Events of transactions that were aborted count."""

    def read_source(self: Cluster, source: SourcePartition, at: int, limit: int) -> Any:
        log = self.source(source)
        return (*log.read(at, limit, committed=False), log.end) if log.start <= at <= log.end else None

    return replaced(Cluster, read_source=read_source)


def pass_over_tombstones() -> AbstractContextManager[None]:
    """What was deleted comes back with the next recovery."""
    rows = SimReader.rows

    async def living(self: SimReader) -> Sequence[Any] | None:
        found = await rows(self)
        return None if found is None else [row for row in found if row.value is not None]

    return replaced(SimReader, rows=living)


def ignore_min_reader() -> AbstractContextManager[None]:
    """Rows that only a newer version understands are read."""

    def decode(value: bytes | None) -> Fence:
        return msgspec.json.decode(value or b"", type=Fence)

    return replaced(streams.engine.recovery, decode_fence=decode)


# -- where the state ends -------------------------------------------------------------------------------------


def apply_what_was_applied() -> AbstractContextManager[None]:
    """A batch that comes again, or overlaps, is not trimmed."""
    return replaced(Batch, since=lambda self, offset: self.records)


def ignore_a_gap() -> AbstractContextManager[None]:
    """A batch beyond the state is applied."""
    apply = Slot.apply

    async def at_once(self: Slot, batch: Batch) -> Any:
        batch.start = min(batch.start, self.next_offset)
        return await apply(self, batch)

    return replaced(Slot, apply=at_once)


def go_on_one_too_far() -> AbstractContextManager[None]:
    """After a recovery the seek goes past a record."""
    init = Slot.__init__

    def beyond(self: Slot, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        self.next_offset += self.next_offset > 0

    return replaced(Slot, __init__=beyond)


def _forgiving(**forgiven: Callable[[Fence], Any]) -> AbstractContextManager[None]:
    """check_source, and the look at the source before a commit, blind to parts of a topic's identity."""

    def check(
        source: SourcePartition, fence: Fence, identity: TopicIdentity, bounds: Bounds, *, accept_loss: bool
    ) -> Fence:
        seen = identity._replace(**{name: of(fence) for name, of in forgiven.items()})
        return check_source(source, fence, seen, bounds, accept_loss=accept_loss)

    both = contextlib.ExitStack()
    both.enter_context(replaced(streams.engine.recovery, check_source=check))
    both.enter_context(commit_without_looking_at_the_source())
    return both


def ignore_the_topic_id() -> AbstractContextManager[None]:
    """A topic of the same name is the same topic."""
    return _forgiving(topic_id=lambda fence: fence.topic_id)


def ignore_the_number_of_partitions() -> AbstractContextManager[None]:
    """A topic that grew is counted on."""
    return _forgiving(partitions=lambda fence: fence.partitions)


def commit_without_looking_at_the_source() -> AbstractContextManager[None]:
    """A topic that was created again under a running worker is noticed at the next recovery only."""

    async def commit(slot: Slot, encoding: Any, fence: Fence, world: World) -> None:
        await slot.writer.commit(encoding)

    return replaced(streams.engine.checkpoint, _commit=commit)


def go_on_at_the_log_start() -> AbstractContextManager[None]:
    """What retention took before it was counted is passed over in silence."""

    def check(source: SourcePartition, fence: Fence, identity: Any, bounds: Bounds, *, accept_loss: bool) -> Fence:
        moved = msgspec.structs.replace(fence, next=max(fence.next, bounds.start))
        return check_source(source, moved, identity, bounds, accept_loss=accept_loss)

    return replaced(streams.engine.recovery, check_source=check)


def accept_a_loss_without_a_word() -> AbstractContextManager[None]:
    """What an operator accepts as lost is not in the fence."""

    def with_loss(self: Fence, loss: Any, *, topic_id: str) -> Fence:
        return msgspec.structs.replace(self, next=loss.to_offset, topic_id=topic_id)

    return replaced(Fence, with_loss=with_loss)


# -- checkpoints ----------------------------------------------------------------------------------------------


def drop_a_dirty_row() -> AbstractContextManager[None]:
    """Now and then a changed row is not written."""
    row = SimEncoding.row
    written = [0]

    def most(self: SimEncoding, key: bytes, value: bytes | None) -> None:
        written[0] += 1
        if written[0] % 50 or key == FENCE_KEY:
            row(self, key, value)

    return replaced(SimEncoding, row=most)


def commit_the_fence_before_the_rows() -> AbstractContextManager[None]:
    """Two transactions; a crash comes between them."""
    commit = SimWriter.commit

    async def twice(self: SimWriter, encoding: SimEncoding) -> None:
        whole = encoding.rows
        encoding.rows = [row for row in whole if row[0] == FENCE_KEY]
        await commit(self, encoding)
        encoding.rows, encoding.rejects = [row for row in whole if row[0] != FENCE_KEY], []
        await commit(self, encoding)

    return replaced(SimWriter, commit=twice)


def take_an_unknown_end_for_a_commit() -> AbstractContextManager[None]:
    """No answer is a good answer; what was open is aborted when the next transaction begins."""
    commit = SimWriter.commit

    async def hopeful(self: SimWriter, encoding: SimEncoding) -> None:
        coordinator = self.cluster.coordinator
        one = coordinator.ids[self.name]
        if one.epoch == self.epoch and one.txn is not None and one.txn.state is TxnState.OPEN:
            coordinator.end(self.name, self.epoch, commit=False)
        with contextlib.suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(5.0):
                await commit(self, encoding)

    return replaced(SimWriter, commit=hopeful)


def commit_without_looking_at_deliveries() -> AbstractContextManager[None]:
    """A part of the rows that was not delivered does not keep the rest from being committed."""
    produce = SimWriter._produce

    async def careless(self: SimWriter, log: Log, rows: list[Any]) -> None:
        with contextlib.suppress(TimeoutError, Unavailable):
            async with asyncio.timeout(3.0):
                await produce(self, log, rows)

    return replaced(SimWriter, _produce=careless)


def apply_while_rows_are_encoded() -> AbstractContextManager[None]:
    """Nothing keeps a batch out of a shard that is being drained."""
    init = Slot.__init__

    def unlocked(self: Slot, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        self.shard_lock = contextlib.nullcontext()  # type: ignore[assignment]

    return replaced(Slot, __init__=unlocked)


# -- rejects and poison ---------------------------------------------------------------------------------------


def forget_rejects() -> AbstractContextManager[None]:
    """Rejects are counted and not written."""
    return replaced(SimEncoding, reject=lambda self, key, value, headers: None)


def write_rejects_outside_the_transaction() -> AbstractContextManager[None]:
    """They are there at once, and once more after a crash."""
    commit = SimWriter.commit

    async def rejects_first(self: SimWriter, encoding: SimEncoding) -> None:
        for key, value, headers in encoding.rejects:
            self.cluster.rejected.append(key, value, headers=headers)
        encoding.rejects = []
        await commit(self, encoding)

    return replaced(SimWriter, commit=rejects_first)


def go_on_after_an_exception() -> AbstractContextManager[None]:
    """An exception in the core is logged, and the shard kept as it is."""
    apply = ChainShard.apply

    def swallow(self: ChainShard, records: Sequence[Any]) -> None:
        with contextlib.suppress(RuntimeError):
            apply(self, records)

    return replaced(ChainShard, apply=swallow)


def keep_a_shard_that_raised() -> AbstractContextManager[None]:
    """The copy that an exception left half changed is not given up."""
    apply_chunk = Slot._apply_chunk

    def kept(self: Slot, chunk: Sequence[Any]) -> bool:
        self.lose = lambda: None  # type: ignore[method-assign]
        try:
            return apply_chunk(self, chunk)
        finally:
            del self.lose  # type: ignore[method-assign]

    return replaced(Slot, _apply_chunk=kept)


def pass_over_culprits() -> AbstractContextManager[None]:
    """A record that makes the core fail is left out, and nobody hears of it."""
    return replaced(Slot, _reject=lambda self, record, detail: None)


# -- handing over ---------------------------------------------------------------------------------------------


def keep_serving_what_went() -> AbstractContextManager[None]:
    """What was given back or lost stays in the snapshot."""
    return replaced(CheckpointedTable, _forget=lambda self, gone: None)


def take_up_what_was_given_back() -> AbstractContextManager[None]:
    """Told late of the rebalance before, the worker believes it."""
    on_assigned = CheckpointedTable.on_assigned

    async def believing(self: CheckpointedTable, sources: Any, generation: int) -> None:
        self._unsettled = False
        await on_assigned(self, sources, generation)

    return replaced(CheckpointedTable, on_assigned=believing)


def _any(scenario: Scenario) -> bool:
    return True


def _turn(*names: str) -> Wanted:
    return lambda scenario: scenario.turn in names


def _two_owners(scenario: Scenario) -> bool:
    return (scenario.doubled > 0.1 or scenario.stubborn > 0.3) and scenario.workers > 1


#: the faults, each with the worlds in which it is looked for
PLANTED: dict[Fault, Wanted] = {
    skip_the_fence: _any,
    ignore_the_epoch: _any,
    a_transactional_id_per_worker: _any,
    load_before_fencing: _two_owners,
    the_watermark_before_fencing: _two_owners,
    read_the_changelog_uncommitted: _any,
    stop_at_the_last_stable_offset: lambda scenario: "foreign transaction" in scenario.actions,
    read_the_source_uncommitted: lambda scenario: scenario.transactional > 0,
    pass_over_tombstones: _any,
    ignore_min_reader: _turn("finalized"),
    apply_what_was_applied: _any,
    ignore_a_gap: _any,
    go_on_one_too_far: _any,
    ignore_the_topic_id: _turn("recreated"),
    ignore_the_number_of_partitions: _turn("grown"),
    commit_without_looking_at_the_source: _turn("recreated"),
    go_on_at_the_log_start: _turn("truncated"),
    accept_a_loss_without_a_word: lambda scenario: scenario.accept_loss and scenario.turn is not None,
    drop_a_dirty_row: _any,
    commit_the_fence_before_the_rows: _any,
    take_an_unknown_end_for_a_commit: _any,
    commit_without_looking_at_deliveries: _any,
    apply_while_rows_are_encoded: lambda scenario: scenario.work_s > 0 and scenario.slice_rows < 64,
    forget_rejects: _any,
    write_rejects_outside_the_transaction: _any,
    go_on_after_an_exception: lambda scenario: scenario.poison > 0,
    keep_a_shard_that_raised: lambda scenario: scenario.poison > 0,
    pass_over_culprits: lambda scenario: scenario.poison > 0,
    keep_serving_what_went: _any,
    take_up_what_was_given_back: _any,
}


def first_to_notice(fault: Fault, most_seeds: int) -> tuple[int, str] | None:
    """The first of so many seeds, of worlds in which it can matter, that notices a fault, and what it says."""
    wanted = PLANTED[fault]
    for seed in islice((seed for seed in count(1) if wanted(scenario(seed))), most_seeds):
        with fault():
            result = simulate(seed)
        if result.failure is not None:
            return seed, result.failure
    return None
