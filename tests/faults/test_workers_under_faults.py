"""Workers are killed, stopped and moved while events flow; the state they leave equals a batch result."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable

import pytest
from fault_harness import PARTITIONS, SESSION_TIMEOUT_S, cluster, seed_of_test, steal_changelog
from fault_traffic import Traffic
from fault_verdict import assert_exact, wait_durable

from streams.broker import EmbeddedKafka

pytestmark = [pytest.mark.fault, pytest.mark.broker]

#: partitions of both source topics
ALL = 2 * PARTITIONS
RATE = 1500.0


def test_twenty_kills_at_random_moments_lose_and_repeat_nothing(
    kafka: EmbeddedKafka, topic_name: Callable[..., str], free_port: Callable[[], int]
) -> None:
    chance = seed_of_test("kills")
    with cluster(kafka.bootstrap, topic_name("kills"), free_port) as made:
        with Traffic(made.settings, RATE, chance.randrange(1 << 30)):
            # static membership: the next worker takes the dead one's place and need not wait for its session
            made.start_worker("only").wait_ready(ALL)
            for _ in range(20):
                time.sleep(chance.uniform(0.2, 2.0))
                made.workers[-1].kill()
                worker = made.start_worker("only")
                if chance.random() < 0.7:
                    worker.wait_ready(ALL)
        made.workers[-1].wait_ready(ALL)
        wait_durable(made.settings)
        assert made.workers[-1].terminate() == 0
        assert assert_exact(made.settings) > 10_000


def test_a_second_worker_joins_and_leaves_without_a_trace_in_the_state(
    kafka: EmbeddedKafka, topic_name: Callable[..., str], free_port: Callable[[], int]
) -> None:
    chance = seed_of_test("joins")
    with cluster(kafka.bootstrap, topic_name("joins"), free_port) as made:
        with Traffic(made.settings, RATE, chance.randrange(1 << 30)):
            first = made.start_worker()
            first.wait_ready(ALL)
            for number in range(4):
                second = made.start_worker()
                second.wait_ready(ALL // 2)
                first.wait_ready(ALL // 2)
                time.sleep(chance.uniform(0.2, 2.0))
                if number % 2:
                    second.kill()
                else:
                    assert second.terminate() == 0
                first.wait_ready(ALL)
        wait_durable(made.settings)
        assert first.terminate() == 0
        assert assert_exact(made.settings) > 10_000


def test_a_worker_stopped_beyond_its_session_cannot_spoil_what_another_took_over(
    kafka: EmbeddedKafka, topic_name: Callable[..., str], free_port: Callable[[], int]
) -> None:
    chance = seed_of_test("zombies")
    with cluster(kafka.bootstrap, topic_name("zombies"), free_port) as made:
        with Traffic(made.settings, RATE, chance.randrange(1 << 30)):
            pair = [made.start_worker(), made.start_worker()]
            for worker in pair:
                worker.wait_ready(ALL // 2)
            for number in range(2):
                asleep, awake = pair[number % 2], pair[1 - number % 2]
                asleep.signal(signal.SIGSTOP)
                time.sleep(SESSION_TIMEOUT_S)
                awake.wait_ready(ALL)
                time.sleep(chance.uniform(0.0, 1.0))
                asleep.signal(signal.SIGCONT)
                for worker in pair:
                    worker.wait_ready(ALL // 2)
        wait_durable(made.settings)
        assert [worker.terminate() for worker in pair] == [0, 0]
        assert assert_exact(made.settings) > 10_000


def test_a_broker_that_dies_twice_costs_time_and_nothing_else(
    kafka: EmbeddedKafka, topic_name: Callable[..., str], free_port: Callable[[], int]
) -> None:
    chance = seed_of_test("broker")
    with cluster(kafka.bootstrap, topic_name("broker"), free_port) as made:
        worker = made.start_worker()
        worker.wait_ready(ALL)
        with Traffic(made.settings, RATE, chance.randrange(1 << 30)):
            for _ in range(2):
                time.sleep(chance.uniform(1.0, 2.0))
                kafka.kill()
                time.sleep(chance.uniform(0.0, 2.0))
                kafka.restart()
            time.sleep(1.0)
        worker.wait_ready(ALL)
        wait_durable(made.settings)
        assert worker.terminate() == 0
        assert_exact(made.settings)


def test_a_foreign_producer_that_takes_the_changelog_is_recovered_from_and_then_left_alone(
    kafka: EmbeddedKafka, topic_name: Callable[..., str], free_port: Callable[[], int]
) -> None:
    chance = seed_of_test("thief")
    with cluster(kafka.bootstrap, topic_name("thief"), free_port) as made:
        worker = made.start_worker()
        worker.wait_ready(ALL)
        with Traffic(made.settings, RATE, chance.randrange(1 << 30)):
            time.sleep(0.5)
            asyncio.run(steal_changelog(made.settings, partition=0))
            time.sleep(3.0)
            assert worker.process.poll() is None, "one loss is not a reason to leave"
            worker.wait_ready(ALL)
            for _ in range(20):
                asyncio.run(steal_changelog(made.settings, partition=0))
                time.sleep(0.5)
                if worker.process.poll() is not None:
                    break
        assert worker.process.wait(20) == 1, "a partition that cannot be held ends the worker"
        made.start_worker().wait_ready(ALL)
        wait_durable(made.settings)
        assert_exact(made.settings)
