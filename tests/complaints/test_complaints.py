"""Which tickets are complaints, what of them is counted, and which stand open."""

from __future__ import annotations

import datetime
import itertools
import json
from typing import Any

import pytest
from desk_story import ONE_DAY, START_US, Desk

from metrics_core.build import build
from metrics_core.policy import Policy, Version
from metrics_core.policy.version import ComplaintMarks
from metrics_core.records import FileRecord
from metrics_core.shard import Shard
from metrics_core.times import MINUTE_US, format_us

MARKED = Policy(versions=(Version(complaints=ComplaintMarks(categories=("billing",), tags=("angry", "legal"))),))


def desk() -> Desk:
    return Desk(MARKED)


def flows(of: Desk, at: float = ONE_DAY, **labels: Any) -> dict[str, float]:
    """Flow -> how many of the last day, where there are any."""
    found = {flow: of.value("complaints", at, window="24h", flow=flow, **labels) for flow in FLOWS}
    return {flow: n for flow, n in found.items() if n}


FLOWS = ("opened", "resolved", "escalated")


def open_complaints(of: Desk, **labels: Any) -> float:
    return of.value("open_complaints", **labels)


# -- what is a complaint ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"complaint": True},
        {"category": "billing"},
        {"tags": ["new", "angry"]},
        {"category": "x", "tags": ["legal"]},
    ],
)
def test_a_ticket_is_a_complaint_by_its_own_word_its_category_or_a_tag(fields: dict[str, Any]) -> None:
    told = desk().tell("created", 0, **fields)
    assert flows(told) == {"opened": 1}
    assert open_complaints(told) == 1


@pytest.mark.parametrize("fields", [{}, {"category": "login"}, {"tags": ["happy"]}, {"complaint": False}])
def test_other_tickets_are_none(fields: dict[str, Any]) -> None:
    told = desk().tell("created", 0, **fields).tell("escalated", 1).tell("status_changed", 2, to="resolved")
    assert flows(told) == {}


def test_a_tickets_own_no_wins_over_its_category_and_its_tags() -> None:
    assert flows(desk().tell("created", 0, category="billing", tags=["angry"], complaint=False)) == {}


def test_a_word_taken_back_leaves_category_and_tags_to_decide() -> None:
    told = desk().tell("created", 0, category="billing", complaint=False).tell("updated", 5, complaint=None)
    assert flows(told) == {"opened": 1}


def test_without_marks_only_a_tickets_own_word_makes_it_one() -> None:
    assert flows(Desk().tell("created", 0, category="billing", tags=["angry"])) == {}
    assert flows(Desk().tell("created", 0, complaint=True)) == {"opened": 1}


def test_the_marks_in_force_when_a_ticket_speaks_of_itself_decide() -> None:
    noon = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)
    later = Version(
        version=2, effective_from=noon, complaints=ComplaintMarks(categories=("billing",), tags=("angry",))
    )
    told = Desk(Policy(versions=(Version(), later)))
    told.tell("created", 0, category="billing", tags=["angry"])
    assert flows(told) == {}
    told.tell("updated", 13 * 60, group="a")  # speaks of something else
    assert flows(told) == {}
    told.tell("updated", 14 * 60, category="billing")
    assert flows(told) == {"opened": 1}


# -- what is counted --------------------------------------------------------------------------------------


def test_a_ticket_may_become_a_complaint_later_and_counts_on_the_labels_of_then() -> None:
    told = desk().tell("created", 0, group="a").tell("updated", 5, group="b", complaint=True)
    assert flows(told, group="b", category="none") == {"opened": 1}
    assert flows(told, group="a") == {}
    assert flows(told, at=5) == {}


def test_saying_so_again_counts_nothing_more() -> None:
    told = desk().tell("created", 0, complaint=True).tell("updated", 5, category="billing", tags=["legal"])
    assert flows(told) == {"opened": 1}


def test_a_ticket_that_stops_being_one_stays_counted_and_counts_again_when_it_becomes_one_anew() -> None:
    told = desk().tell("created", 0, complaint=True).tell("updated", 5, complaint=False)
    assert flows(told) == {"opened": 1}
    assert open_complaints(told) == 0
    assert flows(told.tell("status_changed", 6, to="resolved")) == {"opened": 1}
    assert flows(told.tell("updated", 7, complaint=True)) == {"opened": 2}


