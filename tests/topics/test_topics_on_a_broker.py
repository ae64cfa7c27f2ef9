"""Topics on a real broker."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import UnknownTopicOrPartitionError
from own_application import own_application

from streams.broker import EmbeddedKafka
from streams.settings import ConfigurationError, Settings
from streams.topics import (
    changelog_name,
    check_topics,
    describe_topics,
    ensure_topics,
    plan,
    topic_identity,
)

pytestmark = pytest.mark.broker


@pytest.fixture
def settings(kafka: EmbeddedKafka, topic_name: Callable[..., str]) -> Settings:
    """Settings of an application of the test's own."""
    return own_application(kafka.bootstrap, topic_name("app"), partitions=3)


@pytest.fixture
async def admin(kafka: EmbeddedKafka) -> AsyncIterator[AIOKafkaAdminClient]:
    """A started admin client."""
    client = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await client.start()
    yield client
    await client.close()


async def eventually(condition: Callable[[], Awaitable[bool]]) -> None:
    """The controller answers before the broker has heard of the change."""
    async with asyncio.timeout(30):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.05)


async def test_what_is_created_passes_the_check(settings: Settings) -> None:
    assert await ensure_topics(settings) == [topic.name for topic in plan(settings)]
    assert await check_topics(settings) == []


async def test_creating_twice_creates_nothing_the_second_time(settings: Settings) -> None:
    await ensure_topics(settings)
    assert await ensure_topics(settings) == []


async def test_created_topics_have_the_configuration_of_the_plan(settings: Settings) -> None:
    await ensure_topics(settings)
    for wanted, found in await describe_topics(settings):
        assert found is not None
        assert {name: found.configs[name] for name in wanted.configs} == dict(wanted.configs)
        assert (found.partitions, found.replication) == (3, 1)


async def test_a_changelog_has_the_partitions_of_a_source_that_was_there_before(
    settings: Settings, admin: AIOKafkaAdminClient
) -> None:
    await admin.create_topics([NewTopic(settings.helpdesk_topic, 5, 1)])
    await ensure_topics(settings)
    changelog = changelog_name(settings, settings.helpdesk_topic)
    assert (await topic_identity(settings, changelog))[1] == 5
    assert (await topic_identity(settings, changelog_name(settings, settings.crm_topic)))[1] == 3


async def test_missing_topics_are_errors(settings: Settings) -> None:
    findings = await check_topics(settings)
    assert [finding.topic for finding in findings] == [topic.name for topic in plan(settings)]
    assert {finding.level for finding in findings} == {"error"}


async def test_wrong_policies_and_partition_counts_are_errors(
    settings: Settings, admin: AIOKafkaAdminClient
) -> None:
    changelog = changelog_name(settings, settings.helpdesk_topic)
    await admin.create_topics([NewTopic(changelog, 2, 1)])
    await ensure_topics(settings)
    policy = {"cleanup.policy": "compact"}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, settings.crm_topic, policy)])
    expected = {(changelog, "cleanup.policy"), (changelog, "it"), (settings.crm_topic, "cleanup.policy")}

    async def found() -> bool:
        findings = await check_topics(settings)
        return {(finding.topic, finding.message.split()[0]) for finding in findings} == expected

    await eventually(found)


async def test_a_topic_created_anew_has_another_id(
    kafka: EmbeddedKafka, admin: AIOKafkaAdminClient, topic_name: Callable[..., str]
) -> None:
    topic = topic_name()
    known: list[tuple[str, int]] = []

    async def has_a_new_identity() -> bool:
        with contextlib.suppress(UnknownTopicOrPartitionError):
            identity = await topic_identity(kafka.bootstrap, topic)
            if identity not in known:
                known.append(identity)
                return True
        return False

    await admin.create_topics([NewTopic(topic, 4, 1)])
    await eventually(has_a_new_identity)
    await admin.delete_topics([topic])
    await admin.create_topics([NewTopic(topic, 4, 1)])
    await eventually(has_a_new_identity)
    assert [partitions for _id, partitions in known] == [4, 4]
    assert all(str(uuid.UUID(topic_id)) == topic_id for topic_id, _partitions in known)


async def test_a_consumers_own_client_can_be_asked(kafka: EmbeddedKafka, settings: Settings) -> None:
    await ensure_topics(settings)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap)
    await consumer.start()
    try:
        identity = await topic_identity(consumer._client, settings.crm_topic)
    finally:
        await consumer.stop()
    assert identity == await topic_identity(settings, settings.crm_topic)


async def test_the_identity_of_no_topic_is_an_error(kafka: EmbeddedKafka, topic_name: Callable[..., str]) -> None:
    with pytest.raises(UnknownTopicOrPartitionError):
        await topic_identity(kafka.bootstrap, topic_name("nowhere"))


async def test_more_replicas_than_brokers_is_one_sentence_that_names_the_setting(settings: Settings) -> None:
    with pytest.raises(ConfigurationError, match="DESKPULSE_REPLICATION"):
        await ensure_topics(settings.model_copy(update={"replication": 3}))
