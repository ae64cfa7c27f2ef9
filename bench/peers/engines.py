"""Who runs in the race, and how each of them is started."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from bench.peers.installation import JOBS, class_path, environment, java

Command = list[str]

#: the least heap that a Java worker of such a state is given, and the most
_HEAP = ("-Xms512m", "-Xmx2g", "-XX:+UseParallelGC")


@dataclass(frozen=True)
class Engine:
    """One runner. ``command`` installs what it needs and raises MissingPeerError where that cannot be had."""

    name: str
    #: what it is, and what its answer holds after a crash
    title: str
    guarantee: str
    command: Callable[[], Command]
    environment: Mapping[str, str] = field(default_factory=dict)
    #: how it is known that all is durable: the group's offsets, which are committed after the state; its own word,
    #: at its end; or the metrics that it serves
    durable_by: Literal["offsets", "itself", "metrics"] = "offsets"
    #: it runs on one in so many of the events: a slow one would make the race last for an hour
    one_in: int = 1
    #: ends of the names of topics that must be there before it starts: Faust may begin before it sees its own
    topics: tuple[str, ...] = ()
    is_checked: bool = True


def _job(peer: str) -> Callable[[], Command]:
    return lambda: [str(environment(peer)), str(JOBS / f"{peer}_job.py")]


def _kafka_streams() -> Command:
    return [str(java()), *_HEAP, "--enable-native-access=ALL-UNNAMED", "-cp", class_path(), "KafkaStreamsPeer"]


def _streams_engine(name: str, title: str, store: str, threads: str) -> Engine:
    return Engine(
        name,
        f"Kafka Streams 4.3.1, {title}",
        "exactly_once_v2",
        _kafka_streams,
        {"PEER_STORE": store, "PEER_THREADS": threads},
    )


#: what the others are compared with
MEASURE = "kafka-streams"

ENGINES = (
    Engine(
        "deskpulse-three",
        "deskpulse, the three metrics of the race",
        "exactly once",
        lambda: [sys.executable, "-m", "bench.peers.three_metrics_worker"],
        durable_by="metrics",
    ),
    Engine(
        "deskpulse",
        "deskpulse, every metric",
        "exactly once",
        lambda: [sys.executable, "-m", "streams.cli.main", "worker"],
        durable_by="metrics",
    ),
    _streams_engine(MEASURE, "RocksDB, one thread", "rocksdb", "1"),
    _streams_engine("kafka-streams-memory", "in memory, one thread", "memory", "1"),
    _streams_engine("kafka-streams-memory-cached", "in memory with a cache, one thread", "memory-cached", "1"),
    _streams_engine("kafka-streams-2", "RocksDB, two threads", "rocksdb", "2"),
    Engine("bytewax", "Bytewax 0.21.1, one worker", "snapshot a second", _job("bytewax"), durable_by="itself"),
    Engine(
        "quix-one-store",
        "Quix Streams 3.28.1, one store a partition",
        "at least once",
        _job("quix"),
        {"PEER_STORE": "one"},
    ),
    Engine(
        "quix", "Quix Streams 3.28.1, as documented", "at least once", _job("quix"), {"PEER_STORE": "documented"}
    ),
    Engine(
        "faust",
        "Faust 0.15.3, tables as documented",
        "at least once",
        _job("faust"),
        one_in=20,
        topics=("tickets-changelog", "totals-changelog"),
    ),
    Engine(
        "bare",
        "aiokafka 0.14.0 and orjson: read and decoded, nothing kept",
        "none",
        lambda: [sys.executable, str(JOBS / "bare_job.py")],
        durable_by="itself",
        is_checked=False,
    ),
)
