"""A worker's life on a real broker: start, stop, refusal."""

from __future__ import annotations

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition
from fault_harness import PARTITIONS, cluster
from fault_traffic import Traffic
from fault_verdict import assert_exact, wait_durable

from streams.broker import EmbeddedKafka

pytestmark = [pytest.mark.fault, pytest.mark.broker]

ALL = 2 * PARTITIONS


def test_sigterm_leaves_a_final_checkpoint_and_the_next_start_counts_on(
    kafka: EmbeddedKafka, topic_name: Callable[..., str], free_port: Callable[[], int]
) -> None:
    with cluster(kafka.bootstrap, topic_name("life"), free_port) as made:
        for seed in (1, 2):
            worker = made.start_worker()
            worker.wait_ready(ALL)
            with Traffic(made.settings, 500, seed):
                time.sleep(1)
            assert worker.terminate() == 0
        made.start_worker().wait_ready(ALL)
        wait_durable(made.settings)
        assert_exact(made.settings)


def test_a_source_that_was_cut_is_refused_with_a_sentence(
    kafka: EmbeddedKafka, topic_name: Callable[..., str], free_port: Callable[[], int]
) -> None:
    with cluster(kafka.bootstrap, topic_name("cut"), free_port) as made:
        worker = made.start_worker()
        worker.wait_ready(ALL)
        assert worker.terminate() == 0
        with Traffic(made.settings, 500, 3):
            time.sleep(1)
        asyncio.run(_cut(kafka.bootstrap, made.settings.helpdesk_topic, offset=20))
        worker = made.start_worker()
        worker.wait_ready(ALL - PARTITIONS)
        deadline = time.monotonic() + 20
        while "accept-loss" not in (said := _readyz(worker.port)):
            assert time.monotonic() < deadline, said
            time.sleep(0.2)
        assert worker.terminate() == 0


async def _cut(bootstrap: str, topic: str, offset: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_records(
            {TopicPartition(topic, p): RecordsToDelete(before_offset=offset) for p in range(PARTITIONS)}
        )
    finally:
        await admin.close()


def _readyz(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as answer:
        return answer.read().decode()
