"""The topics of an application: created on purpose, checked before they are trusted.

Creation on first use would give a changelog one partition and the policy to delete; both lose state.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import (
    InvalidReplicationFactorError,
    KafkaConnectionError,
    KafkaError,
    TopicAlreadyExistsError,
    UnknownTopicOrPartitionError,
    for_code,
)

from streams import topicid
from streams.connect import client_arguments
from streams.settings import ConfigurationError, Settings, load_settings

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
# what a consumer may be behind, twice over: a long weekend
SOURCE_RETENTION_MS = 7 * DAY_MS
# below it a worker that was down for a day meets a log that starts after its position
SOURCE_RETENTION_LEAST_MS = 2 * DAY_MS
# an event may be 10 MB, and so may a batch of changelog rows; Kafka's default of 1 MB would refuse both
RECORD_MAX_BYTES = 12 * 1024 * 1024
REQUEST_TIMEOUT_MS = 10_000
CREATED_TIMEOUT_S = 30.0

Role = Literal["source", "rejected", "changelog"]


@dataclass(frozen=True)
class Topic:
    """A topic as it should be created."""

    name: str
    role: Role
    partitions: int
    replication: int
    configs: Mapping[str, str]


@dataclass(frozen=True)
class Described:
    """A topic as the cluster has it; ``replication`` is the least of its partitions'."""

    name: str
    topic_id: str
    partitions: int
    replication: int
    leaderless: int
    configs: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True)
class Finding:
    """What is wrong with a topic; an error loses events or state, a warning may one day."""

    level: Literal["error", "warning"]
    topic: str
    message: str

    def __str__(self) -> str:
        return f"{self.level}: {self.topic}: {self.message}"


def sources(settings: Settings) -> tuple[str, str]:
    """Names of the source topics."""
    return settings.helpdesk_topic, settings.crm_topic


def changelog_name(settings: Settings, topic: str) -> str:
    """Name of the changelog of a source topic."""
    return f"{settings.app_id}-{topic}-changelog"


def plan(settings: Settings, source_partitions: Mapping[str, int] | None = None) -> list[Topic]:
    """Every topic of the application; a changelog has the partitions of its source, given or configured."""
    in_sync = {"min.insync.replicas": "2" if settings.replication >= 3 else "1"}
    large = {"max.message.bytes": str(RECORD_MAX_BYTES)}
    kept = {"cleanup.policy": "delete", "retention.ms": str(SOURCE_RETENTION_MS), **in_sync, **large}
    compacted = {
        "cleanup.policy": "compact",
        # recovery reads the whole changelog: compact early, in segments small enough to be closed often
        "min.cleanable.dirty.ratio": "0.2",
        "segment.bytes": str(64 * 1024 * 1024),
        **in_sync,
        **large,
    }
    known = source_partitions or {}

    def topic(name: str, role: Role, partitions: int, configs: Mapping[str, str]) -> Topic:
        return Topic(name, role, partitions, settings.replication, configs)

    made = [topic(name, "source", settings.partitions, kept) for name in sources(settings)]
    made.append(topic(settings.rejected_topic, "rejected", settings.partitions, kept))
    for name in sources(settings):
        count = known.get(name, settings.partitions)
        made.append(topic(changelog_name(settings, name), "changelog", count, compacted))
    return made


async def ensure_topics(settings: Settings) -> list[str]:
    """Create the topics that are missing and return their names; those that exist are left as they are.

    Returns once every topic has a leader for each partition. Raises ConfigurationError with one sentence.
    """
    created: list[str] = []
    async with admin_client(settings) as admin:
        # sources first: one that another process created meanwhile decides the partitions of its changelog
        for roles in (("source", "rejected"), ("changelog",)):
            there = await metadata_of(admin)
            wanted = [topic for topic in plan(settings, _partitions(there)) if topic.role in roles]
            missing = [topic for topic in wanted if topic.name not in there]
            if missing:
                created += await create_missing(admin, missing)
            await await_leaders(admin, [topic.name for topic in wanted])
    return created


