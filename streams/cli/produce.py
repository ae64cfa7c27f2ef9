"""deskpulse produce: files of canonical events onto the topics."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Literal

import typer

from streams.settings import ConfigurationError, Settings, load_settings

Files = Annotated[list[str], typer.Argument(help="JSON lines, .gz too; - is standard input")]
Config = Annotated[Path | None, typer.Option("--config", help="TOML file (default: ./deskpulse.toml)")]
Brokers = Annotated[str | None, typer.Option("--brokers", help="Kafka brokers, host:port,host:port")]
Speed = Annotated[
    float | None, typer.Option("--speed", help="seconds of event time per second (default: flat out)")
]
Shift = Annotated[
    bool, typer.Option("--shift-to-now", help="move all times by one constant: the last event is just now")
]
RecordTime = Annotated[Literal["now", "event"], typer.Option("--record-time", help="the records' timestamps")]


def command(
    files: Files,
    config: Config = None,
    brokers: Brokers = None,
    speed: Speed = None,
    shift_to_now: Shift = False,
    record_time: RecordTime = "now",
) -> None:
    """Write canonical events from files to their topics, keyed by subject.

    Lines that are no event are written too: the worker rejects them, counted and kept.
    """
    from streams.cli.writing import run_until_stopped
    from streams.event_files import STANDARD_INPUT

    settings = load_settings(config, brokers=brokers)
    if speed is not None and speed <= 0:
        raise ConfigurationError("--speed must be greater than 0: leave it out to write flat out")
    if shift_to_now and STANDARD_INPUT in files:
        raise ConfigurationError("--shift-to-now reads the input twice: give files instead of standard input")
    run_until_stopped(_produce(settings, files, speed, shift_to_now, record_time == "event"))


async def _produce(
    settings: Settings, files: list[str], speed: float | None, shift_to_now: bool, event_record_time: bool
) -> None:
    from streams.connect import client_arguments
    from streams.event_files import STANDARD_INPUT, EventFiles, as_they_come, latest_us
    from streams.pace import Pace, wall_us
    from streams.produce import Produced, Routes, TopicWriter, produce
    from streams.progress import progress_bar
    from streams.topics import ensure_topics

    produced = Produced()
    try:
        lines = EventFiles(files, produced.note_too_long)
        latest = latest_us(EventFiles(files)) if shift_to_now else None
    except OSError as error:
        raise ConfigurationError(f"{error}: name files of JSON lines") from error
    await ensure_topics(settings)
    shift_us = 0 if latest is None else wall_us() - latest
    began_s = time.monotonic()
    with progress_bar() as bar:
        task = bar.add_task("producing", total=lines.bytes_total or None, events=0, rate=0.0)

        def show(so_far: Produced) -> None:
            rate = so_far.written / max(time.monotonic() - began_s, 1e-3)
            bar.update(task, completed=lines.bytes_read, events=so_far.written, rate=rate)

        try:
            async with TopicWriter(client_arguments(settings)) as writer:
                await produce(
                    as_they_come(lines) if STANDARD_INPUT in files else lines,
                    writer,
                    Routes(settings.helpdesk_topic, settings.crm_topic),
                    produced=produced,
                    pace=Pace(speed),
                    shift_us=shift_us,
                    event_record_time=event_record_time,
                    on_progress=show,
                )
        except (OSError, EOFError) as error:
            raise ConfigurationError(f"the input cannot be read on: {error}") from error
        finally:
            _report(produced, time.monotonic() - began_s)


def _report(produced: object, elapsed_s: float) -> None:
    from streams.produce import Produced

    assert isinstance(produced, Produced)
    rate = produced.written / max(elapsed_s, 1e-3)
    typer.echo(f"{produced.written:,} records in {elapsed_s:.1f} s ({rate:,.0f}/s)", err=True)
    for topic, count in sorted(produced.by_topic.items()):
        typer.echo(f"  {topic}: {count:,}", err=True)
    if produced.not_json:
        typer.echo(f"  {produced.not_json:,} lines are no JSON object: written, to be rejected", err=True)
    if produced.unknown_type:
        typer.echo(f"  {produced.unknown_type:,} events of no known family: written, to be rejected", err=True)
    if produced.too_long:
        typer.echo(
            f"  {produced.too_long:,} lines are longer than a record may be: left out, "
            f"the first at {produced.first_too_long}",
            err=True,
        )
