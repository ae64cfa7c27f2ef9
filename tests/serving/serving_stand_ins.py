"""A small view and an engine that hands it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from metrics_core.counters import Counters
from metrics_core.policy import WINDOWS
from metrics_core.series import Histogram, Series
from streams.engine.status import EngineStatus, PartitionStatus

TICKETS = Series(
    "tickets",
    "gauge",
    ("channel", "group", "priority", "window", "flow"),
    'Transitions of tickets, "every" one',
    {"window": WINDOWS, "flow": ("created", "resolved")},
)
OPEN = Series(
    "open_tickets",
    "gauge",
    ("channel", "group", "priority", "status"),
    "Open tickets",
    {"status": ("new", "open")},
)
OLDEST = Series(
    "oldest_open_timestamp_seconds",
    "gauge",
    ("channel", "group", "priority"),
    "Creation of the oldest open ticket",
    merge="min",
)
FIRST_RESPONSE = Series(
    "first_response_seconds",
    "histogram",
    ("channel", "group", "window", "clock"),
    "Creation to the first public agent message",
    {"window": WINDOWS, "clock": ("calendar",)},
)


def histogram(**at: int) -> Histogram:
    """Counts by interval, named i<number>; a minute for each observation."""
    made = Histogram()
    for name, count in at.items():
        made.counts[int(name[1:])] = count
    made.sum_us = 60_000_000 * made.count
    return made


def small_tables() -> list[tuple[Series, dict[tuple[str, ...], Any]]]:
    """What one ticket by chat and one by phone leave behind."""
    return [
        (
            FIRST_RESPONSE,
            {
                ("chat", "billing", "24h", "calendar"): histogram(i1=2, i19=1),
                ("chat", "billing", "1h", "calendar"): Histogram(),
            },
        ),
        (OLDEST, {}),
        (OPEN, {("phone", "none", "high", "open"): 1}),
        (
            TICKETS,
            {
                ("chat", "billing", "normal", "24h", "created"): 3,
                ("phone", 'a "b"\\c\n', "high", "1h", "created"): 1_234_567,
            },
        ),
    ]


@dataclass
class StubEngine:
    """An engine that serves what the test puts into it."""

    status: EngineStatus = field(default_factory=EngineStatus)
    latest: Any = field(default_factory=lambda: SimpleNamespace(frozen=[], partitions=[], time_us=0))
    builds: int = 0

    def build(self, frozen: Any, policy: Any) -> Any:
        """A view of the tables that stand in for frozen shards."""
        self.builds += 1
        tables = {t[0].name: SimpleNamespace(series=t[0], rows=t[1]) for t in frozen}
        start_us = 1_767_000_000_000_000
        return SimpleNamespace(tables=tables, start_us=start_us, starts={"customers": start_us + 3_600_000_000})

    def show(self, tables: Any, *, ready: bool = True) -> None:
        """Publish a new snapshot with every partition in the state ``ready``."""
        partitions = [("helpdesk.events", 0), ("helpdesk.events", 1)] if ready else []
        self.latest = SimpleNamespace(frozen=tables, partitions=partitions, time_us=1_767_225_600_000_000)
        self.status.ready = ready
        self.status.topic_partitions["helpdesk.events"] = 2
        for partition in (0, 1):
            self.status.partitions[("helpdesk.events", partition)] = PartitionStatus(
                "helpdesk.events", partition, ready=ready, fresh=ready, watermark_us=1_767_225_590_500_000
            )
        self.status.counters["helpdesk.events"] = Counters()
