"""Leads from their first contact to won or lost, and the invitations that bring some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streams.simulate.schedule import lognormal_us

if TYPE_CHECKING:
    from streams.simulate.customers import Company

LEADS_PER_DAY = 0.008
INVITES_PER_DAY = 0.003
ORIGINS = ("organic", "organic", "campaign", "campaign", "campaign", "referral", "service_contact")
QUALIFIED_SHARE = 0.55
#: of the qualified ones
WON_SHARE = {"organic": 0.36, "campaign": 0.3, "referral": 0.5, "service_contact": 0.44}
#: how a won lead's customer is said to have come
CUSTOMER_ORIGIN = {
    "organic": "organic",
    "campaign": "paid",
    "referral": "referral",
    "service_contact": "organic",
}
INVITE_ACCEPTED_SHARE = 0.3
DAY_S = 86400.0


class Leads:
    """The funnel."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._numbered = 0

    def begin(self) -> None:
        """Start inflow and invitations."""
        self._company.recurring(LEADS_PER_DAY, self._arrive)
        self._company.recurring(INVITES_PER_DAY, self._invite)

    def _arrive(self) -> None:
        origin = self._company.rng.choice(ORIGINS)
        referrer = self._company.some_customer().subject if origin == "referral" else None
        self._open(origin, referrer)

    def _open(self, origin: str, referred_by: str | None) -> None:
        company, rng = self._company, self._company.rng
        self._numbered += 1
        subject = f"{company.prefix}/lead/{self._numbered}"
        created = {"origin": origin}
        if referred_by is not None:
            created["referred_by"] = referred_by
        company.tell("crm.lead.created", subject, created)
        if rng.random() < QUALIFIED_SHARE:
            later_us = lognormal_us(rng, 0.8 * DAY_S, 1.0, 10 * DAY_S)
            company.schedule.after(later_us, self._qualify, subject, origin, referred_by)
        else:
            self._lose_later(subject, origin)

    def _qualify(self, subject: str, origin: str, referred_by: str | None) -> None:
        company, rng = self._company, self._company.rng
        company.tell("crm.lead.qualified", subject, {"origin": origin})
        if rng.random() < WON_SHARE[origin] and not company.full:
            later_us = lognormal_us(rng, 2.5 * DAY_S, 0.9, 20 * DAY_S)
            company.schedule.after(later_us, self._win, subject, origin, referred_by)
        else:
            self._lose_later(subject, origin)

    def _win(self, subject: str, origin: str, referred_by: str | None) -> None:
        customer = self._company.win(CUSTOMER_ORIGIN[origin], referred_by)
        won: dict[str, Any] = {"origin": origin, "customer": customer.subject}
        self._company.tell("crm.lead.won", subject, won)

    def _lose_later(self, subject: str, origin: str) -> None:
        later_us = lognormal_us(self._company.rng, 4 * DAY_S, 0.8, 25 * DAY_S)
        self._company.schedule.after(later_us, self._company.tell, "crm.lead.lost", subject, {"origin": origin})

    def _invite(self) -> None:
        company, rng = self._company, self._company.rng
        inviter = company.some_customer().subject
        company.tell("crm.invite.sent", inviter, {"customer": inviter})
        if rng.random() < INVITE_ACCEPTED_SHARE:
            later_us = lognormal_us(rng, 9 * 3600.0, 1.2, 9 * DAY_S)
            company.schedule.after(later_us, self._accept, inviter)

    def _accept(self, inviter: str) -> None:
        self._company.tell("crm.invite.accepted", inviter, {"customer": inviter})
        if self._company.rng.random() < 0.5:
            self._open("referral", inviter)
