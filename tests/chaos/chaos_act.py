"""One scenario under way: an application with workers and traffic on both topics, a stopwatch and a verdict."""

from __future__ import annotations

import contextlib
import itertools
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fault_harness import PARTITIONS, Cluster, Worker, cluster
from fault_traffic import Traffic
from fault_verdict import KINDS, Kind, Source, Verdict, read_source, verdict_of, wait_durable

from streams.broker import EmbeddedKafka
from streams.broker.config import free_port
from streams.settings import Settings

#: partitions of both source topics
ALL = 2 * PARTITIONS
#: a worker that is not whole by then never will be, however busy the machine
BACK_TIMEOUT_S = 600.0
POLL_S = 0.25

_SAMPLE = re.compile(
    r"^deskpulse_(partition_ready|last_checkpoint_timestamp_seconds)"
    r'\{partition="(\d+)",topic="([^"]+)"\} (\S+)$',
    re.MULTILINE,
)
_numbers = itertools.count(1)


@dataclass
class Outcome:
    """What was done to an application, how often, what became of it; times in seconds."""

    times: int
    workers: int
    verdict: Verdict
    #: from the start of a worker, without any fault, until it counts every partition
    start_s: float
    #: from the end of each fault until every partition is counted again
    back_s: list[float] = field(default_factory=list)
    #: what else was seen
    note: str = ""


class Act:
    """An application of its own. Partitions count as being back when exactly one worker shows each of them and has
    made it durable since: a partition that is only called ready proves nothing while its broker is gone."""

    def __init__(self, made: Cluster, rate: float, chance: random.Random) -> None:
        self.made = made
        self.chance = chance
        self.settings = made.settings
        self.back_s: list[float] = []
        self.start_s = 0.0
        self.workers = 0
        self._rate = rate
        self._seen = ""

    def traffic(self) -> Traffic:
        """Events on both topics while the block lasts."""
        return Traffic(self.settings, self._rate, self.chance.randrange(1 << 30))

    def start(self, *instances: str, **arguments: Any) -> list[Worker]:
        """Start workers, each under an instance_id of its own."""
        return [self.made.start_worker(instance, **arguments) for instance in instances]

    def open(self, *instances: str, **arguments: Any) -> list[Worker]:
        """Start the first workers and wait until they count; the time of that is what others are compared with."""
        began_s = time.time()
        workers = self.start(*instances, **arguments)
        self.workers = len(workers)
        self.start_s = self.whole(workers, began_s)
        return workers

    def back(self, workers: Sequence[Worker], since_s: float) -> None:
        """Wait until these workers are whole again, and note how long it took."""
        self.back_s.append(self.whole(workers, since_s))

    def whole(self, workers: Sequence[Worker], since_s: float) -> float:
        """Wait until the workers share the partitions, each shown once and durable since then; seconds it took."""
        deadline = time.monotonic() + BACK_TIMEOUT_S
        while True:
            shares = [durable_since(worker, since_s) for worker in workers]
            shown = Counter(place for share in shares for place in share)
            if all(shares) and len(shown) == ALL and shown.total() == ALL:
                return time.time() - since_s
            for worker in workers:
                assert worker.process.poll() is None, f"a worker ended:\n{last_words(worker)}"
            assert time.monotonic() < deadline, f"{len(shown)} of {ALL} partitions are back:\n" + "\n".join(
                map(last_words, workers)
            )
            time.sleep(POLL_S)

    def close(
        self,
        workers: Sequence[Worker],
        times: int,
        note: str = "",
        read: Callable[[Settings, Kind], Source] = read_source,
    ) -> Outcome:
        """Traffic has ended: wait until all of it is durable, stop the workers in order, compare. ``read`` tells
        what of a source should have been counted."""
        wait_durable(self.settings, BACK_TIMEOUT_S)
        for worker in workers:
            leave(worker)
        verdict = verdict_of(self.settings, [read(self.settings, kind) for kind in KINDS])
        return Outcome(times, max(self.workers, len(workers)), verdict, self.start_s, self.back_s, note)


def durable_since(worker: Worker, since_s: float) -> set[tuple[str, int]]:
    """(topic, partition) that a worker shows and has made durable after a moment of the wall clock."""
    samples = [
        (series, (topic, int(partition)), float(value))
        for series, partition, topic, value in _SAMPLE.findall(worker.metrics())
    ]
    ready = {place for series, place, value in samples if series == "partition_ready" and value}
    return ready & {place for series, place, value in samples if series != "partition_ready" and value > since_s}


def leave(worker: Worker) -> None:
    """SIGTERM: a worker ends with status 0."""
    status = worker.terminate()
    assert status == 0, f"exit status {status}:\n{last_words(worker)}"


def total_of(worker: Worker, series: str) -> float:
    """Sum of a series over its labels."""
    found = re.findall(rf"^{series}(?:\{{[^}}]*\}})? (\S+)$", worker.metrics(), re.MULTILINE)
    return sum(map(float, found))


def last_words(worker: Worker) -> str:
    """The end of a worker's log."""
    return f"{worker.log.name}: {worker.log.read_text(errors='replace')[-4000:]}"


@dataclass
class Stage:
    """What every scenario is given: brokers, chance and the pace of the events."""

    cache_dir: Path
    chance: random.Random
    rate: float
    start_broker: Callable[[], EmbeddedKafka]

    @cached_property
    def shared(self) -> EmbeddedKafka:
        """A broker as it comes, started when it is first needed."""
        return self.start_broker()

    @contextlib.contextmanager
    def act(self, name: str, bootstrap: str | None = None, **settings: Any) -> Iterator[Act]:
        """An application on the shared broker, or on another; its workers end with the block."""
        app = f"chaos{next(_numbers)}-{self.chance.randrange(1 << 20)}-{name}"
        with cluster(bootstrap or self.shared.bootstrap, app, free_port, **settings) as made:
            yield Act(made, self.rate, self.chance)

    @contextlib.contextmanager
    def broker(self, properties: Mapping[str, str]) -> Iterator[EmbeddedKafka]:
        """A broker of one's own, with lines of its configuration."""
        with EmbeddedKafka(cache_dir=self.cache_dir, heap_mb=256, properties=properties) as kafka:
            kafka.start()
            yield kafka
