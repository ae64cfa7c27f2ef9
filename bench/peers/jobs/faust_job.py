"""Plain Faust: one agent, one event at a time, tables as documented, in memory with a changelog topic each.

A table is one dict a worker and its changelog follows the partition of the event, so the key of an aggregate
carries the number of the partition.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from typing import Any

import mode.loop

mode.loop.use("uvloop")

import faust  # noqa: E402 - the event loop comes first
import orjson  # noqa: E402
from helpdesk_job import add, moves_ticket, step  # noqa: E402
from run import Run  # noqa: E402

COMMIT_INTERVAL_S = 1.0

logging.disable(logging.WARNING)  # debug records are built on the hot path otherwise
run = Run()
app = faust.App(
    run.app,
    broker=f"kafka://{run.brokers}",
    store="memory://",
    datadir=run.state,
    processing_guarantee="at_least_once",
    broker_commit_interval=COMMIT_INTERVAL_S,
    broker_max_poll_records=4000,
    producer_compression_type="lz4",
    producer_max_batch_size=256 * 1024,
    producer_linger=0.02,
    stream_buffer_maxsize=16_384,
    stream_wait_empty=False,
    topic_partitions=run.partitions,
    topic_disable_leader=True,
    web_enabled=False,
)
source = app.topic(run.topic, key_type=str, key_serializer="raw", value_type=bytes, value_serializer="raw")
tickets = app.Table("tickets", partitions=run.partitions)
totals = app.Table("totals", partitions=run.partitions)


@app.agent(source)
async def count(stream: Any) -> None:
    """One event at a time."""
    async for message in stream.events():
        run.count()
        event = orjson.loads(message.value)
        if not moves_ticket(event):
            continue
        ticket, deltas = step(tickets.get(event["subject"]), event)
        if ticket is not None:
            tickets[event["subject"]] = ticket
        for key, value in deltas:
            place = f"{message.message.partition}|{key}"
            totals[place] = add(totals.get(place), key, value)


def aggregates() -> Iterator[tuple[str, Any]]:
    """What the table holds."""
    for place, value in list(totals.data.items()):
        yield place.partition("|")[2], value


run.answer_when_asked(aggregates)
sys.argv = ["faust", "worker", "--loglevel", "warn", "--without-web"]
app.main()
