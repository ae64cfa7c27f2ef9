"""The real histories and what is known to be true of them."""

import csv
import gzip
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

VARIABLE = "DESKPULSE_TRUTH_DATA"
HISTORIES = ("bpic14_rabobank_sample", "servicenow_uci_incidents")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND_US = 1_000_000


def truth_directory() -> Path:
    """Where the histories are; skips the test (fails it in CI) when they are nowhere."""
    named = os.environ.get(VARIABLE)
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    directory = Path(named) if named else beside
    if all((directory / history / "events.jsonl.gz").is_file() for history in HISTORIES):
        return directory
    reason = (
        f"no truth files: set {VARIABLE} to a directory that holds {' and '.join(HISTORIES)}, "
        "each with events.jsonl.gz and its truth_* files"
    )
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


def time_us(text: str) -> int:
    """Microseconds of a truth file's time, which is UTC."""
    return (datetime.fromisoformat(text.replace("Z", "+00:00")) - EPOCH) // timedelta(microseconds=1)


def _optional_us(text: str) -> int | None:
    return time_us(text) if text else None


@dataclass(frozen=True)
class TrueTicket:
    """One row of truth_tickets. Times in microseconds since the epoch, durations in seconds."""

    subject: str
    group: str
    priority: str
    created_us: int
    first_response_us: int | None
    first_response_s: float | None
    first_resolution_us: int | None
    first_resolution_s: float | None
    last_resolution_us: int | None  # None where the ticket ends open
    last_resolution_s: float | None
    reopens: int
    is_open: bool


@dataclass(frozen=True)
class History:
    """One real history: its events as lines of JSON, and its truth."""

    name: str
    directory: Path

    @property
    def lines(self) -> list[bytes]:
        return _lines(self.directory)

    @property
    def end_us(self) -> int:
        """A time by which everything has happened: the first full hour after the last event."""
        hour_us = 3600 * SECOND_US
        return (time_us(self.summary["last_event"]) // hour_us + 1) * hour_us

    @property
    def summary(self) -> Mapping[str, Any]:
        loaded: Mapping[str, Any] = json.loads((self.directory / "truth_summary.json").read_bytes())
        return loaded

    @property
    def tickets(self) -> Sequence[TrueTicket]:
        return _tickets(self.directory)

    def table(self, name: str) -> list[dict[str, str]]:
        """The rows of truth_<name>.csv.gz as texts."""
        with gzip.open(self.directory / f"truth_{name}.csv.gz", "rt", newline="") as file:
            return list(csv.DictReader(file))


@cache
def _lines(directory: Path) -> list[bytes]:
    with gzip.open(directory / "events.jsonl.gz") as file:
        return file.readlines()


@cache
def _tickets(directory: Path) -> Sequence[TrueTicket]:
    def number(text: str) -> float | None:
        return float(text) if text else None

    return [
        TrueTicket(
            subject=row["ticket_id"],
            group=row["group"] or "none",
            priority=row["priority"] or "none",
            created_us=time_us(row["created_ts"]),
            first_response_us=_optional_us(row["first_reply_ts"]),
            first_response_s=number(row["frt_s"]),
            first_resolution_us=_optional_us(row["first_resolution_ts"]),
            first_resolution_s=number(row["resolution_first_s"]),
            last_resolution_us=_optional_us(row["last_resolution_ts"]),
            last_resolution_s=number(row["resolution_last_s"]),
            reopens=int(row["reopen_count"]),
            is_open=row["final_state"] == "open",
        )
        for row in History("", directory).table("tickets")
    ]
