"""Goals of the policy: what cannot work is refused with one sentence, and what counts does not depend on them."""

from __future__ import annotations

from typing import Any

import pytest

from metrics_core.policy import Policy, PolicyError
from metrics_core.policy.promises import promises

_OFFICE = {"hours": {"mon": ["09:00-17:00"]}}


def policy_of(goals: dict[str, Any], **version: Any) -> Policy:
    return Policy.parse({"goals": goals, "versions": [{"version": 1, **version}]})


@pytest.mark.parametrize(
    ("goals", "said"),
    [
        ({"attainment": 1.0}, "policy.goals.attainment must lie between 0 and 1"),
        ({"attainment": 90}, "policy.goals.attainment must lie between 0 and 1"),
        ({"churn": 0}, "policy.goals.churn must lie between 0 and 1"),
        ({"inflow": 0}, "policy.goals.inflow must be above 0"),
        ({"backlog": -1}, "policy.goals.backlog must be above 0"),
        ({"backlog": 1.5}, "policy.goals.backlog must be a whole number"),
        ({"resolution_p90_s": 1000}, "is no edge of the histograms: use 900"),
        ({"quiet_s": 60}, "policy.goals.quiet_s must lie between 300 and 86400"),
        ({"intake_calendar": "office"}, "it defines none"),
        ({"attainments": 0.9}, "did you mean 'attainment'?"),
    ],
)
def test_a_goal_that_cannot_work_is_refused_by_its_name(goals: dict[str, Any], said: str) -> None:
    with pytest.raises(PolicyError, match=r"policy\.goals") as refused:
        policy_of(goals)
    assert said in str(refused.value)


@pytest.mark.parametrize("attainment", [0.5, 0.6, 2 / 3])
def test_a_burn_that_even_late_answers_alone_cannot_reach_is_refused(attainment: float) -> None:
    with pytest.raises(PolicyError, match=r"burn_fast = 3 can never be exceeded.*give less"):
        policy_of({"attainment": attainment})
    assert policy_of({"attainment": attainment, "burn_fast": 0.9 / (1 - attainment)})


def test_the_calendar_of_the_intake_is_one_of_the_newest_version() -> None:
    assert policy_of({"intake_calendar": "office"}, calendars={"office": _OFFICE})
    with pytest.raises(PolicyError, match="did you mean 'office'"):
        policy_of({"intake_calendar": "Ofice"}, calendars={"office": _OFFICE})


def test_goals_change_nothing_that_is_counted() -> None:
    assert policy_of({"attainment": 0.95, "backlog": 7}).hash == policy_of({}).hash


def test_what_no_goal_names_follows_from_the_promises() -> None:
    sla = [
        {"name": "phone", "channels": ["phone"], "first_response_s": 240, "resolution_s": 86400},
        {"name": "rest", "first_response_s": 3600, "resolution_s": 604800, "calendar": "office"},
    ]
    made = promises(policy_of({}, sla=sla, calendars={"office": _OFFICE}))
    assert (made.oldest_unanswered_s, made.resolution_p90_s, made.resolution_clock) == (7200, 604800, "business")


def test_a_goal_that_is_named_wins_over_the_promises() -> None:
    made = promises(policy_of({"oldest_unanswered_s": 600, "resolution_p90_s": 86400}))
    assert (made.oldest_unanswered_s, made.resolution_p90_s, made.resolution_clock) == (600, 86400, "calendar")
