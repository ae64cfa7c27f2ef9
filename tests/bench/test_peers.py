"""The race against other engines: what can be checked without running them."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bench.peers.engines import ENGINES, MEASURE
from bench.peers.events import decoded, race_events
from bench.peers.installation import JOBS, KAFKA_STREAMS, SHA256
from bench.peers.page import page, table
from bench.peers.race import Run
from bench.peers.reference import Reference, merged
from bench.peers.results import Results
from metrics_core.policy import Policy
from metrics_core.records import FileRecord
from metrics_core.shard import Shard
from metrics_core.times import parse_rfc3339

EVENTS = 5000


@pytest.fixture(scope="module")
def events() -> list[dict[str, Any]]:
    return decoded(race_events(EVENTS))


def job_results(events: Iterable[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a Python peer's job makes of events, its stores being dicts."""
    monkeypatch.syspath_prepend(str(JOBS))
    monkeypatch.delitem(sys.modules, "helpdesk_job", raising=False)
    import helpdesk_job as job

    tickets: dict[str, Any] = {}
    totals: dict[str, Any] = {}
    for event in events:
        if job.moves_ticket(event):
            ticket, deltas = job.step(tickets.get(event["subject"]), event)
            if ticket is not None:
                tickets[event["subject"]] = ticket
            for key, value in deltas:
                totals[key] = job.add(totals.get(key), key, value)
    return merged(totals.items())


def event(kind: str, time: str, **about: Any) -> dict[str, Any]:
    when = f"2026-01-05T{time}Z"
    of = {"type": f"helpdesk.ticket.{kind}", "subject": "t", "time": when, "data": about}
    return {**of, "time_us": parse_rfc3339(when)}


def test_the_batch_computation_is_right_on_a_ticket_counted_by_hand() -> None:
    reference = Reference.of(
        [
            event("created", "09:00:00.000", group="support", priority="low"),
            event("message", "09:00:30.000", actor="agent", public=False),
            event("updated", "09:30:00.000", group="billing", assignee=None),
            event("message", "10:00:00.250", actor="agent", public=True),
            event("message", "10:05:00.000", actor="agent", public=True),
            event("status_changed", "11:00:00.000", to="resolved"),
            event("status_changed", "11:30:00.000", to="closed"),
            event("status_changed", "12:00:00.000", to="open"),
        ]
    )
    nine = parse_rfc3339("2026-01-05T09:00:00Z") // 3_600_000_000
    assert reference.aggregates() == {
        "backlog|billing": 1,
        f"first_response|{nine + 1}|billing|low": [1, 3_600_250, {"157": 1}],
        f"resolution|{nine + 2}|billing|low": [1, 7_200_000, {"165": 1}],
    }


def test_the_job_of_the_python_peers_equals_the_batch_computation(
    events: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert job_results(events, monkeypatch) == Reference.of(events).aggregates()


def test_the_events_of_the_race_come_once_and_in_order(events: list[dict[str, Any]]) -> None:
    assert len(events) == len({event["id"] for event in events}) == EVENTS
    assert all(one["time_us"] <= two["time_us"] for one, two in pairwise(events))


def test_a_shard_of_the_three_metrics_shows_of_them_what_a_shard_of_everything_shows() -> None:
    from bench.peers.three_metrics_worker import ThreeMetricsShard
    from metrics_core.build import build
    from metrics_core.families import first_response, open_tickets, resolution

    records = [
        FileRecord(event.value, offset, key=event.key, timestamp=event.arrival_us // 1000)
        for offset, event in enumerate(race_events(EVENTS))
    ]
    views = []
    for kind in (Shard, ThreeMetricsShard):
        shard = kind(Policy(), topic="helpdesk.events")
        shard.apply(records)
        families = (first_response.FAMILY, open_tickets.FAMILY, resolution.FAMILY)
        views.append(build([shard.freeze(shard.clock_us)], Policy(), families=families))
    everything, three = views
    for name, table_of_everything in everything.tables.items():
        shown = {row: repr(value) for row, value in table_of_everything.rows.items()}
        assert {row: repr(value) for row, value in three.tables[name].rows.items()} == shown, name


def test_a_peer_that_is_missing_and_one_that_is_wrong_are_named() -> None:
    results = Results(EVENTS)
    results.add(0, Run(MEASURE, EVENTS, 2.0, 1.0, 2**20))
    results.add(0, Run("deskpulse", EVENTS, 1.0, 0.5, 2**20))
    results.missing["bytewax"] = "no wheel for this machine"
    results.failures.append("quix: 3 wrong results: backlog|support: 1 and 2")
    text = page(results)
    assert "missing: no wheel for this machine" in text
    assert "Does not count: quix: 3 wrong results" in text
    assert [line.split(" | ")[3] for line in table(results)[2:4]] == ["2.00", "1.00"]


def test_a_ratio_is_to_the_same_round() -> None:
    results = Results(EVENTS)
    for number, seconds in enumerate((1.0, 10.0, 100.0)):
        results.add(number, Run(MEASURE, EVENTS, 2 * seconds, 1.0, 1))
        results.add(number, Run("deskpulse", EVENTS, seconds, 1.0, 1))
    assert results.ratio("deskpulse", lambda run: run.events_per_s) == 2


def test_everything_that_peers_need_is_pinned() -> None:
    for path in JOBS.glob("requirements-*.txt"):
        assert all("==" in line for line in path.read_text(encoding="utf-8").splitlines()), path.name
    for coordinates in KAFKA_STREAMS.split("+"):
        _, artifact, version = coordinates.split(":")
        assert f"{artifact}-{version}.jar" in SHA256


def test_every_engine_has_a_job() -> None:
    for engine in ENGINES:
        if engine.durable_by != "metrics" and not engine.name.startswith("kafka-streams"):
            assert (Path(JOBS) / f"{engine.name.split('-')[0]}_job.py").is_file(), engine.name
