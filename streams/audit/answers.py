"""Answers of surveys: their classes and labels; a later one with the same id replaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from streams.audit.fields import SURVEYS, scale_of
from streams.audit.policy import Version


@dataclass(frozen=True)
class Answer:
    """One answer; labels without its class."""

    time_us: int
    labels: dict[str, str]
    rating: str
    score: Decimal


@dataclass
class Answers:
    """The answers of one subject that stand."""

    standing: dict[object, Answer] = field(default_factory=dict)

    def hear(self, when_us: int, fields: Mapping[str, Any], labels: Mapping[str, str], version: Version) -> None:
        """One more answer, in order of time; with an id it takes the place of the one before with that id."""
        own = {
            "survey": survey_of(fields),
            "attribute": fields.get("attribute") or "none",
            "competitor": fields.get("competitor") or "none",
            "scale": str(scale_of(fields)),
        }
        answer = Answer(when_us, {**own, **labels}, rating_of(fields, version), Decimal(str(fields["score"])))
        self.standing[fields.get("answer") or len(self.standing)] = answer


def survey_of(fields: Mapping[str, Any]) -> str:
    """The survey's name as shown: a ticket's rating is of csat where it names none, and may be of any other."""
    name = fields.get("survey") or "csat"
    return name if name in SURVEYS else "other"


def rating_of(fields: Mapping[str, Any], version: Version) -> str:
    """The class of an answer."""
    score, scale, is_nps = fields["score"], scale_of(fields), survey_of(fields) == "nps"
    least, most = version.positive[scale], version.negative[scale]
    if is_nps and scale == 10:
        least, most = 9, 6  # its own; what lies between is passive
    names = ("promoter", "passive", "detractor") if is_nps else ("positive", "neutral", "negative")
    return names[0] if score >= least else names[2] if score <= most else names[1]
