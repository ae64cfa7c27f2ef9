"""Every simulated event is canonical; accidents are the ones that were meant."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import msgspec
import pytest

from metrics_core.decode import decode
from metrics_core.rejects import Refused
from metrics_core.times import DAY_US, MINUTE_US, parse_rfc3339
from streams.simulate import Traffic

from .conftest import MONDAY_US, TwoWeeks

REQUIRED = {
    "helpdesk.ticket.message": {"actor"},
    "helpdesk.ticket.status_changed": {"to"},
    "helpdesk.ticket.rated": {"score"},
    "helpdesk.agent.status_changed": {"status"},
    "crm.subscription.started": {"subscription", "mrr"},
    "crm.subscription.changed": {"subscription", "mrr"},
    "crm.subscription.snapshot": {"subscription", "mrr"},
    "crm.subscription.cancelled": {"subscription"},
    "crm.payment.received": {"amount", "currency"},
    "crm.payment.refunded": {"amount", "currency"},
    "crm.spend.recorded": {"amount", "currency", "category"},
    "crm.survey.sent": {"survey"},
    "crm.survey.answered": {"survey", "score"},
    "finance.cash_flow.recorded": {"amount", "currency", "kind"},
}


def test_required_fields_are_there(two_weeks: TwoWeeks) -> None:
    for event in two_weeks.events:
        assert event["specversion"] == "1.0"
        assert REQUIRED.get(event["type"], set()) <= event["data"].keys(), event


def test_the_core_accepts_every_event(two_weeks: TwoWeeks) -> None:
    for emission in two_weeks.emissions:
        decode(emission.value)


def test_the_key_is_the_subject_and_the_topic_follows_the_type(two_weeks: TwoWeeks) -> None:
    for emission in two_weeks.emissions:
        event = msgspec.json.decode(emission.value)
        assert emission.key == event["subject"].encode()
        helpdesk = event["type"].startswith("helpdesk.")
        assert emission.topic == ("helpdesk.events" if helpdesk else "crm.events")


def test_nothing_arrives_before_it_happened_or_out_of_order_of_arrival(two_weeks: TwoWeeks) -> None:
    for emission in two_weeks.emissions:
        assert parse_rfc3339(msgspec.json.decode(emission.value)["time"]) < emission.arrival_us
    assert all(one.arrival_us <= other.arrival_us for one, other in pairwise(two_weeks.emissions))


def test_few_events_overtake_others_of_their_ticket(two_weeks: TwoWeeks) -> None:
    newest: dict[str, tuple[int, int]] = {}
    overtaken = 0
    for event in two_weeks.events:
        place = (event["time_us"], int(event.get("sequence", 0)))
        overtaken += place < newest.get(event["subject"], (0, 0))
        newest[event["subject"]] = max(place, newest.get(event["subject"], (0, 0)))
    assert 0 < overtaken < 0.02 * len(two_weeks.events)


def test_some_events_are_late_and_some_come_twice(two_weeks: TwoWeeks) -> None:
    late = sum(
        emission.arrival_us - parse_rfc3339(msgspec.json.decode(emission.value)["time"]) > MINUTE_US
        for emission in two_weeks.emissions
    )
    assert 0.001 < late / len(two_weeks.emissions) < 0.02
    repeats = len(two_weeks.emissions) - len(two_weeks.events)
    assert 0.001 < repeats / len(two_weeks.emissions) < 0.02


def test_a_repeat_is_the_same_bytes(two_weeks: TwoWeeks) -> None:
    values = Counter(emission.value for emission in two_weeks.emissions)
    assert len(values) == len(two_weeks.events)


def test_bad_events_are_copies_of_good_ones_and_each_kind_of_harm_occurs() -> None:
    good: set[tuple[str, str]] = set()
    reasons: Counter[str] = Counter()
    for emission in Traffic(3, MONDAY_US, 4000).until(MONDAY_US + 3 * DAY_US):
        try:
            event = decode(emission.value)
        except Refused as refused:
            reasons[str(refused.reason)] += 1
            assert b"\n" not in emission.value
            continue
        if event.subject.encode() == emission.key:
            good.add((event.source, event.id))
        else:
            reasons["wrong_key"] += 1
            assert (event.source, event.id) in good
    assert {"invalid_json", "missing_field", "unknown_type", "wrong_type", "wrong_key"} <= set(reasons)
    assert sum(reasons.values()) < 0.002 * len(good)


def test_a_snapshot_tells_of_a_ticket_older_than_the_topic(two_weeks: TwoWeeks) -> None:
    snapshots = two_weeks.by_type["helpdesk.ticket.snapshot"]
    assert snapshots
    for event in snapshots:
        assert parse_rfc3339(event["data"]["created_at"]) < MONDAY_US <= event["time_us"]
        assert event["subject"] not in two_weeks.created


@pytest.mark.parametrize("moment", ["first_response_at", "waiting_since"])
def test_moments_of_a_snapshot_lie_between_creation_and_the_snapshot(two_weeks: TwoWeeks, moment: str) -> None:
    for event in two_weeks.by_type["helpdesk.ticket.snapshot"]:
        if moment in event["data"]:
            created_us = parse_rfc3339(event["data"]["created_at"])
            assert created_us <= parse_rfc3339(event["data"][moment]) <= event["time_us"]
