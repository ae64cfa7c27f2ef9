"""Changelog writers and readers on a real Apache Kafka: fencing, transactions, committed reads."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from own_application import own_application

from streams.broker import EmbeddedKafka
from streams.connect import client_arguments
from streams.engine.kafka_changelog import KafkaChangelog, KafkaReader, KafkaWriter
from streams.engine.kafka_probe import KafkaProbe
from streams.engine.ports import SourcePartition
from streams.topics import changelog_name, ensure_topics

pytestmark = pytest.mark.broker


@dataclass
class Application:
    """Topics of its own on the broker, and the changelog of one source partition."""

    changelog: KafkaChangelog
    source: SourcePartition
    rejected_topic: str
    bootstrap: str

    async def write(self, writer: KafkaWriter, *rows: tuple[bytes, bytes | None]) -> None:
        encoding = writer.encode()
        encoding.fill(iter(rows), len(rows))
        await writer.commit(encoding)

    async def read(self) -> list[tuple[bytes, bytes | None]]:
        """Rows as a recovery reads them, up to the high watermark of now."""
        until = await self.changelog.high_watermark(self.source)
        reader = await self.changelog.open_reader(self.source, until)
        rows: list[Any] = []
        try:
            while (found := await reader.rows()) is not None:
                rows.extend((row.key, row.value) for row in found)
        finally:
            await reader.close()
        return rows


@pytest.fixture
async def app(kafka: EmbeddedKafka, topic_name: Callable[..., str]) -> AsyncIterator[Application]:
    name = topic_name("changelog")
    settings = own_application(kafka.bootstrap, name, partitions=2)
    await ensure_topics(settings)
    changelog = KafkaChangelog(
        client_arguments(settings),
        KafkaProbe(client_arguments(settings)),
        app_id=name,
        topics={settings.helpdesk_topic: changelog_name(settings, settings.helpdesk_topic)},
        rejected_topic=settings.rejected_topic,
    )
    try:
        yield Application(
            changelog, SourcePartition(settings.helpdesk_topic, 1), settings.rejected_topic, kafka.bootstrap
        )
    finally:
        await changelog.close()


@pytest.fixture
async def writer(app: Application) -> AsyncIterator[KafkaWriter]:
    """The one of the changelog, until another is opened."""
    opened = await app.changelog.open_writer(app.source)
    yield opened
    await opened.close()


async def test_rows_are_read_back_in_order_up_to_the_high_watermark(app: Application, writer: KafkaWriter) -> None:
    await app.write(writer, (b"a", b"1"), (b"b", b"2"))
    await app.write(writer, (b"a", None))
    assert await app.read() == [(b"a", b"1"), (b"b", b"2"), (b"a", None)]


async def test_a_changelog_without_rows_is_read_at_once(app: Application) -> None:
    assert await app.read() == []


async def test_more_rows_than_a_batch_holds_are_one_transaction(app: Application, writer: KafkaWriter) -> None:
    rows = [(b"%d" % number, b"x" * 1000) for number in range(3000)]
    await app.write(writer, *rows)
    assert await app.read() == rows


async def test_a_row_larger_than_a_batch_is_written_all_the_same(app: Application, writer: KafkaWriter) -> None:
    await app.write(writer, (b"small", b"1"), (b"huge", b"x" * 2_000_000), (b"after", b"2"))
    assert [key for key, _ in await app.read()] == [b"small", b"huge", b"after"]


async def test_an_older_writer_can_commit_nothing_once_a_newer_one_is_open(
    app: Application, writer: KafkaWriter
) -> None:
    await app.write(writer, (b"a", b"1"))
    newer = await app.changelog.open_writer(app.source)
    with pytest.raises(Exception, match=r"(?i)fenced|epoch|newer"):
        await app.write(writer, (b"a", b"2"))
    await app.write(newer, (b"a", b"3"))
    assert await app.read() == [(b"a", b"1"), (b"a", b"3")]
    await newer.close()


async def test_a_transaction_left_open_is_settled_by_the_next_owner_and_never_read(
    app: Application, writer: KafkaWriter
) -> None:
    await app.write(writer, (b"a", b"1"))
    encoding = writer.encode()
    encoding.row(b"a", b"2")
    producer = writer._producer
    await producer.begin_transaction()
    batch, partition = encoding.batches[0]
    await (await producer.send_batch(batch, partition.topic, partition=partition.partition))
    owner = await app.changelog.open_writer(app.source)
    assert await asyncio.wait_for(app.read(), 20) == [(b"a", b"1")]
    await owner.close()


async def test_rejects_are_in_the_transaction_of_the_rows(app: Application, writer: KafkaWriter) -> None:
    encoding = writer.encode()
    encoding.row(b"a", b"1")
    encoding.reject(b"key", b"value", [("reason", b"invalid_json")])
    await writer.commit(encoding)
    rejected = TopicPartition(app.rejected_topic, app.source.partition)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=app.bootstrap, isolation_level="read_committed", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([rejected])
        await consumer.seek_to_beginning(rejected)
        record = await asyncio.wait_for(consumer.getone(), 20)
    finally:
        await consumer.stop()
    assert (record.key, record.value, dict(record.headers)) == (
        b"key",
        b"value",
        {"reason": b"invalid_json"},
    )


def consumers() -> int:
    """Those that are left by a collection."""
    gc.collect()
    return sum(isinstance(one, AIOKafkaConsumer) for one in gc.get_objects())


async def test_of_a_recovery_that_is_over_one_collection_leaves_nothing(
    app: Application, writer: KafkaWriter
) -> None:
    await app.write(writer, (b"ta", b"1"))
    await app.read()
    kept = consumers()  # the probe's
    for _ in range(3):
        assert await app.read() == [(b"ta", b"1")]
    assert consumers() == kept


async def test_a_reader_that_is_closed_half_way_lets_go_of_what_it_had_read_ahead(
    app: Application, writer: KafkaWriter
) -> None:
    await app.write(writer, (b"ta", b"1"))
    reader = await app.changelog.open_reader(app.source, await app.changelog.high_watermark(app.source))
    assert isinstance(reader, KafkaReader)
    ahead = reader._consumer._fetcher._records
    for _ in range(2_000):
        if ahead:
            break
        await asyncio.sleep(0.01)
    assert ahead
    await reader.close()
    assert not ahead
