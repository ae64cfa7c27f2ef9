"""A policy that cannot work stops the start with one sentence; one that changes anything changes its hash."""

from __future__ import annotations

import datetime
from typing import Any

import msgspec
import pytest

from metrics_core.policy import Policy, PolicyError, Version

LATER = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
DESK = {"calendars": {"desk": {"hours": {"mon": ["09:00-17:00"]}}}}


def refusal(table: dict[str, Any]) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        Policy.parse(table)
    assert "\n" not in str(caught.value)
    return caught.value


def version(**values: Any) -> dict[str, Any]:
    return {"versions": [values]}


def level(**values: Any) -> dict[str, Any]:
    return version(sla=[{"name": "vip", **values}], **DESK)


@pytest.mark.parametrize(
    ("table", "path", "said"),
    [
        ({"colour": "red"}, "colour", "policy has no key 'colour'"),
        ({"label_limits": 3}, "label_limits", "did you mean 'label_limit'?"),
        ({"horizon_days": "long"}, "horizon_days", "policy.horizon_days must be a whole number, not 'long'"),
        ({"horizon_days": True}, "horizon_days", "must be a whole number, not true"),
        ({"roster": "anna"}, "roster", "must be a list in [ ], not 'anna'"),
        ({"roster": ["anna", 7]}, "roster[1]", "must be text in quotes, not 7"),
        ({"versions": {}}, "versions", "policy.versions must be a list in [ ], not a table"),
        ({"label_values": {"group": "a"}}, "label_values.group", "must be a list"),
        (version(preset="nonsense"), "versions[0].preset", "use one of chatwoot, intercom, strict, zendesk"),
        (version(preset="zendes"), "versions[0].preset", "did you mean 'zendesk'?"),
        (version(idle_day=3), "versions[0].idle_day", "did you mean 'idle_days'?"),
        (version(churn_with_last_subscription="no"), "versions[0].churn_with_last_subscription", "true or false"),
        (version(effective_from="soon"), "versions[0].effective_from", "2026-01-01T00:00:00Z"),
        (version(effective_from=LATER.date()), "versions[0].effective_from", "a moment with its offset"),
        (version(positive_scores={"five": 4}), "versions[0].positive_scores.five", "whole number"),
        (version(positive_scores={"5": "4"}), "versions[0].positive_scores.5", "must be a number, not '4'"),
        (version(sla=[{"first_response_s": 60}]), "versions[0].sla[0]", "policy.versions[0].sla[0] needs name"),
        (level(first_response_s=1.5), "versions[0].sla[0].first_response_s", "a whole number, not 1.5"),
        (level(pauses=["pendin"]), "versions[0].sla[0].pauses[0]", "did you mean 'pending'?"),
        (level(at_risk_percent=60), "versions[0].sla[0].at_risk_percent", "use one of 50, 75, 90"),
        (version(hours=[{}]), "versions[0].hours[0]", "needs calendar"),
        (version(calendars={"day.shift": 1}), 'versions[0].calendars."day.shift"', "must be a table, not 1"),
        (
            version(calendars={"a": {"hours": {"mon": "09:00-17:00"}}}),
            "versions[0].calendars.a.hours.mon",
            "must be a list",
        ),
    ],
)
def test_a_key_or_kind_of_value_that_is_wrong_is_named_with_what_is_expected(
    table: dict[str, Any], path: str, said: str
) -> None:
    error = refusal(table)
    assert error.path == path
    assert said in str(error)


