"""demo --once: a fixed history through Kafka and a worker, compared with a batch that shares no code with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.console import Console

from metrics_core.policy import WINDOWS
from metrics_core.times import DAY_US, format_us, parse_rfc3339
from streams.audit import Rules, UnknownPolicyError, batch_rows, compare, rules_of
from streams.broker.choice import broker_for
from streams.connect import client_arguments
from streams.demo.exposition_rows import row_differences, rows_of_exposition, total
from streams.demo.names import demo_settings
from streams.demo.worker_process import WorkerProcess
from streams.pace import Pace
from streams.produce import TopicWriter, pour
from streams.replay.choice import choose
from streams.report import report_shard, series_rows, shard_view
from streams.report_table import print_report
from streams.settings import ConfigurationError, Settings
from streams.simulate import Emission, Traffic
from streams.topics import ensure_topics

SEED = 20260105
START_US = parse_rfc3339("2026-01-05T00:00:00Z")
DAYS = 40
TICKETS_PER_DAY = 250
_CAUGHT_UP_TIMEOUT_S = 300.0
_POLL_S = 0.5
#: differences shown; the rest is counted
_SHOWN = 20


def run_once(settings: Settings, console: Console) -> int:
    """Produce, count, compare; returns the number of differences. Raises ConfigurationError."""
    settings = demo_settings(settings, origin="earliest", clock="event")
    rules = _audit_rules(settings)
    history = list(_traffic(settings).until(START_US + DAYS * DAY_US))
    console.print(f"{len(history):,} events of {DAYS} days, seed {SEED}", highlight=False)
    with broker_for(settings) as bootstrap:
        settings = settings.model_copy(update={"brokers": bootstrap})
        asyncio.run(_produce(settings, history))
        with WorkerProcess(settings) as worker:
            worker.wait_ready()
            text = _caught_up(worker, len(history))
    time_us = round(total(text, "view_timestamp_seconds") * 1_000_000)
    return _compare(settings, rules, history, text, time_us, console)


def _audit_rules(settings: Settings) -> Rules:
    """The policy as the batch reads it. Raises ConfigurationError where it does not know what is asked for."""
    try:
        return rules_of(msgspec.to_builtins(settings.core_policy, str_keys=True))
    except UnknownPolicyError as error:
        raise ConfigurationError(f"demo --once: {error}") from error


def _traffic(settings: Settings) -> Traffic:
    return Traffic(
        SEED,
        START_US,
        TICKETS_PER_DAY,
        helpdesk_topic=settings.helpdesk_topic,
        crm_topic=settings.crm_topic,
    )


async def _produce(settings: Settings, history: list[Emission]) -> None:
    await ensure_topics(settings)
    async with TopicWriter(client_arguments(settings)) as writer:
        await pour(history, writer, Pace())


def _caught_up(worker: WorkerProcess, records: int) -> str:
    """The exposition once every record has been counted and shown."""
    end_s = time.monotonic() + _CAUGHT_UP_TIMEOUT_S
    before = ""
    while time.monotonic() < end_s:
        text = worker.metrics()
        counted = sum(total(text, f"events_{what}_total") for what in ("processed", "rejected", "tombstone"))
        shown = str(total(text, "view_timestamp_seconds"))
        if counted >= records and total(text, "consumer_lag_records") == 0 and shown == before:
            return text
        before = shown
        time.sleep(_POLL_S)
    raise ConfigurationError("the worker did not catch up: look at its log, or give the machine more room")


def _compare(
    settings: Settings, rules: Rules, history: list[Emission], text: str, time_us: int, console: Console
) -> int:
    policy = settings.core_policy
    choice = choose(policy, windows=WINDOWS)
    shard = report_shard((emission.value for emission in history), choice=choice, as_of_us=time_us)
    view = shard_view(shard, time_us)
    print_report(console, view, WINDOWS, ())
    shown = rows_of_exposition(text, format_us(time_us))
    report = list(series_rows(view))
    audited = batch_rows(
        (emission.value for emission in history),
        as_of_us=time_us,
        windows=WINDOWS,
        gauge_labels=policy.gauge_labels,
        histogram_labels=policy.histogram_labels,
        rules=rules,
    )
    batch = [row for row in audited if not row["metric"].endswith(("_p50", "_p90", "_mean"))]
    return sum(
        _tell(console, what, rows, differences)
        for what, rows, differences in (
            ("the worker's /metrics and the batch", batch, compare(batch, shown)),
            ("the report and the batch", batch, compare(batch, report)),
            ("the worker's /metrics and the report", report, row_differences(report, shown)),
        )
    )


def _tell(console: Console, what: str, rows: Sequence[Mapping[str, Any]], differences: Sequence[object]) -> int:
    values = sum(1 for row in rows if row["value"])
    console.print(f"{what}: {values:,} values, {len(differences)} differences", highlight=False)
    for difference in differences[:_SHOWN]:
        console.print(f"  {difference}", highlight=False)
    return len(differences)
