"""Surveys: answers on a scale, their classes, answers that replace others, and those who answer.

Ratings of tickets (helpdesk.ticket.rated) count on the ticket's labels of that moment, the CRM's answers on the
channel and group that they name. A score is kept in millionths, so that sums stay exact. An answer with an id
takes back the one before it with the same id of the same subject, whatever either was about: each question of a
form needs an id of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from metrics_core import changelog
from metrics_core import facts as f
from metrics_core.events import EVENT_CLASSES, Event, Survey, SurveyAnswer, TicketRated
from metrics_core.facts import LABEL_SHIFT, Facts
from metrics_core.labels import NONE, OTHER
from metrics_core.policy import Policy, Version
from metrics_core.rejects import Reason, Refused
from metrics_core.rows import Kind, Move, Row, Step

SURVEYS = ("csat", "nps", "ces", "brand", "competitor")
#: classes of a survey's answers, best first
NPS_CLASSES = ("promoter", "passive", "detractor")
CLASSES = ("positive", "neutral", "negative")
#: scale of an answer that names none: CSAT is asked with five stars or faces, NPS from 0 to 10, the customer effort
#: score from 1 to 7 (its second version), opinions on a brand with five steps from disagree to agree
DEFAULT_SCALES = {"csat": 5, "nps": 10, "ces": 7, "brand": 5, "competitor": 5, OTHER: 5}
#: the one scale that begins at 0
_FROM_ZERO = 10
#: NPS on its own scale: promoters give 9 or 10, detractors 0 to 6 (Reichheld, "The One Number You Need to Grow",
#: Harvard Business Review, December 2003)
_NPS_SCALE, _PROMOTER, _DETRACTOR = 10, 9, 6
MILLIONTH = 1_000_000
#: answers with an id that a row keeps, so that they can be replaced; nobody changes older ones
MOST_ANSWERS = 64

#: what an answer says: survey, attribute, competitor, scale, score in millionths, answer's id or ""
Said = tuple[str, str, str, int, int, str]

_ANSWER, _SEND = range(2)


class Answer(msgspec.Struct, array_like=True, gc=False):
    """An answer that may be replaced: what was counted, in millionths, on which label and when (us)."""

    id: str
    label: int
    time_us: int
    score: int


class Respondent(Row, array_like=True, gc=False):
    """A row of somebody who answers surveys of the CRM."""

    answers: list[Answer] | None = None


def read_answer(answered: TicketRated | SurveyAnswer) -> Said:
    """What an answer says; raises Refused for a score outside its scale."""
    named = answered.survey or "csat"
    survey = named if named in SURVEYS else OTHER
    scale = answered.scale or DEFAULT_SCALES[survey]
    least = 0 if scale == _FROM_ZERO else 1
    if not least <= answered.score <= scale:
        hint = "" if answered.scale else f", which {survey} has unless the answer names its scale"
        raise Refused(
            Reason.INVALID_VALUE, f"score {answered.score} is outside the scale of {least} to {scale}{hint}"
        )
    about = (
        (NONE, NONE)
        if isinstance(answered, TicketRated)
        else (answered.attribute or NONE, answered.competitor or NONE)
    )
    return (survey, *about, scale, round(answered.score * MILLIONTH), answered.answer or "")


class Ballot:
    """Counts answers, and takes back those that are replaced."""

    def __init__(self, intern: Callable[[tuple[str, ...]], int], version_at: Callable[[int], Version]) -> None:
        self._intern, self._version_at = intern, version_at

    def count(
        self, kept: list[Answer] | None, labels: tuple[str, ...], said: Said, time_us: int, out: Facts
    ) -> list[Answer] | None:
        """Count an answer on a ticket's ``labels``; returns the answers that may be replaced from now on."""
        survey, attribute, competitor, scale, score, answer = said
        grade = self._class(survey, scale, score, time_us)
        label = self._intern((*labels, survey, attribute, competitor, str(scale), grade))
        _count(out, label, time_us, score, 1)
        if not answer:
            return kept
        others: list[Answer] = []
        for one in kept or ():
            if one.id == answer:
                _count(out, one.label, one.time_us, one.score, -1)
            else:
                others.append(one)
        return [*others[1 - MOST_ANSWERS :], Answer(answer, label, time_us, score)]

    def _class(self, survey: str, scale: int, score: int, time_us: int) -> str:
        classes = NPS_CLASSES if survey == "nps" else CLASSES
        if survey == "nps" and scale == _NPS_SCALE:
            least, most = float(_PROMOTER), float(_DETRACTOR)
        else:
            version = self._version_at(time_us)
            least, most = version.positive_scores[scale], version.negative_scores[scale]
        if score >= least * MILLIONTH:
            return classes[0]
        return classes[2] if score <= most * MILLIONTH else classes[1]


def _count(out: Facts, label: int, time_us: int, score: int, n: int) -> None:
    key = label << LABEL_SHIFT
    out.counts.append((key | f.SURVEY_ANSWERS, time_us, n))
    out.counts.append((key | f.SURVEY_SCORE_SUM, time_us, n * score))


# -- surveys of the CRM -----------------------------------------------------------------------------------


def _place(asked: Survey | SurveyAnswer) -> tuple[str, str]:
    return asked.channel or NONE, asked.group or NONE


def _sent(asked: Survey) -> Move:
    return (_SEND, *_place(asked), asked.survey)


def _answered(answered: SurveyAnswer) -> Move:
    return (_ANSWER, *_place(answered), *read_answer(answered))


#: class of a survey's event -> function from its data to its move
SURVEY_MOVE_OF_CLASS: dict[type[Event], Callable[[Any], Move]] = {
    EVENT_CLASSES["crm.survey.sent"]: _sent,
    EVENT_CLASSES["crm.survey.answered"]: _answered,
}


def survey_kind(intern: Callable[[tuple[str, ...]], int], policy: Policy) -> Kind[Respondent]:
    """Those who are asked as a kind of subject: their answers can be replaced until they are silent for the
    horizon; nobody's beginning is missed."""
    ballot = Ballot(intern, policy.at)

    def answer(state: Respondent, time_us: int, move: Any, out: Facts) -> None:
        _, channel, group, *said = move
        state.answers = ballot.count(state.answers, (channel, group, NONE, NONE), tuple(said), time_us, out)

    def send(_state: Respondent, time_us: int, move: Any, out: Facts) -> None:
        _, channel, group, survey = move
        label = intern((channel, group, NONE, NONE, survey))
        out.counts.append((label << LABEL_SHIFT | f.SURVEYS_SENT, time_us, 1))

    steps: list[Step[Respondent]] = [answer, send]
    return Kind(
        name="surveys",
        prefix=changelog.RESPONDENT,
        new=lambda source, _time_us: Respondent(source=source),
        unpack=msgspec.msgpack.Decoder(Respondent).decode,
        steps=steps,
        standing=lambda _row: None,
        change=lambda _old, _new: None,
        is_closed=lambda _row: True,
        is_known=lambda _row: True,
    )
