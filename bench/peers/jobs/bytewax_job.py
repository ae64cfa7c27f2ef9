"""Bytewax: batches from Kafka, a keyed step per ticket, an exchange in the process, a keyed step per aggregate.

Recovery is a snapshot into SQLite at every epoch. The flow ends with its input, and the answer is read from the
recovery store: what it holds is durable.
"""

from __future__ import annotations

import pickle
import sqlite3
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import bytewax.operators as op
import orjson
from bytewax._bytewax import cli_main
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from helpdesk_job import Delta, Event, Ticket, add, moves_ticket, step
from run import Run

EPOCH_S = 1.0
BATCH_RECORDS = 1000
RECOVERY_PARTITIONS = 4


def decode(messages: list[Any]) -> Iterator[tuple[str, Event]]:
    """Events that move a ticket, by its subject."""
    run.count(len(messages))
    for message in messages:
        event = orjson.loads(message.value)
        if moves_ticket(event):
            yield event["subject"], event


class TicketLogic(StatefulBatchLogic):
    """One ticket; a snapshot must not change afterwards, so each step works on a copy."""

    def __init__(self, ticket: tuple[Any, ...] | None) -> None:
        self.ticket = ticket

    def on_batch(self, values: list[Event]) -> tuple[list[Delta], bool]:
        deltas: list[Delta] = []
        ticket: Ticket | None = None if self.ticket is None else list(self.ticket)
        for event in values:
            moved, added = step(ticket, event)
            if moved is not None:
                ticket = moved
            deltas += added
        self.ticket = None if ticket is None else tuple(ticket)
        return deltas, ticket is None

    def snapshot(self) -> tuple[Any, ...] | None:
        return self.ticket


class AggregateLogic(StatefulBatchLogic):
    """One aggregate, packed for a snapshot only once an epoch."""

    def __init__(self, packed: bytes | None) -> None:
        self.key, self.value = (None, None) if packed is None else orjson.loads(packed)

    def on_batch(self, values: list[Delta]) -> tuple[list[Any], bool]:
        for key, value in values:
            self.key, self.value = key, add(self.value, key, value)
        return [], False

    def snapshot(self) -> bytes:
        return orjson.dumps((self.key, self.value))


class NoOutput(DynamicSink):
    """The state is the output."""

    class Nowhere(StatelessSinkPartition):
        def write_batch(self, items: list[Any]) -> None:
            """Nothing comes."""

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Nowhere:
        return self.Nowhere()


def aggregates() -> Iterator[tuple[str, Any]]:
    """The newest snapshot of each, from the recovery store."""
    newest: dict[str, bytes] = {}
    for path in run.state.glob("part-*.sqlite3"):
        rows = sqlite3.connect(path).execute(
            "SELECT state_key, ser_change FROM snaps WHERE step_id LIKE '%aggregate%' ORDER BY snap_epoch"
        )
        newest.update(rows)
    for packed in newest.values():
        yield orjson.loads(pickle.loads(packed))


run = Run()
flow = Dataflow("helpdesk")
stream: Any = op.input(
    "events",
    flow,
    KafkaSource(
        [run.brokers],
        [run.topic],
        tail=False,
        batch_size=BATCH_RECORDS,
        add_config={"queued.min.messages": "50000", "statistics.interval.ms": "0"},
    ),
)
stream = op.flat_map_batch("decode", stream, decode)
stream = op.stateful_batch("ticket", stream, TicketLogic)
stream = op.map("by_aggregate", stream, lambda keyed: (keyed[1][0], keyed[1]))
stream = op.stateful_batch("aggregate", stream, AggregateLogic)
op.output("nowhere", stream, NoOutput())

init_db_dir(run.state, RECOVERY_PARTITIONS)
cli_main(
    flow,
    workers_per_process=1,
    epoch_interval=timedelta(seconds=EPOCH_S),
    recovery_config=RecoveryConfig(run.state, timedelta(0)),
)
durable_s = time.time()
run.answer(aggregates(), durable_s=durable_s)
