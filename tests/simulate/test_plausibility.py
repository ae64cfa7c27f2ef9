"""A support lead looking at the simulated desk should believe it."""

from __future__ import annotations

from collections import Counter
from statistics import median

from metrics_core.times import HOUR_US, MINUTE_US

from .conftest import DAYS, MONDAY_US, TICKETS_PER_DAY, TwoWeeks

WORKDAYS, WEEKEND, INCIDENT = (1, 2, 3, 4), (5, 6), 7


def test_phone_is_answered_before_chat_before_social_before_email(two_weeks: TwoWeeks) -> None:
    medians = [median(two_weeks.first_responses_us(c)) for c in ("phone", "chat", "social", "email")]
    assert medians == sorted(medians)
    assert medians[1] < 2 * MINUTE_US
    assert HOUR_US < medians[3] < 12 * HOUR_US


def test_first_responses_have_long_tails(two_weeks: TwoWeeks) -> None:
    for channel in ("chat", "email"):
        times_us = two_weeks.first_responses_us(channel)
        assert times_us[len(times_us) * 99 // 100] > 4 * median(times_us)


def test_the_average_day_brings_about_the_tickets_asked_for(two_weeks: TwoWeeks) -> None:
    ordinary = [two_weeks.created_on(day) for day in range(7)]
    assert 0.85 < sum(ordinary) / 7 / TICKETS_PER_DAY < 1.15


def test_the_weekend_is_quiet(two_weeks: TwoWeeks) -> None:
    weekend = max(two_weeks.created_on(day) for day in WEEKEND)
    assert weekend < 0.6 * min(two_weeks.created_on(day) for day in WORKDAYS)


def test_nights_are_quieter_than_mornings(two_weeks: TwoWeeks) -> None:
    hours = Counter(ticket["time_us"] // HOUR_US % 24 for ticket in two_weeks.created.values())
    assert sum(hours[hour] for hour in (1, 2, 3, 4)) * 5 < sum(hours[hour] for hour in (9, 10, 11, 12))


def test_an_incident_triples_the_inflow_and_first_response_suffers(two_weeks: TwoWeeks) -> None:
    following_monday_volume = two_weeks.created_on(0)
    assert 2.3 < two_weeks.created_on(INCIDENT) / following_monday_volume < 3.7
    ordinary_us = median(two_weeks.first_responses_us("email", *WORKDAYS))
    assert median(two_weeks.first_responses_us("email", INCIDENT)) > 2 * ordinary_us


def test_mail_of_the_night_is_answered_in_the_morning(two_weeks: TwoWeeks) -> None:
    answered = Counter(
        two_weeks.first_response_us[subject] // HOUR_US % 24
        for subject, ticket in two_weeks.created.items()
        if subject in two_weeks.first_response_us and ticket["data"]["channel"] in ("email", "form")
    )
    assert sum(answered[hour] for hour in range(8, 13)) > 10 * sum(answered[hour] for hour in range(1, 6))


def test_some_resolved_tickets_are_reopened_and_few(two_weeks: TwoWeeks) -> None:
    changes = two_weeks.by_type["helpdesk.ticket.status_changed"]
    resolved = sum(event["data"]["to"] == "resolved" for event in changes)
    reopened = sum(
        event["data"]["from"] in ("resolved", "closed") for event in changes if event["data"]["to"] == "open"
    )
    assert 0.02 < reopened / resolved < 0.09


def test_the_backlog_is_some_dozens_in_an_ordinary_week(two_weeks: TwoWeeks) -> None:
    status: dict[str, str] = {}
    for event in sorted(two_weeks.events, key=lambda event: (event["time_us"], int(event.get("sequence", 0)))):
        if event["time_us"] >= MONDAY_US + 4 * 24 * HOUR_US + 17 * HOUR_US:
            break
        kind, subject = event["type"].removeprefix("helpdesk.ticket."), event["subject"]
        if kind == "created":
            status[subject] = "new"
        elif kind == "status_changed":
            status[subject] = event["data"]["to"]
        elif kind in ("merged", "deleted", "marked_spam"):
            status[subject] = "gone"
    still_open = sum(now not in ("resolved", "closed", "gone") for now in status.values())
    assert 20 < still_open < 250


def test_most_ratings_are_good_and_some_are_not(two_weeks: TwoWeeks) -> None:
    scores = [event["data"]["score"] for event in two_weeks.by_type["helpdesk.ticket.rated"]]
    assert 0.65 < sum(score >= 4 for score in scores) / len(scores) < 0.92


def test_bots_answer_within_seconds_and_never_as_agents(two_weeks: TwoWeeks) -> None:
    messages = two_weeks.by_type["helpdesk.ticket.message"]
    bots = [event for event in messages if event["data"]["actor"] == "bot"]
    assert len(bots) > 0.3 * len(two_weeks.created)
    assert all("agent" not in event["data"] for event in bots)


def test_a_price_change_raises_churn(two_weeks: TwoWeeks) -> None:
    churned = Counter(
        (event["time_us"] - MONDAY_US) // (24 * HOUR_US) for event in two_weeks.by_type["crm.customer.churned"]
    )
    before = sum(churned[day] for day in range(9)) / 9
    after = sum(churned[day] for day in range(9, DAYS)) / (DAYS - 9)
    assert after > 1.5 * before


def test_every_kind_of_event_of_the_contract_occurs(two_weeks: TwoWeeks) -> None:
    expected = {
        "helpdesk.ticket": "created message status_changed updated escalated merged deleted restored marked_spam"
        " rated snapshot",
        "helpdesk.agent": "status_changed snapshot joined left",
        "crm.lead": "created qualified won lost",
        "crm.customer": "created churned reactivated snapshot",
        "crm.subscription": "started changed cancelled snapshot",
        "crm.payment": "received refunded",
        "crm.spend": "recorded",
        "crm.invite": "sent accepted",
        "crm.survey": "sent answered",
        "finance.cash_flow": "recorded",
    }
    kinds = {f"{family}.{verb}" for family, verbs in expected.items() for verb in verbs.split()}
    assert kinds == set(two_weeks.by_type)
