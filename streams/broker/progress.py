"""What a person sees while the broker is downloaded for the first time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from streams.broker.checksums import JARS_BYTES, KAFKA_VERSION
from streams.broker.jars import OnBytes

_TITLE = f"Downloading Apache Kafka {KAFKA_VERSION} (once)"
_LINE_EVERY_BYTES = 10_000_000


@contextlib.contextmanager
def download_progress(console: Console | None = None) -> Iterator[OnBytes]:
    """A callback that draws a bar on a terminal and prints a plain line every 10 MB elsewhere, on stderr.

    Nothing is shown until the first byte arrives, so a start from the cache is silent.
    """
    screen = console or Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), console=screen
    )
    received = 0

    def on_terminal(count: int) -> None:
        nonlocal received
        if received == 0:
            bar.start()
            bar.add_task(_TITLE, total=JARS_BYTES)
        received += count
        bar.advance(bar.task_ids[0], count)

    def on_lines(count: int) -> None:
        nonlocal received
        before, received = received, received + count
        if before == 0 or before // _LINE_EVERY_BYTES != received // _LINE_EVERY_BYTES:
            screen.print(f"{_TITLE}: {received // 10**6} of {JARS_BYTES // 10**6} MB", highlight=False)

    try:
        yield on_terminal if screen.is_terminal else on_lines
    finally:
        if bar.task_ids:
            bar.stop()
