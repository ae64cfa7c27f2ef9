"""freshness: how late events are shown at 5,000 a second, and what a burst of a million does.

``freshness_p99``: from handing a record to the producer until the snapshot that /metrics serves shows it, for 99 %
of them, as the worker's own series ``event_shown_seconds`` has it (linear in a bucket, as histogram_quantile does),
against the same until it is counted. Default settings, traffic of 5,000 events/s, a scrape every few seconds.

``freshness_p99_written``: until the broker has acknowledged it; ``_fetched``, ``_taken``, ``_counted``: how old the
oldest record of a batch is when it was fetched, when an agent takes it up, and when it is counted;
``_snapshot_every``, ``_takes``, ``_processor``: from one snapshot to the next, and what one takes.
``freshness_processor``: of the worker, while traffic lasts.

``burst_seconds``: how long a million events that come at once are behind, against a bare aiokafka and orjson loop
over the same; ``burst_memory``: what the worker grows by meanwhile, against its size before. Its lag, watermark and
partition_fresh are watched all along, also while it counts records that were written minutes ago; where one of them
says what is not so, the bench ends with a sentence.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice, pairwise

from prometheus_client.parser import text_string_to_metric_families

from bench.bare_loop import COMPARED_WITH, bare_rate
from bench.figure import figure
from bench.resident import processor_s, resident_bytes
from bench.staged_worker import MARK
from bench.workload import SEED, TICKETS_PER_DAY
from metrics_core.times import DAY_US
from streams.broker import EmbeddedKafka
from streams.connect import client_arguments
from streams.demo.exposition_rows import PREFIX, most, total
from streams.demo.worker_process import WorkerProcess
from streams.engine.progress import FRESH_S
from streams.pace import wall_us
from streams.produce import TopicWriter
from streams.settings import Settings, load_settings
from streams.simulate import Emission, Traffic
from streams.topics import ensure_topics

EVENTS_PER_SECOND = 5_000
#: fewer than TICKETS_PER_DAY bring
EVENTS_PER_DAY = 12_000
STEADY_S = 30.0
#: how many events come at once
BURST_EVENTS = 1_000_000
#: then so many that were written so long ago: what is shown meanwhile is not fresh
LATE_EVENTS = 200_000
LATE_S = 300
#: behind by more is not fresh, by less it is; between, the worker looks once a second
FRESH_WITHIN_S = FRESH_S - 5
BURST_VARIABLE = "DESKPULSE_BENCH_EVENTS"
#: records written together: what a producer with linger.ms=5 does at this rate
TICK_S = 0.005
SCRAPE_S = 5.0
WATCH_S = 0.5
WARM_UP_S = 5.0
#: after the last write, the lag is that of the topic
SETTLED_S = 2.0
TIMEOUT_S = 300.0
#: stage -> age in ms -> records
Ages = Mapping[str, Mapping[str, int]]
#: what staged_worker.py has seen of records on their way, and of the snapshots that show them
STAGES = ("written", "fetched", "taken", "counted", "snapshot_every", "snapshot_takes", "snapshot_processor")


def main() -> None:
    """Steady traffic, then the burst, one worker each."""
    burst = int(os.environ.get(BURST_VARIABLE, BURST_EVENTS))
    steady = int((WARM_UP_S + STEADY_S) * EVENTS_PER_SECOND)
    events = _recent_events(max(burst + LATE_EVENTS, steady))
    # a full collection over all of them would hold the producer up
    gc.freeze()
    settings = load_settings(origin="earliest")
    with EmbeddedKafka(cache_dir=settings.cache_dir, heap_mb=1024) as kafka:
        kafka.start()
        settings = settings.model_copy(update={"brokers": kafka.bootstrap})
        _steady(_of(settings, "steady"), events[:steady])
        _burst(_of(settings, "burst"), events[: burst + LATE_EVENTS])


def _recent_events(most: int) -> list[Emission]:
    """Traffic of the days until now, so that windows are full."""
    days = most / EVENTS_PER_DAY + 1
    traffic = Traffic(SEED, wall_us() - int(days * DAY_US), TICKETS_PER_DAY, crm=False, bad_events=False)
    return list(islice(traffic.until(wall_us()), most))


def _of(settings: Settings, name: str) -> Settings:
    """An application with topics of its own."""
    topics = {key: f"{name}.{getattr(settings, key)}" for key in ("helpdesk_topic", "crm_topic", "rejected_topic")}
    return settings.model_copy(update={"app_id": name, **topics})


def _steady(settings: Settings, events: Sequence[Emission]) -> None:
    asyncio.run(ensure_topics(settings))
    warm = int(WARM_UP_S * EVENTS_PER_SECOND)
    with WorkerProcess(settings, module="bench.staged_worker") as worker:
        worker.wait_ready()
        asyncio.run(_flow(settings, events[:warm]))
        before, ages_before = worker.metrics(), _ages(worker)
        busy_s, began_s = processor_s(worker), time.monotonic()
        ended = threading.Event()
        scraper = threading.Thread(target=_scrape, args=(worker, ended))
        scraper.start()
        written = asyncio.run(_flow(settings, events[warm:]))
        ended.set()
        scraper.join()
        busy_s, lasted_s = processor_s(worker) - busy_s, time.monotonic() - began_s
        _wait_for(worker, len(events))
        after, ages_after = worker.metrics(), {**written, **_ages(worker)}
    for quantile in (0.5, 0.99):
        shown, counted = (
            _quantile(before, after, name, quantile) for name in ("event_shown_seconds", "event_delay_seconds")
        )
        figure(f"freshness_p{quantile * 100:g}", shown * 1e3, "ms", counted * 1e3, "the same until it is counted")
    for stage in STAGES:
        at_ms = _stage_quantile(ages_before, ages_after, stage, quantile)
        figure(f"freshness_p99_{stage}", at_ms, "ms", shown * 1e3, "the same until it is shown")
    figure("freshness_processor", busy_s / lasted_s, "cores", 1.0, "one core")


def _scrape(worker: WorkerProcess, ended: threading.Event) -> None:
    while not ended.wait(SCRAPE_S):
        worker.metrics()


async def _flow(settings: Settings, events: Sequence[Emission]) -> Ages:
    """Write at the rate, each record with the moment at which it is handed over; how long each took to be
    acknowledged."""
    batch = int(EVENTS_PER_SECOND * TICK_S)
    written: Counter[str] = Counter()
    async with TopicWriter(client_arguments(settings), compression=None) as writer:
        due_s = time.monotonic()
        for begin in range(0, len(events), batch):
            some, now_ms = events[begin : begin + batch], wall_us() // 1000
            for event in some:
                await writer.write(settings.helpdesk_topic, event.key, event.value, now_ms)
            await writer.flush()
            written[str(wall_us() // 1000 - now_ms)] += len(some)
            due_s += TICK_S
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
    return {"written": written}


def _burst(settings: Settings, events: Sequence[Emission]) -> None:
    """All at once, at a worker that waits for them."""
    asyncio.run(ensure_topics(settings))
    at_once, late = events[:-LATE_EVENTS], events[-LATE_EVENTS:]
    with WorkerProcess(settings) as worker:
        worker.wait_ready()
        before_bytes = resident_bytes(worker)
        pouring = threading.Thread(target=lambda: asyncio.run(_pour(settings, at_once)))
        start_s = time.monotonic()
        pouring.start()
        most_bytes = _watch(worker, len(at_once), pouring)
        behind_s = time.monotonic() - start_s
        pouring.join()
        pouring = threading.Thread(target=lambda: asyncio.run(_pour(settings, late, LATE_S)))
        pouring.start()
        _watch_late(worker, len(events))
        pouring.join()
    baseline_s = len(at_once) / asyncio.run(bare_rate(settings, len(at_once)))
    figure("burst_seconds", behind_s, "s", baseline_s, COMPARED_WITH)
    grown, before = (most_bytes - before_bytes) / 1e6, before_bytes / 1e6
    figure("burst_memory", grown, "MB", before, "the worker before it")


async def _pour(settings: Settings, events: Sequence[Emission], late_s: int = 0) -> None:
    async with TopicWriter(client_arguments(settings)) as writer:
        for event in events:
            await writer.write(settings.helpdesk_topic, event.key, event.value, wall_us() // 1000 - late_s * 1000)


def _watch(worker: WorkerProcess, events: int, pouring: threading.Thread) -> int:
    """Until all are counted: what the worker says of itself must hold together. Its largest size, in bytes."""
    most_bytes, seen_s, written_s, start_s = 0, 0.0, float("inf"), time.monotonic()
    end_s, partitions = start_s + TIMEOUT_S, total(worker.metrics(), "partition_ready")
    while time.monotonic() < end_s:
        if not pouring.is_alive():
            written_s = min(written_s, time.monotonic())
        told_late = time.monotonic() - written_s < SETTLED_S
        text = worker.metrics()
        most_bytes = max(most_bytes, resident_bytes(worker))
        counted, lag = total(text, "events_processed_total"), total(text, "consumer_lag_records")
        watermark_s = most(text, "watermark_timestamp_seconds")
        if watermark_s < seen_s:
            raise SystemExit("the watermark went back")
        seen_s = watermark_s
        fresh = total(text, "partition_fresh")
        if fresh < partitions and time.monotonic() - start_s < FRESH_WITHIN_S:
            raise SystemExit(f"{partitions - fresh:g} partitions are not fresh, and no record is a minute old")
        if counted >= events and not lag:
            return most_bytes
        if written_s < float("inf") and not told_late and counted + lag < events:
            raise SystemExit(f"{counted:,.0f} counted and {lag:,.0f} waiting are not all of {events:,}")
        time.sleep(WATCH_S)
    raise SystemExit(f"the worker did not count {events:,} events in {TIMEOUT_S:g} s")


def _watch_late(worker: WorkerProcess, events: int) -> None:
    """Until all are counted: while records of long ago wait, somebody must be said not to be fresh; then nobody."""
    told, end_s = False, time.monotonic() + TIMEOUT_S
    while time.monotonic() < end_s:
        text = worker.metrics()
        fresh, partitions = total(text, "partition_fresh"), total(text, "partition_ready")
        told |= fresh < partitions
        if total(text, "events_processed_total") >= events and fresh == partitions:
            if not told:
                raise SystemExit(f"records of {LATE_S} s ago were counted, and every partition said it was fresh")
            return
        time.sleep(WATCH_S / 5)
    raise SystemExit(f"the worker did not count {events:,} events in {TIMEOUT_S:g} s")


def _wait_for(worker: WorkerProcess, events: int) -> None:
    end_s = time.monotonic() + TIMEOUT_S
    while total(worker.metrics(), "events_processed_total") < events:
        if time.monotonic() > end_s:
            raise SystemExit(f"the worker did not count {events:,} events in {TIMEOUT_S:g} s")
        time.sleep(WATCH_S)
    time.sleep(2 * WATCH_S)  # the last ones are shown by then


def _quantile(before: str, after: str, name: str, quantile: float) -> float:
    """Of what was observed between two scrapes, in seconds; linear within a bucket."""
    earlier, later = _buckets(before, name), _buckets(after, name)
    cumulative = [(0.0, 0.0), *((edge, count - earlier[edge]) for edge, count in sorted(later.items()))]
    wanted = quantile * cumulative[-1][1]
    for (low, below), (high, upto) in pairwise(cumulative):
        if upto >= wanted and upto > below:
            return low if high == float("inf") else low + (high - low) * (wanted - below) / (upto - below)
    raise SystemExit(f"{name} observed nothing")


def _ages(worker: WorkerProcess) -> Ages:
    """Stage -> age in ms -> records, as the worker said last."""
    said = [line for line in worker.log.read_text(errors="replace").splitlines() if line.startswith(MARK)]
    return dict(json.loads(said[-1].removeprefix(MARK))) if said else {}


def _stage_quantile(before: Ages, after: Ages, stage: str, quantile: float) -> float:
    """In milliseconds."""
    earlier = before.get(stage, {})
    ages = sorted((int(at), n - earlier.get(at, 0)) for at, n in after[stage].items())
    wanted, seen = quantile * sum(n for _, n in ages), 0
    for at, n in ages:
        seen += n
        if seen >= wanted:
            return float(at)
    raise SystemExit(f"nothing was seen at the stage {stage}")


def _buckets(text: str, name: str) -> dict[float, float]:
    return {
        float(sample.labels["le"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == f"{PREFIX}{name}_bucket"
    }


if __name__ == "__main__":
    main()
