"""What happens to brokers: they restart, die, stay away, and hand their work to one another."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from chaos_act import Outcome, Stage
from chaos_brokers import ThreeBrokers, three_brokers

GONE_S = 60.0
IN_SYNC_TIMEOUT_S = 120.0


def broker_restarts(stage: Stage, times: int) -> Outcome:
    """The only broker restarts, in order and after kill -9 in turns."""
    with stage.act("restarts") as act:
        with act.traffic():
            pair = act.open("left", "right")
            for number in range(times):
                time.sleep(act.chance.uniform(0.5, 2.0))
                if number % 2:
                    stage.shared.kill()
                    time.sleep(act.chance.uniform(0.0, 2.0))
                stage.shared.restart()
                act.back(pair, time.time())
        return act.close(pair, times)


def broker_gone(stage: Stage, times: int) -> Outcome:
    """The only broker is away for a minute: longer than sessions, deliveries and transactions last."""
    with stage.act("gone") as act:
        with act.traffic():
            pair = act.open("left", "right")
            for _ in range(times):
                stage.shared.kill()
                time.sleep(GONE_S)
                stage.shared.restart()
                act.back(pair, time.time())
        return act.close(
            pair, times, f"each time {GONE_S:.0f} s; the events of that time arrive at once afterwards"
        )


def coordinator_killed(stage: Stage, times: int) -> Outcome:
    """Three brokers: the one that coordinates the group is killed, another takes over; then it comes back."""
    moved = 0
    with (
        three_brokers(stage.cache_dir) as brokers,
        stage.act("three", brokers.bootstrap, replication=3) as act,
    ):
        with act.traffic():
            pair = act.open("left", "right")
            for _ in range(times):
                time.sleep(act.chance.uniform(0.5, 2.0))
                coordinator = asyncio.run(_coordinator(brokers, act.settings.app_id))
                brokers.kill(coordinator)
                act.back(pair, time.time())
                moved += asyncio.run(_coordinator(brokers, act.settings.app_id)) != coordinator
                brokers.restart(coordinator)
                asyncio.run(_in_sync(brokers))
        note = f"3 replicas, 2 in sync; the coordinator moved {moved} of {times} times while a broker was down"
        outcome = act.close(pair, times, note)
        assert moved == times
        return outcome


async def _coordinator(brokers: ThreeBrokers, group: str) -> int:
    """Node id of the group's coordinator, as one of the brokers that run says."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers.alive)
    await admin.start()
    try:
        return int(await admin.find_coordinator(group))
    finally:
        await admin.close()


async def _in_sync(brokers: ThreeBrokers) -> None:
    """Wait until every partition of every topic has all its replicas in sync."""
    admin = AIOKafkaAdminClient(bootstrap_servers=brokers.alive)
    await admin.start()
    try:
        deadline = time.monotonic() + IN_SYNC_TIMEOUT_S
        while lagging := [
            topic["topic"]
            for topic in await admin.describe_topics()
            if any(_lags(partition) for partition in topic["partitions"])
        ]:
            assert time.monotonic() < deadline, f"replicas are not in sync: {sorted(set(lagging))}"
            await asyncio.sleep(0.3)
    finally:
        await admin.close()


def _lags(partition: dict[str, Any]) -> bool:
    return len(partition["isr"]) < len(partition["replicas"])
