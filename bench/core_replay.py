"""core_replay: events/s of a replay with hourly views and their rows, against decoding the lines with msgspec.

The file is the history named by DESKPULSE_BENCH_FILE, else simulated traffic. Three choices: what a board of one
team shows (two series and two derived metrics), every metric of one window, and every metric over all windows.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

import msgspec

from bench.figure import figure
from bench.workload import FILE_VARIABLE, helpdesk_events
from metrics_core.policy import Policy
from metrics_core.times import HOUR_US
from streams.event_files import EventFiles
from streams.replay.choice import Choice, choose
from streams.replay.event_order import EventOrder
from streams.replay.moments import Moments
from streams.replay.sheets import ChosenRows
from streams.replay.steps import steps_between

EVENTS = 170_000
ROUNDS = 3
#: the slower choices see the first steps only: their cost is a step's, whatever the events between
SLOW_STEPS = 500
BOARD = ("open_tickets", "first_response_p50", "first_response_p90", "tickets")
POLICY = Policy()


def main() -> None:
    """A figure for each choice."""
    with tempfile.TemporaryDirectory() as folder:
        name = os.environ.get(FILE_VARIABLE) or str(_written(Path(folder) / "events.jsonl"))
        lines = list(EventFiles([name]))
        board = choose(POLICY, metrics=BOARD, by=["total"], windows=["1h"])
        for bench, choice, rounds, most in (
            ("core_replay_hourly_board", board, ROUNDS, None),
            ("core_replay_hourly_24h", choose(POLICY, by=["total"], windows=["24h"]), 1, SLOW_STEPS),
            ("core_replay_hourly_everything", choose(POLICY, by=["total"]), 1, SLOW_STEPS),
        ):
            values, baselines = [], []
            for _ in range(rounds):
                baselines.append(_decoded(lines))
                values.append(_replayed(name, choice, most))
            figure(
                bench,
                statistics.median(values),
                "events/s",
                statistics.median(baselines),
                "msgspec.json.decode of the same lines",
            )


def _decoded(lines: list[bytes]) -> float:
    decode = msgspec.json.Decoder().decode
    start_s = time.perf_counter()
    for line in lines:
        decode(line)
    return len(lines) / (time.perf_counter() - start_s)


def _replayed(name: str, choice: Choice, most: int | None) -> float:
    """Events/s of the whole replay; from the cost a step where only the first ``most`` steps are made."""
    start_s = time.perf_counter()
    with EventOrder(EventFiles([name]), policy=POLICY) as order:
        order.read()
        steps = steps_between(
            HOUR_US, from_us=None, to_us=None, first_event_us=order.first_us, last_event_us=order.last_us
        )
        moments, rows = Moments(choice, steps), ChosenRows(choice)
        for number, view in enumerate(moments.views(order), 1):
            rows.of(view)
            if number == most:
                break
        share = 1.0 if most is None else min(1.0, most / len(steps))
        return order.events * share / (time.perf_counter() - start_s)


def _written(path: Path) -> Path:
    path.write_bytes(b"".join(event.value + b"\n" for event in helpdesk_events(EVENTS)))
    return path


if __name__ == "__main__":
    main()
