"""Agents: who is employed, who is there, who came and who left."""

from __future__ import annotations

import itertools

import pytest
from company import Company, apply, restarted, subjects, view

from metrics_core.shard import Shard

JOINED, LEFT = "helpdesk.agent.joined", "helpdesk.agent.left"
STATUS, SNAPSHOT = "helpdesk.agent.status_changed", "helpdesk.agent.snapshot"


def present(company: Company, day: float) -> dict[tuple[str, str], float]:
    """(status, group) -> agents, those that are not zero."""
    rows = company.view(day).tables["agents"].rows
    return {row: n for row, n in rows.items() if n}  # type: ignore[misc]


def changes(company: Company, day: float, window: str = "7d") -> tuple[float | None, float | None]:
    return tuple(company.total(day, "agent_changes", window=window, change=one) for one in ("joined", "left"))  # type: ignore[return-value]


def test_an_agent_that_joins_is_employed_and_offline_until_heard_of() -> None:
    company = Company().tell(1, JOINED, "a/1", group="phone")
    assert company.total(2, "agents_employed", group="phone") == 1
    assert present(company, 2) == {("offline", "phone"): 1}
    assert changes(company, 2) == (1, 0)
    company.tell(2, STATUS, "a/1", status="online")
    assert present(company, 3) == {("online", "phone"): 1}


def test_an_agent_that_joins_with_a_status_has_it() -> None:
    assert present(Company().tell(1, JOINED, "a/1", group="phone", status="away"), 2) == {("away", "phone"): 1}


def test_an_agent_that_joins_twice_joined_once() -> None:
    company = Company().tell(1, JOINED, "a/1").tell(2, JOINED, "a/1")
    assert changes(company, 3) == (1, 0)
    assert company.total(3, "agents_employed") == 1


def test_an_agent_that_left_is_in_no_status_whatever_its_events_say() -> None:
    company = Company().tell(1, JOINED, "a/1", group="phone").tell(2, LEFT, "a/1")
    company.tell(2.5, STATUS, "a/1", status="offline").tell(2.6, LEFT, "a/1")
    assert present(company, 3) == {}
    assert company.total(3, "agents_employed") == 0
    assert changes(company, 3) == (1, 1)


def test_an_agent_that_comes_back_joins_again() -> None:
    company = Company().tell(1, JOINED, "a/1").tell(2, LEFT, "a/1").tell(3, JOINED, "a/1")
    assert changes(company, 4) == (2, 1)
    assert present(company, 4) == {("offline", "none"): 1}


def test_a_snapshot_employs_and_is_no_joining() -> None:
    company = Company().tell(1, SNAPSHOT, "a/1", group="chat", status="online")
    company.tell(1, SNAPSHOT, "a/2", group="chat").tell(2, SNAPSHOT, "a/1", group="chat")
    assert changes(company, 3) == (0, 0)
    assert company.total(3, "agents_employed", group="chat") == 2
    assert present(company, 3) == {("online", "chat"): 1, ("offline", "chat"): 1}
    company.tell(4, JOINED, "a/1")
    assert changes(company, 5) == (0, 0), "who is there cannot join"


def test_somebody_who_never_joined_is_present_and_not_employed() -> None:
    company = Company().tell(1, STATUS, "contractor", status="online", group="chat")
    assert present(company, 2) == {("online", "chat"): 1}
    assert company.total(2, "agents_employed") == 0
    company.tell(3, LEFT, "contractor")
    assert present(company, 4) == {}
    assert changes(company, 4) == (0, 0), "who was not employed does not leave the payroll"


def test_an_agent_that_moves_to_another_group_counts_there() -> None:
    company = Company().tell(1, JOINED, "a/1", group="chat").tell(2, STATUS, "a/1", status="away", group="phone")
    company.tell(3, STATUS, "a/1", status="online")
    assert present(company, 4) == {("online", "phone"): 1}
    assert company.total(4, "agents_employed", group="phone") == 1
    assert company.total(4, "agents_employed", group="chat") == 0


def test_agents_at_the_start_are_withheld_until_the_history_of_agents_reaches_it() -> None:
    company = Company().tell(0, "helpdesk.ticket.created", "t/1")
    company.many(10, SNAPSHOT, subjects("a", 4)).tell(12, JOINED, "new").tell(19, LEFT, "a/1")
    assert company.total(12, "agents_at_start", window="7d") is None
    assert company.total(18, "agents_at_start", window="7d") == 4
    assert company.total(20, "agents_at_start", window="7d") == 5
    assert company.total(20, "agents_at_start", window="30d") is None
    assert company.total(20, "agents_employed") == 4


def test_every_status_is_shown_before_anybody_is_heard_of() -> None:
    rows = Company().view(1).tables["agents"].rows
    assert rows == {("online", "none"): 0, ("away", "none"): 0, ("offline", "none"): 0}


def one_agents_life() -> list[bytes]:
    company = Company().tell(1, JOINED, "a/1", group="chat").tell(2, STATUS, "a/1", status="online")
    company.tell(3, LEFT, "a/1", group="phone").tell(4, STATUS, "a/1", status="away")
    return company.tell(5, SNAPSHOT, "a/1", status="online").lines


def counted(shard: Shard, day: float) -> dict[str, dict[tuple[str, ...], object]]:
    """Rows of agents' series that are not zero: a group named in passing stays in sight with zeros."""
    tables = view(shard, day).tables
    return {name: {row: n for row, n in tables[name].rows.items() if n} for name in tables if "agent" in name}


@pytest.mark.parametrize("cut", range(5))
def test_no_order_of_arrival_and_no_restart_changes_what_counts(cut: int) -> None:
    lines = one_agents_life()
    in_order = Shard(Company().policy)
    apply(in_order, lines)
    for order in itertools.permutations(lines):
        first, changelog = Shard(in_order.policy), dict[bytes, bytes]()
        apply(first, order[:cut])
        second = restarted(first, changelog)
        apply(second, order[cut:])
        for day in (2.5, 4, 6, 12):
            assert counted(second, day) == counted(in_order, day)


def test_a_repeat_changes_nothing_and_a_conflict_is_counted() -> None:
    company = Company().tell(1, JOINED, "a/1", id="x", group="chat").tell(1, JOINED, "a/1", id="x", group="chat")
    company.tell(1, JOINED, "a/1", id="x", group="phone")
    shard = company.shard()
    assert (shard.counters.duplicates, shard.counters.conflicts) == (1, 1)
    assert company.total(2, "agents_employed", group="chat") == 1


def test_an_agent_employed_for_years_is_never_retired() -> None:
    company = Company().tell(0, SNAPSHOT, "a/1", group="chat").tell(400, "helpdesk.ticket.created", "t/1")
    company.tell(800, STATUS, "a/1", status="online")
    assert present(company, 801) == {("online", "chat"): 1}
    assert company.total(801, "agents_employed") == 1


def test_an_agent_that_left_long_ago_is_not_brought_back_by_a_stray_status() -> None:
    company = Company().tell(0, JOINED, "a/1").tell(1, LEFT, "a/1")
    company.tell(200, "helpdesk.ticket.created", "t/1").tell(300, STATUS, "a/1", status="offline")
    assert present(company, 301) == {}


def test_agents_are_no_orphan_tickets() -> None:
    assert Company().tell(1, STATUS, "a/1", status="online").shard().orphan_tickets == 0
