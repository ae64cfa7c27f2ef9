"""The cluster: brokers, their limits, and who is in the consumer group."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from streams.doctor.findings import Finding, ok, problem, warning
from streams.doctor.protocol import Group, describe_group, release_of
from streams.engine.checkpoint import TRANSACTION_TIMEOUT_S
from streams.engine.kafka_changelog import REQUEST_BYTES
from streams.engine.supervisor import IDLE_CHECKPOINT_S
from streams.settings import Settings
from streams.topics import metadata_of

#: what deskpulse is tested with; what came before has no topic ids (KIP-516) or no static members to ask for
LEAST_RELEASE = (3, 0)
TESTED_RELEASE = "4.3"
TRANSACTIONS, OFFSETS = "__transaction_state", "__consumer_offsets"
GROUP_TRIES, GROUP_PAUSE_S = 5, 1.0
#: from so many brokers on, a copy elsewhere can be had
BROKERS_FOR_COPIES = 3


@dataclass
class Cluster:
    """What the brokers say of themselves. ``releases``: None for a broker that does not answer."""

    brokers: dict[int, str] = field(default_factory=dict)
    releases: dict[int, str | None] = field(default_factory=dict)
    #: broker -> its configuration; empty where this user may not read it
    configs: dict[int, dict[str, str]] = field(default_factory=dict)
    #: topics by name, as Kafka describes them
    topics: dict[str, Any] = field(default_factory=dict)
    group: Group | None = None


async def look_at_cluster(admin: AIOKafkaAdminClient, settings: Settings) -> Cluster:
    """Ask every broker; raises KafkaError where the cluster as a whole does not answer."""
    cluster = Cluster(topics=await metadata_of(admin))
    for broker in (await admin.describe_cluster())["brokers"]:
        node_id = broker["node_id"]
        cluster.brokers[node_id] = f"{broker['host']}:{broker['port']}"
        try:
            cluster.releases[node_id] = await release_of(admin, node_id)
        except (KafkaError, TimeoutError):
            cluster.releases[node_id] = None
            continue
        try:
            cluster.configs[node_id] = await _configs(admin, node_id)
        except KafkaError:
            cluster.configs[node_id] = {}
    cluster.group = await _group(admin, settings.app_id, cluster)
    return cluster


async def _group(admin: AIOKafkaAdminClient, group: str, cluster: Cluster) -> Group | None:
    if OFFSETS not in cluster.topics:
        # nobody has ever used a group here; to ask would make the brokers create the topic
        return Group("Dead")
    for left in reversed(range(GROUP_TRIES)):
        try:
            return await describe_group(admin, group)
        except NotImplementedError:
            return None
        except KafkaError as error:
            if not (error.retriable and left):
                return None
        # a coordinator that has just started loads its groups first
        await asyncio.sleep(GROUP_PAUSE_S)
    return None


async def _configs(admin: AIOKafkaAdminClient, node_id: int) -> dict[str, str]:
    (response,) = await admin.describe_configs([ConfigResource(ConfigResourceType.BROKER, str(node_id))])
    code, message, _kind, _name, entries = response.resources[0]
    if code:
        raise for_code(code)(message)
    return {entry[0]: entry[1] for entry in entries if entry[1] is not None}


def cluster_findings(cluster: Cluster, settings: Settings) -> Iterator[Finding]:
    """Everything that can be said of the brokers, their limits and the group."""
    yield from _brokers(cluster)
    if len(cluster.brokers) > 1 and "," not in (settings.brokers or ""):
        yield warning(
            "brokers",
            "one address is configured, so nothing starts while that broker is down",
            "name several in DESKPULSE_BROKERS",
        )
    yield from _internal_topics(cluster)
    configs = [config for config in cluster.configs.values() if config]
    if not configs:
        yield warning(
            "broker limits",
            "this user may not read the brokers' configuration",
            "grant DescribeConfigs on the cluster",
        )
    else:
        yield from _transactions(configs)
        yield from _requests(configs)
        yield from _sessions(configs, settings)
        if any(config.get("auto.create.topics.enable") == "true" for config in configs):
            yield warning(
                "broker limits",
                "auto.create.topics.enable is on, so a misspelt topic becomes a new one",
                "set it to false",
            )
    yield from group_findings(cluster.group, cluster.topics, settings)


def _brokers(cluster: Cluster) -> Iterator[Finding]:
    away = [cluster.brokers[node_id] for node_id, release in cluster.releases.items() if release is None]
    for address in away:
        yield problem(
            "brokers",
            f"{address} is part of the cluster and does not answer",
            "check its advertised listeners and the network from here",
        )
    releases = {release for release in cluster.releases.values() if release is not None}
    old = [release for release in releases if not release]
    if old:
        yield warning(
            "brokers",
            "a broker does not tell its release, so it is older than 3.3 or runs on ZooKeeper",
            f"deskpulse needs {'.'.join(map(str, LEAST_RELEASE))} and is tested with {TESTED_RELEASE}",
        )
    if not away and not old:
        count = len(cluster.brokers)
        yield ok("brokers", f"{count} answer{'s' * (count == 1)}, Apache Kafka {' and '.join(sorted(releases))}")


def _internal_topics(cluster: Cluster) -> Iterator[Finding]:
    for topic in (TRANSACTIONS, OFFSETS):
        if topic not in cluster.topics:
            continue
        partitions = cluster.topics[topic]["partitions"]
        copies = min(len(partition["replicas"]) for partition in partitions)
        leaderless = sum(partition["leader"] < 0 for partition in partitions)
        if leaderless:
            yield problem(topic, f"{leaderless} of its partitions have no leader", "bring the brokers back")
        elif copies < BROKERS_FOR_COPIES <= len(cluster.brokers):
            yield warning(
                topic,
                f"it has {copies} replicas, so one broker's loss stops all checkpoints",
                "reassign its partitions to three brokers",
            )


def _transactions(configs: list[dict[str, str]]) -> Iterator[Finding]:
    ours_ms = int(TRANSACTION_TIMEOUT_S * 1000)
    longest_ms = _least(configs, "transaction.max.timeout.ms", 900_000)
    expiry_ms = _least(configs, "transactional.id.expiration.ms", 604_800_000)
    idle_ms = int(IDLE_CHECKPOINT_S * 1000)
    if longest_ms < ours_ms:
        yield problem(
            "transactions",
            f"transaction.max.timeout.ms is {longest_ms} and checkpoints ask for {ours_ms}, so no worker can start",
            f"set it to at least {ours_ms} on every broker",
        )
    if expiry_ms < 2 * idle_ms:
        yield warning(
            "transactions",
            f"transactional.id.expiration.ms is {expiry_ms}, and a quiet partition writes a checkpoint every"
            f" {idle_ms} ms, so it is recovered again and again",
            f"set it to at least {2 * idle_ms}",
        )
    if longest_ms >= ours_ms and expiry_ms >= 2 * idle_ms:
        yield ok("transactions", f"timeouts up to {longest_ms} ms, ids kept for {expiry_ms} ms")


def _requests(configs: list[dict[str, str]]) -> Iterator[Finding]:
    largest = _least(configs, "socket.request.max.bytes", 104_857_600)
    if largest < 2 * REQUEST_BYTES:
        yield problem(
            "message sizes",
            f"socket.request.max.bytes is {largest} and checkpoints send requests of {REQUEST_BYTES}",
            f"set it to at least {2 * REQUEST_BYTES}",
        )


def _sessions(configs: list[dict[str, str]], settings: Settings) -> Iterator[Finding]:
    ours_ms = int(settings.session_timeout_s * 1000)
    low = max(int(config.get("group.min.session.timeout.ms", 6_000)) for config in configs)
    high = _least(configs, "group.max.session.timeout.ms", 1_800_000)
    if not low <= ours_ms <= high:
        yield problem(
            "consumer group",
            f"session_timeout_s is {settings.session_timeout_s:g} and the brokers allow {low / 1000:g} to"
            f" {high / 1000:g}",
            "change DESKPULSE_SESSION_TIMEOUT_S",
        )


def _least(configs: list[dict[str, str]], name: str, default: int) -> int:
    return min(int(config.get(name, default)) for config in configs)


def group_findings(group: Group | None, topics: Mapping[str, Any], settings: Settings) -> Iterator[Finding]:
    """Who is in the consumer group, and whether that can work."""
    check = "consumer group"
    if group is None:
        yield warning(check, f"{settings.app_id} cannot be described", "grant Describe on the group")
        return
    count = len(group.members)
    if not count:
        yield ok(check, f"{settings.app_id} has no member: no worker runs")
        return
    nameless = [member for member in group.members if not member.instance_id]
    if count > 1 and nameless:
        hosts = ", ".join(sorted({member.host.lstrip("/") for member in nameless}))
        yield problem(
            check,
            f"{count} workers run and {len(nameless)} of them ({hosts}) have no instance_id, so each restart moves"
            " partitions twice",
            "give every worker its own DESKPULSE_INSTANCE_ID",
        )
    elif group.state != "Stable":
        yield warning(check, f"{settings.app_id} is in state {group.state}", "look again in a minute")
    else:
        yield ok(check, f"{count} worker{'s' * (count > 1)}, {settings.app_id} is stable")
    wanted = [name for name in (settings.helpdesk_topic, settings.crm_topic) if name in topics]
    partitions = sum(len(topics[name]["partitions"]) for name in wanted)
    if wanted and count > partitions:
        yield warning(
            check,
            f"{count} workers share {partitions} partitions, so some have nothing to do",
            "stop some, or copy the topics to more partitions with `deskpulse topics repartition`",
        )