async def describe_topics(settings: Settings) -> list[tuple[Topic, Described | None]]:
    """Each topic of the plan with what the cluster has under that name, None when it has nothing."""
    async with admin_client(settings) as admin:
        there = await metadata_of(admin)
        wanted = plan(settings, _partitions(there))
        configs = await configs_of(admin, [topic.name for topic in wanted if topic.name in there])
        described: list[tuple[Topic, Described | None]] = []
        for topic in wanted:
            if topic.name not in there:
                described.append((topic, None))
                continue
            topic_id, partitions = await topicid.ask(admin._client, topic.name)
            replicas = [len(partition["replicas"]) for partition in there[topic.name]["partitions"]]
            leaderless = sum(partition["leader"] < 0 for partition in there[topic.name]["partitions"])
            found = Described(
                topic.name, topic_id, partitions, min(replicas), leaderless, configs.get(topic.name, {})
            )
            described.append((topic, found))
        return described


async def check_topics(settings: Settings) -> list[Finding]:
    """What is wrong with the topics of the application; empty when all is well."""
    findings: list[Finding] = []
    for wanted, found in await describe_topics(settings):
        if found is None:
            findings.append(Finding("error", wanted.name, "it does not exist: run `deskpulse topics create`"))
        else:
            findings.extend(findings_of(wanted, found))
    return findings


def findings_of(
    wanted: Topic, found: Described, *, retention_least_ms: int = SOURCE_RETENTION_LEAST_MS
) -> Iterator[Finding]:
    """Compare a topic with what it should be; a source should keep its records for ``retention_least_ms``."""

    def error(message: str) -> Finding:
        return Finding("error", found.name, message)

    def warning(message: str) -> Finding:
        return Finding("warning", found.name, message)

    expected = wanted.configs["cleanup.policy"]
    policy = found.configs.get("cleanup.policy", expected)
    if policy != expected:
        loss = "state" if wanted.role == "changelog" else "events"
        yield error(f"cleanup.policy is {policy} and loses {loss}: set it to {expected}")
    if wanted.role == "changelog" and found.partitions != wanted.partitions:
        yield error(
            f"it has {found.partitions} partitions and its source {wanted.partitions}: "
            "delete it and start the application anew, or copy the source to a topic of the old size"
        )
    if found.leaderless:
        yield error(f"{found.leaderless} of {found.partitions} partitions have no leader: check the brokers")
    yield from _replication_findings(wanted, found, error, warning)
    retention_ms = int(found.configs.get("retention.ms", "-1"))
    if wanted.role == "source" and 0 <= retention_ms < retention_least_ms:
        yield warning(
            f"retention.ms is {retention_ms}: a worker that is down for "
            f"{retention_least_ms / 2 / HOUR_MS:g} h may lose events, set at least {retention_least_ms}"
        )


def _replication_findings(wanted: Topic, found: Described, error: Any, warning: Any) -> Iterator[Finding]:
    in_sync = int(found.configs.get("min.insync.replicas", "1"))
    if in_sync > found.replication:
        yield error(f"min.insync.replicas is {in_sync} and it has {found.replication} replicas: lower it")
    elif in_sync == found.replication and found.replication > 1:
        yield warning(f"min.insync.replicas is {in_sync}, all its replicas: one broker down stops writes")
    if found.replication < wanted.replication:
        yield warning(f"it has {found.replication} replicas and replication is {wanted.replication}: add some")
    if wanted.role == "changelog" and found.replication >= 3 and in_sync < 2:
        yield warning("min.insync.replicas is 1: set it to 2, or state may live on one broker only")


async def topic_identity(client: AIOKafkaClient | Settings | str, topic: str) -> tuple[str, int]:
    """(topic id, number of partitions), asked of the cluster.

    ``client`` is a started aiokafka client (``consumer._client`` will do), settings, or bootstrap servers
    without security. The id is a UUID in text form. Raises aiokafka's UnknownTopicOrPartitionError when there
    is no such topic, ConfigurationError when no broker answers settings or bootstrap servers.
    """
    if isinstance(client, AIOKafkaClient):
        return await topicid.ask(client, topic)
    settings = load_settings(brokers=client) if isinstance(client, str) else client
    async with admin_client(settings) as admin:
        return await topicid.ask(admin._client, topic)


