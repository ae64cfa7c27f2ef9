"""Answers: their class and scale, where they count, what replaces them, and what is refused."""

from __future__ import annotations

import datetime
import itertools
import json
from typing import Any

import pytest
from desk_story import ONE_DAY, START_US, Desk

from metrics_core.build import build
from metrics_core.policy import Policy, Version
from metrics_core.records import FileRecord
from metrics_core.shard import Shard
from metrics_core.surveys import MOST_ANSWERS
from metrics_core.times import MINUTE_US, format_us

_DAY = int(ONE_DAY)


def answers(desk: Desk, at: float = ONE_DAY, window: str = "24h", period: str = "now", **labels: Any) -> float:
    return desk.value("survey_answers", at, window=window, period=period, **labels)


def scores(desk: Desk, at: float = ONE_DAY, window: str = "24h", **labels: Any) -> float:
    return desk.value("survey_score_sum", at, window=window, period="now", **labels)


def classes(desk: Desk, **labels: Any) -> dict[str, float]:
    """Class -> how many, where there are any."""
    names = desk.view().tables["survey_answers"].series.enums["class"]
    found = {name: answers(desk, **{"class": name, **labels}) for name in names}
    return {name: n for name, n in found.items() if n}


# -- ratings of tickets -----------------------------------------------------------------------------------


def test_a_rating_counts_on_the_labels_that_the_ticket_has_by_then() -> None:
    desk = Desk().tell("created", 0, channel="chat", group="a", priority="high")
    desk.tell("rated", 5, score=4, scale=5).tell("updated", 6, group="b")
    seen = {"channel": "chat", "group": "a", "priority": "high", "survey": "csat", "scale": "5"}
    assert answers(desk, **seen, attribute="none", competitor="none", **{"class": "positive"}) == 1
    assert scores(desk, **seen) == 4
    assert answers(desk, group="b") == 0


def test_a_rating_of_an_unknown_ticket_counts_and_makes_an_orphan() -> None:
    desk = Desk().tell("rated", 5, score=1, scale=5)
    assert classes(desk, channel="none") == {"negative": 1}
    assert desk.shard.orphan_tickets == 1
    desk.tell("created", 0, channel="chat")
    assert classes(desk, channel="chat") == classes(desk) == {"negative": 1}


def test_a_rating_of_a_hidden_ticket_counts_nothing_and_replaces_nothing() -> None:
    desk = Desk().tell("created", 0).tell("rated", 1, score=5, answer="a").tell("marked_spam", 2)
    desk.tell("rated", 3, score=1, answer="a").tell("rated", 4, score=1)
    assert classes(desk) == {"positive": 1}


def test_an_answer_without_id_replaces_none() -> None:
    assert classes(Desk().tell("rated", 0, score=5).tell("rated", 1, score=1)) == {"positive": 1, "negative": 1}


# -- classes and scales -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scale", "positive", "neutral", "negative"),
    [
        (2, [2], [1.5], [1]),
        (5, [4, 5], [3, 3.9], [1, 2]),
        (7, [6, 7], [4, 5], [1, 3]),
        (10, [9, 10], [7, 8], [0, 6]),
    ],
)
def test_a_score_is_positive_neutral_or_negative_by_its_scale(
    scale: int, positive: list[float], neutral: list[float], negative: list[float]
) -> None:
    for name, given in (("positive", positive), ("neutral", neutral), ("negative", negative)):
        for score in given:
            assert classes(Desk().tell("rated", 0, score=score, scale=scale)) == {name: 1}, score


def test_the_policys_scores_in_force_at_the_answer_decide() -> None:
    noon = datetime.datetime(2026, 3, 2, 12, tzinfo=datetime.UTC)
    strict = Version(version=2, effective_from=noon, positive_scores={2: 2, 5: 5, 7: 7, 10: 10})
    desk = Desk(Policy(versions=(Version(), strict)))
    desk.tell("rated", 0, score=4, scale=5).tell("rated", 13 * 60, score=4, scale=5)
    assert classes(desk) == {"positive": 1, "neutral": 1}


