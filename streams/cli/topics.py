"""deskpulse topics: create, check and list the topics of an application."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from streams.settings import load_settings

app = typer.Typer(help="Create, check and list the topics.", no_args_is_help=True)

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
