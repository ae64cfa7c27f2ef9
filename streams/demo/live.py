"""The live demo: 40 days of history at full speed, then traffic as it happens, on screen."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from rich.console import Console

from metrics_core.times import DAY_US
from streams.broker.choice import broker_for
from streams.connect import client_arguments
from streams.demo.names import demo_settings
from streams.demo.worker_process import WorkerProcess
from streams.pace import Pace, wall_us
from streams.produce import TopicWriter, pour
from streams.progress import progress_bar
from streams.settings import Settings
from streams.simulate import Emission, Traffic
from streams.top import run_top
from streams.topics import ensure_topics

#: where it is at the desk when the demo starts: late morning, when things move
_DESK_HOUR = 11
#: without a terminal a screen is printed this often
_SCREEN_INTERVAL_S = 30.0


def run_live(settings: Settings, console: Console, *, days: float, tickets_per_day: float, seed: int) -> None:
    """Run until Ctrl-C or `q`. Raises ConfigurationError."""
    settings = demo_settings(settings, origin="earliest")
    with _said(console, "Apache Kafka"), contextlib.ExitStack() as started:
        bootstrap = started.enter_context(broker_for(settings))
        running = started.pop_all()
    with running:
        settings = settings.model_copy(update={"brokers": bootstrap})
        with _said(console, "topics"):
            asyncio.run(ensure_topics(settings))
        with WorkerProcess(settings) as worker:
            with _said(console, "worker"):
                worker.wait_ready()
            asyncio.run(_traffic_and_screen(settings, worker, console, days, tickets_per_day, seed))


@contextlib.contextmanager
def _said(console: Console, what: str) -> Iterator[None]:
    started_s = time.monotonic()
    console.print(f"starting {what} ...", end=" ", highlight=False)
    yield
    console.print(f"up after {time.monotonic() - started_s:.1f} s", highlight=False)


async def _traffic_and_screen(
    settings: Settings, worker: WorkerProcess, console: Console, days: float, tickets_per_day: float, seed: int
) -> None:
    now_us = wall_us()
    traffic = Traffic(
        seed,
        now_us - int(days * DAY_US),
        tickets_per_day,
        utc_offset_h=_offset_h(now_us),
        helpdesk_topic=settings.helpdesk_topic,
        crm_topic=settings.crm_topic,
    )
    async with TopicWriter(client_arguments(settings)) as writer:
        await _history(traffic, writer, now_us, days)
        live = asyncio.create_task(pour(traffic, writer, Pace(never_early=True)), name="live traffic")
        try:
            await _screen(settings, worker, console, writer)
        finally:
            live.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await live


async def _history(traffic: Traffic, writer: TopicWriter, now_us: int, days: float) -> None:
    start_us = now_us - int(days * DAY_US)
    started_s = time.monotonic()
    with progress_bar() as progress:
        task = progress.add_task(f"{days:g} days of history", total=now_us - start_us, events=0, rate=0)

        def show(emission: Emission) -> None:
            rate = writer.written / max(time.monotonic() - started_s, 0.001)
            progress.update(task, completed=emission.arrival_us - start_us, events=writer.written, rate=rate)

        await pour(traffic.until(now_us), writer, Pace(), show)


async def _screen(settings: Settings, worker: WorkerProcess, console: Console, writer: TopicWriter) -> None:
    def lines() -> list[str]:
        return [
            f"{worker.url}/metrics   {worker.url}/readyz   Kafka {settings.brokers}",
            f"{writer.written:,} events written; traffic goes on as it falls due; q or Ctrl-C ends",
        ]

    while True:
        await run_top(worker.url, console=console, extra_lines=lines)
        if console.is_terminal:
            return
        await asyncio.sleep(_SCREEN_INTERVAL_S)


def _offset_h(now_us: int) -> float:
    """Whole hours that make it late morning at the desk, so that somebody is at work."""
    hour = datetime.fromtimestamp(now_us / 1e6, tz=UTC).hour
    offset = _DESK_HOUR - hour
    assert -14 <= offset <= 14
    return float(offset)
