"""The live view: polls, draws, and listens to keys. Ends on `q`, Ctrl-C or ``stop``."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from streams.top.poll import poll
from streams.top.screen import Session, screen

#: a snapshot is refreshed about once a second; twice that keeps the viewer's load small
POLL_INTERVAL_S = 2.0
#: how soon the screen follows a change of the terminal's size, and ``stop``
REDRAW_INTERVAL_S = 0.5
_QUIT = frozenset({"q", "Q", "\x03", "\x04"})

ExtraLines = Sequence[str] | Callable[[], Sequence[str]]


async def run_top(
    url: str | Sequence[str],
    *,
    console: Console | None = None,
    stop: asyncio.Event | threading.Event | None = None,
    extra_lines: ExtraLines = (),
    zone: tzinfo | None = None,
) -> None:
    """Show the workers at ``url`` (one address or several, summed) until the viewer is told to end.

    ``extra_lines`` (or what it returns) stand at the bottom. Without a terminal one screen is printed.
    Never raises for a worker that cannot be reached.
    """
    console = console or Console()
    session = Session(worker_addresses(url))
    if not console.is_terminal:
        await show_once(session, console, extra_lines, zone)
        return
    pressed: asyncio.Queue[str] = asyncio.Queue()
    polling = asyncio.create_task(_poll_forever(session), name="top polling")
    try:
        with _keys(pressed), Live(console=console, screen=True, auto_refresh=False) as live:
            while stop is None or not stop.is_set():
                live.update(_drawn(session, console, extra_lines, zone), refresh=True)
                key = await _next(pressed, REDRAW_INTERVAL_S)
                if key in _QUIT:
                    return
                session.turn(key)
    finally:
        polling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await polling


async def show_once(
    session: Session, console: Console, extra_lines: ExtraLines = (), zone: tzinfo | None = None
) -> bool:
    """Print one screen; whether the worker answered."""
    session.take(await asyncio.to_thread(poll, session.urls))
    console.print(_drawn(session, console, extra_lines, zone))
    return session.failure is None


async def _poll_forever(session: Session) -> None:
    while True:
        session.take(await asyncio.to_thread(poll, session.urls))
        await asyncio.sleep(POLL_INTERVAL_S)


def _drawn(session: Session, console: Console, extra_lines: ExtraLines, zone: tzinfo | None) -> Group:
    lines: list[Text] = screen(
        session,
        console.width,
        console.height,
        now_s=time.time(),
        zone=zone,
        extra_lines=extra_lines() if callable(extra_lines) else extra_lines,
        ascii_only=console.options.ascii_only,
    )
    for line in lines:
        line.no_wrap = True
    return Group(*lines)


def worker_addresses(url: str | Sequence[str]) -> list[str]:
    """Base addresses; whoever pastes the address of /metrics means the worker."""
    given = [url] if isinstance(url, str) else list(url)
    return [address.rstrip("/").removesuffix("/metrics") for address in given]


async def _next(pressed: asyncio.Queue[str], timeout_s: float) -> str:
    with contextlib.suppress(TimeoutError):
        return await asyncio.wait_for(pressed.get(), timeout_s)
    return ""


@contextlib.contextmanager
def _keys(pressed: asyncio.Queue[str]) -> Iterator[None]:
    """Puts single key presses into ``pressed`` where the terminal allows it, and puts the terminal back."""
    try:
        import termios
        import tty

        terminal = sys.stdin.fileno()
        if not os.isatty(terminal):
            raise OSError
        before = termios.tcgetattr(terminal)
    except (ImportError, OSError, ValueError):
        yield  # Windows, a pipe, or no stdin: Ctrl-C ends the view
        return
    loop = asyncio.get_running_loop()

    def read() -> None:
        for key in os.read(terminal, 64).decode(errors="ignore"):
            pressed.put_nowait(key)

    tty.setcbreak(terminal)
    loop.add_reader(terminal, read)
    try:
        yield
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
