"""deskpulse report: every metric as of a moment, straight from files."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from metrics_core.times import parse_rfc3339
from streams.settings import ConfigurationError, load_settings


class Format(StrEnum):
    """How the report is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def command(
    files: Annotated[list[str], typer.Argument(help="canonical JSON lines, .gz too; - for standard input")],
    as_of: Annotated[
        str | None, typer.Option(help="the moment, RFC 3339; events before it count (default: just after the last)")
    ] = None,
    compare: Annotated[
        str | None, typer.Option(help="a second moment, to be shown beside the first with the difference")
    ] = None,
    window: Annotated[list[str] | None, typer.Option(help="1h, 24h, 7d, 30d or all; may be repeated")] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="break everything down by this label alone, or by none with total; may be repeated"),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="how it is written")] = Format.TABLE,
    config: Annotated[Path | None, typer.Option(help="TOML file (default: ./deskpulse.toml)")] = None,
) -> None:
    """Every metric as of a moment, from files of canonical events, computed by the same core as the worker."""
    from rich.console import Console

    from streams.event_files import EventFiles
    from streams.replay.choice import ChoiceError, choose
    from streams.report import chosen_rows, report_shards, shard_view
    from streams.report_table import print_comparison, print_report

    settings = load_settings(config)
    moments_us = [None if as_of is None else _moment_us("--as-of", as_of)]
    if compare is not None:
        moments_us.append(_moment_us("--compare", compare))
    try:
        choice = choose(settings.core_policy, by=by or (), windows=window or ())
        lines = EventFiles(files)
    except ChoiceError as error:
        raise ConfigurationError(str(error)) from error
    except FileNotFoundError as error:
        raise ConfigurationError(f"{error}: name existing files of canonical events") from error
    try:
        shards = report_shards(lines, as_of_us=moments_us, choice=choice)
    except OSError as error:
        raise ConfigurationError(f"the input cannot be read on: {error}") from error
    views = [shard_view(shard, time_us) for shard, time_us in zip(shards, moments_us, strict=True)]
    print_rejected(shards[0].counters.rejected)
    if format_ is not Format.TABLE:
        _write(format_, [row for view in views for row in chosen_rows(view, choice)])
    elif compare is None:
        print_report(Console(), views[0], choice.windows, choice.extra)
    else:
        print_comparison(Console(), views[0], views[1], choice.windows, choice.extra)


def print_rejected(rejected: Mapping[str, int]) -> None:
    """Say on stderr how many events were rejected and why; nothing where there are none."""
    if rejected:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(rejected.items()))
        typer.echo(f"{sum(rejected.values())} events rejected: {reasons}", err=True)


def _moment_us(option: str, text: str) -> int:
    try:
        return parse_rfc3339(text)
    except ValueError as error:
        raise ConfigurationError(f"{option}: {error}") from error


def _write(format_: Format, rows: Iterable[dict[str, object]]) -> None:
    if format_ is Format.JSON:
        json.dump(list(rows), sys.stdout)
        sys.stdout.write("\n")
        return
    writer = csv.writer(sys.stdout)
    writer.writerow(("time", "metric", "labels", "value"))
    for row in rows:
        writer.writerow((row["time"], row["metric"], json.dumps(row["labels"], sort_keys=True), row["value"]))
