"""An application of the test's own: topics, records on them, and the command from outside."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete

from metrics_core.partitioner import partition_for
from metrics_core.shard import Shard
from streams.engine.ports import SourcePartition
from streams.engine.rejected import rejected_record
from streams.log_reader import LogReader
from streams.settings import Settings
from streams.topics import RECORD_MAX_BYTES, admin_client

PARTITIONS = 3


def event(ident: str, ticket: str, *, time: str = "2026-03-02T10:00:00Z", **more: Any) -> dict[str, Any]:
    """A creation in structured mode."""
    return {
        "specversion": "1.0",
        "id": ident,
        "source": "test",
        "type": "helpdesk.ticket.created",
        "subject": ticket,
        "time": time,
        "data": {"channel": "chat"},
        **more,
    }


@dataclass(frozen=True)
class Written:
    """A record to be written; partition None = by its key."""

    key: bytes | None
    value: bytes
    partition: int | None = None
    headers: tuple[tuple[str, bytes | None], ...] = ()


@dataclass
class Desk:
    """The topics of one application, and what is done with them."""

    settings: Settings
    folder: Path

    def write(self, *records: Written) -> None:
        asyncio.run(self.write_now(*records))

    async def write_now(self, *records: Written) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.brokers, max_request_size=RECORD_MAX_BYTES)
        await producer.start()
        try:
            for one in records:
                at = one.partition
                if at is None:
                    at = partition_for(one.key or b"", PARTITIONS)
                await producer.send_and_wait(
                    self.settings.helpdesk_topic, one.value, one.key, at, headers=list(one.headers)
                )
        finally:
            await producer.stop()

    def reject(self, offset_shift: int = 0) -> dict[str, int]:
        """Reject what the source topic holds that cannot be used, as a worker would; counts by reason.

        With ``offset_shift`` the rejects name other offsets, as if the topic had been created anew.
        """
        return asyncio.run(self._reject(offset_shift))

    async def _reject(self, offset_shift: int) -> dict[str, int]:
        producer = AIOKafkaProducer(bootstrap_servers=self.settings.brokers)
        await producer.start()
        counts: dict[str, int] = {}
        try:
            async with LogReader(self.settings) as log:
                for source in log.partitions(self.settings.helpdesk_topic):
                    shard = self.shard(source)
                    start, end = (await log.bounds([source]))[source]
                    async for records in log.read(source, start, end):
                        shard.apply(records)
                    for reject in shard.take_rejects():
                        reject.offset += offset_shift
                        key, value, headers = rejected_record(source, reject)
                        await producer.send_and_wait(
                            self.settings.rejected_topic, value, key, source.partition, headers=list(headers)
                        )
                        counts[reject.reason] = counts.get(reject.reason, 0) + 1
        finally:
            await producer.stop()
        return counts

    def shard(self, source: SourcePartition) -> Shard:
        return Shard(
            self.settings.core_policy,
            topic=source.topic,
            kind="helpdesk",
            partition=source.partition,
            partitions=PARTITIONS,
        )

    def records(self) -> list[tuple[int, bytes | None, bytes | None, tuple[tuple[str, bytes | None], ...]]]:
        """(partition, key, value, headers) of every record of the source topic, in log order."""
        return asyncio.run(self._records())

    async def _records(self) -> list[tuple[int, bytes | None, bytes | None, tuple[tuple[str, bytes | None], ...]]]:
        found = []
        async with LogReader(self.settings) as log:
            for source in log.partitions(self.settings.helpdesk_topic):
                start, end = (await log.bounds([source]))[source]
                async for records in log.read(source, start, end):
                    found += [(source.partition, r.key, r.value, tuple(r.headers)) for r in records]
        return found

    def delete_records(self, partition: int) -> None:
        """Delete everything before the end of one partition of the source, as retention would."""
        asyncio.run(self._delete_records(partition))

    async def _delete_records(self, partition: int) -> None:
        source = SourcePartition(self.settings.helpdesk_topic, partition)
        async with admin_client(self.settings) as admin, LogReader(self.settings) as log:
            end = (await log.bounds([source]))[source].end
            await admin.delete_records({TopicPartition(*source): RecordsToDelete(before_offset=end)})

    def deskpulse(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the command; the process ends here, by its time limit at the latest."""
        plain = self.settings.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
        variables = {f"DESKPULSE_{name.upper()}": str(value) for name, value in plain.items()}
        return subprocess.run(
            [sys.executable, "-m", "streams.cli.main", *arguments],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "COLUMNS": "200",
                "NO_COLOR": "1",
                **variables,
            },
            capture_output=True,
            text=True,
            timeout=60,
        )


def wire(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields).encode()
