"""Replays of the real histories against the published truth: every hour and every day, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from truth_files import HISTORIES, SECOND_US, History, time_us, truth_directory

from metrics_core.policy import Policy
from metrics_core.times import format_us
from streams.event_files import EventFiles
from streams.replay.choice import Choice, choose
from streams.replay.event_order import EventOrder
from streams.replay.moments import Moments
from streams.replay.steps import steps_between
from streams.report import chosen_rows

pytestmark = pytest.mark.truth

HOUR_US = 3600 * SECOND_US
#: truth table -> how the core names the same
KINDS = {
    "frt": ("first_response", {}),
    "first_resolution": ("resolution", {"resolution": "first"}),
    "all_resolutions": ("resolution", {"resolution": "every"}),
}


@pytest.fixture(params=HISTORIES)
def history(request: pytest.FixtureRequest) -> History:
    return History(request.param, truth_directory() / request.param)


def replayed(
    history: History, choice: Choice, length_us: int, from_us: int, to_us: int
) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """(time, rows) of every step."""
    events = EventFiles([str(history.directory / "events.jsonl.gz")])
    with EventOrder(events, policy=choice.policy) as order:
        order.read()
        steps = steps_between(
            length_us, from_us=from_us, to_us=to_us, first_event_us=order.first_us, last_event_us=order.last_us
        )
        for view in Moments(choice, steps).views(order):
            yield view.time_us, list(chosen_rows(view, choice))


@pytest.mark.parametrize("label", ["total", "group", "priority"])
def test_the_backlog_equals_the_truth_at_every_hour(history: History, label: str) -> None:
    table = history.table("backlog_hourly" if label == "total" else f"backlog_hourly_by_{label}")
    choice = choose(Policy(), metrics=["open_tickets"], by=[label], windows=["1h"])
    hours = {time_us(row["hour"]): row for row in table}
    checked = 0
    for at_us, rows in replayed(history, choice, HOUR_US, min(hours), max(hours)):
        assert backlog(rows, label, hours[at_us]) == told(hours[at_us], label), format_us(at_us)
        checked += 1
    assert checked == len(hours) > 8000


def told(truth: Mapping[str, str], label: str) -> dict[str, int]:
    if label == "total":
        return {"": int(truth["backlog"])}
    return {name or "none": int(n) for name, n in truth.items() if name != "hour"}


def backlog(rows: list[dict[str, Any]], label: str, truth: Mapping[str, str]) -> dict[str, int]:
    names = told(truth, label)
    got = dict.fromkeys(names, 0)
    for row in rows:
        name = row["labels"].get(label, "")
        got[name if name in got else "(other)"] = got.get(name if name in got else "(other)", 0) + row["value"]
    if "(other)" not in names:
        assert got.pop("(other)", 0) == 0
    return got


@pytest.mark.parametrize(("window", "size"), [("1h", "1h"), ("24h", "1d")], ids=["hour", "day"])
def test_every_tumbling_window_equals_the_truth(history: History, window: str, size: str) -> None:
    length_us = HOUR_US if window == "1h" else 24 * HOUR_US
    metrics = ["first_response_seconds", "resolution_seconds"]
    metrics += [f"{kind}_{part}" for kind in ("first_response", "resolution") for part in ("mean", "p50", "p90")]
    choice = choose(Policy(), metrics=metrics, by=["total"], windows=[window])
    truth = {
        table: {time_us(row["window_start"]): row for row in history.table(f"window_{table}_{size}")}
        for table in KINDS
    }
    starts = [start_us for rows in truth.values() for start_us in rows]
    checked = dict.fromkeys(KINDS, 0)
    for at_us, rows in replayed(history, choice, length_us, min(starts) + length_us, max(starts) + length_us):
        for table, (kind, labels) in KINDS.items():
            values = {
                row["metric"].removeprefix(kind): row["value"]
                for row in rows
                if row["metric"].startswith(kind) and labels.items() <= row["labels"].items()
            }
            expected = truth[table].get(at_us - length_us)
            if expected is None:
                assert values.get("_seconds_gcount", 0) == 0, (table, format_us(at_us))
                continue
            checked[table] += 1
            assert values["_seconds_gcount"] == int(expected["n"]), (table, format_us(at_us))
            assert values["_seconds_gsum"] == float(expected["sum_s"]), (table, format_us(at_us))
            assert values["_mean"] == pytest.approx(float(expected["mean_s"]), abs=0.001)
            for part in ("p50", "p90"):
                assert values[f"_{part}"] == pytest.approx(float(expected[f"{part}_s"]), rel=0.01), (
                    table,
                    part,
                    format_us(at_us),
                )
    assert checked == {table: len(rows) for table, rows in truth.items()}