@contextlib.asynccontextmanager
async def admin_client(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    """A started admin client; what Kafka refuses becomes a ConfigurationError with one sentence."""
    admin = AIOKafkaAdminClient(**client_arguments(settings), request_timeout_ms=REQUEST_TIMEOUT_MS)
    reasons: list[str] = []
    try:
        with _said_by_aiokafka(reasons):
            await admin.start()
        yield admin
    except UnknownTopicOrPartitionError:
        raise
    except KafkaConnectionError as error:
        reason = f" ({reasons[-1]})" if reasons else ""
        raise ConfigurationError(
            f"no Kafka broker answers at {settings.brokers}{reason}: "
            "check DESKPULSE_BROKERS and the security settings"
        ) from error
    except (KafkaError, TimeoutError) as error:
        raise ConfigurationError(
            f"Kafka at {settings.brokers} refused ({type(error).__name__}: {error}): check the address, "
            "its advertised listeners and the rights of this user"
        ) from error
    finally:
        await admin.close()


@contextlib.contextmanager
def _said_by_aiokafka(reasons: list[str]) -> Iterator[None]:
    """Collect what aiokafka logs, so that one sentence reaches the user and not three."""
    logger = logging.getLogger("aiokafka")

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.WARNING:
                reasons.append(str(record.args[-1] if isinstance(record.args, tuple) and record.args else ""))

    handler, propagate = Collect(), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield
    finally:
        logger.propagate = propagate
        logger.removeHandler(handler)


async def metadata_of(admin: AIOKafkaAdminClient) -> dict[str, Any]:
    """Every topic of the cluster by its name, as Kafka describes it."""
    topics: list[dict[str, Any]] = await admin.describe_topics()
    return {topic["topic"]: topic for topic in topics if not topic["error_code"]}


def _partitions(there: Mapping[str, Any]) -> dict[str, int]:
    return {name: len(topic["partitions"]) for name, topic in there.items()}


async def configs_of(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """The configuration of topics that exist, by their names."""
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    found: dict[str, dict[str, str]] = {}
    for response in await admin.describe_configs(resources):
        for code, message, _kind, name, entries in response.resources:
            if code:
                raise for_code(code)(f"{name}: {message}")
            found[name] = {entry[0]: entry[1] for entry in entries}
    return found


async def create_missing(admin: AIOKafkaAdminClient, topics: Sequence[Topic]) -> list[str]:
    """Create topics; names of those that this call created: one that another process created first is none."""
    requests = [
        NewTopic(topic.name, topic.partitions, topic.replication, topic_configs=dict(topic.configs))
        for topic in topics
    ]
    response = await admin.create_topics(requests)
    created: list[str] = []
    for name, code, message in response.topic_errors:
        error = for_code(code)
        if code == 0:
            created.append(name)
            continue
        if error is TopicAlreadyExistsError:
            continue
        if error is InvalidReplicationFactorError:
            raise ConfigurationError(
                f"topic {name} cannot have {topics[0].replication} replicas ({message}): "
                "set DESKPULSE_REPLICATION to the number of brokers or less"
            )
        raise ConfigurationError(
            f"topic {name} could not be created ({error.__name__}: {message}): create it by hand as "
            "`deskpulse topics check` wants it, or give this user the right"
        )
    return created


async def await_leaders(admin: AIOKafkaAdminClient, names: Sequence[str]) -> None:
    """Wait for a leader of every partition: creation returns before every broker knows the topic."""
    deadline = time.monotonic() + CREATED_TIMEOUT_S
    while time.monotonic() < deadline:
        there = await metadata_of(admin)
        if all(
            name in there and all(partition["leader"] >= 0 for partition in there[name]["partitions"])
            for name in names
        ):
            return
        await asyncio.sleep(0.1)
    raise ConfigurationError(
        f"the topics have no leaders {CREATED_TIMEOUT_S:.0f} s after their creation: check the brokers"
    )
