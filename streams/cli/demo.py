"""deskpulse demo: the whole monitor in one command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from streams.settings import load_settings


def command(
    once: Annotated[
        bool, typer.Option("--once", help="a fixed history, compared with an independent batch; 1 on a difference")
    ] = False,
    days: Annotated[float, typer.Option(min=1, max=90, help="days of history before the live traffic")] = 40,
    tickets_per_day: Annotated[float, typer.Option(min=1, max=50_000, help="tickets on an average day")] = 3000,
    seed: Annotated[int, typer.Option(help="another seed, another company")] = 1,
    brokers: Annotated[str | None, typer.Option(help="use this Kafka instead of an embedded one")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file (default: ./deskpulse.toml)")] = None,
) -> None:
    """Start Kafka, a worker and believable traffic, and show the numbers moving."""
    from rich.console import Console

    from streams.cli.writing import run_in_order
    from streams.demo.live import run_live
    from streams.demo.once import run_once

    settings = load_settings(config, brokers=brokers)
    console = Console()
    if once:
        raise typer.Exit(1 if run_in_order(lambda: run_once(settings, console)) else 0)
    run_in_order(lambda: run_live(settings, console, days=days, tickets_per_day=tickets_per_day, seed=seed))
