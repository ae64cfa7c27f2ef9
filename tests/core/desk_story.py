"""A desk that is told a story, event by event, and asked what it counts."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from typing import Any

from metrics_core.build import build
from metrics_core.policy import Policy
from metrics_core.records import FileRecord
from metrics_core.series import Histogram
from metrics_core.shard import Shard
from metrics_core.times import DAY_US, MINUTE_US, format_us, parse_rfc3339
from metrics_core.view import View

#: minute 0 of every story, a Monday; on a pane edge of every width
START_US = parse_rfc3339("2026-03-02T00:00:00Z")
#: in minutes
ONE_DAY = DAY_US / MINUTE_US


class Desk:
    """One shard. Times are minutes since START_US; a question is asked as of a day later unless told."""

    def __init__(self, policy: Policy | None = None, **shard: Any) -> None:
        self.policy = policy or Policy()
        self._arguments = shard
        self.shard = Shard(self.policy, **shard)
        self.changelog: dict[bytes, bytes] = {}
        self._numbers = itertools.count()

    def tell(self, kind: str, at: float, subject: str = "T-1", /, **changes: Any) -> Desk:
        """One event, ``helpdesk.ticket.<kind>`` unless it names a family; ``changes`` are its data, but ``id``,
        ``source`` and ``sequence``."""
        number = next(self._numbers)
        envelope: dict[str, Any] = {
            name: changes.pop(name) for name in ("id", "source", "sequence") if name in changes
        }
        event: dict[str, Any] = {
            "specversion": "1.0",
            "id": f"e{number:04d}",
            "source": "desk",
            "type": kind if "." in kind else f"helpdesk.ticket.{kind}",
            "subject": subject,
            "time": format_us(START_US + round(at * MINUTE_US)),
            "data": changes,
            **envelope,
        }
        self.shard.apply([FileRecord(json.dumps(event).encode(), number, subject.encode())])
        return self

    def save(self) -> Desk:
        """Write what changed to the changelog."""
        for key, value in self.shard.drain():
            if value is None:
                del self.changelog[key]
            else:
                self.changelog[key] = value
        return self

    def restart(self) -> Desk:
        """Save, and go on with a shard loaded from the changelog."""
        self.save()
        self.shard = Shard(self.policy, **self._arguments)
        for key, value in self.changelog.items():
            self.shard.load(key, value)
        self.shard.finish_load()
        return self

    # -- questions ----------------------------------------------------------------------------------------

    def view(self, at: float = ONE_DAY) -> View:
        return build([self.shard.freeze(START_US + round(at * MINUTE_US))], self.policy)

    def value(self, series: str, at: float = ONE_DAY, **labels: Any) -> float:
        """Sum of a gauge's rows with these labels."""
        return sum(value for _, value in self._rows(series, at, labels) if not isinstance(value, Histogram))

    def flow(self, flow: str, at: float = ONE_DAY, window: str = "24h", **labels: Any) -> float:
        return self.value("tickets", at, flow=flow, window=window, **labels)

    def flows(self) -> dict[str, float]:
        """Transitions of the last day, those that happened."""
        table = self.view().tables["tickets"]
        found = {name: self.flow(name) for name in table.series.enums["flow"]}
        return {name: count for name, count in found.items() if count}

    def open(self, **labels: Any) -> float:
        return self.value("open_tickets", **labels)

    def minutes(self, series: str, at: float = ONE_DAY, **labels: Any) -> tuple[int, float]:
        """(number, sum in minutes) of a histogram series in the last day, or as of now."""
        count, sum_us = 0, 0
        for row, value in self._rows(series, at, labels):
            if isinstance(value, Histogram) and row.get("window", "24h") == "24h":
                count, sum_us = count + value.count, sum_us + value.sum_us
        return count, sum_us / MINUTE_US

    def first_response(self, **labels: Any) -> tuple[int, float]:
        return self.minutes("first_response_seconds", **labels)

    def reply_wait(self) -> tuple[int, float]:
        return self.minutes("reply_wait_seconds")

    def resolution(self, which: str, **labels: Any) -> tuple[int, float]:
        return self.minutes("resolution_seconds", resolution=which, **labels)

    def labels_seen(self, series: str, name: str) -> set[str]:
        """Values of one label in the rows of a series."""
        return {row[name] for row, _ in self._rows(series, ONE_DAY, {})}

    def _rows(
        self, series: str, at: float, labels: dict[str, str]
    ) -> Iterable[tuple[dict[str, str], int | float | Histogram]]:
        table = self.view(at).tables[series]
        for values, value in table.rows.items():
            row = dict(zip(table.series.labels, values, strict=True))
            if labels.items() <= row.items():
                yield row, value

    # -- counters -----------------------------------------------------------------------------------------

    @property
    def rejected(self) -> dict[str, int]:
        return dict(self.shard.counters.rejected)

    @property
    def rows(self) -> int:
        """Tickets that have a row."""
        return len(self.shard.tickets.hot.keys() | self.shard.tickets.rest.keys())
