"""New tickets: how many, through which channel, about what, and what else happens to them on the way in."""

from __future__ import annotations

import random
from bisect import bisect
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from metrics_core.times import DAY_US, HOUR_US, MINUTE_US, SECOND_US, format_us
from streams.simulate.desk import Desk, Ticket
from streams.simulate.schedule import Inflow, Schedule, lognormal_us
from streams.simulate.staff import PRIORITIES, Staff

#: an incident: for one day three times the tickets; the first working day from the sixth on,
#: then every 21 days
INCIDENT_FACTOR = 3.0
FIRST_INCIDENT_DAY = 5
INCIDENT_EVERY_DAYS = 21
#: the desk turns customers away when this many days' inflow is open; nothing here may grow without end
MOST_OPEN_DAYS = 8


@dataclass(frozen=True)
class Channel:
    """Share of the inflow; median seconds until somebody has sorted a ticket into a queue (None = live)."""

    name: str
    share: float
    triage_s: float | None
    bot: float
    spam: float


CHANNELS = (
    Channel("email", 0.42, 1500.0, 0.85, 0.06),
    Channel("chat", 0.24, None, 0.8, 0.0),
    Channel("phone", 0.18, None, 0.0, 0.0),
    Channel("form", 0.10, 1300.0, 0.85, 0.05),
    Channel("social", 0.06, 480.0, 0.1, 0.04),
)
CATEGORIES = (
    ("how_to", 0.24), ("delivery", 0.2), ("billing", 0.2), ("technical", 0.14), ("account", 0.12),
    ("returns", 0.1),
)  # fmt: skip
PRIORITY_SHARES = (0.04, 0.16, 0.62, 0.18)
TAGS = ("vip", "mobile", "refund", "login", "invoice", "bug", "praise")

_CHANNELS = list(accumulate(channel.share for channel in CHANNELS))
_CATEGORIES = list(accumulate(share for _, share in CATEGORIES))
_PRIORITIES = list(accumulate(PRIORITY_SHARES))


