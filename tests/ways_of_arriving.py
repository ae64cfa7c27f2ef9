"""Ways in which a log may arrive: in any order, repeated, in batches, with restarts, over several partitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from metrics_core.partitioner import partition_for
from metrics_core.records import FileRecord
from metrics_core.shard import Shard

PARTITIONS = (1, 2, 8)


@dataclass
class Run:
    """One way of bringing a log to the core."""

    order: list[int]  # record numbers; a number may be there again
    cuts: list[int]  # where batches end
    restarts: list[int]  # after which batches the shards are saved and loaded
    compacted: bool  # load the last row of each key, or every row ever written
    partitions: int


def straight(records: int) -> Run:
    """The way of a log that nothing happens to."""
    return Run(list(range(records)), [], [], False, 1)


@st.composite
def runs(draw: st.DrawFn, records: int) -> Run:
    """Any way for that many records."""
    numbers = list(range(records))
    order = draw(st.permutations(numbers)) if draw(st.booleans()) else numbers
    if numbers:
        for again in draw(st.lists(st.sampled_from(numbers), max_size=4)):
            order.insert(draw(st.integers(0, len(order))), again)
    cuts = sorted(draw(st.lists(st.integers(0, len(order)), max_size=5)))
    restarts = draw(st.lists(st.integers(0, len(cuts)), max_size=3))
    return Run(order, cuts, restarts, draw(st.booleans()), draw(st.sampled_from(PARTITIONS)))


class _Partition:
    """One shard with its changelog, so that it can be lost and recovered."""

    def __init__(self, new_shard: Callable[[], Shard], compacted: bool) -> None:
        self.new_shard = new_shard
        self.compacted = compacted
        self.changelog: list[tuple[bytes, bytes | None]] = []
        self.shard = new_shard()

    def restart(self) -> None:
        self.changelog.extend(self.shard.drain())
        rows = list(dict(self.changelog).items()) if self.compacted else self.changelog
        self.shard = self.new_shard()
        for key, value in rows:
            self.shard.load(key, value)
        self.shard.finish_load()


def arrived(records: Sequence[FileRecord], run: Run, new_shard: Callable[[], Shard]) -> list[Shard]:
    """The shards of all partitions after the run."""
    partitions = [_Partition(new_shard, run.compacted) for _ in range(run.partitions)]
    batches = [run.order[begin:end] for begin, end in zip([0, *run.cuts], [*run.cuts, len(run.order)], strict=True)]
    for number, batch in enumerate(batches):
        shares: dict[int, list[FileRecord]] = {}
        for record in (records[index] for index in batch):
            assert record.key is not None
            shares.setdefault(partition_for(record.key, run.partitions), []).append(record)
        for partition, share in shares.items():
            partitions[partition].shard.apply(share)
        for _ in range(run.restarts.count(number)):
            for one in partitions:
                one.restart()
    return [one.shard for one in partitions]
