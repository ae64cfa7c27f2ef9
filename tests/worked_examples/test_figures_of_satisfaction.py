"""Figures of promises, surveys and complaints that can be checked by hand."""

from __future__ import annotations

import pytest
from company import Company, subjects

from metrics_core.derived import DERIVED

MINUTE = 1 / 1440  # in days
RATED, ANSWERED = "helpdesk.ticket.rated", "crm.survey.answered"


def test_the_output_labels_are_those_that_boards_rely_on() -> None:
    found = {derived.id: derived.by for derived in DERIVED}
    assert found["first_response_attainment"] == ("window",)
    assert found["sla_attainment"] == ("window", "target")
    assert found["csat"] == found["satisfaction_improvement"] == found["nps"] == found["ces"] == ("window",)
    assert found["brand_score"] == ("window", "attribute")
    assert found["competitor_gap"] == ("window", "attribute", "competitor")
    assert found["survey_response_rate"] == ("window", "survey")
    assert found["complaint_escalation_rate"] == ("window",)


def test_34_of_40_first_answers_in_time_are_an_attainment_of_85_percent() -> None:
    company = Company().many(1, "helpdesk.ticket.created", subjects("t", 40), channel="phone")
    company.many(1 + 4 * MINUTE, "helpdesk.ticket.message", subjects("t", 34), actor="agent")  # at the deadline
    company.many(1 + 5 * MINUTE, "helpdesk.ticket.message", subjects("t", 4, start=34), actor="agent")  # late
    # two are never answered, and breached all the same
    assert company.derived(1.5, "first_response_attainment", "24h") == 0.85
    assert company.derived(1.5, "sla_attainment", "24h", "first_response") == 0.85
    assert company.derived(1.5, "sla_attainment", "24h", "resolution") is None


def test_tickets_that_still_have_time_count_as_neither() -> None:
    company = Company().many(1, "helpdesk.ticket.created", subjects("t", 10), channel="email")
    company.many(1.1, "helpdesk.ticket.message", subjects("t", 3), actor="agent")
    assert company.derived(1.5, "first_response_attainment", "24h") == 1
    assert company.derived(2.1, "first_response_attainment", "7d") == 0.3  # 3 / (3 + 7)


def test_43_of_50_positive_answers_are_a_csat_of_86_percent() -> None:
    company = Company()
    for score, tickets in ((5, 23), (4, 20), (3, 4), (1, 3)):
        company.many(1, RATED, subjects(f"{score}", tickets), score=score, scale=5)
    assert company.derived(1.5, "csat", "24h") == 0.86  # (23 + 20) / (23 + 20 + 4 + 3)


def test_thumbs_and_stars_meet_in_one_csat() -> None:
    company = Company().many(1, RATED, subjects("thumb", 6), score=2, scale=2)
    company.many(1, RATED, subjects("down", 2), score=1, scale=2).many(1, RATED, subjects("s", 2), score=3, scale=5)
    assert company.derived(1.5, "csat", "24h") == 0.6  # 6 / (6 + 2 + 2)


def test_satisfaction_improves_from_60_to_75_percent() -> None:
    company = Company().tell(0.5, "helpdesk.ticket.created", "first")
    company.many(3, RATED, subjects("a", 6), score=5).many(4, RATED, subjects("b", 4), score=2)
    company.many(10, RATED, subjects("c", 9), score=5).many(11, RATED, subjects("d", 3), score=3)
    # as of day 15: 6 / 10 in the week before, 9 / 12 in the last
    assert company.derived(15, "satisfaction_improvement", "7d") == pytest.approx(0.15, rel=1e-12)
    assert company.derived(15, "satisfaction_improvement", "30d") is None, "nobody knows the month before"


