"""Transactions that the broker's coordinator took for ended without telling the partitions."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaProducer
from own_application import own_application

from streams.broker import EmbeddedKafka
from streams.connect import client_arguments
from streams.engine.kafka_changelog import KafkaChangelog
from streams.engine.kafka_probe import KafkaProbe
from streams.engine.ports import SourcePartition
from streams.settings import load_settings
from streams.topics import changelog_name, ensure_topics

pytestmark = pytest.mark.broker

TIMEOUT_MS = 1_000
READ_TIMEOUT_S = 20.0


async def test_a_transaction_that_ran_out_while_the_broker_was_away_keeps_no_owner_waiting(
    kafka: EmbeddedKafka,
) -> None:
    """Kafka 4.3.1 (KRaftMetadataCache.getPartitionLeaderEndpoint) takes a partition that has no leader just then
    for a deleted one: no marker ends the transaction there, and its last stable offset stays where it is."""
    with EmbeddedKafka(cache_dir=load_settings().cache_dir) as own:
        own.start()
        settings = own_application(own.bootstrap, "forgotten", partitions=1)
        await ensure_topics(settings)
        source = SourcePartition(settings.helpdesk_topic, 0)
        changelog = KafkaChangelog(
            client_arguments(settings),
            KafkaProbe(client_arguments(settings)),
            app_id="forgotten",
            topics={settings.helpdesk_topic: changelog_name(settings, settings.helpdesk_topic)},
            rejected_topic=settings.rejected_topic,
        )
        topic = changelog.topic(source)
        producer = AIOKafkaProducer(
            transactional_id=f"forgotten-{topic}-0", transaction_timeout_ms=TIMEOUT_MS, **client_arguments(settings)
        )
        await producer.start()
        async with producer.transaction():
            await producer.send_and_wait(topic, b"1", b"row", partition=0)
        await producer.begin_transaction()
        await producer.send_and_wait(topic, b"lost", b"row", partition=0)
        own.kill()
        await asyncio.sleep(2 * TIMEOUT_MS / 1000)
        own.restart()
        try:
            writer = await changelog.open_writer(source)
            assert await _values(changelog, source) == [b"1"]
            encoding = writer.encode()
            encoding.row(b"row", b"2")
            await writer.commit(encoding)
            assert await _values(changelog, source) == [b"1", b"2"]
            await writer.close()
        finally:
            await changelog.close()
            await producer.client.close()


async def _values(changelog: KafkaChangelog, source: SourcePartition) -> list[bytes | None]:
    """As a recovery reads them."""
    reader = await changelog.open_reader(source, await changelog.high_watermark(source))
    values = []
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            while (rows := await reader.rows()) is not None:
                values += [row.value for row in rows]
    finally:
        await reader.close()
    return values
