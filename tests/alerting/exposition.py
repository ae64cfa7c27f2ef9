"""What two workers show Prometheus, minute by minute, as promtool's rule tests take it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from itertools import groupby, pairwise

from metrics_core.derived.rules import TOPICS

WORKERS = ("w1", "w2")
HELPDESK, CRM = TOPICS["helpdesk"], TOPICS["crm"]
#: no sample in this minute; the series ends, as when its target is gone
NOTHING, STALE = "_", "stale"

Sample = float | str
#: a value a minute: always the same, by the minute, or each by itself
Value = float | Callable[[int], Sample] | Sequence[Sample]
Row = tuple[str, tuple[tuple[str, str], ...]]


class Exposition:
    """Series over ``minutes``, whose first is the epoch. Each worker has one partition of each topic."""

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes
        self.rows: dict[Row, list[Sample]] = {}

    def put(self, name: str, value: Value, worker: str = "w1", **labels: str) -> None:
        """A series of a worker, or its values anew."""
        labels = {"instance": worker, "job": "deskpulse", **labels}
        self.rows[f"deskpulse_{name}", tuple(sorted(labels.items()))] = self._samples(value)

    def _samples(self, value: Value) -> list[Sample]:
        if isinstance(value, int | float):
            return [value] * (self.minutes + 1)
        if callable(value):
            return [value(minute) for minute in range(self.minutes + 1)]
        return list(value)

    def change(self, name: str, value: Sample, since: int = 0, until: int | None = None, **labels: str) -> None:
        """Other values from a minute on, for every series that has these labels; worker=... is one of them."""
        wanted = {("instance" if label == "worker" else label): one for label, one in labels.items()}
        found = [
            row for row in self.rows if row[0] == f"deskpulse_{name}" and wanted.items() <= dict(row[1]).items()
        ]
        assert found, f"no {name} has {wanted}"
        for row in found:
            end = self.minutes + 1 if until is None else until
            self.rows[row][since:end] = [value] * (end - since)

    def end(self, worker: str, minute: int) -> None:
        """A worker is gone from a minute on."""
        for row, samples in self.rows.items():
            if ("instance", worker) in row[1]:
                samples[minute:] = [STALE, *[NOTHING] * (self.minutes - minute)]

    def copy(self) -> Exposition:
        """The same, to be changed."""
        return copy.deepcopy(self)

    def input_series(self, apart: int = 1) -> list[dict[str, str]]:
        """As promtool takes it, with a sample every so many minutes."""
        return [
            {
                "series": name + "{" + ",".join(f'{label}="{value}"' for label, value in labels) + "}",
                "values": _written(samples[::apart]),
            }
            for (name, labels), samples in self.rows.items()
        ]


def _written(samples: list[Sample]) -> str:
    numbers = [one for one in samples if not isinstance(one, str)]
    if len(numbers) == len(samples) > 2:
        steps = {round(b - a, 9) for a, b in pairwise(numbers)}
        if len(steps) == 1:
            return f"{numbers[0]}{steps.pop():+}x{len(numbers) - 1}"
    words: list[str] = []
    for sample, run in groupby(samples):
        length = len(list(run))
        if sample == STALE:
            words += [STALE] * length
        else:
            words.append(f"{sample}x{length}" if sample == NOTHING else f"{sample}x{length - 1}")
    return " ".join(words)


def healthy(minutes: int) -> Exposition:
    """Two workers that count everything and have nothing to do with each other's partition."""
    shown = Exposition(minutes)
    for number, worker in enumerate(WORKERS):
        shown.put("build_info", 1, worker, version="0.1.0", python="3.11.2")
        shown.put("metric_spec_info", 1, worker, version="1", policy="1-0123456789abcdef")
        shown.put("series", 1_000, worker)
        shown.put("series_folded", 0, worker)
        for window, length_s in (("1h", 3_600), ("24h", 86_400), ("7d", 604_800), ("30d", 2_592_000)):
            shown.put("window_seconds", length_s, worker, window=window)
        for topic in (HELPDESK, CRM):
            place = {"topic": topic, "partition": str(number)}
            shown.put("topic_partitions", len(WORKERS), worker, topic=topic)
            for name in ("partition_ready", "partition_fresh", "recovery_share"):
                shown.put(name, 1, worker, **place)
            for name in ("consumer_lag_records", "recovery_blocked", "partition_refused"):
                shown.put(name, 0, worker, **place)
            shown.put("checkpoints_total", lambda minute: 60 * minute, worker, **place)
            shown.put("watermark_timestamp_seconds", lambda minute: 60 * minute, worker, **place)
            kind = "helpdesk.ticket.created" if topic == HELPDESK else "crm.customer.created"
            shown.put("events_processed_total", lambda minute: 10 * minute, worker, topic=topic, type=kind)
            for reason in ("bad_json", "internal_error"):
                shown.put("events_rejected_total", 0, worker, topic=topic, reason=reason)
    return shown


def stale(shown: Exposition) -> None:
    """One partition of each topic is more than a minute behind."""
    shown.change("partition_fresh", 0, worker="w2")


def incomplete(shown: Exposition) -> None:
    """One partition of each topic is not recovered; what its worker shows beside is there all the same."""
    shown.change("partition_ready", 0, worker="w2")


def mixed(shown: Exposition) -> None:
    """The workers count under different policies."""
    shown.change("metric_spec_info", 0, worker="w2")
    rows = [row for row in shown.rows if row[0] == "deskpulse_metric_spec_info" and ("instance", "w2") in row[1]]
    for row in rows:
        del shown.rows[row]
    shown.put("metric_spec_info", 1, "w2", version="1", policy="2-fedcba9876543210")


def twice(shown: Exposition) -> None:
    """A partition is shown by both workers."""
    for topic in (HELPDESK, CRM):
        shown.put("partition_ready", 1, "w2", topic=topic, partition="0")
