"""After a resolution: ratings, reopenings, closing."""

from __future__ import annotations

import random
from collections.abc import Callable

from metrics_core.times import DAY_US, HOUR_US
from streams.simulate.desk import Desk, Ticket
from streams.simulate.schedule import Schedule, lognormal_us

#: a resolved ticket that nobody touches is closed
CLOSED_AFTER_US = 3 * DAY_US
REOPENED_SHARE = 0.055
#: seconds within which customers of a channel are content with the first answer
EXPECTED_S = {"email": 6 * 3600, "chat": 150, "phone": 60, "form": 6 * 3600, "social": 3600}
RATED_SHARE = {"email": 0.16, "chat": 0.32, "phone": 0.14, "form": 0.16, "social": 0.1}


class Aftercare:
    """Follows every resolved ticket; ``on_asked`` hears which customers are asked for a rating."""

    def __init__(self, schedule: Schedule, rng: random.Random, desk: Desk) -> None:
        self._schedule = schedule
        self._rng = rng
        self._desk = desk
        self.on_asked: Callable[[Ticket], None] = lambda ticket: None
        desk.on_resolved = self.resolved

    def resolved(self, ticket: Ticket) -> None:
        """Plan what follows a resolution."""
        rng, schedule = self._rng, self._schedule
        schedule.after(CLOSED_AFTER_US, self._close, ticket, ticket.turn)
        draw = rng.random()
        if draw < REOPENED_SHARE:
            again_us = lognormal_us(rng, 7 * 3600.0, 1.1, 70 * 3600.0)
            schedule.after(again_us, self._reopen, ticket, ticket.turn)
        elif draw > 0.4:
            self.on_asked(ticket)
            if rng.random() < RATED_SHARE[ticket.channel] / 0.6:
                rated_us = lognormal_us(rng, 1500.0, 1.6, 3.0 * 86400)
                schedule.after(rated_us, self._rate, ticket, 1)

    def _close(self, ticket: Ticket, turn: int) -> None:
        if not ticket.gone and ticket.turn == turn:
            self._desk.change_status(ticket, "closed", "system")

    def _reopen(self, ticket: Ticket, turn: int) -> None:
        if ticket.gone or ticket.turn != turn:
            return
        ticket.reopens += 1
        self._desk.say(ticket, "customer")
        self._desk.change_status(ticket, "open", "customer")
        if self._rng.random() < 0.12 and not ticket.complaint:
            ticket.complaint = True
            self._desk.tell(ticket, "updated", {"complaint": True})
        self._desk.enqueue(ticket)

    def _rate(self, ticket: Ticket, attempt: int) -> None:
        if ticket.gone:
            return
        rng = self._rng
        waited_s = (ticket.answered_us - ticket.created_us) / 1e6 if ticket.answered_us >= 0 else 86400.0
        late = waited_s > EXPECTED_S[ticket.channel]
        content = 0.87 - 0.22 * late - 0.2 * (ticket.reopens > 0) - 0.3 * ticket.complaint
        draw = rng.random()
        if draw < content:
            score = 5 if rng.random() < 0.68 else 4
        else:
            score = 3 if rng.random() < 0.4 else 1 + int(rng.random() * 2)
        answer = f"{ticket.subject}/rating"
        self._desk.tell(ticket, "rated", {"score": score, "scale": 5, "survey": "csat", "answer": answer})
        if attempt == 1 and rng.random() < 0.03:
            # second thoughts: the same answer again, with another score
            self._schedule.after(int(rng.uniform(0.2, 8.0) * HOUR_US), self._rate, ticket, 2)
