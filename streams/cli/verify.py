"""deskpulse verify: is the live state what the topics say?"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streams.settings import ConfigurationError, Settings, load_settings

if TYPE_CHECKING:
    from streams.log_reader import LogReader
    from streams.verify.run import Verdict

#: a table reads out so many differing rows of a partition
SHOWN = 5
#: exit statuses
DIFFERENT, CANNOT = 1, 2


def command(
    topic: Annotated[
        list[str] | None, typer.Option("--topic", help="only this source topic; may be repeated")
    ] = None,
    partition: Annotated[
        list[int] | None, typer.Option("--partition", help="only this partition; may be repeated")
    ] = None,
    show: Annotated[
        int, typer.Option("--show", min=0, help="differing rows to read out, of each partition")
    ] = SHOWN,
    json_: Annotated[bool, typer.Option("--json", help="one JSON object a partition, a line each")] = False,
    config: Annotated[Path | None, typer.Option(help="TOML file; default ./deskpulse.toml")] = None,
    brokers: Annotated[str | None, typer.Option(help="Kafka bootstrap servers, host:port,host:port")] = None,
) -> None:
    """Replay the source topics and compare with the live state, row by row; the worker may run on.

    The state compared is that of each partition's newest checkpoint. Nothing is written, no group is joined. Exit
    status 0: equal; 1: rows differ; 2: it cannot be said, because a topic no longer holds the full history or there
    is no state.
    """
    from streams.cli.writing import run_to_its_end
    from streams.verify.run import Outcome

    settings = load_settings(config, brokers=brokers)
    verdicts = run_to_its_end(_verify(settings, topic or [], partition or [], show))
    if json_:
        for verdict in verdicts:
            typer.echo(json.dumps(_as_row(verdict), ensure_ascii=False))
    else:
        _print(verdicts)
    outcomes = {verdict.outcome for verdict in verdicts}
    for verdict in verdicts:
        if verdict.outcome is Outcome.CANNOT and not json_:
            typer.echo(f"cannot verify: {verdict.why}", err=True)
    if Outcome.DIFFERENT in outcomes:
        raise typer.Exit(DIFFERENT)
    if Outcome.CANNOT in outcomes:
        raise typer.Exit(CANNOT)


async def _verify(settings: Settings, topics: list[str], partitions: list[int], show: int) -> list[Verdict]:
    from streams.log_reader import LogReader
    from streams.progress import progress_bar
    from streams.topics import sources
    from streams.verify.run import verify_partition

    async with LogReader(settings) as log:
        chosen = _chosen(log, sources(settings), topics, partitions)
        with progress_bar() as bar:
            task = bar.add_task("verifying", total=None, events=0, rate=0.0)
            began_s, events = time.monotonic(), 0

            def start(source: object, records: int) -> None:
                bar.reset(task, description=str(source), total=records)

            def count(records: int) -> None:
                nonlocal events
                events += records
                rate = events / max(time.monotonic() - began_s, 1e-3)
                bar.update(task, advance=records, events=events, rate=rate)

            return [
                await verify_partition(log, settings, source, show=show, on_start=start, on_records=count)
                for source in chosen
            ]


def _chosen(log: LogReader, known: tuple[str, ...], topics: list[str], partitions: list[int]) -> list[Any]:
    for topic in topics:
        if topic not in known:
            raise ConfigurationError(f"--topic {topic}: this application counts {' and '.join(known)}")
    every = [source for topic in dict.fromkeys(topics or known) for source in log.partitions(topic)]
    chosen = [source for source in every if not partitions or source.partition in partitions]
    if not chosen:
        raise ConfigurationError(f"--partition: partitions go from 0 to {max(one.partition for one in every)}")
    return chosen


def _as_row(verdict: Verdict) -> dict[str, Any]:
    return {
        "topic": verdict.source.topic,
        "partition": verdict.source.partition,
        "outcome": verdict.outcome.value,
        "why": verdict.why,
        "from_offset": verdict.origin,
        "to_offset": verdict.next,
        "records": verdict.records,
        "rows": verdict.rows,
        "records_left_out": verdict.culprits,
        "differences": dict(verdict.counts),
        "examples": list(verdict.examples),
    }


def _print(verdicts: list[Verdict]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("partition")
    for column in ("offsets", "records", "rows"):
        table.add_column(column, justify="right")
    table.add_column("live state")
    for one in verdicts:
        said = ", ".join(f"{count:,} {what}" for what, count in sorted(one.counts.items()))
        left_out = f" ({one.culprits} records left out: internal_error)" if one.culprits else ""
        table.add_row(
            str(one.source),
            f"{one.origin} to {one.next}" if not one.why else "-",
            f"{one.records:,}" if not one.why else "-",
            f"{one.rows:,}" if not one.why else "-",
            (f"{one.outcome.value}: rows {said}" if said else one.outcome.value) + left_out,
        )
    console.print(table)
    for one in verdicts:
        for example in one.examples:
            typer.echo(f"{one.source} {example['row']} {example['what']}")
            for side in ("expected", "found"):
                typer.echo(f"  {side}: {json.dumps(example[side], ensure_ascii=False)}")
