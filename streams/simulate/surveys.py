"""Surveys: csat and ces after tickets, nps, brand and competitor now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streams.simulate.schedule import lognormal_us

if TYPE_CHECKING:
    from streams.simulate.customers import Company
    from streams.simulate.desk import Ticket

NPS_PER_DAY = 0.004
NPS_ANSWERED_SHARE = 0.33
BRAND_PER_DAY = 0.0012
CES_SHARE = 0.06
ATTRIBUTES = ("trust", "quality", "value", "reach")
COMPETITORS = ("acme", "globex")
#: 0 to 10, of 100 answers: 52 promoters, 28 passives, 20 detractors
NPS_SCORES = (
    (0,) * 2 + (2,) * 2 + (3,) * 2 + (4,) * 2 + (5,) * 5 + (6,) * 7 + (7,) * 12 + (8,) * 16 + (9,) * 24 + (10,) * 28
)
#: 1 to 7: how easy it was
CES_SCORES = (1, 2, 3, 4, 4, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7)


class Surveys:
    """Asks and answers."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._answers = 0

    def begin(self) -> None:
        """Start the surveys that no ticket starts."""
        self._company.recurring(NPS_PER_DAY, self._ask_nps)
        self._company.recurring(BRAND_PER_DAY, self._brand)

    def _answer(self, subject: str, survey: str, score: int, scale: int, **more: Any) -> None:
        self._answers += 1
        answer = f"{self._company.prefix}-answer-{self._answers}"
        answered = {"survey": survey, "score": score, "scale": scale, "answer": answer, **more}
        self._company.tell("crm.survey.answered", subject, answered)

    def ask_about(self, ticket: Ticket) -> None:
        """A ticket was resolved: its customer is asked for a rating (the answer comes from the helpdesk)."""
        about = {"ticket": ticket.subject, "group": ticket.group.name, "channel": ticket.channel}
        company, rng = self._company, self._company.rng
        company.tell("crm.survey.sent", ticket.requester, {"survey": "csat", **about})
        if rng.random() < CES_SHARE:
            company.tell("crm.survey.sent", ticket.requester, {"survey": "ces", **about})
            if rng.random() < 0.5:
                later_us = lognormal_us(rng, 3600.0, 1.4, 3 * 86400.0)
                company.schedule.after(later_us, self._answer_ces, ticket.requester, about)

    def _answer_ces(self, subject: str, about: dict[str, str]) -> None:
        self._answer(subject, "ces", self._company.rng.choice(CES_SCORES), 7, **about)

    def _ask_nps(self) -> None:
        company, rng = self._company, self._company.rng
        subject = company.some_customer().subject
        company.tell("crm.survey.sent", subject, {"survey": "nps"})
        if rng.random() < NPS_ANSWERED_SHARE:
            later_us = lognormal_us(rng, 5 * 3600.0, 1.3, 7 * 86400.0)
            company.schedule.after(later_us, self._answer_nps, subject)

    def _answer_nps(self, subject: str) -> None:
        self._answer(subject, "nps", self._company.rng.choice(NPS_SCORES), 10)

    def _brand(self) -> None:
        """One respondent on one attribute: us, and often a competitor."""
        company, rng = self._company, self._company.rng
        subject, attribute = company.some_customer().subject, rng.choice(ATTRIBUTES)
        ours = min(5, max(1, round(rng.gauss(3.9, 0.8))))
        self._answer(subject, "brand", ours, 5, attribute=attribute)
        if rng.random() < 0.6:
            theirs = min(5, max(1, round(rng.gauss(3.5, 0.9))))
            competitor = rng.choice(COMPETITORS)
            self._answer(subject, "competitor", theirs, 5, attribute=attribute, competitor=competitor)
