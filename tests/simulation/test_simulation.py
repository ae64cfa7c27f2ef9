"""The engine under simulated faults: a thousand seeds end in the right state or the right refusal, and replay."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from planted import PLANTED, Fault, first_to_notice
from sim_run import Result, simulate
from sim_scenario import ACTIONS, TURNS
from sim_verdict import TRUE_REFUSALS

BLOCKS, SEEDS_A_BLOCK = 20, 50
MOST_SEEDS_TO_NOTICE = 150

#: what the seeds are there for
TO_BE_MET = (
    *(f"action: {name}" for name in ACTIONS),
    *(f"turn: {name}" for name in TURNS),
    *(f"refused: {name}" for name in TRUE_REFUSALS),
    *(
        f"{request}: {fate}"
        for request in ("init", "watermark", "read", "produce", "end", "seek", "identity")
        for fate in ("lost_request", "lost_reply", "late", "slow", "killed", "frozen")
    ),
    "a loss was accepted",
    "a producer was fenced",
    "a transaction timed out",
    "init aborted a transaction",
    "a batch was lost",
    "a batch came again",
    "a batch overtook another",
    "two workers under one identity",
)


@cache
def block(number: int) -> tuple[Result, ...]:
    """The runs of one block of seeds."""
    first = 1 + number * SEEDS_A_BLOCK
    return tuple(simulate(seed) for seed in range(first, first + SEEDS_A_BLOCK))


@pytest.mark.parametrize("number", range(BLOCKS))
def test_whatever_happens_the_state_is_exact_or_refused_for_a_true_reason(number: int) -> None:
    failed = [result for result in block(number) if result.failure is not None]
    if failed:
        first = failed[0]
        pytest.fail(
            f"{first.trace}\n{len(failed)} seeds failed, the first is {first.seed}: {first.failure}\n"
            f"replay it with `make simulate SEEDS={first.seed}`"
        )


def test_the_seeds_meet_every_fault_that_they_are_there_for() -> None:
    seen: Counter[str] = Counter()
    for number in range(BLOCKS):
        for result in block(number):
            seen.update(result.seen)
    assert not [what for what in TO_BE_MET if not seen[what]]


@pytest.mark.parametrize("seed", [5, 13, 21, 34])
def test_a_seed_gives_the_same_run_twice(seed: int) -> None:
    first, second = simulate(seed), simulate(seed)
    assert (first.digest, first.trace, first.steps) == (second.digest, second.trace, second.steps)


def test_a_seed_gives_the_same_run_in_another_process() -> None:
    """Also where hashes of strings, and so the order of sets, are others."""
    digests = []
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name("run_seeds.py")), "21"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        digests += re.findall(r"digest (\w+)", done.stdout)
    assert digests == [f"{simulate(21).digest:08x}"] * 2


@pytest.mark.parametrize("fault", PLANTED, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_noticed(fault: Fault) -> None:
    noticed = first_to_notice(fault, MOST_SEEDS_TO_NOTICE)
    assert noticed is not None, f"no seed notices: {fault.__doc__}"
    assert noticed[1].startswith(("Wrong: ", "AssertionError: ")), f"not by the verdict: {noticed}"
