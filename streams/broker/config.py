"""How the embedded broker is set up: one KRaft node, loopback only, sized for a laptop."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping
from pathlib import Path

# an event may be 10 MB; with its key, headers and framing the largest record stays below this
MESSAGE_MAX_BYTES = 12 * 1024 * 1024

# Below the ports the kernel hands to outgoing connections (from 32768 on Linux, 49152 on macOS): otherwise
# a client that keeps trying a broker that is down may be given the broker's own port and connect to itself.
_PORTS = range(20_000, 32_000)
_PORT_TRIES = 200


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that was free a moment ago and that no outgoing connection will be given."""
    for _ in range(_PORT_TRIES):
        port = random.choice(_PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port between {_PORTS.start} and {_PORTS.stop} on {host}")


def server_properties(
    *, port: int, controller_port: int, logs: Path, extra: Mapping[str, str] | None = None
) -> str:
    """The text of server.properties; ``extra`` overrides single lines."""
    lines = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(logs),
        # a misspelt topic is an error, not a new topic with one partition
        "auto.create.topics.enable": "false",
        "log.message.timestamp.type": "CreateTime",
        "message.max.bytes": str(MESSAGE_MAX_BYTES),
        "replica.fetch.max.bytes": str(MESSAGE_MAX_BYTES),
        # one node: internal topics with one replica; few partitions, as each costs two mapped index files
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "transaction.max.timeout.ms": "900000",
        # a transaction left open by a killed worker is aborted within a second of its timeout (default 10 s)
        "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
        "group.initial.rebalance.delay.ms": "0",
        # after kill -9 the node may register again once its old session is over (default 9 s)
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "1000",
        "num.network.threads": "2",
        "num.io.threads": "4",
        # the default of 128 MB is a quarter of the heap
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    }
    return "".join(f"{name}={value}\n" for name, value in {**lines, **(extra or {})}.items())
