"""Derived metrics of promises, surveys and complaints."""

from __future__ import annotations

from functools import reduce
from operator import add

from metrics_core.derived.formulas import Formula, Term
from metrics_core.derived.metric import Derived

_WINDOW = ("window",)
_SCALES = (2, 5, 7, 10)


def _attainment(**where: str) -> Formula:
    met = Term("sla_outcomes", {"outcome": "met", **where})
    return met / (met + Term("sla_outcomes", {"outcome": "breached", **where}))


def _answers(survey: str, period: str = "now", **where: str) -> Term:
    return Term("survey_answers", {"survey": survey, "period": period, **where})


def _csat(period: str) -> Formula:
    return _answers("csat", period, **{"class": "positive"}) / _answers("csat", period)


def _mean_score(survey: str, without: tuple[str, ...] = ()) -> Formula:
    """Mean of score / scale, each answer on its own scale."""
    parts: list[Formula] = []
    for scale in _SCALES:
        where = {"survey": survey, "period": "now", "scale": str(scale)}
        parts.append(Term("survey_score_sum", where, without=without).scaled(1 / scale))
    answers = Term("survey_answers", {"survey": survey, "period": "now"}, without=without)
    return reduce(add, parts) / answers


def _complaints(flow: str) -> Term:
    return Term("complaints", {"flow": flow})


_NPS = {name: _answers("nps", **{"class": name}) for name in ("promoter", "detractor")}

DERIVED_SATISFACTION: tuple[Derived, ...] = (
    Derived(
        "first_response_attainment", _WINDOW, _attainment(target="first_response"), "ratio",
        "How often do we answer in the time we promised?",
        traps=(
            "A breach counts at its deadline, an answer in time at the answer: a ticket that still has time counts "
            "as neither. One that is resolved before its deadline without an answer never counts."
        ),
    ),
    Derived(
        "sla_attainment", ("window", "target"), _attainment(), "ratio",
        "How often do we keep each kind of promise?",
        traps=(
            "Targets are not mixed: a service level with all three would count a ticket up to three times. A "
            "reopen takes back a resolution that was met."
        ),
    ),
    Derived(
        "csat", _WINDOW, _csat("now"), "ratio",
        "What share of the answers is positive?",
        traps=(
            "Neutral answers are in the denominator. Who does not answer is in neither: read it beside "
            "survey_response_rate."
        ),
    ),
    Derived(
        "satisfaction_improvement", _WINDOW, _csat("now").since(_csat("before")), "ratio",
        "Are customers more satisfied than in the window before?",
        traps="A difference of two shares, in points; without a value where either window has no answer.",
    ),
    Derived(
        "nps", _WINDOW, (_NPS["promoter"] - _NPS["detractor"]) / _answers("nps"), "ratio",
        "Would customers recommend us?",
        traps="From -1 to 1; passives are in the denominator. Often printed times 100.",
    ),
    Derived(
        "ces", _WINDOW, _mean_score("ces"), "ratio",
        "How easy do customers find it to get help?",
        traps=(
            "The mean of score / scale, so that scales can be mixed; a scale that begins at 1 never gives 0. "
            "Whether a high score means ease or effort is the questionnaire's: ask it one way only."
        ),
    ),
    Derived(
        "brand_score", ("window", "attribute"), _mean_score("brand"), "ratio",
        "How do customers see us, attribute by attribute?",
        traps="The mean of score / scale. Answers that name no attribute are under none.",
    ),
    Derived(
        "competitor_gap", ("window", "attribute", "competitor"),
        _mean_score("brand", without=("competitor",)).since(_mean_score("competitor")), "ratio",
        "Where are we ahead of a competitor, and where behind?",
        traps="Our brand_score less theirs, above 0 = ahead; without a value where either has no answer.",
    ),
    Derived(
        "survey_response_rate", ("window", "survey"),
        Term("survey_answers", {"period": "now"}) / Term("surveys_sent"), "ratio",
        "How many of those asked do answer?",
        traps=(
            "A ratio of flows: an answer may come in a later window than its question, and ratings of tickets "
            "count as answers though no crm.survey.sent asked for them. It may exceed 1."
        ),
    ),
    Derived(
        "complaint_escalation_rate", _WINDOW, _complaints("escalated") / _complaints("opened"), "ratio",
        "How many complaints get out of hand?",
        traps=(
            "Distinct complaints escalated in the window over those opened in it: one opened earlier and escalated "
            "now is in the numerator only, so it may exceed 1."
        ),
    ),
)  # fmt: skip