def test_each_resolution_of_a_complaint_counts() -> None:
    told = desk().tell("created", 0, complaint=True).tell("status_changed", 5, to="resolved")
    assert flows(told) == {"opened": 1, "resolved": 1}
    told.tell("status_changed", 6, to="closed").tell("status_changed", 7, to="open")
    assert open_complaints(told) == 1
    assert flows(told.tell("status_changed", 8, to="closed")) == {"opened": 1, "resolved": 2}


def test_an_escalated_complaint_counts_once_however_often_it_is_escalated() -> None:
    told = desk().tell("created", 0, complaint=True).tell("escalated", 1).tell("escalated", 2, level="3")
    assert flows(told) == {"opened": 1, "escalated": 1}
    assert told.flow("escalated") == 2


def test_a_ticket_escalated_before_it_became_a_complaint_counts_when_it_does() -> None:
    told = desk().tell("created", 0).tell("escalated", 1)
    assert flows(told) == {}
    assert flows(told.tell("updated", 9, category="billing"), category="billing") == {"opened": 1, "escalated": 1}


def test_open_complaints_follow_the_labels_and_the_category_of_now() -> None:
    told = desk().tell("created", 0, group="a", category="billing").tell("updated", 5, group="b")
    assert open_complaints(told, group="b", category="billing") == open_complaints(told) == 1
    told.tell("updated", 6, category="legal", complaint=True)
    assert open_complaints(told, group="b", category="legal") == open_complaints(told) == 1
    assert open_complaints(told.tell("status_changed", 7, to="closed")) == 0


# -- hidden tickets, orphans ------------------------------------------------------------------------------


def test_a_hidden_complaint_is_not_open_and_counts_nothing_until_it_is_restored() -> None:
    told = desk().tell("created", 0, complaint=True).tell("deleted", 1).tell("escalated", 2)
    told.tell("status_changed", 3, to="resolved").tell("status_changed", 4, to="open")
    assert flows(told) == {"opened": 1}
    assert open_complaints(told) == 0
    told.tell("restored", 5)
    assert flows(told) == {"opened": 1}
    assert open_complaints(told) == 1
    assert flows(told.tell("escalated", 6)) == {"opened": 1, "escalated": 1}


def test_what_is_said_before_a_creation_counts_with_it() -> None:
    told = desk().tell("updated", 0, complaint=True).tell("escalated", 1)
    assert flows(told) == {}
    assert open_complaints(told) == 0
    assert flows(told.tell("created", 5, group="a"), group="a") == {"opened": 1, "escalated": 1}


def test_a_late_word_takes_its_place_and_corrects_what_was_counted() -> None:
    told = desk().tell("created", 0, group="a").tell("status_changed", 10, to="resolved").restart()
    told.tell("updated", 5, complaint=True)
    assert flows(told, group="a") == {"opened": 1, "resolved": 1}


def test_the_order_of_arrival_and_restarts_change_nothing() -> None:
    story = [
        ("created", 0, {"category": "billing", "group": "a"}),
        ("escalated", 1, {}),
        ("updated", 2, {"complaint": False, "group": "b"}),
        ("status_changed", 3, {"to": "resolved"}),
        ("updated", 4, {"complaint": None, "tags": ["angry"]}),
        ("status_changed", 5, {"to": "open"}),
    ]
    records = []
    for number, (kind, minute, fields) in enumerate(story):
        line = {
            "specversion": "1.0", "id": str(number), "source": "desk", "subject": "T-1", "data": fields,
            "type": f"helpdesk.ticket.{kind}", "time": format_us(START_US + minute * MINUTE_US),
        }  # fmt: skip
        records.append(FileRecord(json.dumps(line).encode(), number, None))
    seen = set()
    for order in itertools.permutations(records):
        shard = Shard(MARKED)
        shard.apply(order[:3])
        rows = list(shard.drain())
        shard = Shard(MARKED)
        for key, value in rows:
            shard.load(key, value)
        shard.finish_load()
        shard.apply(order[3:])
        tables = build([shard.freeze(START_US + 60 * MINUTE_US)], MARKED).tables
        seen.add(
            tuple(
                (name, row, n)
                for name in ("complaints", "open_complaints")
                for row, n in sorted(tables[name].rows.items())
                if n
            )
        )
    assert len(seen) == 1
