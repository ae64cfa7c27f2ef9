"""Promises, complaints and surveys of the batch, worked out by hand; and what it says it does not know."""

from __future__ import annotations

from typing import Any

import pytest
from test_audit_by_hand import MIDNIGHT_US, MINUTE_US, event, question, reply, status

from metrics_core.catalog import FAMILIES
from streams.audit import AUDITED, UnknownPolicyError, batch_rows, rules_of

LEVEL = {"name": "all", "first_response_s": 600, "next_reply_s": 300, "resolution_s": 3600}


def values(log: list[dict[str, Any]], at_minute: float, **version: Any) -> dict[str, float]:
    """Every value of the newer families, as `metric/label value/...`; windows and labels of tickets left out."""
    rows = batch_rows(
        log,
        as_of_us=MIDNIGHT_US + round(at_minute * MINUTE_US),
        windows=("all",),
        gauge_labels=(),
        histogram_labels=(),
        rules=rules_of({"versions": [{"sla": [LEVEL], **version}]}),
    )
    skipped = ("window", "period", "attribute", "competitor", "policy")
    return {
        "/".join([row["metric"], *(v for k, v in sorted(row["labels"].items()) if k not in skipped)]): row["value"]
        for row in rows
    }


def test_every_series_of_the_catalog_is_audited() -> None:
    names = [
        f"{series.name}_gcount" if series.kind != "gauge" else series.name
        for family in FAMILIES
        for series in family.series
    ]
    assert [name for name in names if name not in AUDITED] == []


def test_a_promise_is_kept_at_the_deadline_and_broken_after_it() -> None:
    assert values([event(0, "created"), reply(10)], 20)["sla_outcomes/met/first_response"] == 1
    late = values([event(0, "created"), reply(10.001)], 20)
    assert late["sla_outcomes/breached/first_response"] == 1
    assert "sla_outcomes/met/first_response" not in late


def test_nothing_needs_to_arrive_for_a_promise_to_break() -> None:
    assert values([event(0, "created")], 10)["sla_clocks/at_risk/first_response"] == 1
    broken = values([event(0, "created")], 10.001)
    assert broken["sla_clocks/breached/first_response"] == 1
    assert broken["sla_outcomes/breached/first_response"] == 1


def test_the_resolutions_clock_stands_still_while_it_pends_and_while_it_is_resolved() -> None:
    log = [event(0, "created"), reply(1), status(20, "pending"), status(200, "open")]
    assert values(log, 100)["sla_clocks/paused/resolution"] == 1
    assert values(log, 230)["sla_clocks/at_risk/resolution"] == 1
    resolved = [*log, status(235, "resolved")]
    assert values(resolved, 300)["sla_outcomes/met/resolution"] == 1
    reopened = values([*resolved, status(400, "open")], 404)
    assert "sla_outcomes/met/resolution" not in reopened
    assert reopened["sla_clocks/at_risk/resolution"] == 1
    assert values([*resolved, status(400, "open")], 406)["sla_outcomes/breached/resolution"] == 1


def test_a_next_reply_is_promised_once_there_was_a_first() -> None:
    log = [event(0, "created"), question(1), reply(2), question(10), question(12), reply(15)]
    assert values(log[:2], 2.5).get("sla_clocks/running/next_reply") is None
    assert values(log, 20)["sla_outcomes/met/next_reply"] == 1


def test_a_resolution_discards_the_answers_that_are_waited_for() -> None:
    assert "sla_outcomes/breached/first_response" not in values([event(0, "created"), status(5, "closed")], 60)


def test_a_complaint_counts_from_when_it_becomes_one_and_its_escalation_once() -> None:
    log = [event(0, "created"), event(1, "escalated"), event(2, "updated", tags=["angry"])]
    log += [event(3, "escalated"), status(4, "resolved"), status(5, "open"), status(6, "resolved")]
    got = values(log, 10, complaints={"tags": ["angry"]})
    assert got["complaints/none/opened"] == got["complaints/none/escalated"] == 1
    assert got["complaints/none/resolved"] == 2
    assert values(log[:4], 10, complaints={"tags": ["angry"]})["open_complaints/none"] == 1


def test_a_later_answer_with_the_same_id_replaces_the_one_before() -> None:
    log = [event(0, "created"), event(1, "rated", score=1, scale=5, answer="a")]
    log.append(event(2, "rated", score=5, scale=5, answer="a"))
    got = values(log, 10)
    assert got["survey_answers/positive/5/csat"] == 1
    assert got["survey_score_sum/5/csat"] == 5
    assert "survey_answers/negative/5/csat" not in got


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        ({"versions": [{"version": 3, "preset": "zendesk"}]}, "knows the preset strict alone and policy version 3"),
        ({"versions": [{"hours": [{"calendar": "office"}]}]}, "knows no business calendars"),
        ({"versions": [{"sla": [{**LEVEL, "calendar": "office"}]}]}, "knows no business calendars"),
        ({"gauge_labels": ["agent"]}, "does not break down by agent"),
    ],
)
def test_a_policy_that_the_batch_does_not_know_is_refused_in_a_sentence(policy: Any, sentence: str) -> None:
    with pytest.raises(UnknownPolicyError, match=sentence):
        rules_of(policy)