def test_passives_are_in_the_denominator_of_nps() -> None:
    company = Company()
    for score, people in ((10, 30), (9, 20), (8, 15), (7, 15), (6, 5), (0, 15)):
        company.many(1, ANSWERED, subjects(f"{score}", people), survey="nps", score=score, scale=10)
    # (30 + 20 promoters - 5 - 15 detractors) / 100, 30 passives among them
    assert company.derived(1.5, "nps", "24h") == 0.3


def test_nps_of_detractors_alone_is_below_zero() -> None:
    company = Company().many(1, ANSWERED, subjects("c", 3), survey="nps", score=2)
    company.tell(1, ANSWERED, "d", survey="nps", score=7)
    assert company.derived(1.5, "nps", "24h") == -0.75  # -3 / 4


def test_ces_is_the_mean_of_score_over_scale() -> None:
    company = Company().many(1, ANSWERED, subjects("a", 2), survey="ces", score=7, scale=7)
    company.many(1, ANSWERED, subjects("b", 2), survey="ces", score=2, scale=5)
    # (2 x 7/7 + 2 x 2/5) / 4
    assert company.derived(1.5, "ces", "24h") == pytest.approx(0.7, rel=1e-12)


def opinions() -> Company:
    """Price: ours 4 and 5 of 5, theirs 3 of 5 and 4 of 10; quality: ours 8 of 10, theirs not asked."""
    company = Company()
    for person, (survey, attribute, competitor, score, scale) in enumerate(
        [
            ("brand", "price", None, 4, 5), ("brand", "price", None, 5, 5), ("brand", "quality", None, 8, 10),
            ("competitor", "price", "acme", 3, 5), ("competitor", "price", "acme", 4, 10),
            ("competitor", "price", "zeta", 10, 10), ("competitor", "speed", "acme", 5, 5),
        ]
    ):  # fmt: skip
        company.tell(
            1, ANSWERED, f"c/{person}", survey=survey, attribute=attribute, competitor=competitor, score=score,
            scale=scale,
        )  # fmt: skip
    return company


def test_brand_scores_are_means_by_attribute() -> None:
    assert opinions().derived(1.5, "brand_score", "24h", "price") == pytest.approx(0.9, rel=1e-12)
    assert opinions().derived(1.5, "brand_score", "24h", "quality") == pytest.approx(0.8, rel=1e-12)


def test_the_gap_to_a_competitor_is_ours_less_theirs_where_both_were_asked() -> None:
    company = opinions()
    # 0.9 - (3/5 + 4/10) / 2
    assert company.derived(1.5, "competitor_gap", "24h", "price", "acme") == pytest.approx(0.4, rel=1e-12)
    assert company.derived(1.5, "competitor_gap", "24h", "price", "zeta") == pytest.approx(-0.1, rel=1e-12)
    assert company.derived(1.5, "competitor_gap", "24h", "speed", "acme") is None
    assert company.derived(1.5, "competitor_gap", "24h", "quality", "acme") is None


def test_12_answers_to_40_questions_are_a_response_rate_of_30_percent() -> None:
    company = Company().many(1, "crm.survey.sent", subjects("c", 40), survey="nps")
    company.many(1.1, ANSWERED, subjects("c", 12), survey="nps", score=9)
    company.many(1, "crm.survey.sent", subjects("c", 5), survey="ces")
    assert company.derived(1.5, "survey_response_rate", "24h", "nps") == 0.3
    assert company.derived(1.5, "survey_response_rate", "24h", "ces") == 0
    assert company.derived(1.5, "survey_response_rate", "24h", "csat") is None


def test_3_of_20_complaints_escalate_however_often() -> None:
    company = Company().many(1, "helpdesk.ticket.created", subjects("t", 20), complaint=True)
    company.many(1, "helpdesk.ticket.created", subjects("u", 50))
    company.many(1.1, "helpdesk.ticket.escalated", subjects("t", 3)).tell(1.2, "helpdesk.ticket.escalated", "t/0")
    company.many(1.1, "helpdesk.ticket.escalated", subjects("u", 7))
    assert company.derived(1.5, "complaint_escalation_rate", "24h") == 0.15
