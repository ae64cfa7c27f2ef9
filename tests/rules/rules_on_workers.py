"""Real workers that share the partitions, a real Prometheus on them, and what Python makes of the same events."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from own_application import own_application
from prometheus_process import Labels, Prometheus, running_prometheus

from metrics_core.derived import DERIVED
from metrics_core.derived.rules import INTERVAL, RULE_PREFIX, TOPICS, RuleSet, recording_rules
from metrics_core.policy import WINDOWS
from streams.broker.config import free_port
from streams.connect import client_arguments
from streams.demo.worker_process import WorkerProcess
from streams.pace import Pace
from streams.produce import TopicWriter, pour
from streams.replay.choice import choose
from streams.report import report_shard, shard_view
from streams.settings import Settings
from streams.simulate import Emission
from streams.topics import ensure_topics

PARTITIONS = 4
#: two of them may end up with a topic each; three share both
WORKERS = 3
#: the least that Kafka takes; a killed worker's partitions are free after it
SESSION_TIMEOUT_S = 6.0
CHECKPOINT_INTERVAL_S = 0.3
SETTLED_TIMEOUT_S = 90.0
POLL_S = 0.1

#: (id of a derived metric, labels) -> value
Values = dict[tuple[str, Labels], float]


def settings_of(bootstrap: str, name: str, clock_at: str) -> Settings:
    """An application with topics of its own, whose clock stands still."""
    return own_application(
        bootstrap,
        name,
        partitions=PARTITIONS,
        origin="earliest",
        clock="fixed",
        clock_at=clock_at,
        session_timeout_s=SESSION_TIMEOUT_S,
        checkpoint_interval_s=CHECKPOINT_INTERVAL_S,
    )


async def produce(settings: Settings, events: Sequence[Emission]) -> None:
    """Topics, and the events in them."""
    await ensure_topics(settings)
    async with TopicWriter(client_arguments(settings)) as writer:
        await pour(events, writer, Pace())


def values_in_python(settings: Settings, events: Sequence[Emission]) -> Values:
    """Every derived metric of the same events, applied to one shard."""
    choice = choose(settings.core_policy, windows=WINDOWS)
    view = shard_view(
        report_shard((event.value for event in events), choice=choice, as_of_us=settings.clock_at_us),
        settings.clock_at_us,
    )
    values: Values = {}
    for metric in DERIVED:
        vector = metric.evaluate(view)
        for row, value in vector.rows.items():
            values[metric.id, frozenset(zip(vector.names, row, strict=True))] = value
    return values


def wrong(wanted: Values, found: Values) -> list[str]:
    """Values that are not the right ones; those that are absent are not among them. A zero under `none` only says
    that a worker has nothing to show."""
    return [
        f"{name}{dict(labels)}: {found[name, labels]}, not {wanted.get((name, labels))}"
        for name, labels in found
        if not math.isclose(found[name, labels], wanted.get((name, labels), math.nan), rel_tol=1e-9, abs_tol=1e-12)
        and not _is_nothing(labels, found[name, labels], wanted.get((name, labels)))
    ]


def _is_nothing(labels: Labels, found: float, wanted: float | None) -> bool:
    return wanted is None and found == 0 and any(value == "none" for _, value in labels)


def missing(wanted: Values, found: Values) -> list[str]:
    """Values that are absent."""
    return [f"{name}{dict(labels)}: {wanted[name, labels]}" for name, labels in wanted.keys() - found.keys()]


@dataclass
class Scraped:
    """A Prometheus over workers that may or may not be there."""

    settings: Settings
    workers: list[WorkerProcess]
    prometheus: Prometheus

    def recorded(self) -> Values:
        """What every rule gives just now."""
        found: Values = {}
        for series in self.prometheus.ask("query", {"query": f'{{__name__=~"{RULE_PREFIX}.+"}}'})["result"]:
            labels = dict(series["metric"])
            name = labels.pop("__name__").removeprefix(RULE_PREFIX)
            if name != "complete":
                found[name, frozenset(labels.items())] = float(series["value"][1])
        return found

    def complete(self) -> bool:
        """Whether the workers make up both topics."""
        rows = self.prometheus.query(f"{RULE_PREFIX}complete")
        return len(rows) == len(TOPICS) and set(rows.values()) == {1.0}

    def sharing(self) -> int:
        """Workers that count partitions."""
        return len(self.prometheus.query("count by (instance) (deskpulse_partition_ready == 1)"))

    def wait_shared(self, workers: int) -> None:
        """Return once that many workers make up both topics."""
        deadline = time.monotonic() + SETTLED_TIMEOUT_S
        while not (self.sharing() == workers and self.complete()):
            assert time.monotonic() < deadline, f"not settled: {[worker.readiness() for worker in self.workers]}"
            time.sleep(POLL_S)

    def watch(self) -> Iterator[Values]:
        """Values, again and again, for as long as workers may take to settle."""
        end = time.monotonic() + SETTLED_TIMEOUT_S
        while time.monotonic() < end:
            yield self.recorded()
            time.sleep(POLL_S)

    def wait_right(self, wanted: Values) -> None:
        """Return once every value by every label is there and is right, and there is no other; durably so."""
        found: Values = {}
        for found in self.watch():
            if not missing(wanted, found) and not wrong(wanted, found):
                break
        assert not missing(wanted, found)
        assert not wrong(wanted, found)
        # what has been counted is durable a few checkpoints later
        time.sleep(5 * CHECKPOINT_INTERVAL_S)


def metrics_counted_by(scraped: Scraped, worker: WorkerProcess) -> set[str]:
    """Derived metrics that a worker has a part in; it may count partitions of one topic only."""
    instance = worker.url.removeprefix("http://")
    rows = scraped.prometheus.query(f'deskpulse_partition_ready{{instance="{instance}"}} == 1')
    settings = scraped.settings
    kinds = {settings.helpdesk_topic: "helpdesk", settings.crm_topic: "crm"}
    held = {kinds[dict(labels)["topic"]] for labels in rows}
    rules = RuleSet(TOPICS, settings.core_policy)
    return {metric.id for metric in DERIVED if held & rules.kinds(metric.formula)}


def kill(worker: WorkerProcess) -> None:
    """kill -9 of the worker itself."""
    (child,) = psutil.Process(worker.supervisor_pid).children()
    child.kill()


@contextlib.contextmanager
def scraped_workers(settings: Settings, folder: Path, started: int) -> Iterator[Scraped]:
    """Prometheus with the rules, which scrapes three workers; the first of them are started."""
    workers = [
        WorkerProcess(settings.model_copy(update={"instance_id": f"worker-{number}"})) for number in range(WORKERS)
    ]
    rules = recording_rules({"helpdesk": settings.helpdesk_topic, "crm": settings.crm_topic})
    (folder / "rules.yml").write_text(rules.replace(f"interval: {INTERVAL}", "interval: 1s"))
    targets = [worker.url.removeprefix("http://") for worker in workers]
    config = (
        "global: {scrape_interval: 1s, evaluation_interval: 1s}\n"
        "rule_files: [rules.yml]\n"
        f"scrape_configs: [{{job_name: deskpulse, static_configs: [{{targets: {targets}}}]}}]\n"
    )
    with contextlib.ExitStack() as stack:
        prometheus = stack.enter_context(running_prometheus(folder, config, free_port()))
        for worker in workers[:started]:
            stack.enter_context(worker)
        yield Scraped(settings, workers, prometheus)


def produced(settings: Settings, events: Sequence[Emission]) -> None:
    asyncio.run(produce(settings, events))
