"""Surveys: what customers answered, on which scale, and how many were asked."""

from metrics_core import facts
from metrics_core.families.base import PERIODS, TICKET_LABELS, Family
from metrics_core.series import Narrowed, Series
from metrics_core.surveys import CLASSES, NPS_CLASSES

_ASKED = ("survey", "attribute", "competitor", "scale")

FAMILY = Family(
    id="survey",
    question="How satisfied are customers, and how do we compare?",
    traps=(
        "A later answer with the same id replaces the earlier one: the count stays and the score moves to the "
        "later moment. Answers without an id each count. scale is part of the label set: never add scores of "
        "different scales. Classes of nps are its own, and neutral or passive answers are in every denominator. "
        "Few answers make any share of them jump. What counts as positive is the policy's."
    ),
    events=("helpdesk.ticket.rated", "crm.survey.answered", "crm.survey.sent"),
    series=(
        Series(
            "survey_answers",
            "gauge",
            ("window", "period", *_ASKED, "class"),
            "Answers given in the window. Classes of nps: promoter (9 and 10), passive (7 and 8), detractor; of "
            "all others positive, neutral and negative, by the policy's scores.",
            enums={"period": PERIODS, "class": (*CLASSES, *NPS_CLASSES)},
            narrowed={"class": Narrowed("survey", {"nps": NPS_CLASSES}, CLASSES)},
        ),
        Series(
            "survey_score_sum",
            "gauge",
            ("window", "period", *_ASKED),
            "Sum of the scores given in the window. Compare scales as score / scale.",
            enums={"period": PERIODS},
            leaves_as="millionths",
        ),
        Series(
            "surveys_sent", "gauge", ("window", "survey"),
            "Surveys that the CRM sent out in the window.",
        ),
    ),
    counts={
        facts.SURVEY_ANSWERS: ("survey_answers", {}),
        facts.SURVEY_SCORE_SUM: ("survey_score_sum", {}),
        facts.SURVEYS_SENT: ("surveys_sent", {}),
    },
    layout=(*TICKET_LABELS, *_ASKED, "class"),
)  # fmt: skip
