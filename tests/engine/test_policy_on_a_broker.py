"""Policy versions of a real worker: what was counted stays, and a changed version ends it with a sentence."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from own_application import own_application
from prometheus_client.parser import text_string_to_metric_families

from streams.broker import EmbeddedKafka
from streams.demo.worker_process import WorkerProcess
from streams.settings import Settings
from streams.topics import ensure_topics

pytestmark = [pytest.mark.broker]

COUNTED_TIMEOUT_S = 60.0
#: a worker that is refused starts, joins its group and reads its changelog before it ends
REFUSED_TIMEOUT_S = 90.0
EXIT_CONFIGURATION = 2

ONE = {"version": 1, "churn_with_last_subscription": True}
TWO = {"version": 2, "effective_from": "2025-06-01T12:00:00Z", "churn_with_last_subscription": False}
_numbers = itertools.count()


def settings_of(bootstrap: str, name: str, *versions: dict[str, Any]) -> Settings:
    return own_application(
        bootstrap,
        name,
        partitions=1,
        session_timeout_s=6.0,
        checkpoint_interval_s=0.3,
        origin="earliest",
        clock="event",
        policy={"versions": list(versions)},
    )


async def leave(settings: Settings, customer: str, hour: int) -> None:
    """A customer comes, subscribes, and cancels the only subscription, in one hour of the first of June."""
    producer = AIOKafkaProducer(bootstrap_servers=settings.brokers)
    await producer.start()
    moves: list[tuple[str, dict[str, Any]]] = [
        ("customer.created", {}),
        ("subscription.started", {"subscription": "s", "mrr": "10", "currency": "EUR"}),
        ("subscription.cancelled", {"subscription": "s"}),
    ]
    try:
        for minute, (kind, fields) in enumerate(moves):
            event = {
                "specversion": "1.0",
                "id": f"e{next(_numbers)}",
                "source": "test",
                "type": f"crm.{kind}",
                "subject": customer,
                "time": f"2025-06-01T{hour:02d}:{minute:02d}:00Z",
                "data": fields,
            }
            await producer.send_and_wait(settings.crm_topic, json.dumps(event).encode(), customer.encode())
    finally:
        await producer.stop()


def counted(worker: WorkerProcess, cancelled: int) -> float:
    """Customers lost, once that many cancellations are shown."""
    deadline = time.monotonic() + COUNTED_TIMEOUT_S
    while True:
        metrics = worker.metrics()
        if month(metrics, "subscription_changes", "cancelled") == cancelled:
            return month(metrics, "customer_changes", "lost")
        assert time.monotonic() < deadline, worker.log.read_text()[-4000:]
        time.sleep(0.2)


def month(metrics: str, series: str, change: str) -> float:
    wanted = {"window": "30d", "period": "now", "change": change}
    return sum(
        sample.value
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
        if sample.name == f"deskpulse_{series}" and wanted.items() <= sample.labels.items()
    )


def refused(settings: Settings, folder: Path) -> str:
    """What a worker that must not start says on its way out."""
    config = folder / "deskpulse.toml"
    config.write_text(toml_of(settings), encoding="utf-8")
    command = [sys.executable, "-m", "streams.cli.main", "worker", "--config", str(config), "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as worker:
        try:
            _, said = worker.communicate(timeout=REFUSED_TIMEOUT_S)
        finally:
            worker.kill()
    assert worker.returncode == EXIT_CONFIGURATION, said
    return said.splitlines()[-1]


def toml_of(settings: Settings) -> str:
    """The settings of a test as a file; JSON's values are TOML's, too."""
    plain = settings.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    policy = plain.pop("policy")
    lines = [f"{name} = {json.dumps(value)}" for name, value in plain.items()]
    for version in policy["versions"]:
        lines += ["[[policy.versions]]", *(f"{name} = {json.dumps(value)}" for name, value in version.items())]
    return "\n".join(lines) + "\n"


def test_a_new_version_counts_on_and_a_changed_one_is_refused(
    kafka: EmbeddedKafka, topic_name: Callable[..., str], tmp_path: Path
) -> None:
    name = topic_name("policy")
    one, both = settings_of(kafka.bootstrap, name, ONE), settings_of(kafka.bootstrap, name, ONE, TWO)
    asyncio.run(ensure_topics(one))
    asyncio.run(leave(one, "c/1", hour=8))
    with WorkerProcess(one) as worker:
        worker.wait_ready()
        assert counted(worker, cancelled=1) == 1
    with WorkerProcess(both) as worker:
        worker.wait_ready()
        assert counted(worker, cancelled=1) == 1, "what was counted stays"
        asyncio.run(leave(both, "c/2", hour=14))
        assert counted(worker, cancelled=2) == 1, "version 2 loses no customer with a subscription"
    said = refused(settings_of(kafka.bootstrap, name, {**ONE, "idle_days": 30}, TWO), tmp_path)
    assert said.startswith("deskpulse: policy version 1 was changed after it had been used")
    assert "under version 3 with an effective_from after 2025-06-01T14:02:00" in said
