"""Serving over the real core: what a shard counted is what a scrape shows."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import msgspec
from prometheus_client.parser import text_string_to_metric_families
from serving_stand_ins import StubEngine

from metrics_core.policy import Policy
from metrics_core.shard import Shard
from metrics_core.times import parse_rfc3339
from streams.engine.ports import SourcePartition
from streams.engine.snapshot import Latest
from streams.serving import start_server
from streams.settings import Settings


class Record(msgspec.Struct):
    """A record of a file: no Kafka time."""

    key: bytes
    value: bytes
    offset: int
    timestamp: int = -1
    headers: list[tuple[str, bytes]] = []


def records(*events: tuple[str, str, str, dict[str, Any]]) -> list[Record]:
    """(type, time of day, subject, data) of the first of January."""
    made = []
    for offset, (kind, time, subject, attributes) in enumerate(events):
        event = {
            "specversion": "1.0",
            "id": str(offset),
            "source": "test",
            "type": f"helpdesk.ticket.{kind}",
            "subject": subject,
            "time": f"2026-01-01T{time}Z",
            "data": attributes,
        }
        made.append(Record(subject.encode(), json.dumps(event).encode(), offset))
    return made


async def test_a_scrape_shows_what_the_shard_counted(http: aiohttp.ClientSession) -> None:
    shard = Shard(Policy())
    shard.apply(
        records(
            ("created", "08:00:00", "z/1", {"actor": "customer", "channel": "chat", "group": "billing"}),
            ("message", "08:01:07", "z/1", {"actor": "agent"}),
            ("created", "08:03:00", "z/2", {"actor": "customer", "channel": "phone", "group": "sales"}),
        )
    )
    engine = StubEngine()
    engine.show([])
    time_us = parse_rfc3339("2026-01-01T08:10:00Z")
    place = SourcePartition("helpdesk.events", 0)
    engine.latest = Latest(time_us, (place,), (shard.freeze(time_us),))
    server = await start_server(Settings(http_port=0), engine)
    try:
        async with http.get(f"{server.url}/metrics") as response:
            text = (await response.read()).decode()
    finally:
        await server.stop()
    shown = {
        (sample.name.removeprefix("deskpulse_"), *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert shown[("tickets", "1h", "billing", "chat", "created", "none")] == 1
    assert shown[("tickets", "30d", "none", "phone", "resolved", "sales")] == 0
    assert shown[("first_response_seconds_gsum", "24h", "billing", "calendar", "chat")] == 67
    assert shown[("oldest_unanswered_timestamp_seconds", "none", "phone", "sales")] == time_us / 1e6 - 420
    assert shown[("history_start_timestamp_seconds",)] == time_us / 1e6 - 600
    assert shown[("view_timestamp_seconds",)] == time_us / 1e6
