"""The HTTP side: formats, compression, readiness, and what is withheld."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from serving_stand_ins import OPEN, StubEngine, small_tables

from metrics_core.policy import Policy
from streams.engine.status import PartitionStatus
from streams.serving import Server, start_server
from streams.serving.pipeline import policy_label
from streams.settings import ConfigurationError, Settings

Start = Callable[..., Awaitable[Server]]

PIPELINE = {
    "partition_ready",
    "partition_fresh",
    "watermark_timestamp_seconds",
    "consumer_lag_records",
    "topic_partitions",
    "events_processed_total",
    "events_rejected_total",
    "events_duplicate_total",
    "events_late_total",
    "duplicate_conflicts_total",
    "checkpoint_duration_seconds",
    "checkpoint_rows",
    "recovery_rows",
    "recovery_share",
    "recovery_seconds",
    "recovery_blocked",
    "checkpoints_total",
    "checkpoints_failed_total",
    "recoveries_total",
    "fetch_gaps_total",
    "stale_batches_total",
    "ready",
    "event_delay_seconds_bucket",
    "event_shown_seconds_bucket",
    "scrape_duration_seconds",
    "series",
    "series_folded",
    "history_start_timestamp_seconds",
    "subject_history_start_timestamp_seconds",
    "view_timestamp_seconds",
    "last_checkpoint_timestamp_seconds",
    "partition_refused",
    "accepted_losses",
    "orphan_tickets",
    "future_events",
    "events_tombstone_total",
    "window_seconds",
    "build_info",
    "metric_spec_info",
}


def values(text: str) -> dict[tuple[Any, ...], float]:
    return {
        (sample.name.removeprefix("deskpulse_"), *sorted(sample.labels.values())): sample.value
        for family in parse_text(text)
        for sample in family.samples
    }


async def get(http: aiohttp.ClientSession, url: str, **headers: str) -> tuple[int, str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    async with http.get(url, headers=named) as response:
        return response.status, (await response.read()).decode(), response.headers


async def test_metrics_are_prometheus_text_unless_asked_otherwise(
    engine: StubEngine, start: Start, http: aiohttp.ClientSession
) -> None:
    engine.show(small_tables())
    server = await start()
    status, text, headers = await get(http, f"{server.url}/metrics")
    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert values(text)[("tickets", "24h", "billing", "chat", "created", "normal")] == 3


async def test_metrics_are_openmetrics_for_a_prometheus_that_prefers_them(
    engine: StubEngine, start: Start, http: aiohttp.ClientSession
) -> None:
    engine.show(small_tables())
    server = await start()
    accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"
    _, text, headers = await get(http, f"{server.url}/metrics", Accept=accept)
    assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    types = {family.name: family.type for family in parse_openmetrics(text)}
    assert types["deskpulse_first_response_seconds"] == "gaugehistogram"
    assert types["deskpulse_events_processed"] == "counter"
    assert types["deskpulse_build"] == "info"


async def test_metrics_are_compressed_for_who_accepts_it(
    engine: StubEngine, start: Start, http: aiohttp.ClientSession
) -> None:
    engine.show(small_tables())
    server = await start()
    async with http.get(f"{server.url}/metrics", headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        assert b"deskpulse_tickets{" in gzip.decompress(await response.read())
    _, _, headers = await get(http, f"{server.url}/metrics", Accept_Encoding="br, gzip;q=0")
    assert "Content-Encoding" not in headers


async def test_two_scrapes_of_one_snapshot_render_it_once(
    engine: StubEngine, start: Start, http: aiohttp.ClientSession
) -> None:
    engine.show(small_tables())
    server = await start()
    await asyncio.gather(*(get(http, f"{server.url}/metrics") for _ in range(3)))
    await get(http, f"{server.url}/metrics", Accept="application/openmetrics-text;version=1.0.0")
    assert engine.builds == 1
    engine.show(small_tables())
    await get(http, f"{server.url}/metrics")
    assert engine.builds == 2


async def test_before_any_partition_is_ready_only_the_pipeline_is_shown(
    engine: StubEngine, start: Start, http: aiohttp.ClientSession
) -> None:
    engine.show([], ready=False)
    engine.status.partitions[("helpdesk.events", 1)].recovery_blocked = "a producer holds a transaction open"
    server = await start()
    shown = values((await get(http, f"{server.url}/metrics"))[1])
    assert shown[("partition_ready", "0", "helpdesk.events")] == 0
    assert shown[("recovery_blocked", "1", "helpdesk.events")] == 1
    assert shown[("topic_partitions", "helpdesk.events")] == 2
    assert not any(key[0].startswith(("tickets", "open_", "first_response")) for key in shown)


async def test_what_goes_wrong_in_a_partition_and_is_put_right_is_counted(
    engine: StubEngine, start: Start, http: aiohttp.ClientSession
) -> None:
    engine.show(small_tables())
    state = engine.status.partitions["helpdesk.events", 1]
    state.gaps, state.stale_batches, state.checkpoints_failed, state.recoveries = 1, 2, 3, 4
    server = await start()
    shown = values((await get(http, f"{server.url}/metrics"))[1])
    names = ("fetch_gaps_total", "stale_batches_total", "checkpoints_failed_total", "recoveries_total")
    assert [shown[name, "1", "helpdesk.events"] for name in names] == [1, 2, 3, 4]
    assert [shown[name, "0", "helpdesk.events"] for name in names] == [0, 0, 0, 0]


def test_the_label_of_the_policy_says_its_newest_version_and_changes_with_any() -> None:
    later = {"version": 3, "effective_from": "2026-03-01T00:00:00Z"}
    one, two = Policy(), Policy.parse({"versions": [{}, later]})
    assert (policy_label(one).partition("-")[0], policy_label(two).partition("-")[0]) == ("1", "3")
    assert policy_label(two) != policy_label(Policy.parse({"versions": [{"idle_days": 5}, later]}))


async def test_a_partition_is_not_shown_as_ready_before_its_values_are(
    engine: StubEngine, start: Start, http: aiohttp.ClientSession
) -> None:
    engine.show(small_tables())
    engine.latest.partitions = [("helpdesk.events", 1)]
    server = await start()
    shown = values((await get(http, f"{server.url}/metrics"))[1])
    assert shown[("partition_ready", "0", "helpdesk.events")] == 0
    assert shown[("partition_ready", "1", "helpdesk.events")] == 1


async def test_a_partition_just_lost_counts_as_shown_while_its_values_are(
    engine: StubEngine, start: Start, http: aiohttp.ClientSession
) -> None:
    engine.show(small_tables())
    engine.status.partitions[("helpdesk.events", 0)].ready = False
    del engine.status.partitions[("helpdesk.events", 1)]
    server = await start()
    shown = values((await get(http, f"{server.url}/metrics"))[1])
    assert shown[("partition_ready", "0", "helpdesk.events")] == 1
    assert shown[("partition_ready", "1", "helpdesk.events")] == 1


async def test_the_pipeline_shows_every_series_and_zeros_for_closed_labels(
    engine: StubEngine, start: Start, http: aiohttp.ClientSession
) -> None:
    engine.show(small_tables())
    engine.status.counters["helpdesk.events"].processed["helpdesk.ticket.created"] = 7
    engine.status.partitions[("helpdesk.events", 0)].last_checkpoint_s = 1_767_225_599.0
    server = await start()
    text = (await get(http, f"{server.url}/metrics"))[1]
    shown = values(text)
    assert {key[0] for key in shown} >= PIPELINE
    assert shown[("events_processed_total", "helpdesk.events", "helpdesk.ticket.created")] == 7
    assert shown[("events_processed_total", "helpdesk.events", "helpdesk.ticket.rated")] == 0
    assert ("events_processed_total", "crm.lead.won", "helpdesk.events") not in shown
    assert shown[("events_rejected_total", "helpdesk.events", "too_late")] == 0
    assert shown[("window_seconds", "7d")] == 604_800
    assert shown[("series",)] == sum(not line.startswith("#") for line in text.splitlines())


async def test_every_family_has_a_help_text(engine: StubEngine, start: Start, http: aiohttp.ClientSession) -> None:
    engine.show(small_tables())
    server = await start()
    text = (await get(http, f"{server.url}/metrics"))[1]
    assert all(family.documentation for family in parse_text(text))


async def test_a_scrape_that_fails_is_an_error_and_not_half_an_exposition(
    engine: StubEngine, start: Start, http: aiohttp.ClientSession
) -> None:
    engine.show([(OPEN, {("too", "few"): 1})])
    server = await start()
    status, text, _ = await get(http, f"{server.url}/metrics")
    assert status == 500
    assert "deskpulse_" not in text
    engine.show(small_tables())
    assert (await get(http, f"{server.url}/metrics"))[0] == 200


async def test_livez_follows_the_engine(engine: StubEngine, start: Start, http: aiohttp.ClientSession) -> None:
    server = await start()
    assert (await get(http, f"{server.url}/livez"))[0] == 200
    engine.status.live = False
    assert (await get(http, f"{server.url}/livez"))[0] == 503


async def ready_state(http: aiohttp.ClientSession, url: str) -> tuple[int, Any]:
    async with http.get(f"{url}/readyz") as response:
        return response.status, await response.json()


async def test_readyz_waits_for_an_assignment(
    engine: StubEngine, start: Start, http: aiohttp.ClientSession
) -> None:
    server = await start()
    status, body = await ready_state(http, server.url)
    assert (status, body["ready"]) == (503, False)
    assert body["message"] == "Not ready: waiting for partitions to be assigned."


async def test_readyz_shows_how_far_recovery_is(
    engine: StubEngine, start: Start, http: aiohttp.ClientSession
) -> None:
    engine.show([], ready=False)
    engine.status.partitions[("helpdesk.events", 0)].ready = True
    recovering = engine.status.partitions[("helpdesk.events", 1)]
    recovering.recovery_rows, recovering.recovery_share = 40_000, 0.5
    server = await start()
    status, body = await ready_state(http, server.url)
    assert status == 503
    assert body["partitions"] == {"helpdesk.events": {"ready": 1, "assigned": 2, "of": 2}}
    assert body["recovering"] == [
        {"topic": "helpdesk.events", "partition": 1, "rows": 40_000, "share": 0.5, "seconds": 0.0}
    ]


async def test_readyz_says_what_to_do_about_a_refused_partition(
    engine: StubEngine, start: Start, http: aiohttp.ClientSession
) -> None:
    engine.show([], ready=False)
    engine.status.partitions[("helpdesk.events", 0)] = PartitionStatus(
        "helpdesk.events", 0, refused="records 5 to 9 are gone: start with --accept-loss 0"
    )
    server = await start()
    _, body = await ready_state(http, server.url)
    assert body["refused"][0]["reason"] == "records 5 to 9 are gone: start with --accept-loss 0"
    assert "--accept-loss 0" in body["message"]


async def test_readyz_is_200_once_every_assigned_partition_is_recovered(
    engine: StubEngine, start: Start, http: aiohttp.ClientSession
) -> None:
    engine.show(small_tables())
    server = await start()
    status, body = await ready_state(http, server.url)
    assert (status, body["ready"], body["refused"]) == (200, True, [])


async def test_the_front_page_links_to_the_rest_and_escapes_what_it_quotes(
    engine: StubEngine, start: Start, http: aiohttp.ClientSession
) -> None:
    engine.show([], ready=False)
    engine.status.partitions[("helpdesk.events", 0)].refused = "<script>"
    server = await start()
    _, text, headers = await get(http, server.url)
    assert headers["Content-Type"].startswith("text/html")
    assert all(f'href="{path}"' in text for path in ("/metrics", "/readyz", "/livez"))
    assert "<script>" not in text


async def test_a_taken_port_is_one_sentence_about_what_to_set(engine: StubEngine, start: Start) -> None:
    server = await start()
    with pytest.raises(ConfigurationError, match="set http_host and http_port to a free address"):
        await start_server(Settings(http_port=server.port), engine, engine.build)
