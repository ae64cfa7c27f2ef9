"""Reports broken down by a label, and of two moments."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from metrics_core.policy import Policy
from metrics_core.times import HOUR_US, format_us, parse_rfc3339
from streams.replay.choice import ChoiceError
from streams.report import report_rows

START_US = parse_rfc3339("2026-03-02T00:00:00Z")
END_US = START_US + 48 * HOUR_US
COMMAND = [sys.executable, "-m", "streams.cli.main", "report"]
POLICY_LABELS = ("channel", "group", "priority")


def lines() -> list[bytes]:
    rng = random.Random(5)
    out = []
    for number in range(60):
        at_us = START_US + rng.randrange(40) * HOUR_US
        labels = {name: rng.choice(["x", "y", None]) for name in POLICY_LABELS}
        steps: list[tuple[str, int, dict[str, Any]]] = [
            ("created", at_us, labels),
            ("message", at_us + rng.randrange(HOUR_US), {"actor": "agent"}),
        ]
        if number % 2:
            steps.append(("status_changed", at_us + 2 * HOUR_US, {"to": "resolved"}))
        if number % 5 == 0:
            steps.append(("updated", at_us + HOUR_US, {"group": rng.choice(["x", "z"])}))
        out += [
            {
                "specversion": "1.0",
                "id": f"{number}-{kind}",
                "source": "desk",
                "type": f"helpdesk.ticket.{kind}",
                "subject": f"desk/{number}",
                "time": format_us(time_us),
                "data": fields,
            }
            for kind, time_us, fields in steps
        ]
    return [json.dumps(event).encode() for event in out]


def summed(rows: list[dict[str, Any]], keep: tuple[str, ...]) -> dict[Any, float]:
    """Series by the labels that are kept; timestamps take the least."""
    out: dict[Any, list[float]] = defaultdict(list)
    for row in rows:
        labels = {name: value for name, value in row["labels"].items() if name not in POLICY_LABELS or name in keep}
        out[row["metric"], tuple(sorted(labels.items()))].append(row["value"])
    return {key: min(v) if "timestamp" in key[0] else sum(v) for key, v in out.items()}


def is_series(row: dict[str, Any]) -> bool:
    name = str(row["metric"])
    return name.endswith(("_bucket", "_gcount", "_gsum", "timestamp_seconds")) or name in (
        "open_tickets", "unanswered_tickets", "unassigned_tickets", "tickets", "messages",
    )  # fmt: skip


@pytest.mark.parametrize("by", [("group",), ("priority",), ("channel", "priority"), ("total",)])
def test_a_breakdown_is_the_sum_over_the_other_labels(by: tuple[str, ...]) -> None:
    # histograms carry the priority here too, so that there is something to sum
    policy = Policy(histogram_labels=POLICY_LABELS)
    full = [row for row in report_rows(lines(), as_of_us=END_US, policy=policy) if is_series(row)]
    got = [row for row in report_rows(lines(), as_of_us=END_US, by=by) if is_series(row)]
    keys = [(row["metric"], tuple(sorted(row["labels"].items()))) for row in got]
    assert len(keys) == len(set(keys))
    expected = summed(full, by)
    assert {key: value for key, value in summed(got, by).items() if value} == {
        key: pytest.approx(value) for key, value in expected.items() if value
    }


def test_derived_metrics_keep_their_own_labels_beside_a_breakdown() -> None:
    rows = report_rows(lines(), as_of_us=END_US, windows=["24h"], by=["group"])
    shares = [row for row in rows if row["metric"] == "channel_share"]
    assert {tuple(sorted(row["labels"])) for row in shares} == {("channel", "group", "window")}
    for group in {row["labels"]["group"] for row in shares}:
        total = sum(row["value"] for row in shares if row["labels"]["group"] == group)
        assert total in (0, pytest.approx(1))
    assert all("channel" not in row["labels"] for row in rows if row["metric"] == "tickets")


def test_an_unknown_window_or_label_is_refused() -> None:
    with pytest.raises(ChoiceError, match="--window 2h"):
        report_rows([], windows=["2h"])
    with pytest.raises(ChoiceError, match="--by moon"):
        report_rows([], by=["moon"])


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(lines()) + b"\n")
    return str(path)


def command(*arguments: str) -> str:
    ended = subprocess.run([*COMMAND, *arguments], capture_output=True, check=False, timeout=120, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_two_moments_give_the_rows_of_both(file: str) -> None:
    noon, later = format_us(START_US + 12 * HOUR_US), format_us(END_US)
    both = json.loads(command(file, "--as-of", noon, "--compare", later, "--by", "group", "--format", "json"))
    assert both == [
        json.loads(json.dumps(row))
        for at_us in (START_US + 12 * HOUR_US, END_US)
        for row in report_rows(lines(), as_of_us=at_us, by=["group"])
    ]


def test_a_table_of_two_moments_shows_the_difference(file: str) -> None:
    noon, later = format_us(START_US + 12 * HOUR_US), format_us(END_US)
    text = command(file, "--as-of", noon, "--compare", later, "--window", "all")
    created = [
        sum(
            row["value"]
            for row in report_rows(lines(), as_of_us=at_us, windows=["all"], by=["total"])
            if row["metric"] == "tickets" and row["labels"]["flow"] == "created"
        )
        for at_us in (START_US + 12 * HOUR_US, END_US)
    ]
    (line,) = [line for line in text.splitlines() if line.strip().startswith("tickets created all")]
    assert line.split()[3:] == [str(created[0]), str(created[1]), f"+{created[1] - created[0]}"]
