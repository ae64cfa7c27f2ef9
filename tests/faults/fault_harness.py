"""What the fault tests share: an application of their own, and its workers as processes.

A worker is the real one, ``deskpulse worker``, stopped by its own pid.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from own_application import own_application

from streams.settings import Settings
from streams.topics import changelog_name, ensure_topics

PARTITIONS = 4
SESSION_TIMEOUT_S = 6.0
CHECKPOINT_INTERVAL_S = 0.3
#: A worker on a busy machine: interpreter, imports, join, recovery.
READY_TIMEOUT_S = 60.0


def seed_of_test(name: str) -> random.Random:
    """Chance with a printed seed; DESKPULSE_FAULT_SEED repeats a run."""
    seed = int(os.environ.get("DESKPULSE_FAULT_SEED", time.time_ns() % 1_000_000_007))
    print(f"{name}: DESKPULSE_FAULT_SEED={seed}")
    return random.Random(seed)


@dataclass
class Worker:
    """One `deskpulse worker` process."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def metrics(self) -> str:
        """The text of /metrics, empty while nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=2) as answer:
                return str(answer.read().decode())
        except OSError:
            return ""

    def ready_partitions(self) -> int:
        """Partitions that this worker counts just now."""
        return sum(
            line.startswith("deskpulse_partition_ready{") and line.endswith(" 1.0")
            for line in self.metrics().splitlines()
        )

    def wait_ready(self, partitions: int, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until exactly that many partitions are ready."""
        deadline = time.monotonic() + timeout_s
        while self.ready_partitions() != partitions:
            assert self.process.poll() is None, f"worker ended:\n{self.log.read_text()[-4000:]}"
            assert time.monotonic() < deadline, f"worker not ready:\n{self.log.read_text()[-4000:]}"
            time.sleep(0.2)

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """kill -9, and wait for it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    def terminate(self) -> int:
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(20)


@dataclass
class Cluster:
    """An application on a broker, with topics and workers of its own."""

    settings: Settings
    folder: Path
    free_port: Any
    workers: list[Worker] = field(default_factory=list)

    def start_worker(
        self,
        instance_id: str | None = None,
        script: Path | None = None,
        accept_loss: Sequence[int] = (),
        **other: Any,
    ) -> Worker:
        """Start a worker; ``script`` replaces the product's command by another main program, ``other`` are settings
        that differ from the application's."""
        settings = self.settings.model_copy(update=other)
        port = self.free_port()
        log = self.folder / f"worker{len(self.workers)}.log"
        arguments = ["--brokers", str(settings.brokers), "--port", str(port), "--origin", "earliest"]
        if instance_id is not None:
            arguments += ["--instance-id", instance_id]
        for partition in accept_loss:
            arguments += ["--accept-loss", str(partition)]
        main = [str(script)] if script is not None else ["-m", "streams.cli.main", "worker"]
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, *main, *arguments], stdout=stream, stderr=stream, env=environment_of(settings)
            )
        worker = Worker(process, port, log)
        self.workers.append(worker)
        return worker

    def stop_workers(self) -> None:
        """Every process this test started ends here, each by its own pid."""
        for worker in self.workers:
            with contextlib.suppress(ProcessLookupError):
                worker.signal(signal.SIGCONT)
            worker.kill()


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that give a worker these settings."""
    given = settings.model_dump(include=settings.model_fields_set - {"accept_loss", "policy"}, exclude_none=True)
    return {**os.environ, **{f"DESKPULSE_{name.upper()}": str(value) for name, value in given.items()}}


@contextlib.contextmanager
def cluster(bootstrap: str, name: str, free_port: Any, **other: Any) -> Iterator[Cluster]:
    """Topics made, and every worker stopped at the end; ``other`` are further settings."""
    settings = own_application(
        bootstrap,
        name,
        partitions=PARTITIONS,
        session_timeout_s=SESSION_TIMEOUT_S,
        checkpoint_interval_s=CHECKPOINT_INTERVAL_S,
        **other,
    )
    asyncio.run(ensure_topics(settings))
    with tempfile.TemporaryDirectory() as folder:
        made = Cluster(settings, Path(folder), free_port)
        try:
            yield made
        finally:
            made.stop_workers()


async def steal_changelog(settings: Settings, partition: int) -> None:
    """Open the transactional id of a helpdesk partition, as a second owner would."""
    changelog = changelog_name(settings, settings.helpdesk_topic)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.brokers,
        transactional_id=f"{settings.app_id}-{changelog}-{partition}",
    )
    await producer.start()
    await producer.stop()
