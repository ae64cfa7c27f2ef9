"""Reports: every metric as of one moment, straight from files of canonical events, through the core."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from metrics_core.build import build
from metrics_core.derived import REPORTED, Derived
from metrics_core.grid import EDGES_S
from metrics_core.policy import Policy
from metrics_core.records import FileRecord
from metrics_core.series import Histogram
from metrics_core.shard import Shard
from metrics_core.times import SECOND_US, format_us
from metrics_core.view import View
from streams.replay.choice import HISTORY_START, REPORT_WINDOWS, Choice, choose
from streams.replay.chosen_shard import ChosenShard

#: records a step; rows are packed after this many, so that memory follows tickets and not events
_CHUNK = 1000
_PACK_ROWS = 50_000

Row = dict[str, Any]


def report_shard(lines: Iterable[bytes], *, as_of_us: int | None = None, choice: Choice) -> ChosenShard:
    """A shard that has applied the lines, in their order; events at or after ``as_of_us`` are left out."""
    (shard,) = report_shards(lines, as_of_us=[as_of_us], choice=choice)
    return shard


def report_shards(
    lines: Iterable[bytes], *, as_of_us: Sequence[int | None], choice: Choice
) -> tuple[ChosenShard, ...]:
    """One shard for each moment, from one reading of the lines."""
    # fine, whatever the choice: a table shows quantiles of every histogram
    shards = tuple(ChosenShard(choice, until_us=until_us, fine=True) for until_us in as_of_us)
    numbered = (FileRecord(line, number) for number, line in enumerate(lines))
    while chunk := list(islice(numbered, _CHUNK)):
        for shard in shards:
            shard.apply(chunk)
            shard.take_rejects()  # they are counted; nobody reads their content here
            if shard.dirty_rows > _PACK_ROWS:
                pack_rows(shard)
    return shards


def pack_rows(shard: Shard) -> None:
    """Pack the rows that were touched, so that memory follows subjects and not events."""
    for _ in shard.drain():
        pass


def shard_view(shard: ChosenShard, as_of_us: int | None) -> View:
    """The view of a choice; without a moment, just after the last event."""
    time_us = shard.clock_us + 1 if as_of_us is None else as_of_us
    return build([shard.freeze(time_us)], shard.choice.view_policy, shard.choice.windows, shard.choice.families)


def report_rows(
    lines: Iterable[bytes],
    *,
    as_of_us: int | None = None,
    windows: Sequence[str] = REPORT_WINDOWS,
    policy: Policy | None = None,
    by: Sequence[str] = (),
    metrics: Sequence[str] = (),
) -> list[Row]:
    """Rows {"time", "metric", "labels", "value"} of every series and derived metric; money in major units.

    ``by`` shows series by these labels alone and breaks derived metrics down by them. Raises ChoiceError.
    """
    choice = choose(policy or Policy(), metrics=metrics, by=by, windows=windows)
    shard = report_shard(lines, as_of_us=as_of_us, choice=choice)
    return list(chosen_rows(shard_view(shard, as_of_us), choice))


def chosen_rows(view: View, choice: Choice) -> Iterator[Row]:
    """The rows of a choice: series, then derived metrics."""
    shown = choice.shown(view)
    for row in series_rows(replace(shown, tables={n: t for n, t in shown.tables.items() if n in choice.series})):
        if row["metric"] != HISTORY_START or choice.has_history_start:
            yield row
    yield from derived_rows(view, choice.extra, choice.derived)


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
            "metric": HISTORY_START,
            "labels": {},
            "value": view.start_us / SECOND_US,
        }


def _histogram_rows(time: str, name: str, labels: dict[str, str], value: Histogram) -> Iterator[Row]:
    edges = [f"{edge_s}.0" for edge_s in EDGES_S] + ["+Inf"]
    for edge, count in zip(edges, value.cumulative(), strict=True):
        yield {"time": time, "metric": f"{name}_bucket", "labels": {**labels, "le": edge}, "value": count}
    yield {"time": time, "metric": f"{name}_gcount", "labels": labels, "value": value.count}
    yield {"time": time, "metric": f"{name}_gsum", "labels": labels, "value": value.sum_us / SECOND_US}


def derived_rows(view: View, by: Sequence[str] = (), chosen: Sequence[Derived] = REPORTED) -> Iterator[Row]:
    """A row per value of the derived metrics."""
    time = format_us(view.time_us)
    for derived in chosen:
        vector = derived.evaluate(view, tuple(by))
        for values, value in sorted(vector.rows.items()):
            labels = dict(zip(vector.names, values, strict=True))
            yield {"time": time, "metric": derived.id, "labels": labels, "value": value}