@pytest.mark.parametrize(
    ("table", "path", "said"),
    [
        ({"preset": "zendesk"}, "preset", "[[policy.versions]]"),
        ({"horizon_days": 60}, "horizon_days", "at least 61"),
        ({"horizon_days": 10**9}, "horizon_days", "at most"),
        ({"history_events": 7}, "history_events", "policy.history_events"),
        ({"history_events": 1025}, "history_events", "policy.history_events"),
        ({"label_limit": 0}, "label_limit", "at least 1"),
        ({"gauge_labels": ["chanel"]}, "gauge_labels[0]", "did you mean 'channel'?"),
        ({"gauge_labels": ["group", "group"]}, "gauge_labels[1]", "'group' twice"),
        ({"histogram_labels": ["agent"]}, "histogram_labels[0]", "policy.roster"),
        ({"roster": ["anna", "bob", "anna"]}, "roster[2]", "'anna' twice"),
        ({"label_values": {"group": ["a", "a"]}}, "label_values.group[1]", "'a' twice"),
        ({"versions": []}, "versions", "[[policy.versions]]"),
        (version(version=0), "versions[0].version", "from 1"),
        (version(idle_days=0), "versions[0].idle_days", "idle_days"),
        (version(effective_from=LATER), "versions[0].effective_from", "take out its effective_from"),
        ({"versions": [{}, {"effective_from": LATER}]}, "versions[1].version", "number it 2"),
        ({"versions": [{}, {"version": 2}]}, "versions[1]", "needs effective_from"),
        (
            {"versions": [{}, {"version": 2, "effective_from": LATER.replace(tzinfo=None)}]},
            "versions[1].effective_from",
            "offset",
        ),
        (
            {
                "versions": [
                    {},
                    {"version": 2, "effective_from": LATER},
                    {"version": 3, "effective_from": "2026-01-01T01:00:00+01:00"},
                ]
            },
            "versions[2].effective_from",
            "after 2026-01-01T00:00:00Z",
        ),
        (version(hours=[{"calendar": "dusk"}], **DESK), "versions[0].hours[0].calendar", "did you mean 'desk'?"),
        (version(hours=[{"calendar": "desk"}]), "versions[0].hours[0].calendar", "it defines none"),
        (version(sla=[{"name": "a"}]), "versions[0].sla[0]", "has no target"),
        (level(first_response_s=60, channels=["a", "a"]), "versions[0].sla[0].channels[1]", "'a' twice"),
        (level(first_response_s=60, calendar="home"), "versions[0].sla[0].calendar", "use one of desk"),
        (level(first_response_s=250), "versions[0].sla[0].first_response_s", "use 240 or 300"),
        (level(next_reply_s=0), "versions[0].sla[0].next_reply_s", "use 30"),
        (level(resolution_s=10**7), "versions[0].sla[0].resolution_s", "use 2592000"),
        (
            level(resolution_s=600, at_risk_left_s=600),
            "versions[0].sla[0].at_risk_left_s",
            "less than resolution_s",
        ),
        (level(resolution_s=600, at_risk_left_s=0), "versions[0].sla[0].at_risk_left_s", "at least 1"),
        (
            version(sla=[{"name": "a", "first_response_s": 60}, {"name": "a", "first_response_s": 30}]),
            "versions[0].sla[1].name",
            "rename one",
        ),
        (version(sla=[{"name": "", "first_response_s": 60}]), "versions[0].sla[0].name", "not empty"),
        (version(positive_scores={"5": 4}), "versions[0].positive_scores", "each of the scales"),
        (
            version(positive_scores={"2": 2, "5": 4, "7": 8, "10": 9}),
            "versions[0].positive_scores.7",
            "outside the scale of 7",
        ),
        (
            version(negative_scores={"2": 1, "5": 4, "7": 3, "10": 6}),
            "versions[0].negative_scores.5",
            "positive and negative",
        ),
    ],
)
def test_a_value_that_cannot_work_is_refused_with_its_place_and_what_to_change(
    table: dict[str, Any], path: str, said: str
) -> None:
    error = refusal(table)
    assert error.path == path
    assert said in str(error)


def test_an_empty_table_is_the_strict_preset() -> None:
    assert Policy.parse({}) == Policy()


def test_the_default_policy_is_one_that_can_be_used() -> None:
    Policy().check()


def test_the_default_horizon_is_twice_the_longest_window_and_ten_days() -> None:
    assert Policy().horizon_days == 70


def test_a_roster_may_be_given_without_being_shown() -> None:
    assert Policy.parse({"roster": ["anna"]}).roster == ("anna",)


def test_days_off_are_written_as_dates_or_as_text() -> None:
    calendar = {"hours": {"mon": ["09:00-17:00"]}, "holidays": [datetime.date(2026, 12, 24), "2026-12-31"]}
    policy = Policy.parse(version(calendars={"desk": calendar}))
    assert policy.versions[0].calendars["desk"].holidays == ("2026-12-24", "2026-12-31")


def test_a_version_is_in_force_from_its_moment_on() -> None:
    policy = Policy.parse({"versions": [{}, {"version": 2, "effective_from": "2026-01-01T00:00:00Z"}]})
    boundary_us = policy.versions[1].effective_us
    assert [policy.at(boundary_us + late_us).version for late_us in (-1, 0, 1)] == [1, 2, 2]
    assert policy.at(-1).version == 1


@pytest.mark.parametrize(
    "change", [{"horizon_days": 71}, {"tenant": "acme"}, {"versions": (Version(idle_days=30),)}]
)
def test_a_change_of_what_is_counted_changes_the_hash(change: dict[str, Any]) -> None:
    changed = msgspec.structs.replace(Policy(), **change)
    assert changed.hash != Policy().hash
    assert changed.hash == msgspec.structs.replace(Policy(), **change).hash


@pytest.mark.parametrize("change", [{"gauge_labels": ("group",)}, {"label_limit": 5}])
def test_a_change_of_what_is_shown_keeps_the_hash(change: dict[str, Any]) -> None:
    """Else a bound on labels could only be changed by counting everything anew."""
    assert msgspec.structs.replace(Policy(), **change).hash == Policy().hash


def test_a_new_version_keeps_the_marks_of_those_before() -> None:
    first, second = Version(), Version(version=2, effective_from=LATER, idle_days=30)
    before, after = Policy(versions=(first,)).marks, Policy(versions=(first, second)).marks
    assert {name: after[name] for name in before} == before
    assert after["2"] != after["1"]
