"""loop_block: the longest single step of a worker's event loop, while it catches up, live, and after a restart.

While a step runs, no heartbeat leaves, no checkpoint begins and nobody is answered: 20 ms is the bound. The value
is processor time, so that other processes and the rendering thread do not count; beside it the wall clock.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterable
from itertools import islice

from bench.figure import figure
from bench.probed_worker import MARK
from bench.workload import SEED, START_US
from metrics_core.times import DAY_US
from streams.broker import EmbeddedKafka
from streams.connect import client_arguments
from streams.demo.exposition_rows import total
from streams.demo.worker_process import WorkerProcess
from streams.pace import Pace
from streams.produce import TopicWriter, pour
from streams.settings import Settings, load_settings
from streams.simulate import Emission, Traffic
from streams.topics import ensure_topics

PAST_EVENTS, LIVE_EVENTS = 300_000, 20_000
TICKETS_PER_DAY = 5_000
#: of the live part: about 800 events/s, in which a day passes in three minutes
LIVE_SPEED = 500.0
TIMEOUT_S = 240.0
POLL_S = 1.0


def main() -> None:
    """Catch up, then live traffic, then a restart with what is there."""
    past, live = _traffic()
    settings = load_settings(origin="earliest", clock="event")
    verbose = "DESKPULSE_BENCH_STEPS" in os.environ
    with EmbeddedKafka(cache_dir=settings.cache_dir, heap_mb=512) as kafka:
        kafka.start()
        settings = settings.model_copy(update={"brokers": kafka.bootstrap})
        asyncio.run(_pour(settings, past, Pace()))
        with WorkerProcess(settings, module="bench.probed_worker") as worker:
            worker.wait_ready()
            _wait_for(worker, len(past))
            at = _say("catch_up", worker, 0, verbose)
            asyncio.run(_pour_and_scrape(settings, live, worker))
            _wait_for(worker, len(past) + len(live))
            _say("live", worker, at, verbose)
        with WorkerProcess(settings, module="bench.probed_worker") as worker:
            worker.wait_ready()
            for _ in range(5):
                time.sleep(POLL_S)
                worker.metrics()
            _say("restart", worker, 0, verbose)


def _traffic() -> tuple[list[Emission], list[Emission]]:
    traffic = Traffic(SEED, START_US, TICKETS_PER_DAY, bad_events=False)
    events = list(islice(traffic.until(START_US + 365 * DAY_US), PAST_EVENTS + LIVE_EVENTS))
    return events[:PAST_EVENTS], events[PAST_EVENTS:]


async def _pour(settings: Settings, events: Iterable[Emission], pace: Pace) -> None:
    await ensure_topics(settings)
    async with TopicWriter(client_arguments(settings)) as writer:
        await pour(events, writer, pace)


async def _pour_and_scrape(settings: Settings, events: list[Emission], worker: WorkerProcess) -> None:
    pouring = asyncio.create_task(_pour(settings, events, Pace(LIVE_SPEED)))
    while not pouring.done():
        await asyncio.to_thread(worker.metrics)
        await asyncio.sleep(POLL_S)
    await pouring


def _wait_for(worker: WorkerProcess, events: int) -> None:
    end_s = time.monotonic() + TIMEOUT_S
    while time.monotonic() < end_s:
        time.sleep(POLL_S)
        text = worker.metrics()
        counted = total(text, "events_processed_total") + total(text, "events_duplicate_total")
        if counted >= 0.99 * events and total(text, "consumer_lag_records") == 0:
            return
    raise SystemExit(f"the worker did not count {events:,} events in {TIMEOUT_S:g} s")


def _say(phase: str, worker: WorkerProcess, since: int, verbose: bool) -> int:
    """The figure of the log's lines from ``since`` on; returns how many lines there are."""
    lines = [line for line in worker.log.read_text(errors="replace").splitlines() if line.startswith(MARK)]
    seconds = [json.loads(line.removeprefix(MARK)) for line in lines[since:]]
    if verbose:
        for second in seconds:
            print(second)
    longest_s = max(second["processor_s"] for second in seconds)
    wall_s = max(second["wall_s"] for second in seconds)
    figure(f"loop_block_{phase}", longest_s * 1e3, "ms", wall_s * 1e3, "the longest step by the wall clock")
    return len(lines)


if __name__ == "__main__":
    main()
