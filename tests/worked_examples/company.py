"""A small company that is told a history by hand: days since the first of March 2026, one event a call."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from metrics_core.build import build
from metrics_core.derived import DERIVED
from metrics_core.policy import Policy
from metrics_core.records import FileRecord
from metrics_core.series import Histogram
from metrics_core.shard import Shard
from metrics_core.times import DAY_US, format_us, parse_rfc3339
from metrics_core.view import View

FIRST_US = parse_rfc3339("2026-03-01T00:00:00Z")


def on(day: float) -> str:
    """RFC 3339 of a day of the story."""
    return format_us(FIRST_US + round(day * DAY_US))


class Company:
    """Events told one by one (``lines``, the shard not yet), and what the metrics say of them."""

    def __init__(self) -> None:
        self.policy = Policy()
        self.lines: list[bytes] = []

    def tell(self, day: float, kind: str, subject: str, /, **changes: Any) -> Company:
        """One event; ``changes`` are its data, but ``id`` and ``source``."""
        event = {
            "specversion": "1.0",
            "id": changes.pop("id", f"{len(self.lines):05d}"),
            "source": changes.pop("source", "books"),
            "type": kind,
            "subject": subject,
            "time": on(day),
            "data": changes,
        }
        self.lines.append(json.dumps(event).encode())
        return self

    def many(self, day: float, kind: str, subjects: Sequence[str], /, **changes: Any) -> Company:
        """The same of several subjects."""
        for subject in subjects:
            self.tell(day, kind, subject, **changes)
        return self

    # -- shards -------------------------------------------------------------------------------------------

    def shard(self) -> Shard:
        """A shard as a worker has it, that has applied all."""
        shard = Shard(self.policy)
        apply(shard, self.lines)
        return shard

    def view(self, day: float) -> View:
        return view(self.shard(), day)

    # -- questions ----------------------------------------------------------------------------------------

    def total(self, day: float, series: str, **labels: str) -> float | None:
        """Sum of a gauge's rows with these labels; None where there is no row."""
        table = self.view(day).tables[series]
        found = [
            value
            for values, value in table.rows.items()
            if labels.items() <= dict(zip(table.series.labels, values, strict=True)).items()
            and not isinstance(value, Histogram)
        ]
        return sum(found) if found else None

    def derived(self, day: float, metric: str, *labels: str) -> float | None:
        """A derived metric's value of these output labels, in their order; None where it has none."""
        (found,) = [derived for derived in DERIVED if derived.id == metric]
        vector = found.evaluate(self.view(day))
        assert len(labels) == len(vector.names), f"{metric} has the labels {vector.names}"
        return vector.rows.get(labels)


def apply(shard: Shard, lines: Sequence[bytes]) -> None:
    """All lines as one batch."""
    shard.apply([FileRecord(line, number) for number, line in enumerate(lines)])


def restarted(shard: Shard, changelog: dict[bytes, bytes]) -> Shard:
    """A shard loaded from all that the other wrote, after what it writes now."""
    for key, value in shard.drain():
        if value is None:
            del changelog[key]
        else:
            changelog[key] = value
    again = Shard(shard.policy)
    for key, value in changelog.items():
        again.load(key, value)
    again.finish_load()
    return again


def view(shard: Shard, day: float) -> View:
    """The view of a shard as of a day."""
    return build([shard.freeze(FIRST_US + round(day * DAY_US))], shard.policy)


def subjects(prefix: str, number: int, start: int = 0) -> list[str]:
    """So many names of subjects."""
    return [f"{prefix}/{start + one}" for one in range(number)]
