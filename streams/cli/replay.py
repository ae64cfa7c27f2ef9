"""deskpulse replay: every metric at every step of a history, straight from files."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from metrics_core.times import parse_rfc3339
from streams.settings import ConfigurationError, load_settings

if TYPE_CHECKING:
    from streams.replay.run import Outcome, Request

#: what a shell expects of a command ended by SIGINT
_INTERRUPTED = 130


def command(
    files: Annotated[
        list[str], typer.Argument(help="canonical JSON lines, .gz too, in any order; - for standard input")
    ],
    step: Annotated[str, typer.Option(help="30s, 5m, 1h or 1d: values at each whole multiple in UTC")] = "1h",
    from_: Annotated[
        str | None, typer.Option("--from", help="RFC 3339; events before it count (default: after the first event)")
    ] = None,
    to: Annotated[str | None, typer.Option(help="RFC 3339 (default: the step after the last event)")] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="a series or derived metric (default: all); may be repeated")
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help="break down by this label alone, or by none with total; may be repeated"),
    ] = None,
    window: Annotated[list[str] | None, typer.Option(help="1h, 24h, 7d, 30d or all; may be repeated")] = None,
    format_: Annotated[str, typer.Option("--format", help="jsonl, csv or openmetrics")] = "jsonl",
    output: Annotated[
        str,
        typer.Option("--output", "-o", help="a folder (one file a UTC day, can be resumed), a file, or -"),
    ] = "-",
    replay_id: Annotated[
        str | None, typer.Option("--id", help="value of the label replay (default: a hash of input and options)")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="start anew in a folder that holds another replay")
    ] = False,
    config: Annotated[Path | None, typer.Option(help="TOML file (default: ./deskpulse.toml)")] = None,
) -> None:
    """Every metric as of each step, from files of canonical events; live state is never touched.

    An output without a suffix is a folder: the same command goes on where it was stopped.
    """
    from streams.replay.choice import ChoiceError, choose
    from streams.replay.run import Request
    from streams.replay.sheets import Form
    from streams.replay.steps import parse_length_us

    settings = load_settings(config)
    try:
        choice = choose(settings.core_policy, metrics=metric or (), by=by or (), windows=window or ())
    except ChoiceError as error:
        raise ConfigurationError(str(error)) from error
    try:
        length_us = parse_length_us(step)
    except ValueError as error:
        raise ConfigurationError(f"--step: {error}") from error
    if format_ not in [form.value for form in Form]:
        raise ConfigurationError(f"--format {format_}: use {', '.join(form.value for form in Form)}")
    request = Request(
        files=files,
        choice=choice,
        length_us=length_us,
        form=Form(format_),
        out=output,
        is_folder=_is_folder(output),
        from_us=_moment_us("--from", from_),
        to_us=_moment_us("--to", to),
        replay_id=replay_id,
        force=force,
    )
    _run(request)


def _run(request: Request) -> None:
    from streams.cli.report import print_rejected
    from streams.replay.day_folder import OtherReplayError

    # a stop from outside cleans up as Ctrl-C does
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    began_s = time.monotonic()
    try:
        outcome = _with_bar(request)
    except KeyboardInterrupt:
        again = ": the same command goes on from the last complete day" if request.is_folder else ""
        typer.echo(f"stopped{again}", err=True)
        raise typer.Exit(_INTERRUPTED) from None
    except FileNotFoundError as error:
        raise ConfigurationError(f"{error}: name existing files of canonical events") from error
    except OtherReplayError as error:
        raise ConfigurationError(str(error)) from error
    except BrokenPipeError:
        # whoever read our output has seen enough; nothing more can be written, not even at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    except (OSError, EOFError) as error:
        raise ConfigurationError(f"the replay cannot go on: {error}") from error
    print_rejected(outcome.rejected)
    elapsed_s = time.monotonic() - began_s
    how = ", sorted on disk" if outcome.is_sorted_on_disk else ""
    skipped = f", {outcome.steps_skipped:,} were there already" if outcome.steps_skipped else ""
    typer.echo(f"{outcome.steps:,} steps of {outcome.events:,} events in {elapsed_s:.1f} s{how}{skipped}", err=True)


def _with_bar(request: Request) -> Outcome:
    from streams.progress import progress_bar
    from streams.replay.run import Progress, run

    began_s = time.monotonic()
    with progress_bar() as bar:
        task = bar.add_task("reading", total=None, events=0, rate=0.0)
        phase = ["reading"]

        def show(progress: Progress) -> None:
            if progress.phase != phase[0]:
                phase[0] = progress.phase
                bar.reset(task, description=progress.phase)
            rate = progress.events / max(time.monotonic() - began_s, 1e-3)
            bar.update(
                task, completed=progress.done, total=progress.total or None, events=progress.events, rate=rate
            )

        return run(request, show)


def _is_folder(output: str) -> bool:
    path = Path(output)
    return output != "-" and (path.is_dir() or output.endswith(os.sep) or not (path.exists() or path.suffix))


def _moment_us(option: str, text: str | None) -> int | None:
    if text is None:
        return None
    with suppress(ValueError):
        return parse_rfc3339(text)
    raise ConfigurationError(f"{option}: {text!r} is no RFC 3339 time, such as 2026-03-02T00:00:00Z")
