"""deskpulse report: every metric as of a moment, straight from files."""

from __future__ import annotations

import csv
import json
import sys
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
    window: Annotated[list[str] | None, typer.Option(help="1h, 24h, 7d, 30d or all; may be repeated")] = None,
    by: Annotated[
        list[str] | None, typer.Option(help="break derived metrics down by this label; may be repeated")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="how it is written")] = Format.TABLE,
    config: Annotated[Path | None, typer.Option(help="TOML file (default: ./deskpulse.toml)")] = None,
) -> None:
    """Every metric as of a moment, from files of canonical events, computed by the same core as the worker."""
    from rich.console import Console

    from streams.event_files import EventFiles
    from streams.report import REPORT_WINDOWS, derived_rows, report_shard, series_rows, shard_view
    from streams.report_table import print_report

    settings = load_settings(config)
    windows = window or list(REPORT_WINDOWS)
    for name in windows:
        if name not in REPORT_WINDOWS:
            raise ConfigurationError(f"--window {name}: use one of {', '.join(REPORT_WINDOWS)}")
    try:
        as_of_us = None if as_of is None else parse_rfc3339(as_of)
        lines = EventFiles(files)
    except ValueError as error:
        raise ConfigurationError(f"--as-of: {error}") from error
    except FileNotFoundError as error:
        raise ConfigurationError(f"{error}: name existing files of canonical events") from error
    shard = report_shard(lines, as_of_us=as_of_us, policy=settings.core_policy)
    view = shard_view(shard, as_of_us, windows)
    for name in by or ():
        if name not in {*settings.core_policy.gauge_labels, *settings.core_policy.histogram_labels}:
            raise ConfigurationError(f"--by {name}: use a label that the policy gives to series")
    rejected = shard.counters.rejected
    if rejected:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(rejected.items()))
        typer.echo(f"{sum(rejected.values())} events rejected: {reasons}", err=True)
    if format_ is Format.TABLE:
        print_report(Console(), view, windows, by or ())
        return
    rows = [*series_rows(view), *derived_rows(view, by or ())]
    if format_ is Format.JSON:
        json.dump(rows, sys.stdout)
        sys.stdout.write("\n")
        return
    writer = csv.writer(sys.stdout)
    writer.writerow(("time", "metric", "labels", "value"))
    for row in rows:
        writer.writerow((row["time"], row["metric"], json.dumps(row["labels"], sort_keys=True), row["value"]))
