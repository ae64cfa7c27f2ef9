"""Figures of what was promised and how it was liked: service levels, surveys, complaints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streams.top.samples import Samples

WINDOWS = ("1h", "24h", "7d", "30d")
NAMES = frozenset(
    (
        *("sla_clocks", "sla_outcomes", "survey_answers", "survey_score_sum", "surveys_sent"),
        *("complaints", "open_complaints"),
    )
)


@dataclass(frozen=True)
class Promise:
    """One target of a service level."""

    policy: str
    target: str
    #: state -> clocks that wait
    clocks: Mapping[str, int]
    #: window -> (met, breached)
    outcomes: Mapping[str, tuple[int, int]]

    def attainment(self, window: str) -> float | None:
        """Share that was met; None where nothing was decided."""
        return share_met([self], window)


@dataclass(frozen=True)
class Satisfaction:
    """Surveys and complaints; dictionaries by window unless said otherwise."""

    csat: dict[str, float | None]
    nps: dict[str, float | None]
    ces: dict[str, float | None]
    response_rate: dict[str, float | None]
    #: window -> answers of all surveys
    answers: dict[str, int]
    #: class -> answers of 30 days, the worst first: it stays in sight where there is little room
    csat_classes: dict[str, int]
    nps_classes: dict[str, int]
    #: window -> flow -> complaints
    complaints: dict[str, dict[str, int]]
    #: category -> open tickets
    open_complaints: dict[str, int]


def share_met(promises: list[Promise], window: str) -> float | None:
    """Share that was met of several targets; None where nothing was decided."""
    met = sum(one.outcomes[window][0] for one in promises)
    decided = met + sum(one.outcomes[window][1] for one in promises)
    return met / decided if decided else None


def promises_of(samples: Samples) -> list[Promise]:
    """Every target that anything was counted for; those that need a look first."""
    known = {
        (labels["policy"], labels["target"])
        for name in ("sla_clocks", "sla_outcomes")
        for labels, value in samples.select(name)
        if value > 0 and "policy" in labels and "target" in labels
    }
    promises = [_promise(samples, policy, target) for policy, target in known]
    return sorted(promises, key=_urgency)


def _promise(samples: Samples, policy: str, target: str) -> Promise:
    match = {"policy": policy, "target": target}
    clocks = samples.by("state", "sla_clocks", **match)
    outcomes = {window: samples.by("outcome", "sla_outcomes", window=window, **match) for window in WINDOWS}
    return Promise(
        policy,
        target,
        {state: int(value) for state, value in clocks.items()},
        {window: (int(by.get("met", 0)), int(by.get("breached", 0))) for window, by in outcomes.items()},
    )


def _urgency(one: Promise) -> tuple[int, int, str, str]:
    return -one.clocks.get("breached", 0), -one.clocks.get("at_risk", 0), one.policy, one.target


def satisfaction_of(samples: Samples) -> Satisfaction:
    """Surveys of now (not of the window before) and complaints."""
    csat = {w: _classes(samples, "csat", w) for w in WINDOWS}
    nps = {w: _classes(samples, "nps", w) for w in WINDOWS}
    return Satisfaction(
        csat={w: _share(by.get("positive", 0.0), sum(by.values())) for w, by in csat.items()},
        nps={w: _net_share(by) for w, by in nps.items()},
        ces={w: _effort(samples, w) for w in WINDOWS},
        response_rate={w: _response_rate(samples, w) for w in WINDOWS},
        answers={w: int(samples.total("survey_answers", window=w, period="now")) for w in WINDOWS},
        csat_classes=_named(csat["30d"], ("negative", "neutral", "positive")),
        nps_classes=_named(nps["30d"], ("detractor", "passive", "promoter")),
        complaints={w: _whole(samples.by("flow", "complaints", window=w)) for w in WINDOWS},
        open_complaints={
            category: int(value)
            for category, value in sorted(samples.by("category", "open_complaints").items(), key=lambda i: -i[1])
            if value > 0
        },
    )


def _classes(samples: Samples, survey: str, window: str) -> dict[str, float]:
    return samples.by("class", "survey_answers", window=window, period="now", survey=survey)


def _effort(samples: Samples, window: str) -> float | None:
    match = {"window": window, "period": "now", "survey": "ces"}
    scores = samples.by("scale", "survey_score_sum", **match)
    points = sum(value / float(scale) for scale, value in scores.items() if scale.isdecimal() and float(scale) > 0)
    return _share(points, samples.total("survey_answers", **match))


def _response_rate(samples: Samples, window: str) -> float | None:
    """Answers of those surveys that were sent out, over what was sent."""
    sent = {survey: n for survey, n in samples.by("survey", "surveys_sent", window=window).items() if n > 0}
    answers = samples.by("survey", "survey_answers", window=window, period="now")
    return _share(sum(answers.get(survey, 0.0) for survey in sent), sum(sent.values()))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _net_share(by: Mapping[str, float]) -> float | None:
    return _share(by.get("promoter", 0.0) - by.get("detractor", 0.0), sum(by.values()))


def _whole(values: Mapping[str, float]) -> dict[str, int]:
    return {name: int(value) for name, value in values.items()}


def _named(values: Mapping[str, float], names: tuple[str, ...]) -> dict[str, int]:
    return {name: int(values.get(name, 0.0)) for name in names} if any(values.values()) else {}
