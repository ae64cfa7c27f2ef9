"""A worker's life on a real broker: start and stop."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
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