def test_nps_has_promoters_passives_and_detractors_whatever_the_policys_scores() -> None:
    desk = Desk(Policy(versions=(Version(positive_scores={2: 2, 5: 4, 7: 6, 10: 8}),)))
    for number in range(11):
        desk.tell("crm.survey.answered", number, f"c/{number}", survey="nps", score=number)
    assert classes(desk, survey="nps", scale="10") == {"promoter": 2, "passive": 2, "detractor": 7}


@pytest.mark.parametrize(
    ("survey", "scale"), [("csat", "5"), ("nps", "10"), ("ces", "7"), ("brand", "5"), ("competitor", "5")]
)
def test_an_answer_without_a_scale_has_that_of_its_survey(survey: str, scale: str) -> None:
    desk = Desk().tell("crm.survey.answered", 0, "c/1", survey=survey, score=2)
    assert answers(desk, survey=survey, scale=scale) == answers(desk) == 1


def test_a_ticket_survey_that_is_not_listed_is_other() -> None:
    desk = Desk().tell("rated", 0, score=5, scale=5, survey="my own")
    assert answers(desk, survey="other", **{"class": "positive"}) == answers(desk) == 1


@pytest.mark.parametrize(
    "rating",
    [
        {"score": 6, "scale": 5}, {"score": 0, "scale": 5}, {"score": 0, "scale": 2}, {"score": -1, "scale": 10},
        {"score": 10.01, "scale": 10}, {"score": 7},
    ],
)  # fmt: skip
def test_a_score_outside_its_scale_is_rejected_with_the_range(rating: dict[str, float]) -> None:
    desk = Desk().tell("rated", 0, **rating)
    assert desk.rejected == {"invalid_value": 1}
    assert "is outside the scale of" in desk.shard.take_rejects()[0].detail
    assert answers(desk) == 0
    assert desk.rows == 0


def test_a_score_beyond_a_scale_that_nobody_named_says_which_it_was_taken_for() -> None:
    desk = Desk().tell("crm.survey.answered", 0, "c/1", survey="ces", score=9)
    assert desk.shard.take_rejects()[0].detail == (
        "score 9 is outside the scale of 1 to 7, which ces has unless the answer names its scale"
    )


def test_fractions_are_summed_exactly() -> None:
    desk = Desk()
    for number in range(10):
        desk.tell("rated", number, f"T-{number}", score=4.1, scale=5)
    assert scores(desk) == 41.0


# -- answers that replace others --------------------------------------------------------------------------


def test_a_later_answer_with_the_same_id_replaces_the_earlier() -> None:
    desk = Desk().tell("created", 0, group="a").tell("rated", 1, score=1, answer="x").tell("updated", 2, group="b")
    assert classes(desk, group="a") == {"negative": 1}
    desk.tell("rated", 600, score=5, answer="x")
    assert classes(desk) == classes(desk, group="b") == {"positive": 1}
    assert scores(desk) == 5
    assert answers(desk, at=700, window="1h") == 0  # both panes tell: the old one is gone, the new one is past
    assert answers(desk, at=659, window="1h") == 1


def test_an_earlier_answer_that_comes_late_is_replaced_already() -> None:
    desk = Desk().tell("created", 0).tell("rated", 9, score=5, answer="x").tell("rated", 3, score=1, answer="x")
    assert classes(desk) == {"positive": 1}
    assert scores(desk) == 5


def test_other_ids_and_other_subjects_replace_nothing() -> None:
    desk = Desk().tell("rated", 0, score=5, answer="x").tell("rated", 1, score=5, answer="y")
    assert answers(desk.tell("rated", 2, "T-2", score=5, answer="x")) == 3


def test_a_replacement_outlives_a_restart() -> None:
    desk = Desk().tell("rated", 0, score=1, answer="x").restart().tell("rated", 1, score=5, answer="x")
    desk.tell("crm.survey.answered", 0, "c/1", survey="nps", score=1, answer="x").restart()
    desk.tell("crm.survey.answered", 1, "c/1", survey="nps", score=10, answer="x")
    assert classes(desk) == {"positive": 1, "promoter": 1}


def test_a_row_keeps_a_bounded_number_of_answers() -> None:
    desk = Desk()
    for number in range(MOST_ANSWERS + 1):
        desk.tell("rated", number, score=5, answer=str(number))
    desk.tell("rated", 100, score=5, answer="1").tell("rated", 101, score=5, answer="0")
    assert answers(desk) == MOST_ANSWERS + 2  # "0" was kept no more


