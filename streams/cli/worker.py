"""deskpulse worker: count events and serve /metrics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    config: Annotated[Path | None, typer.Option(help="TOML file; default ./deskpulse.toml")] = None,
    brokers: Annotated[str | None, typer.Option(help="Kafka bootstrap servers, host:port,host:port")] = None,
    origin: Annotated[
        str | None, typer.Option(help="where a new application starts to read: earliest or latest")
    ] = None,
    clock: Annotated[str | None, typer.Option(help="what time it is for the numbers: wall, event or fixed")] = None,
    clock_at: Annotated[str | None, typer.Option(help="the moment of a fixed clock, RFC 3339")] = None,
    port: Annotated[int | None, typer.Option(help="port that serves /metrics; 0 picks a free one")] = None,
    instance_id: Annotated[
        str | None, typer.Option(help="static membership; give each of several workers its own")
    ] = None,
    accept_loss: Annotated[
        list[int] | None,
        typer.Option(help="partition whose missing source records are accepted as lost; may be repeated"),
    ] = None,
) -> None:
    """Count events and serve /metrics until SIGTERM; a final checkpoint is left behind."""
    from streams.app import run_worker
    from streams.logging import configure_logging
    from streams.settings import load_settings

    settings = load_settings(
        config,
        brokers=brokers,
        origin=origin,
        clock=clock,
        clock_at=clock_at,
        http_port=port,
        instance_id=instance_id,
        accept_loss=accept_loss or None,
    )
    configure_logging(settings)
    run_worker(settings)
