"""The scenarios of `make chaos` that need brokers of their own or an operator, a few faults each."""

from __future__ import annotations

from pathlib import Path

import pytest
from chaos_act import Outcome, Stage
from chaos_logs import compaction, expired_ids, retention
from chaos_outages import coordinator_killed
from chaos_scenarios import SCENARIOS
from chaos_security import credentials
from fault_harness import seed_of_test

from streams.broker import EmbeddedKafka
from streams.settings import load_settings

RATE = 300.0
PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"

fault = pytest.mark.fault
broker = pytest.mark.broker


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Stage:
    """Chance with a printed seed, and the session's broker where a scenario needs none of its own."""

    def session_broker() -> EmbeddedKafka:
        kafka: EmbeddedKafka = request.getfixturevalue("kafka")
        return kafka

    return Stage(load_settings().cache_dir, seed_of_test(request.node.name), RATE, session_broker)


def assert_no_difference(outcome: Outcome) -> None:
    verdict = outcome.verdict
    assert verdict.events > 500
    assert not verdict.differences, f"{len(verdict.differences)} differences, first {verdict.differences[0]}"


@fault
@broker
def test_of_three_brokers_the_coordinator_may_die(stage: Stage) -> None:
    assert_no_difference(coordinator_killed(stage, 1))


@fault
@broker
def test_a_broker_may_forget_the_transactional_ids_of_a_quiet_worker(stage: Stage) -> None:
    assert_no_difference(expired_ids(stage, 1))


@fault
@broker
def test_changelogs_may_be_compacted_without_rest(stage: Stage) -> None:
    assert_no_difference(compaction(stage, 2))


@fault
@broker
def test_a_source_cut_past_the_fence_is_refused_until_the_loss_is_accepted(stage: Stage) -> None:
    assert_no_difference(retention(stage, 1))


@fault
@broker
def test_workers_prove_who_they_are_with_sasl_and_tls_and_strangers_are_sent_away(stage: Stage) -> None:
    assert_no_difference(credentials(stage, 3))


def test_the_page_has_a_row_without_differences_for_every_scenario() -> None:
    rows = {
        cells[1]: cells
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if len(cells := [cell.strip(" `") for cell in line.split("|")]) > 9
    }
    assert SCENARIOS.keys() <= rows.keys(), "run `make chaos`"
    for name in SCENARIOS:
        assert rows[name][7] == "0", rows[name]
