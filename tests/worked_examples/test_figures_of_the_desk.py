"""Figures of the helpdesk that can be checked by hand."""

from __future__ import annotations

import pytest
from company import Company, subjects

SECOND = 1 / 86_400  # in days


def desk() -> Company:
    """100 tickets: 40 solved, of them 30 with one answer; 4 of the 40 are opened again."""
    company = Company().many(1, "helpdesk.ticket.created", subjects("t", 100), actor="customer", channel="email")
    for number, ticket in enumerate(subjects("t", 40)):
        for answer in range(1 if number < 30 else 2):
            company.tell(2 + answer / 100, "helpdesk.ticket.message", ticket, actor="agent")
        company.tell(3, "helpdesk.ticket.status_changed", ticket, to="resolved")
    # those with two answers, so that no solution with one answer is taken back
    return company.many(3.5, "helpdesk.ticket.status_changed", subjects("t", 4, start=36), to="open")


def test_54_000_seconds_over_800_replies_are_67_and_a_half() -> None:
    company = Company()
    # 400 x 60 s + 400 x 75 s = 24,000 s + 30,000 s = 54,000 s
    for number, ticket in enumerate(subjects("t", 800)):
        wait_s = 60 if number < 400 else 75
        company.tell(1, "helpdesk.ticket.created", ticket, actor="customer")
        company.tell(1 + wait_s * SECOND, "helpdesk.ticket.message", ticket, actor="agent")
    assert company.derived(1.5, "first_response_mean", "24h", "calendar") == 67.5


@pytest.mark.parametrize(
    ("metric", "by_hand"),
    [
        ("reopen_rate", 0.1),  # 4 / 40
        ("one_touch_rate", 0.75),  # 30 / 40
        ("inflow_ratio", 2.6),  # (100 + 4) / 40
        ("days_to_clear", 11.2),  # 64 open at 40 solved in 7 days: 64 / (40 / 7)
    ],
)
def test_rates_of_a_week_at_the_desk(metric: str, by_hand: float) -> None:
    assert desk().derived(4, metric, "7d") == pytest.approx(by_hand, rel=1e-12)


def test_the_share_of_a_channel_is_of_all_that_was_created() -> None:
    company = Company().many(1, "helpdesk.ticket.created", subjects("t", 30), channel="chat")
    company.many(1, "helpdesk.ticket.created", subjects("u", 90), channel="email")
    assert company.derived(2, "channel_share", "7d", "chat") == 0.25  # 30 / 120
    assert company.derived(2, "channel_share", "7d", "email") == 0.75


def staff() -> Company:
    """20 agents at the week's start (day 7), 3 leave and 1 joins in it: 18 at its end; 90 tickets solved."""
    company = Company().many(1, "helpdesk.agent.snapshot", subjects("a", 20), group="phone", status="online")
    company.many(8, "helpdesk.agent.left", subjects("a", 3)).tell(9, "helpdesk.agent.joined", "a/new")
    company.many(10, "helpdesk.ticket.created", subjects("t", 95), actor="customer")
    return company.many(11, "helpdesk.ticket.status_changed", subjects("t", 90), to="resolved")


@pytest.mark.parametrize(
    ("metric", "by_hand"),
    [
        ("employee_turnover", 0.15),  # 3 / 20
        ("employee_retention", 0.85),  # 1 - 3 / 20
        ("employee_productivity", 5),  # 90 / 18
    ],
)
def test_people_at_the_desk(metric: str, by_hand: float) -> None:
    assert staff().derived(14, metric, "7d") == pytest.approx(by_hand, rel=1e-12)


def test_turnover_is_withheld_while_nobody_knows_who_was_there() -> None:
    assert staff().derived(14, "employee_turnover", "30d") is None
    assert staff().derived(14, "employee_retention", "30d") is None
