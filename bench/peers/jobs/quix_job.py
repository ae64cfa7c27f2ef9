"""Quix Streams as documented: state belongs to the message's key, so aggregates need a repartition topic.

With PEER_STORE=one there is none: a deserializer that gives every message the same key lets one store per partition
hold tickets and aggregates alike, so that an aggregate has one part in each partition.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import orjson
from helpdesk_job import Delta, Event, add, moves_ticket, step
from quixstreams import Application
from quixstreams.models.serializers import Deserializer
from run import Run

COMMIT_INTERVAL_S = 1.0
REPARTITION = "repartition"


class OneKey(Deserializer):
    """Every message has the same key."""

    def __call__(self, value: bytes, ctx: Any) -> bytes:
        return b"p"


def counted(event: Event) -> Event:
    """Every event passes here, also those that move nothing."""
    run.count()
    return event


def step_one_store(event: Event, state: Any) -> None:
    """Tickets and aggregates side by side."""
    place = f"ticket|{event['subject']}"
    ticket, deltas = step(state.get(place), event)
    if ticket is not None:
        state.set(place, ticket)
    for key, value in deltas:
        state.set(key, add(state.get(key), key, value))


def step_ticket(event: Event, state: Any) -> tuple[Delta, ...]:
    """Keyed by ticket."""
    ticket, deltas = step(state.get("ticket"), event)
    if ticket is not None:
        state.set("ticket", ticket)
    return deltas


def step_aggregate(delta: Delta, state: Any) -> None:
    """Keyed by aggregate."""
    key, value = delta
    state.set("aggregate", add(state.get("aggregate"), key, value))


def aggregates() -> Iterator[tuple[str, Any]]:
    """From the stores on disk, whose keys are the message's key and the state's, as JSON."""
    for name, stores in app._state_manager.stores.items():
        if not has_one_store and REPARTITION not in name:
            continue
        for store in stores.values():
            for partition in store.partitions.values():
                for raw_key, value in partition._db.items():
                    of_message, found, of_state = raw_key.partition(b'|"')
                    if not found:  # not ours: the engine keeps its own marks here
                        continue
                    if not has_one_store:
                        of_message, found, of_state = raw_key.rpartition(b'|"')
                    key = (of_state if has_one_store else of_message).decode().strip('"')
                    if key.startswith(("backlog|", "first_response|", "resolution|")):
                        yield key, orjson.loads(value)


run = Run()
has_one_store = os.environ["PEER_STORE"] == "one"
app = Application(
    broker_address=run.brokers,
    consumer_group=run.app,
    auto_offset_reset="earliest",
    commit_interval=COMMIT_INTERVAL_S,
    processing_guarantee="at-least-once",
    state_dir=run.state,
    loglevel="WARNING",
    consumer_extra_config={"queued.min.messages": 200_000, "fetch.message.max.bytes": 4 << 20},
    producer_extra_config={"compression.type": "lz4", "linger.ms": 50, "batch.size": 256 * 1024},
)
source = app.topic(run.topic, key_deserializer=OneKey() if has_one_store else "str")
frame = app.dataframe(source).apply(counted).filter(moves_ticket)
if has_one_store:
    frame = frame.update(step_one_store, stateful=True)
else:
    frame = frame.apply(step_ticket, stateful=True, expand=True)
    frame = frame.group_by(lambda delta: delta[0], name="by", key_deserializer="str", key_serializer="str")
    frame = frame.update(step_aggregate, stateful=True)
run.answer_when_asked(aggregates)
app.run()
