"""deskpulse simulate: believable traffic, to the topics or to a file."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from streams.settings import ConfigurationError, Settings, load_settings

if TYPE_CHECKING:
    from streams.simulate import Emission, Traffic

TOPICS = "topics"

Config = Annotated[Path | None, typer.Option("--config", help="TOML file (default: ./deskpulse.toml)")]
Brokers = Annotated[str | None, typer.Option("--brokers", help="Kafka brokers, host:port,host:port")]
To = Annotated[str, typer.Option("--to", help="topics, a file (.gz by its name), or - for standard output")]
Seed = Annotated[int, typer.Option("--seed", help="same seed, start and rate: same events")]
Days = Annotated[float, typer.Option("--days", help="days of traffic; with --live: of history")]
Start = Annotated[str | None, typer.Option("--start", help="RFC 3339 (default: --days ago)")]
Rate = Annotated[float, typer.Option("--tickets-per-day", help="tickets on an average day")]
Speed = Annotated[float | None, typer.Option("--speed", help="simulated seconds per second (default: flat out)")]
Live = Annotated[bool, typer.Option("--live", help="go on with the clock after the history, until stopped")]
Bad = Annotated[bool, typer.Option("--bad-events/--no-bad-events", help="a few that must be rejected")]
Crm = Annotated[bool, typer.Option("--crm/--no-crm", help="customers, payments, leads, surveys")]
Customers = Annotated[int | None, typer.Option("--customers", help="customers at the start", min=10)]
Name = Annotated[str, typer.Option("--name", help="prefix of subjects; another run on the same topics: another")]
Offset = Annotated[float, typer.Option("--utc-offset", help="hours from UTC to the desk's office hours")]


def command(
    to: To = TOPICS,
    seed: Seed = 1,
    days: Days = 7.0,
    start: Start = None,
    tickets_per_day: Rate = 400.0,
    speed: Speed = None,
    live: Live = False,
    bad_events: Bad = True,
    crm: Crm = True,
    customers: Customers = None,
    name: Name = "sim",
    utc_offset: Offset = 0.0,
    config: Config = None,
    brokers: Brokers = None,
) -> None:
    """Simulate a customer-service desk and the company behind it.

    To topics nothing is written before the clock shows its time. A file holds the values alone: bad events stay
    in it as the lines they are, and those with a wrong key look like repeats.
    """
    from streams.pace import wall_us
    from streams.simulate import Traffic

    settings = load_settings(config, brokers=brokers)
    if speed is not None and speed <= 0:
        raise ConfigurationError("--speed must be greater than 0: leave it out to write flat out")
    if days < 0 or (days == 0 and not live):
        raise ConfigurationError("--days must be greater than 0, or --live without history")
    if to != TOPICS and (live or speed is not None):
        raise ConfigurationError("--live and --speed pace topics: files are written flat out")
    now_us = wall_us()
    start_us = _start_us(start, now_us, days)
    if to == TOPICS and start_us > now_us:
        raise ConfigurationError("--start lies in the future: only files may")
    try:
        traffic = Traffic(
            seed,
            start_us,
            tickets_per_day,
            crm=crm,
            bad_events=bad_events,
            customers=customers,
            name=name,
            utc_offset_h=utc_offset,
            helpdesk_topic=settings.helpdesk_topic,
            crm_topic=settings.crm_topic,
        )
    except ValueError as error:
        raise ConfigurationError(f"simulate: {error}") from error
    end_us = None if live else start_us + int(days * 86_400_000_000)
    if to == TOPICS:
        _to_topics(settings, traffic, end_us, speed)
    else:
        assert end_us is not None
        _to_file(traffic.until(end_us), to)


def _start_us(start: str | None, now_us: int, days: float) -> int:
    from metrics_core.times import parse_rfc3339

    if start is None:
        return (now_us - int(days * 86_400_000_000)) // 1_000_000 * 1_000_000
    try:
        return parse_rfc3339(start)
    except ValueError as error:
        raise ConfigurationError(f"--start: {error}; write it like 2026-01-05T00:00:00Z") from error


def _to_file(emissions: Iterable[Emission], to: str) -> None:
    from streams.simulate.files import write_lines, write_lines_to

    began_s = time.monotonic()
    try:
        if to == "-":
            import sys

            count = write_lines(emissions, sys.stdout.buffer)
        else:
            count = write_lines_to(emissions, Path(to))
    except OSError as error:
        raise ConfigurationError(f"--to {to}: {error.strerror or error}") from error
    typer.echo(f"{count:,} events in {time.monotonic() - began_s:.1f} s", err=True)


def _to_topics(settings: Settings, traffic: Traffic, end_us: int | None, speed: float | None) -> None:
    from streams.cli.writing import run_until_stopped

    run_until_stopped(_pour(settings, traffic, end_us, speed))


async def _pour(settings: Settings, traffic: Traffic, end_us: int | None, speed: float | None) -> None:
    from metrics_core.times import format_us
    from streams.connect import client_arguments
    from streams.pace import Pace, wall_us
    from streams.produce import TopicWriter, pour
    from streams.progress import progress_bar
    from streams.topics import ensure_topics

    await ensure_topics(settings)
    start_us, began_s = traffic.now_us, time.monotonic()
    total = None if end_us is None else end_us - start_us
    writer = TopicWriter(client_arguments(settings))
    with progress_bar() as bar:
        task = bar.add_task("simulating", total=total, events=0, rate=0.0)

        def show(emission: Emission) -> None:
            rate = writer.written / max(time.monotonic() - began_s, 1e-3)
            shown = format_us(emission.arrival_us // 1_000_000 * 1_000_000)
            done = emission.arrival_us - start_us
            bar.update(task, completed=done, description=shown, events=writer.written, rate=rate)

        emissions = traffic if end_us is None else traffic.until(end_us)
        # --speed follows the simulated time; without it, history goes flat out up to the present
        pace = Pace(speed, never_early=True, now_us=wall_us)
        try:
            async with writer:
                await pour(emissions, writer, pace, show)
        finally:
            elapsed_s = time.monotonic() - began_s
            typer.echo(
                f"{writer.written:,} records in {elapsed_s:.1f} s ({writer.written / max(elapsed_s, 1e-3):,.0f}/s)",
                err=True,
            )
