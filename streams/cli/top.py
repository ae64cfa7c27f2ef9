"""`deskpulse top`: the desk's figures in a terminal."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Annotated

import typer

DEFAULT_URL = "http://127.0.0.1:9464"


def command(
    url: Annotated[
        list[str] | None,
        typer.Argument(help="Address of a worker; several are summed.", show_default=DEFAULT_URL),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Print one screen and exit.")] = False,
) -> None:
    """Show support, promises, satisfaction, team, customers and money live; 1 to 6 or Tab turn pages, q ends."""
    from rich.console import Console

    from streams.settings import ConfigurationError
    from streams.top.screen import Session
    from streams.top.viewer import run_top, show_once, worker_addresses

    urls = worker_addresses(url or [DEFAULT_URL])
    for address in urls:
        if not address.startswith(("http://", "https://")):
            raise ConfigurationError(f"{address} is no address of a worker: write http://host:port")
    console = Console()
    if once:
        if not asyncio.run(show_once(Session(urls), console)):
            raise typer.Exit(1)
        return
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run_top(urls, console=console))
