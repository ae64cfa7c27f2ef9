"""deskpulse topics: create, check, list and repartition the topics of an application."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.settings import Settings, load_settings

if TYPE_CHECKING:
    from streams.repartition import Copied

app = typer.Typer(help="Create, check, list and repartition the topics.", no_args_is_help=True)

Config = Annotated[Path | None, typer.Option("--config", help="TOML file (default: ./deskpulse.toml)")]
Brokers = Annotated[str | None, typer.Option("--brokers", help="Kafka brokers, host:port,host:port")]


@app.command()
def create(config: Config = None, brokers: Brokers = None) -> None:
    """Create the topics that are missing; those that exist stay as they are."""
    from streams.topics import ensure_topics

    created = asyncio.run(ensure_topics(load_settings(config, brokers=brokers)))
    for name in created:
        typer.echo(f"created {name}")
    if not created:
        typer.echo("every topic exists")


@app.command()
def check(config: Config = None, brokers: Brokers = None) -> None:
    """Say what is wrong with the topics; exit status 1 when events or state would be lost."""
    from streams.topics import check_topics

    findings = asyncio.run(check_topics(load_settings(config, brokers=brokers)))
    for finding in findings:
        typer.echo(str(finding))
    if not findings:
        typer.echo("all topics are as they should be")
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(1)


@app.command(name="list")
def list_(config: Config = None, brokers: Brokers = None) -> None:
    """List the topics with their roles, sizes and ids."""
    from streams.topics import describe_topics

    described = asyncio.run(describe_topics(load_settings(config, brokers=brokers)))
    rows = [("topic", "role", "partitions", "replicas", "policy", "id")]
    for wanted, found in described:
        if found is None:
            rows.append((wanted.name, wanted.role, "-", "-", "missing", "-"))
        else:
            sizes = str(found.partitions), str(found.replication)
            rows.append((found.name, wanted.role, *sizes, found.configs.get("cleanup.policy", "?"), found.topic_id))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@app.command()
def repartition(
    source: Annotated[str, typer.Argument(help="the topic to copy")],
    target: Annotated[str, typer.Argument(help="the topic to copy to; created where it is missing")],
    partitions: Annotated[
        int | None, typer.Option("--partitions", min=1, max=1024, help="how many partitions a new topic gets")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="copy even though the target holds records of another origin")
    ] = False,
    config: Config = None,
    brokers: Brokers = None,
) -> None:
    """Copy a source topic to one with another number of partitions, each record exactly once.

    Key, value, headers and time stay; the partition is that of the key. Stopped or killed, the same command goes on
    where it was; run again later, it copies what has arrived since. Nothing is deleted. Exit status 1: retention
    took records of the source before they were copied.
    """
    from streams.cli.writing import run_to_its_end

    settings = load_settings(config, brokers=brokers)
    done = run_to_its_end(_repartition(settings, source, target, partitions, again))
    for one, count in done.records.items():
        typer.echo(f"{one}: {count:,} records copied")
    for one, first, last in done.gone:
        typer.echo(f"{one}: offsets {first} to {last} were gone before they were copied", err=True)
    typer.echo(_next_steps(settings, source, target, done))
    if done.gone:
        raise typer.Exit(1)


async def _repartition(settings: Settings, source: str, target: str, partitions: int | None, again: bool) -> Copied:
    from streams.progress import progress_bar
    from streams.repartition import repartition as copy

    with progress_bar() as bar:
        task = bar.add_task("copying", total=None, events=0, rate=0.0)
        began_s, events = time.monotonic(), 0

        def count(records: int) -> None:
            nonlocal events
            events += records
            bar.update(task, advance=records, events=events, rate=events / max(time.monotonic() - began_s, 1e-3))

        return await copy(
            settings,
            source,
            target,
            partitions,
            again=again,
            on_start=lambda total: bar.update(task, total=total),
            on_records=count,
        )


def _next_steps(settings: Settings, source: str, target: str, done: Copied) -> str:
    """What is left to do by hand."""
    setting = {settings.helpdesk_topic: "helpdesk_topic", settings.crm_topic: "crm_topic"}.get(source, "the topic")
    lines = [f"{target} has {done.partitions} partitions and holds what {source} held. Next:"]
    if done.arrived:
        lines[0] = (
            f"{target} has {done.partitions} partitions; {source} has grown by {done.arrived:,} meanwhile. Next:"
        )
    steps = (
        f"let producers write to {target}, then run this command once more for what arrived in between",
        f'set {setting} = "{target}" and another app_id, and run `deskpulse topics create` for its changelog',
        "start workers with --origin earliest beside those that run, compare, and switch",
        f"delete {source} and the changelogs of the old app_id when nobody needs them any more",
    )
    return "\n".join([*lines, *(f"  {number}. {step}" for number, step in enumerate(steps, 1))])
