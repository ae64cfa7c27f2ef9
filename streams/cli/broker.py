"""deskpulse broker: an Apache Kafka in the foreground, to try things with."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from streams.settings import load_settings


def command(
    port: Annotated[int, typer.Option(min=0, max=65535, help="port on 127.0.0.1; 0 picks a free one")] = 9092,
    data: Annotated[Path | None, typer.Option(help="keep the log in this folder (default: forget it)")] = None,
    heap_mb: Annotated[int, typer.Option(min=256, help="Java heap in megabytes")] = 512,
    config: Annotated[Path | None, typer.Option(help="TOML file (default: ./deskpulse.toml)")] = None,
) -> None:
    """Run Apache Kafka on this machine until Ctrl-C; no Java or Docker is needed."""
    from streams.broker import EmbeddedKafka
    from streams.broker.progress import download_progress

    asked_to_stop = threading.Event()

    def stop(_signal: int, _frame: object) -> None:
        if asked_to_stop.is_set():
            raise KeyboardInterrupt  # asked twice: do not wait for an orderly end
        asked_to_stop.set()

    settings = load_settings(config)
    with EmbeddedKafka(
        cache_dir=settings.cache_dir, heap_mb=heap_mb, data_dir=data and data.resolve(), port=port
    ) as kafka:
        with download_progress() as on_bytes:
            kafka.start(progress=on_bytes)
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGTERM, stop)
        typer.echo(kafka.bootstrap)
        typer.echo("Apache Kafka is ready; Ctrl-C stops it", err=True)
        kafka.wait(asked_to_stop)
