"""Brokers with more than one node, and brokers that ask who is there."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from streams.broker import EmbeddedKafka
from streams.broker.config import free_port
from streams.broker.embedded import new_cluster_id

NODES = (1, 2, 3)
#: three of them share the machine with workers
HEAP_MB = 256
USER, PASSWORD = "desk", "desk-secret"


def listeners(**port_of: int) -> dict[str, str]:
    """Lines of server.properties: loopback listeners named like their protocol, beside that of the controller."""
    clients = ",".join(f"{name}://127.0.0.1:{port}" for name, port in port_of.items() if name != "CONTROLLER")
    protocols = ",".join(f"{name}:{'PLAINTEXT' if name == 'CONTROLLER' else name}" for name in port_of)
    return {
        "listeners": f"{clients},CONTROLLER://127.0.0.1:{port_of['CONTROLLER']}",
        "advertised.listeners": clients,
        "listener.security.protocol.map": protocols,
    }


# -- three nodes ----------------------------------------------------------------------------------------------


@dataclass
class ThreeBrokers:
    """Three nodes, each broker and controller: any one of them may go."""

    nodes: dict[int, EmbeddedKafka]
    down: set[int] = field(default_factory=set)

    @property
    def bootstrap(self) -> str:
        return ",".join(node.bootstrap for node in self.nodes.values())

    @property
    def alive(self) -> list[str]:
        """Addresses of those that run."""
        return [node.bootstrap for node_id, node in self.nodes.items() if node_id not in self.down]

    def kill(self, node_id: int) -> None:
        self.down.add(node_id)
        self.nodes[node_id].kill()

    def restart(self, node_id: int) -> None:
        self.nodes[node_id].restart()
        self.down.discard(node_id)


@contextlib.contextmanager
def three_brokers(cache_dir: Path) -> Iterator[ThreeBrokers]:
    """A cluster that keeps everything three times and writes with two nodes up."""
    cluster_id = new_cluster_id()
    ports = {node_id: (free_port(), free_port()) for node_id in NODES}
    voters = ",".join(f"{node_id}@127.0.0.1:{controller}" for node_id, (_, controller) in ports.items())
    replicated = {
        "controller.quorum.voters": voters,
        "offsets.topic.replication.factor": "3",
        "transaction.state.log.replication.factor": "3",
        "transaction.state.log.min.isr": "2",
        "share.coordinator.state.topic.replication.factor": "3",
        "share.coordinator.state.topic.min.isr": "2",
        "min.insync.replicas": "2",
    }
    with contextlib.ExitStack() as stack:
        nodes = {
            node_id: stack.enter_context(
                EmbeddedKafka(
                    cache_dir=cache_dir,
                    heap_mb=HEAP_MB,
                    port=port,
                    cluster_id=cluster_id,
                    properties={
                        **replicated,
                        **listeners(PLAINTEXT=port, CONTROLLER=controller),
                        "node.id": str(node_id),
                    },
                )
            )
            for node_id, (port, controller) in ports.items()
        }
        # together: none of them serves before two are up
        with ThreadPoolExecutor(len(nodes)) as pool:
            list(pool.map(EmbeddedKafka.start, nodes.values()))
        yield ThreeBrokers(nodes)


# -- who is there ---------------------------------------------------------------------------------------------


@dataclass
class SecureBroker:
    """A broker that is spoken to in four ways; settings of clients by the way."""

    kafka: EmbeddedKafka
    ports: dict[str, int]
    ca: Path
    client_cert: Path
    client_key: Path
    stranger_ca: Path

    def sasl(self, mechanism: str, *, tls: bool = True, password: str = PASSWORD) -> dict[str, Any]:
        """Settings of a client that proves itself with a password."""
        return {
            "brokers": f"127.0.0.1:{self.ports['SASL_SSL' if tls else 'SASL_PLAINTEXT']}",
            "sasl_mechanism": mechanism,
            "sasl_username": USER,
            "sasl_password": password,
            "tls_ca": self.ca if tls else None,
            "tls_cert": None,
            "tls_key": None,
        }

    def certificate(self) -> dict[str, Any]:
        """Settings of a client that proves itself with a certificate."""
        return {
            "brokers": f"127.0.0.1:{self.ports['SSL']}",
            "sasl_mechanism": None,
            "sasl_username": None,
            "sasl_password": None,
            "tls_ca": self.ca,
            "tls_cert": self.client_cert,
            "tls_key": self.client_key,
        }


@contextlib.contextmanager
def secure_broker(cache_dir: Path) -> Iterator[SecureBroker]:
    """SASL (PLAIN, SCRAM) with and without TLS, and TLS with certificates of clients; the CA is made here."""
    names = ("PLAINTEXT", "SASL_SSL", "SSL", "SASL_PLAINTEXT", "CONTROLLER")
    ports = {name: free_port() for name in names}
    with tempfile.TemporaryDirectory() as folder:
        files = _certificates(Path(folder))
        with EmbeddedKafka(
            cache_dir=cache_dir,
            heap_mb=HEAP_MB,
            port=ports["PLAINTEXT"],
            properties=_secure_properties(ports, Path(folder)),
            format_arguments=[
                argument
                for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
                for argument in ("--add-scram", f"{mechanism}=[name={USER},password={PASSWORD}]")
            ],
        ) as kafka:
            kafka.start()
            yield SecureBroker(kafka, ports, **files)


def _secure_properties(ports: dict[str, int], folder: Path) -> dict[str, str]:
    security = "org.apache.kafka.common.security"
    jaas = {
        "plain": f'{security}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";',
        "scram-sha-256": f"{security}.scram.ScramLoginModule required;",
        "scram-sha-512": f"{security}.scram.ScramLoginModule required;",
    }
    return {
        **listeners(**ports),
        "controller.quorum.voters": f"1@127.0.0.1:{ports['CONTROLLER']}",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        **{
            f"listener.name.{listener}.{mechanism}.sasl.jaas.config": module
            for listener in ("sasl_ssl", "sasl_plaintext")
            for mechanism, module in jaas.items()
        },
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
        "listener.name.ssl.ssl.client.auth": "required",
    }


def _certificates(folder: Path) -> dict[str, Path]:
    """PEM files of an authority, of the broker and a client that it vouches for, and of another authority."""
    authority = trustme.CA()
    files = {
        "ca": folder / "ca.pem",
        "client_cert": folder / "client.pem",
        "client_key": folder / "client.key",
        "stranger_ca": folder / "stranger.pem",
    }
    authority.cert_pem.write_to_path(files["ca"])
    trustme.CA().cert_pem.write_to_path(files["stranger_ca"])
    broker, client = authority.issue_cert("127.0.0.1"), authority.issue_cert("worker@desk.example")
    # Kafka reads keys in PKCS #8 only (KIP-651)
    (folder / "broker.pem").write_bytes(_pkcs8(broker) + b"".join(blob.bytes() for blob in broker.cert_chain_pems))
    files["client_cert"].write_bytes(b"".join(blob.bytes() for blob in client.cert_chain_pems))
    files["client_key"].write_bytes(_pkcs8(client))
    return files


def _pkcs8(cert: trustme.LeafCert) -> bytes:
    key = load_pem_private_key(cert.private_key_pem.bytes(), password=None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