class Intake:
    """Creates tickets, and the mishaps that are not the desk's doing: spam, merges, deletions."""

    def __init__(
        self,
        schedule: Schedule,
        rng: random.Random,
        desk: Desk,
        staff: Staff,
        prefix: str,
        tickets_per_day: float,
        requester: Callable[[random.Random], str],
        first_incident_day: int = FIRST_INCIDENT_DAY,
    ) -> None:
        self._schedule = schedule
        self._rng = rng
        self._desk = desk
        self._staff = staff
        self._prefix = prefix
        self._per_day = tickets_per_day
        self._requester = requester
        self._number = 1000
        self._recent: deque[Ticket] = deque(maxlen=50)
        self._first_day = schedule.day(schedule.start_us) + first_incident_day
        while (self._first_day + 3) % 7 > 4:
            self._first_day += 1

    def begin(self) -> None:
        """Tell the tickets that began before the topic, then start the inflow."""
        for _ in range(max(12, int(self._per_day * 0.12))):
            self._seed()
        Inflow(self._schedule, self._rng, self._rate, self._arrive)

    def incident(self, time_us: int) -> bool:
        """Whether the day of ``time_us`` is one of trouble."""
        days = self._schedule.day(time_us) - self._first_day
        return days >= 0 and days % INCIDENT_EVERY_DAYS == 0

    def _rate(self, time_us: int) -> float:
        rate = self._per_day * self._schedule.shape(time_us)
        return rate * INCIDENT_FACTOR if self.incident(time_us) else rate

    def _ticket(self, created_us: int) -> tuple[Ticket, Channel]:
        rng = self._rng
        channel = CHANNELS[min(bisect(_CHANNELS, rng.random()), len(CHANNELS) - 1)]
        category = CATEGORIES[min(bisect(_CATEGORIES, rng.random()), len(CATEGORIES) - 1)][0]
        if self.incident(created_us) and rng.random() < 0.6:
            category = "technical"
        if channel.triage_s is None:
            group = channel.name
        else:
            group = category if category in ("billing", "technical") and rng.random() < 0.55 else "support"
        priority = min(bisect(_PRIORITIES, rng.random()), len(PRIORITIES) - 1)
        self._number += 1
        subject = f"{self._prefix}/ticket/{self._number}"
        ticket = Ticket(self._number, subject, channel.name, self._staff.groups[group], priority, created_us)
        ticket.category = category
        ticket.requester = self._requester(rng)
        return ticket, channel

    def _seed(self) -> None:
        """A snapshot of a ticket that is some hours or days old."""
        rng, now_us = self._rng, self._schedule.now_us
        ticket, _ = self._ticket(now_us - lognormal_us(rng, 16 * 3600.0, 1.1, 9 * 86400.0) - HOUR_US)
        draw = rng.random()
        ticket.status = "new" if draw < 0.3 else "open" if draw < 0.6 else "pending" if draw < 0.9 else "on_hold"
        data: dict[str, Any] = {
            "created_at": format_us(ticket.created_us // SECOND_US * SECOND_US),
            "status": ticket.status,
            "channel": ticket.channel,
            "group": ticket.group.name,
            "priority": PRIORITIES[ticket.priority],
            "reopens": 0,
        }
        if ticket.status == "new":
            data["waiting_since"] = data["created_at"]
        else:
            age_us = now_us - ticket.created_us
            ticket.answered_us = ticket.created_us + int(age_us * rng.uniform(0.05, 0.4))
            data["first_response_at"] = format_us(ticket.answered_us // SECOND_US * SECOND_US)
            if ticket.status == "open":
                asked_us = ticket.answered_us + int(age_us * rng.uniform(0.1, 0.5))
                data["waiting_since"] = format_us(asked_us // SECOND_US * SECOND_US)
        self._desk.open_tickets += 1
        self._desk.tell(ticket, "snapshot", data)
        if ticket.status in ("new", "open"):
            self._schedule.after(int(rng.random() * HOUR_US), self._desk.enqueue, ticket)
        else:
            self._desk.plan_return(ticket)

    def _arrive(self) -> None:
        if self._desk.open_tickets > MOST_OPEN_DAYS * self._per_day + 1000:
            return
        rng, schedule, desk = self._rng, self._schedule, self._desk
        now_us = schedule.now_us
        ticket, channel = self._ticket(now_us)
        live = channel.triage_s is None
        draw = rng.random()
        actor = "customer" if live or draw < 0.96 else "agent" if draw < 0.985 else "system"
        ticket.complaint = rng.random() < 0.03
        data: dict[str, Any] = {
            "actor": actor,
            "requester": ticket.requester,
            "channel": ticket.channel,
            "group": ticket.group.name,
            "priority": PRIORITIES[ticket.priority],
            "category": ticket.category,
            "brand": "north" if ticket.number % 3 else "south",
            "complaint": ticket.complaint,
        }
        if rng.random() < 0.3:
            data["tags"] = [TAGS[int(rng.random() * len(TAGS))]]
        desk.open_tickets += 1
        desk.tell(ticket, "created", data)
        if actor == "customer" and rng.random() < channel.bot:
            schedule.after(int(rng.uniform(0.5, 6.0) * SECOND_US), desk.say, ticket, "bot")
        if live:
            ticket.live = True
            desk.enqueue(ticket)
        else:
            self._sort_in(ticket, channel)
        self._recent.append(ticket)

    def _sort_in(self, ticket: Ticket, channel: Channel) -> None:
        """Triage of a written ticket, or what happens to it instead."""
        rng, schedule = self._rng, self._schedule
        draw = rng.random()
        if draw < channel.spam:
            schedule.after(lognormal_us(rng, 240.0, 1.0, 7200.0), self._desk.remove, ticket, "marked_spam", {})
            if rng.random() < 0.06:
                schedule.after(int(rng.uniform(2.2, 9.0) * HOUR_US), self._desk.restore, ticket)
            return
        schedule.after(lognormal_us(rng, channel.triage_s or 0.0, 1.0, 6 * 3600.0), self._desk.enqueue, ticket)
        if draw > 0.90:
            schedule.after(lognormal_us(rng, 2 * 3600.0, 0.9, 86400.0), self._desk.nudge, ticket)
        elif draw > 0.88 and self._recent:
            into = self._recent[int(rng.random() * len(self._recent))].subject
            merge_us = lognormal_us(rng, 1200.0, 0.8, 4 * 3600.0)
            schedule.after(merge_us, self._desk.remove, ticket, "merged", {"into": into})
        elif draw > 0.875:
            gone_us = lognormal_us(rng, 3 * 3600.0, 1.0, 20 * 3600.0)
            schedule.after(gone_us, self._desk.remove, ticket, "deleted", {})
            if rng.random() < 0.15:
                schedule.after(gone_us + 30 * MINUTE_US, self._desk.restore, ticket)
        elif draw > 0.85:
            schedule.after(int(rng.random() * DAY_US / 8), self._recategorise, ticket)

    def _recategorise(self, ticket: Ticket) -> None:
        """Somebody reads the ticket and finds that it was filed wrongly."""
        if ticket.gone or ticket.status == "closed":
            return
        ticket.priority = max(0, ticket.priority - 1) if not ticket.queued else ticket.priority
        changed = {"category": "billing", "priority": PRIORITIES[ticket.priority], "tags": ["reviewed"]}
        self._desk.tell(ticket, "updated", changed)
