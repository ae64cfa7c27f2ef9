"""A real history through a real broker and a worker gives what `report` gives from the file."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from truth_files import History

from streams.audit import compare
from streams.audit.events import read_event
from streams.audit.times import time_text

pytestmark = [pytest.mark.truth, pytest.mark.broker]

DESKPULSE = (sys.executable, "-m", "streams.cli.main")
PREFIX = "deskpulse_"
LIVE_WINDOWS = ("1h", "24h", "7d", "30d")
PATIENCE_S = 120  # for a slow machine; nothing is asserted about time
DIFFERENCES_SHOWN = 20


@contextmanager
def worker(environment: dict[str, str], folder: Path) -> Iterator[Path]:
    """A worker process; its log's path. It is stopped by its own pid, whatever happens."""
    log = folder / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*DESKPULSE, "worker"], env=environment, cwd=folder, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            yield log
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def scraped(port: int, at: str) -> list[dict[str, Any]]:
    """What the worker shows now, as rows dated `at`; empty while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            text = answer.read().decode()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return []
    return [
        {
            "time": at,
            "metric": sample.name.removeprefix(PREFIX),
            "labels": with_plain_edge(sample.labels),
            "value": sample.value,
        }
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]


def with_plain_edge(labels: dict[str, str]) -> dict[str, str]:
    """The labels with `le` as reports write it: the exposition's 1.2096e+06 is 1209600.0 there."""
    edge = labels.get("le", "+Inf")
    return dict(labels) if edge == "+Inf" else {**labels, "le": str(float(edge))}


def is_derived(row: dict[str, Any]) -> bool:
    return str(row["metric"]).endswith(("_mean", "_p50", "_p90"))


def wait_until_equal(port: int, expected: Sequence[dict[str, Any]], at: str, events: int, log: Path) -> None:
    """Scrapes until every event is in and the rows agree; fails with what differs when patience ends."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        rows = scraped(port, at)
        processed = sum(row["value"] for row in rows if row["metric"] == "events_processed_total")
        differences = compare(expected, rows)
        if processed == events and not differences:
            return
        if time.monotonic() > deadline_s:
            shown = "\n".join(str(difference) for difference in differences[:DIFFERENCES_SHOWN])
            tail = log.read_text(errors="replace")[-2000:]
            pytest.fail(f"{processed} of {events} events, {len(differences)} differences\n{shown}\n{tail}")
        time.sleep(0.5)


@pytest.mark.parametrize("partitions", [1, 8])
def test_a_worker_shows_what_report_computes_from_the_file(
    history: History,
    partitions: int,
    kafka: Any,
    free_port: Callable[[], int],
    topic_name: Callable[..., str],
    tmp_path: Path,
) -> None:
    from metrics_core.policy import Policy
    from streams.report import report_rows

    events = [read_event(line) for line in history.lines]
    # the clock `event` stands just after the largest time seen, so that the newest event counts
    as_of_us = max(event.time_us for event in events) + 1
    expected = [
        row
        for row in report_rows(history.lines, as_of_us=as_of_us, windows=LIVE_WINDOWS, policy=Policy())
        if not is_derived(row)
    ]
    port = free_port()
    environment = {
        **os.environ,
        "DESKPULSE_BROKERS": kafka.bootstrap,
        "DESKPULSE_APP_ID": topic_name("app"),
        "DESKPULSE_HELPDESK_TOPIC": topic_name("helpdesk"),
        "DESKPULSE_CRM_TOPIC": topic_name("crm"),
        "DESKPULSE_REJECTED_TOPIC": topic_name("rejected"),
        "DESKPULSE_PARTITIONS": str(partitions),
        "DESKPULSE_ORIGIN": "earliest",
        "DESKPULSE_CLOCK": "event",
        "DESKPULSE_HTTP_PORT": str(port),
        "DESKPULSE_POLICY": '{"horizon_days": 3650}',  # a ticket here is reopened after more than 70 days
        "DESKPULSE_SERIES_BUDGET": "1000000",  # reports never fold: nor may the worker here
    }
    commands = (["topics", "create"], ["produce", str(history.directory / "events.jsonl.gz")])
    for command in commands:
        subprocess.run([*DESKPULSE, *command], env=environment, cwd=tmp_path, check=True, timeout=PATIENCE_S)
    with worker(environment, tmp_path) as log:
        wait_until_equal(port, expected, time_text(as_of_us), len(events), log)
