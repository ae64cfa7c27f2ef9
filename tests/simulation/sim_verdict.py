"""The verdict: an oracle follows the source with a shard of its own and judges all that is committed or shown."""

from __future__ import annotations

import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sim_cluster import Cluster, as_ours
from sim_log import Log, Txn
from sim_net import SimKafkaError
from sim_shards import FLAKY, POISON, Rows

from metrics_core.rejects import Reason
from streams.engine.fence import FENCE_KEY, FORMAT, Fence, decode_fence
from streams.engine.ports import ShardState, SourcePartition, Unavailable

if TYPE_CHECKING:
    from sim_worker import SimWorker

#: refusals that a run may end in, if they are true; all others say that something is broken
TRUE_REFUSALS = ("truncated", "rewound", "topic_id", "partitions", "format")


class Wrong(AssertionError):  # noqa: N818 - named for what happened
    """The engine did something that it must never do."""


@dataclass
class Account:
    """One source partition as it should be: the oracle has applied the log up to ``position``."""

    oracle: ShardState
    topic_id: str
    position: int
    fence: Fence
    #: as committed by the engine, and as the oracle would have written them
    rows: Rows = field(default_factory=dict)
    expected: Rows = field(default_factory=dict)
    #: newest minimum of a reader
    min_reader: int = 0
    rejected: Counter[int] = field(default_factory=Counter)


