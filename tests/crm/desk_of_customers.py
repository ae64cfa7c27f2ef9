"""Short histories told by hand: days since the first of March 2026, one event a call."""

from __future__ import annotations

import json
from typing import Any

from metrics_core.build import build
from metrics_core.derived import DERIVED
from metrics_core.policy import Policy
from metrics_core.records import FileRecord
from metrics_core.shard import Shard
from metrics_core.times import DAY_US, format_us, parse_rfc3339
from metrics_core.view import View

FIRST_US = parse_rfc3339("2026-03-01T00:00:00Z")
WINDOWS = ("1h", "24h", "7d", "30d", "all")


def on(day: float) -> str:
    """RFC 3339 of a day of the story."""
    return format_us(FIRST_US + int(day * DAY_US))


class Story:
    """Events told one by one, and what the metrics say of them."""

    def __init__(self, policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self.lines: list[bytes] = []

    def tell(self, day: float, kind: str, subject: str = "c/1", **data: Any) -> Story:
        event = {
            "specversion": "1.0",
            "id": f"{len(self.lines):04d}",
            "source": "crm",
            "type": f"crm.{kind}",
            "subject": subject,
            "time": on(day),
            "data": data,
        }
        self.lines.append(json.dumps(event).encode())
        return self

    def shard(self, day: float) -> Shard:
        shard = Shard(
            self.policy, until_us=FIRST_US + int(day * DAY_US), fine=True, since_beginning=True, retire=False
        )
        shard.apply([FileRecord(line, number) for number, line in enumerate(self.lines)])
        return shard

    def view(self, day: float) -> View:
        return build([self.shard(day).freeze(FIRST_US + int(day * DAY_US))], self.policy, WINDOWS)

    def total(self, day: float, series: str, **labels: str) -> Any:
        """Sum of a series' rows that carry these labels; None where there is no row."""
        table = self.view(day).tables[series]
        found = [
            value
            for values, value in table.rows.items()
            if labels.items() <= dict(zip(table.series.labels, values, strict=True)).items()
        ]
        return sum(found) if found else None  # type: ignore[arg-type]

    def derived(self, day: float, metric: str) -> dict[tuple[str, ...], float]:
        (found,) = [derived for derived in DERIVED if derived.id == metric]
        return found.evaluate(self.view(day)).rows
