"""What the world does while workers work: producers, operators, and everything that breaks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sim_cluster import Cluster
from sim_log import Txn, TxnState
from sim_scenario import Scenario
from virtual_loop import Process

from streams.engine.ports import SourcePartition

if TYPE_CHECKING:
    from sim_run import Fleet

#: longer than any message is under way
LULL_S = 20.0


class Producers:
    """Fill the source: plain records, transactions that end well, badly, late or not at all, holes."""

    def __init__(self, cluster: Cluster, scenario: Scenario) -> None:
        self.paused = False
        self._cluster = cluster
        self._scenario = scenario
        self._sources = cluster.partitions_now()
        self._open: list[tuple[Txn, bool]] = []
        self._done = False

    async def run(self) -> None:
        """Produce until told to finish."""
        rng, scenario = self._cluster.loop.rng, self._scenario
        while not self._done:
            await asyncio.sleep(rng.expovariate(1.0))
            if not self.paused and not self._done:
                self._burst(1 + int(rng.expovariate(1 / scenario.records_per_s)))
            for txn, commit in list(self._open):
                if rng.random() < 0.5:
                    self._end(txn, commit=commit)

    def hang(self) -> None:
        """A transaction whose producer is gone; it ends with the run, or with its topic."""
        log = self._cluster.source(self._cluster.loop.rng.choice(self._sources))
        log.append(b"k0", b"1", txn=Txn())

    def fill(self) -> None:
        """Many records at once."""
        self._burst(20)

    def finish(self) -> None:
        """End every transaction that is open, whoever began it."""
        self._done = True
        for txn, commit in list(self._open):
            self._end(txn, commit=commit)
        for logs in self._cluster.sources.values():
            for log in logs.values():
                for txn in log.open_transactions():
                    txn.state = TxnState.ABORTED
                    log.close(txn)

    def _burst(self, records: int) -> None:
        rng, cluster, scenario = self._cluster.loop.rng, self._cluster, self._scenario
        txn = Txn() if rng.random() < scenario.transactional else None
        sources = [s for s in self._sources if txn is None or not cluster.source(s).open_transactions()]
        for _ in range(records if sources else 0):
            source = rng.choice(sources)
            key, value = scenario.kind.record(source.partition)
            hole = rng.randrange(1, 4) if rng.random() < 0.03 else 0
            cluster.source(source).append(key, value, txn=txn, skip=hole)
        if txn is not None:
            self._open.append((txn, rng.random() < 0.7))

    def _end(self, txn: Txn, *, commit: bool) -> None:
        self._open.remove((txn, commit))
        if txn.state is TxnState.OPEN:
            txn.state = TxnState.COMMITTED if commit else TxnState.ABORTED
            for log in txn.logs:
                if txn in log.open_transactions():  # a log that was cut knows it no more
                    log.close(txn)


class Chaos:
    """Draws what happens next from what the scenario knows."""

    def __init__(self, cluster: Cluster, scenario: Scenario, fleet: Fleet, producers: Producers) -> None:
        self._cluster = cluster
        self._scenario = scenario
        self._fleet = fleet
        self._producers = producers
        self._foreign: list[tuple[SourcePartition, Txn]] = []

    async def run(self) -> None:
        """Until the scenario's time is over."""
        loop, scenario = self._cluster.loop, self._scenario
        turn_s = loop.time_s + scenario.length_s * (0.3 + 0.6 * loop.rng.random())
        end_s, turn = loop.time_s + scenario.length_s, scenario.turn
        while loop.time_s < end_s:
            await asyncio.sleep(loop.rng.expovariate(1 / scenario.pause_s))
            if turn is not None and loop.time_s > turn_s:
                self._cluster.trace.add(f"turn: {turn}")
                self._cluster.trace.count(f"turn: {turn}")
                await getattr(self, turn)()
                turn = None
            elif scenario.actions:
                action = loop.rng.choice(scenario.actions)
                self._cluster.trace.count(f"action: {action}")
                self._act(action)

    def calm(self) -> None:
        """The operator cleans up."""
        for source, txn in self._foreign:
            txn.state = TxnState.ABORTED
            self._cluster.changelog(source).close(txn)
        self._foreign.clear()

    def _act(self, action: str) -> None:
        cluster, rng = self._cluster, self._cluster.loop.rng
        source = rng.choice(cluster.partitions_now())
        if action in ("kill", "kill between steps", "freeze", "freeze between steps", "stop"):
            self._act_on_a_worker(action)
        elif action == "rebalance":
            cluster.trace.add("rebalance")
            cluster.group.rebalance()
        elif action == "cluster away":
            cluster.net.away_until_s = cluster.loop.time_s + rng.choice((2.0, 15.0))
            cluster.loop.call_at(cluster.net.away_until_s, cluster.group.pardon)
            cluster.trace.add(f"the cluster is away until {cluster.net.away_until_s:.1f}")
        elif action == "retention":
            account, log = cluster.verdict.accounts.get(source), cluster.source(source)
            if account is not None and account.topic_id == cluster.topic_id:
                log.start = max(log.start, min(account.position, log.end) - rng.randrange(20))
        elif action == "compaction":
            cluster.compact(source)
        elif action == "foreign transaction":
            txn = Txn()
            cluster.changelog(source).append(b"foreign", b"row", txn=txn)
            self._foreign.append((source, txn))
            cluster.trace.add(f"{source}: a foreign transaction hangs in the changelog")
        elif action == "hanging source transaction":
            self._producers.hang()
        elif action == "another worker":
            self._fleet.another()

    def _act_on_a_worker(self, action: str) -> None:
        rng, fleet = self._cluster.loop.rng, self._fleet
        running = [worker for worker in fleet.workers if worker.process.runs]
        if not running:
            return
        worker = rng.choice(running)
        if action == "stop":
            worker.stop()
        elif action == "kill":
            fleet.kill(worker.process)
        elif action == "freeze":
            fleet.freeze(worker.process)
        else:
            does = fleet.kill if action.startswith("kill") else fleet.freeze
            process: Process = worker.process
            process.after_steps(rng.randrange(1, 300), lambda: does(process))

    # what happens at most once

    async def truncated(self) -> None:
        """Retention runs past what was counted."""
        cluster = self._cluster
        source = cluster.loop.rng.choice(cluster.partitions_now())
        log = cluster.source(source)
        log.start = max(log.start, log.lso - cluster.loop.rng.choice((0, 2, 20)))

    async def recreated(self) -> None:
        """The topic is deleted and made again; the new one fills quickly at times."""
        cluster = self._cluster
        cluster.incarnation += 1
        if cluster.loop.rng.random() < 0.5:
            for _ in range(20):
                self._producers.fill()

    async def grown(self) -> None:
        """The topic gets a partition; the group hears of it after a while."""
        self._cluster.partitions += 1
        await asyncio.sleep(3 * self._cluster.loop.rng.random())
        self._cluster.group.rebalance()

    async def rewound(self) -> None:
        """All is down, and the source comes back without its end."""
        cluster, rng = self._cluster, self._cluster.loop.rng
        self._producers.paused = self._fleet.closed = True
        for worker in self._fleet.workers:
            worker.process.kill()
        await asyncio.sleep(LULL_S + 2 * self._scenario.markers_s)
        source = rng.choice(cluster.partitions_now())
        log = cluster.source(source)
        log.cut(max(log.start, log.end - rng.choice((1, 5, 50))))
        self._fleet.closed = False

    async def finalized(self) -> None:
        """The newer version begins to write what only it can read."""
        self._cluster.finalized = True