class Verdict:
    """Judges as the world goes on; the first thing that is wrong ends the run."""

    def __init__(self, cluster: Cluster) -> None:
        self.accounts: dict[SourcePartition, Account] = {}
        #: whether what is shown can be told to be a prefix of the log
        self.prefixes_known = cluster.kind.quick
        self.commits = 0
        self._cluster = cluster
        self._prefixes: dict[Log, tuple[int, list[int]]] = {}

    def _wrong(self, text: str) -> Wrong:
        # raised in whatever task it is noticed in, which may swallow it
        self._cluster.loop.failure = self._cluster.loop.failure or Wrong(text)
        return Wrong(text)

    # commits

    def committed(self, txn: Txn) -> None:
        """A transaction has ended well: its rows, its fence and its rejects must belong together."""
        for log, first in txn.logs.items():
            source = self._cluster.source_of(log)
            if source is not None:
                rows = [e for e in log.entries if e.offset >= first and e.txn is txn and not e.marker]
                self._judge(source, rows, self._rejects_of(txn))

    def _rejects_of(self, txn: Txn) -> list[tuple[int, str]]:
        first = txn.logs.get(self._cluster.rejected)
        if first is None:
            return []
        rejects = []
        for entry in self._cluster.rejected.entries:
            if entry.offset >= first and entry.txn is txn and not entry.marker:
                headers = dict(entry.headers)
                rejects.append((int(headers["offset"]), headers["reason"].decode()))
        return rejects

    def _judge(self, source: SourcePartition, rows: Sequence[Any], rejects: list[tuple[int, str]]) -> None:
        fences = [row.value for row in rows if row.key == FENCE_KEY]
        if len(fences) != 1:
            raise self._wrong(f"{source}: a transaction with {len(fences)} fences")
        fence = decode_fence(as_ours(fences[0]))
        account = self._account(source, fence)
        account.min_reader = _min_reader(fences[0])
        self._go_on(source, account, fence, rejects)
        for row in rows:
            if row.key == FENCE_KEY:
                continue
            if row.value is None:
                account.rows.pop(row.key, None)
            else:
                account.rows[row.key] = row.value
        self.commits += 1
        if self._cluster.kind.quick:
            self._compare(source, account)

    def _account(self, source: SourcePartition, fence: Fence) -> Account:
        account = self.accounts.get(source)
        if account is None:
            if fence.origin > self._cluster.source(source, fence.topic_id).start:
                raise self._wrong(f"{source}: the origin {fence.origin} is past the log's start")
            oracle = self._cluster.kind.new_oracle(source, fence.partitions)
            oracle.finish_load()
            account = Account(oracle, fence.topic_id, fence.origin, fence)
            self.accounts[source] = account
        return account

    def _go_on(
        self, source: SourcePartition, account: Account, fence: Fence, rejects: list[tuple[int, str]]
    ) -> None:
        """Bring the oracle to where the fence says that the rows are."""
        before = account.fence
        if not fence.follows(before) or fence.origin != before.origin:
            raise self._wrong(f"{source}: the fence {fence.next} follows {before.next}")
        if fence.losses_count > before.losses_count:
            loss = fence.losses[-1]
            if loss.from_offset != account.position:
                raise self._wrong(f"{source}: {loss} though {account.position} is counted")
            account.position, account.topic_id = loss.to_offset, fence.topic_id
            self._cluster.trace.count("a loss was accepted")
        if fence.topic_id != account.topic_id:
            raise self._wrong(f"{source}: the fence is of {fence.topic_id}, the rows of {account.topic_id}")
        log = self._cluster.source(source, account.topic_id)
        if account.position < fence.next and fence.next > log.lso:
            raise self._wrong(f"{source}: counted up to {fence.next}, stable up to {log.lso}")
        records = log.between(account.position, fence.next)
        account.position, account.fence = fence.next, fence
        culprits = {offset for offset, reason in rejects if reason == Reason.INTERNAL_ERROR}
        poisonous = {r.offset for r in records if r.value == POISON}
        dubious = {r.offset for r in records if r.value == FLAKY}
        if not poisonous <= culprits <= poisonous | dubious:
            raise self._wrong(f"{source}: rejected as culprits {sorted(culprits)}, not {sorted(poisonous)}")
        self._apply(account, [r for r in records if r.offset not in culprits])
        expected = Counter((r.offset, str(r.reason)) for r in account.oracle.take_rejects())
        expected.update((offset, Reason.INTERNAL_ERROR.value) for offset in culprits)
        if Counter(rejects) != expected:
            raise self._wrong(f"{source}: rejects {sorted(rejects)} up to {fence.next}, not {sorted(expected)}")
        account.rejected.update(offset for offset, _ in rejects)

    def _apply(self, account: Account, records: Sequence[Any]) -> None:
        for record in records:
            account.oracle.apply([record])
        for key, value in account.oracle.drain():
            if value is None:
                account.expected.pop(key, None)
            else:
                account.expected[key] = value

    def _compare(self, source: SourcePartition, account: Account) -> None:
        comparable = self._cluster.kind.comparable
        rows, expected = comparable(account.rows), comparable(account.expected)
        wrong = sorted(key for key in rows.keys() | expected.keys() if rows.get(key) != expected.get(key))
        if wrong:
            key = wrong[0]
            raise self._wrong(
                f"{source}: {len(wrong)} rows are wrong at {account.position}, first {key!r}:"
                f" {rows.get(key)!r}, not {expected.get(key)!r}"
            )

    # what is shown

    def shows(self, worker: SimWorker) -> None:
        """Look at what a worker shows just now."""
        if not worker.process.runs:
            return
        latest = worker.table.latest
        if worker.revoked and latest.partitions:
            raise self._wrong(f"{worker.process.name} shows {latest.partitions} after it gave them up")
        if worker.revoked and (worker.table.status.ready or worker.table.fetchable()):
            raise self._wrong(f"{worker.process.name} says that it is ready after it gave its partitions up")
        if not worker.revoked and not set(latest.partitions) <= set(worker.table.status.partitions):
            raise self._wrong(f"{worker.process.name} shows {latest.partitions}, which are not its own")
        if self.prefixes_known:
            for source, (count, chain, _) in zip(latest.partitions, latest.frozen, strict=True):
                if chain != self._prefix(source, count):
                    raise self._wrong(f"{worker.process.name} shows a state of {source} that no log has led to")

    def _prefix(self, source: SourcePartition, count: int) -> int | None:
        """The chain over the first ``count`` stable records."""
        log = self._cluster.source(source)
        at, chains = self._prefixes.get(log, (0, [0]))
        for record in log.between(at, log.lso):
            chains.append(zlib.crc32(b"%d" % record.offset, chains[-1]))
        self._prefixes[log] = log.lso, chains
        return chains[count] if count < len(chains) else None

    # refusals

    def refused(self, source: SourcePartition, reason: str) -> None:
        """A worker refuses a partition; it may be mistaken about one that it does not own any more, no further."""
        self._cluster.trace.count(f"refused: {reason}")
        if reason not in TRUE_REFUSALS:
            raise self._wrong(f"{source} was refused: {reason}")

    def true_refusal(self, source: SourcePartition, *, newer: bool) -> str | None:
        """What stands against going on with a partition, as of now."""
        account = self.accounts.get(source)
        if account is None:
            return None
        fence, log = account.fence, self._cluster.source(source)
        if account.min_reader > FORMAT and not newer:
            return "format"
        if fence.partitions != self._cluster.partitions:
            return "partitions"
        if fence.topic_id != self._cluster.topic_id:
            return "topic_id"
        if fence.next < log.start:
            return "truncated"
        return "rewound" if fence.next > log.end else None

    # the end

    def caught_up(self, source: SourcePartition) -> bool:
        """Whether all that can be read of a partition is durable."""
        account, log = self.accounts.get(source), self._cluster.source(source)
        if account is None:
            return False
        records = log.between(max(account.position, log.start), log.end)
        return not records and account.topic_id == self._cluster.topic_id

    def final(self) -> None:
        """Nothing moves any more: all rows are right, and each reject was written once."""
        for source, account in self.accounts.items():
            self._compare(source, account)
        written: Counter[tuple[int, int]] = Counter()
        for entry in self._cluster.rejected.entries:
            if entry.committed:
                headers = dict(entry.headers)
                written[int(headers["partition"]), int(headers["offset"])] += 1
        expected = Counter(
            {(s.partition, offset): n for s, one in self.accounts.items() for offset, n in one.rejected.items()}
        )
        if written != expected:
            raise self._wrong(f"rejects written {written - expected} too often, {expected - written} too rarely")

    def unexpected(self) -> str | None:
        """An error of the engine's own that somebody swallowed."""
        trace = self._cluster.trace
        for text, error in trace.logged:
            if not isinstance(error, SimKafkaError | Unavailable) and "a bug in the core" not in str(error):
                return f"{text}: {error!r}"
        return self._cluster.loop.unhandled[0] if self._cluster.loop.unhandled else None


def _min_reader(fence: bytes) -> int:
    return int(json.loads(fence)["min_reader"])
