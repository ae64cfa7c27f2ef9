"""One run: a seed becomes a world, the world does its worst, comes to rest, and is judged."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sim_chaos import Chaos, Producers
from sim_cluster import Cluster
from sim_net import Fates, Trace
from sim_scenario import Scenario, scenario
from sim_verdict import Verdict
from sim_worker import SimClock, SimWorker
from virtual_loop import Process, Stuck, VirtualLoop

import streams.engine.checkpoint
import streams.engine.slot
import streams.engine.supervisor
import streams.engine.table
from metrics_core.view import Frozen
from streams.engine.ports import SourcePartition

MOST_STEPS = 400_000
#: the longest that nothing may be counted once the world is calm: two refusals, two transaction timeouts, losses
REST_S = 400.0
TRACE_LINES = 60


@dataclass
class Result:
    """How a run ended. ``failure`` None: well."""

    seed: int
    failure: str | None
    steps: int
    time_s: float
    commits: int
    seen: Counter[str]
    digest: int
    trace: str


class Fleet:
    """The workers, and whoever starts them again."""

    def __init__(self, cluster: Cluster, scenario: Scenario) -> None:
        self.workers: list[SimWorker] = []
        #: no worker is started while it is closed
        self.closed = False
        self._cluster = cluster
        self._scenario = scenario
        self._places: list[SimWorker | None] = [None] * scenario.workers
        self._started = 0

    async def tend(self) -> None:
        """Start workers and start them again, for ever."""
        rng = self._cluster.loop.rng
        while True:
            for number, worker in enumerate(self._places):
                if not self.closed and (worker is None or not worker.process.alive):
                    self._places[number] = self.start(number)
            await asyncio.sleep(0.2 + 3 * rng.random())

    def start(self, number: int) -> SimWorker:
        """A new worker for a place."""
        self._started += 1
        worker = SimWorker(f"worker-{self._started}", self._cluster, self._scenario.habits(number))
        self.workers = [one for one in self.workers if one.process.alive]
        self.workers.append(worker)
        self._cluster.trace.add(f"{worker.process.name} starts: {worker.habits}")
        worker.start()
        return worker

    def another(self) -> None:
        """One more worker, under an identity of its own or somebody else's."""
        if len(self.workers) < 5 and not self.closed:
            self.start(self._cluster.loop.rng.choice((0, 7, 8)))

    def kill(self, process: Process) -> None:
        if process.alive:
            self._cluster.trace.add(f"{process.name} is killed")
            process.kill()

    def freeze(self, process: Process) -> None:
        """Stop a process for a while: shorter or longer than its session."""
        if process.runs and self._cluster.restless:
            rng = self._cluster.loop.rng
            sleep_s = rng.choice((1.0, 8.0, 15.0, 45.0)) * rng.random()
            self._cluster.trace.add(f"{process.name} is stopped for {sleep_s:.1f} s")
            process.freeze()
            self._cluster.loop.call_later(sleep_s, self._thaw, process)

    def _thaw(self, process: Process) -> None:
        self._cluster.trace.add(f"{process.name} goes on")
        process.thaw()

    async def dismiss(self) -> None:
        """Stop all in good order, by force where that takes too long."""
        self.closed = True
        for worker in self.workers:
            worker.stop()
        deadline_s = self._cluster.loop.time_s + 60.0
        while any(w.process.alive for w in self.workers):
            if self._cluster.loop.time_s > deadline_s:
                break
            await asyncio.sleep(0.5)
        for worker in self.workers:
            self.kill(worker.process)