def test_the_order_of_arrival_and_restarts_change_nothing() -> None:
    story = [
        ("helpdesk.ticket.created", 0, {"group": "a"}),
        ("helpdesk.ticket.rated", 1, {"score": 5, "answer": "x"}),
        ("helpdesk.ticket.updated", 2, {"group": "b"}),
        ("helpdesk.ticket.rated", 3, {"score": 2, "answer": "x"}),
        ("helpdesk.ticket.rated", 3, {"score": 7, "scale": 10, "survey": "nps", "answer": "y"}),
        ("helpdesk.ticket.rated", 4, {"score": 6, "scale": 7, "answer": "x"}),
    ]
    records = [
        FileRecord(
            json.dumps(
                {"specversion": "1.0", "id": str(number), "source": "d", "subject": "T-1", "data": data,
                 "type": kind, "time": format_us(START_US + minute * MINUTE_US)}
            ).encode(),
            number,
            None,
        )
        for number, (kind, minute, data) in enumerate(story)
    ]  # fmt: skip
    seen = set()
    for order in itertools.permutations(records):
        shard = Shard(Policy())
        shard.apply(order[:3])
        rows = list(shard.drain())
        shard = Shard(Policy())
        for key, value in rows:
            shard.load(key, value)
        shard.finish_load()
        shard.apply(order[3:])
        tables = build([shard.freeze(START_US + 60 * MINUTE_US)], Policy()).tables
        names = ("survey_answers", "survey_score_sum")
        seen.add(tuple((name, *row, n) for name in names for row, n in sorted(tables[name].rows.items()) if n))
    assert len(seen) == 1
    assert len(seen.pop()) == 2 * 2 * 4  # two answers, their counts and sums, in four windows


# -- surveys of the CRM -----------------------------------------------------------------------------------


def test_an_answer_of_the_crm_counts_on_the_channel_and_group_it_names() -> None:
    desk = Desk().tell(
        "crm.survey.answered",
        0,
        "c/1",
        survey="brand",
        score=4,
        scale=5,
        attribute="price",
        channel="email",
        group="a",
    )
    seen = {"attribute": "price", "channel": "email", "group": "a", "priority": "none", "competitor": "none"}
    assert answers(desk, survey="brand", **seen) == answers(desk) == 1


def test_surveys_sent_count_by_survey_channel_and_group() -> None:
    desk = Desk().tell("crm.survey.sent", 0, "c/1", survey="csat", group="a")
    desk.tell("crm.survey.sent", 1, "c/1", survey="csat", group="b").tell("crm.survey.sent", 2, "c/1", survey="nps")
    assert desk.value("surveys_sent", window="24h", survey="csat", group="a") == 1
    assert desk.value("surveys_sent", window="24h") == 3
    assert answers(desk) == 0


def test_who_answers_is_forgotten_with_the_horizon_and_an_answer_then_replaces_nothing() -> None:
    desk = Desk().tell("crm.survey.answered", 0, "c/1", survey="nps", score=1, answer="x")
    desk.view()
    desk.tell("crm.survey.answered", 71 * _DAY, "c/2", survey="nps", score=1)
    assert desk.shard.kinds.surveys.get("c/1") is None


# -- what is shown ----------------------------------------------------------------------------------------


def test_the_window_before_is_shown_beside_the_one_now() -> None:
    desk = Desk().tell("rated", 0, score=5).tell("rated", 30 * 60, score=1)
    assert answers(desk, at=2 * ONE_DAY, **{"class": "negative"}) == 1
    assert answers(desk, at=2 * ONE_DAY, period="before", **{"class": "positive"}) == 1


def test_zeros_are_shown_for_the_classes_of_the_survey_and_for_no_others() -> None:
    desk = Desk().tell("rated", 0, score=5).tell("crm.survey.answered", 0, "c/1", survey="nps", score=10)
    table = desk.view().tables["survey_answers"]
    rows = [dict(zip(table.series.labels, row, strict=True)) for row in table.rows]
    shown = {survey: {row["class"] for row in rows if row["survey"] == survey} for survey in ("csat", "nps")}
    assert shown == {"csat": {"positive", "neutral", "negative"}, "nps": {"promoter", "passive", "detractor"}}
