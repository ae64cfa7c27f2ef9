"""Reports: every metric as of one moment, straight from files of canonical events, through the core."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from metrics_core.build import build
from metrics_core.derived import DERIVED
from metrics_core.grid import EDGES_S
from metrics_core.policy import WINDOWS, Policy
from metrics_core.records import FileRecord
from metrics_core.series import Histogram
from metrics_core.shard import Shard
from metrics_core.times import SECOND_US, format_us
from metrics_core.view import View

REPORT_WINDOWS = (*WINDOWS, "all")

#: records a step; rows are packed after this many, so that memory follows tickets and not events
_CHUNK = 1000
_PACK_ROWS = 50_000

Row = dict[str, Any]


def report_shard(lines: Iterable[bytes], *, as_of_us: int | None = None, policy: Policy) -> Shard:
    """A shard that has applied the lines, in their order; events at or after ``as_of_us`` are left out."""
    shard = Shard(policy, until_us=as_of_us, fine=True, since_beginning=True, retire=False)
    numbered = (FileRecord(line, number) for number, line in enumerate(lines))
    while chunk := list(islice(numbered, _CHUNK)):
        shard.apply(chunk)
        if shard.dirty_rows > _PACK_ROWS:
            for _ in shard.drain():
                pass
    return shard


def shard_view(shard: Shard, as_of_us: int | None, windows: Sequence[str]) -> View:
    """The view of a report; without a moment, just after the last event."""
    time_us = shard.clock_us + 1 if as_of_us is None else as_of_us
    return build([shard.freeze(time_us)], shard.policy, windows)


def report_rows(
    lines: Iterable[bytes],
    *,
    as_of_us: int | None = None,
    windows: Sequence[str] = REPORT_WINDOWS,
    policy: Policy | None = None,
    by: Sequence[str] = (),
) -> list[Row]:
    """Rows {"time", "metric", "labels", "value"} of every series and derived metric; money in major units.

    ``by`` breaks derived metrics down by further labels.
    """
    shard = report_shard(lines, as_of_us=as_of_us, policy=policy or Policy())
    view = shard_view(shard, as_of_us, windows)
    return [*series_rows(view), *derived_rows(view, by)]


def series_rows(view: View) -> Iterator[Row]:
    """A row per value; histograms give ``_bucket`` (cumulative, with ``le``), ``_gcount`` and ``_gsum``."""
    time = format_us(view.time_us)
    for name, table in view.tables.items():
        for values, value in sorted(table.rows.items()):
            labels = dict(zip(table.series.labels, values, strict=True))
            if isinstance(value, Histogram):
                yield from _histogram_rows(time, name, labels, value)
            else:
                yield {"time": time, "metric": name, "labels": labels, "value": value}
    if view.start_us:
        yield {
            "time": time,
            "metric": "history_start_timestamp_seconds",
            "labels": {},
            "value": view.start_us / SECOND_US,
        }


def _histogram_rows(time: str, name: str, labels: dict[str, str], value: Histogram) -> Iterator[Row]:
    edges = [f"{edge_s}.0" for edge_s in EDGES_S] + ["+Inf"]
    for edge, count in zip(edges, value.cumulative(), strict=True):
        yield {"time": time, "metric": f"{name}_bucket", "labels": {**labels, "le": edge}, "value": count}
    yield {"time": time, "metric": f"{name}_gcount", "labels": labels, "value": value.count}
    yield {"time": time, "metric": f"{name}_gsum", "labels": labels, "value": value.sum_us / SECOND_US}


def derived_rows(view: View, by: Sequence[str] = ()) -> Iterator[Row]:
    """A row per value of every derived metric."""
    time = format_us(view.time_us)
    for derived in DERIVED:
        vector = derived.evaluate(view, tuple(by))
        for values, value in sorted(vector.rows.items()):
            labels = dict(zip(vector.names, values, strict=True))
            yield {"time": time, "metric": derived.id, "labels": labels, "value": value}