class Run:
    """The world of one seed."""

    def __init__(self, seed: int) -> None:
        self.scenario = scenario(seed)
        self.loop = VirtualLoop(self.scenario.rng, most_steps=MOST_STEPS)
        self.cluster = cluster = Cluster(self.loop, self.scenario.partitions)
        cluster.kind = self.scenario.kind
        cluster.clock = SimClock(self.loop, self.scenario.work_s)
        cluster.markers_s = self.scenario.markers_s
        cluster.group.doubled = self.scenario.doubled
        cluster.verdict = self.verdict = Verdict(cluster)
        self.fleet = Fleet(cluster, self.scenario)
        self.producers = Producers(cluster, self.scenario)
        self.chaos = Chaos(cluster, self.scenario, self.fleet, self.producers)
        cluster.net.fates, cluster.net.latency_s = self.scenario.fates, self.scenario.latency_s
        cluster.net.kill, cluster.net.freeze = self.fleet.kill, self.fleet.freeze
        if self.scenario.poison or self.scenario.turn not in (None, "grown", "finalized"):
            self.verdict.prefixes_known = False

    def result(self) -> Result:
        """Run it."""
        failure = None
        with engine_observed(self.cluster.trace, self.verdict), engine_tuned(self.scenario):
            try:
                self.loop.run(self._story())
                self.verdict.final()
                failure = self.verdict.unexpected()
            except (AssertionError, Stuck) as error:
                failure = f"{type(error).__name__}: {error}"
        trace = self.cluster.trace
        for what, times in self.cluster.coordinator.seen.items():
            trace.seen[what] += times
        digest = zlib.crc32(repr((trace.lines, self.loop.steps, self.loop.time_s)).encode())
        return Result(
            self.scenario.seed, failure, self.loop.steps, self.loop.time_s, self.verdict.commits, trace.seen,
            digest, trace.text(TRACE_LINES),
        )  # fmt: skip

    async def _story(self) -> None:
        loop = self.loop
        helpers = [
            loop.create_task(part)
            for part in (self.cluster.group.watch(), self.fleet.tend(), self.producers.run(), self._look())
        ]
        await self.chaos.run()
        self._quiet()
        if loop.rng.random() < 0.5:
            await self._rest("the workers")
        await self.fleet.dismiss()
        last = self.fleet.start(9)
        await self._rest("the last worker", last)
        await self._shown_since(last, self.cluster.clock.now_us())
        self._compare_shown(last)
        await self.fleet.dismiss()
        for helper in helpers:
            helper.cancel()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(0.5 * self.loop.rng.random())
            for worker in self.fleet.workers:
                self.verdict.shows(worker)

    def _quiet(self) -> None:
        """From here on nothing fails any more."""
        cluster = self.cluster
        cluster.trace.add("calm")
        cluster.restless = False
        cluster.net.fates, cluster.net.away_until_s = Fates(), 0.0
        cluster.group.doubled = 0.0
        cluster.group.pardon()
        cluster.group.rebalance()
        self.producers.finish()
        self.chaos.calm()

    async def _rest(self, who: str, last: SimWorker | None = None) -> None:
        """Wait until every partition is counted to its end, or refused for a reason that is true."""
        counted, deadline_s = -1, 0.0
        while waiting := [s for s in self.cluster.partitions_now() if not self._settled(s, last)]:
            now_counted = sum(account.position for account in self.verdict.accounts.values())
            if now_counted != counted:
                counted, deadline_s = now_counted, self.loop.time_s + REST_S
            if self.loop.time_s > deadline_s:
                raise AssertionError(f"{who} never got to the end of {', '.join(map(str, waiting))}")
            await asyncio.sleep(1.0)

    async def _shown_since(self, last: SimWorker, time_us: int) -> None:
        """Wait for a snapshot of now: where freezing takes long, they come seldom."""
        deadline_s = self.loop.time_s + REST_S
        while last.table.latest.time_us < time_us and last.table.fetchable():
            if self.loop.time_s > deadline_s:
                raise AssertionError("the last worker shows nothing new")
            await asyncio.sleep(1.0)

    def _settled(self, source: SourcePartition, last: SimWorker | None) -> bool:
        for worker in [last] if last is not None else self.fleet.workers:
            status = worker.table.status.partitions.get(source)
            if not worker.process.runs or status is None:
                continue
            reason = self.verdict.true_refusal(source, newer=worker.habits.newer)
            if status.refused:
                if reason is not None and (reason in ("format", "partitions") or not worker.habits.accept_loss):
                    return True
            elif reason is None and status.ready and self.verdict.caught_up(source):
                return True
        return False

    def _compare_shown(self, last: SimWorker) -> None:
        """What the last worker shows is what the oracle would show."""
        latest = last.table.latest
        for source, frozen in zip(latest.partitions, latest.frozen, strict=True):
            oracle = self.verdict.accounts[source].oracle.freeze(latest.time_us)
            assert shown(frozen) == shown(oracle), f"the last worker shows other numbers of {source}"


def shown(frozen: Any) -> Any:
    """What of a frozen shard can be compared: not the orphans, which are counted until they are swept away."""
    return dataclasses.replace(frozen, orphan_tickets=0) if isinstance(frozen, Frozen) else frozen


# -- the engine, watched ----------------------------------------------------------------------------------


class EngineLog:
    """Takes the place of the engine's loggers."""

    def __init__(self, trace: Trace, verdict: Verdict) -> None:
        self._trace = trace
        self._verdict = verdict

    def info(self, event: str, **fields: Any) -> None:
        self._trace.add(f"{event} {fields or ''}")

    warning = debug = critical = info

    def error(self, event: str, **fields: Any) -> None:
        self.info(event, **fields)
        if event == "partition refused":
            found = re.fullmatch(r"(.*)\[(\d+)\]", fields["partition"])
            assert found is not None
            self._verdict.refused(SourcePartition(found[1], int(found[2])), fields["reason"])

    def exception(self, event: str, **fields: Any) -> None:
        error = sys.exc_info()[1]
        self.info(event, error=repr(error), **fields)
        if error is not None and not self._trace.closed:
            self._trace.logged.append((event, error))


@contextlib.contextmanager
def replaced(module: Any, **values: Any) -> Iterator[None]:
    """Other values for names of a module, for a while."""
    before = {name: getattr(module, name) for name in values}
    for name, value in values.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


@contextlib.contextmanager
def engine_observed(trace: Trace, verdict: Verdict) -> Iterator[None]:
    """The engine's log goes into the trace."""
    log = EngineLog(trace, verdict)
    with replaced(streams.engine.supervisor, log=log), replaced(streams.engine.table, log=log):
        yield


@contextlib.contextmanager
def engine_tuned(scenario: Scenario) -> Iterator[None]:
    """Chunks and slices small enough that much happens between them."""
    with (
        replaced(streams.engine.slot, CHUNK_START_RECORDS=scenario.chunk, CHUNK_MIN_RECORDS=1),
        replaced(streams.engine.checkpoint, SLICE_ROWS=scenario.slice_rows),
    ):
        yield


def simulate(seed: int) -> Result:
    """Run one seed."""
    return Run(seed).result()
