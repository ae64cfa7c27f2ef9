"""The desk: tickets wait in groups; agents take them, talk, answer, wait, hand over, resolve."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from metrics_core.times import SECOND_US
from streams.simulate.schedule import Schedule, lognormal_us
from streams.simulate.staff import PRIORITIES, Agent, Group, Staff
from streams.simulate.wire import Wire

#: a customer who does not answer: the ticket is resolved by the system
GIVE_UP_S = 40 * 3600
#: how long a person waits on the line (median) before it becomes a ticket like the others
PATIENCE_S = {"chat": 420.0, "phone": 240.0}
#: time until an agent's first words once a conversation is taken (median)
PICK_UP_S = {"chat": 50.0, "phone": 11.0}
TALK_S = {"chat": 440.0, "phone": 280.0}
#: reading and answering one written ticket (median)
ANSWER_S = {"support": 260.0, "billing": 280.0, "technical": 800.0, "chat": 220.0, "phone": 260.0}


@dataclass(frozen=True)
class Outcomes:
    """What an agent's answer leads to: cumulated shares; the rest stays open until the customer writes."""

    resolved: float
    pending: float
    on_hold: float
    escalated: float


WRITTEN = Outcomes(0.66, 0.86, 0.89, 0.94)
TALKED = Outcomes(0.84, 0.90, 0.92, 0.99)
SECOND_LEVEL = Outcomes(0.64, 0.80, 0.93, 0.93)


class Ticket:
    """What the simulation remembers of an open ticket; ``turn`` changes when a planned step is void."""

    __slots__ = (
        "agent", "answered_us", "category", "channel", "complaint", "created_us", "gone", "group", "live",
        "number", "priority", "queued", "reopens", "requester", "sequence", "status", "subject", "turn",
    )  # fmt: skip

    def __init__(
        self, number: int, subject: str, channel: str, group: Group, priority: int, created_us: int
    ) -> None:
        self.number = number
        self.subject = subject
        self.channel = channel
        self.group = group
        self.priority = priority
        self.created_us = created_us
        self.requester = ""
        self.category = ""
        self.agent: Agent | None = None
        self.answered_us = -1
        self.status = "new"
        self.complaint = False
        self.live = False
        self.queued = False
        self.gone = False
        self.reopens = 0
        self.sequence = 0
        self.turn = 0


class Desk:
    """Works tickets off; ``on_resolved`` and ``on_returned`` let aftercare and intake follow."""

    def __init__(self, schedule: Schedule, rng: random.Random, wire: Wire, staff: Staff) -> None:
        self._schedule = schedule
        self._rng = rng
        self._wire = wire
        self._staff = staff
        self.on_resolved: Callable[[Ticket], None] = lambda ticket: None
        #: tickets that are neither resolved nor gone
        self.open_tickets = 0
        staff.on_free = self._dispatch

    # -- what is told ---------------------------------------------------------------------------------------

    def tell(self, ticket: Ticket, kind: str, data: dict[str, Any]) -> None:
        """Emit helpdesk.ticket.<kind> of now."""
        ticket.sequence += 1
        self._wire.emit(self._schedule.now_us, f"helpdesk.ticket.{kind}", ticket.subject, data, ticket.sequence)

    def change_status(self, ticket: Ticket, to: str, actor: str) -> None:
        """Emit a change of status and void what was planned for the one before."""
        data = {"from": ticket.status, "to": to, "actor": actor}
        if actor == "agent" and ticket.agent is not None:
            data["agent"] = ticket.agent.subject
        closed_before, closed = ticket.status in ("resolved", "closed"), to in ("resolved", "closed")
        self.open_tickets += closed_before - closed
        ticket.status = to
        ticket.turn += 1
        self.tell(ticket, "status_changed", data)

    def say(self, ticket: Ticket, actor: str, public: bool = True) -> None:
        """Emit a message, unless the ticket has gone meanwhile."""
        if ticket.gone:
            return
        data: dict[str, Any] = {"actor": actor, "public": public}
        if actor == "agent" and ticket.agent is not None:
            data["agent"] = ticket.agent.subject
            if public and ticket.answered_us < 0:
                ticket.answered_us = self._schedule.now_us
        self.tell(ticket, "message", data)

    # -- queues ---------------------------------------------------------------------------------------------

    def enqueue(self, ticket: Ticket) -> None:
        """Have the ticket's group answer it, as soon as somebody is free."""
        if ticket.gone or ticket.queued or ticket.status in ("resolved", "closed"):
            return
        ticket.queued = True
        group = ticket.group
        group.put(ticket, ticket.live)
        if group.free:
            self._dispatch(group)
        elif ticket.live:
            patience_us = lognormal_us(self._rng, PATIENCE_S[ticket.channel], 0.8, 3600.0)
            self._schedule.after(patience_us, self._hang_up, ticket, ticket.turn)

    def _hang_up(self, ticket: Ticket, turn: int) -> None:
        """Nobody answered in time: the customer leaves, an agent writes or calls back later."""
        if ticket.queued and ticket.live and ticket.turn == turn and not ticket.gone:
            ticket.live = False
            ticket.group.live.remove(ticket)
            ticket.group.waiting_tickets -= 1
            ticket.group.put(ticket, False)

    def _dispatch(self, group: Group) -> None:
        while group.free and (ticket := group.pop()) is not None:
            ticket.queued = False
            if not ticket.gone and ticket.status not in ("resolved", "closed"):
                self._start(ticket, group)

    def _start(self, ticket: Ticket, group: Group) -> None:
        group.busy += 1
        agent = self._staff.pick(group, ticket.agent)
        if ticket.agent is not agent:
            ticket.agent = agent
            self.tell(ticket, "updated", {"assignee": agent.subject})
        if ticket.status == "new":
            self.change_status(ticket, "open", "agent")
        if ticket.live:
            self._talk(ticket, group)
            return
        work_us = self._staff.handle_us(group, ANSWER_S[group.name], 0.7)
        self._schedule.after(work_us, self._answer, ticket, group)

    def _talk(self, ticket: Ticket, group: Group) -> None:
        """A chat or a call: the first words, some back and forth, the end."""
        rng, schedule = self._rng, self._schedule
        first_us = lognormal_us(rng, PICK_UP_S[ticket.channel], 0.5, 300.0)
        talk_us = self._staff.handle_us(group, TALK_S[ticket.channel], 0.55)
        schedule.after(first_us, self.say, ticket, "agent")
        if ticket.channel == "chat":
            turns = 1 + int(rng.random() * 3)
            for turn in range(turns):
                share = (turn + 0.35 + 0.3 * rng.random()) / turns
                schedule.after(first_us + int(talk_us * share), self.say, ticket, "customer")
                schedule.after(first_us + int(talk_us * (share + 0.3 / turns)), self.say, ticket, "agent")
        schedule.after(first_us + talk_us, self._end_talk, ticket, group)

    # -- answers --------------------------------------------------------------------------------------------

    def _release(self, group: Group) -> None:
        group.busy -= 1
        self._dispatch(group)

    def _end_talk(self, ticket: Ticket, group: Group) -> None:
        ticket.live = False
        if not ticket.gone and ticket.status not in ("resolved", "closed"):
            if ticket.channel == "phone":
                self.say(ticket, "agent", public=False)
            self._conclude(ticket, TALKED)
        self._release(group)

    def _answer(self, ticket: Ticket, group: Group) -> None:
        if not ticket.gone and ticket.status not in ("resolved", "closed"):
            if self._rng.random() < 0.2:
                self.say(ticket, "agent", public=False)
            self.say(ticket, "agent")
            self._conclude(ticket, SECOND_LEVEL if group.name == "technical" else WRITTEN)
        self._release(group)

    def _conclude(self, ticket: Ticket, outcomes: Outcomes) -> None:
        """What comes after an agent's answer."""
        rng = self._rng
        draw = rng.random()
        if draw < outcomes.resolved:
            self.change_status(ticket, "resolved", "agent")
            self.on_resolved(ticket)
        elif draw < outcomes.pending:
            self._wait_for_customer(ticket)
        elif draw < outcomes.on_hold:
            self.change_status(ticket, "on_hold", "agent")
            held_us = lognormal_us(rng, 9 * 3600.0, 0.9, 5 * 86400.0)
            self._schedule.after(held_us, self._off_hold, ticket, ticket.turn)
        elif draw < outcomes.escalated:
            self._escalate(ticket)
        else:
            written_us = lognormal_us(rng, 2400.0, 1.0, 86400.0)
            self._schedule.after(written_us, self._customer_writes, ticket, ticket.turn)

    def _escalate(self, ticket: Ticket) -> None:
        ticket.group = self._staff.groups["technical"]
        ticket.agent = None
        self.tell(ticket, "escalated", {"level": 2})
        self.tell(ticket, "updated", {"group": "technical", "assignee": None})
        self.enqueue(ticket)

    def _wait_for_customer(self, ticket: Ticket) -> None:
        self.change_status(ticket, "pending", "agent")
        self.plan_return(ticket)

    def plan_return(self, ticket: Ticket) -> None:
        """A pending ticket: most customers write again, the others are given up on."""
        if self._rng.random() < 0.7:
            away_us = lognormal_us(self._rng, 2.5 * 3600.0, 1.2, GIVE_UP_S - 60.0)
            self._schedule.after(away_us, self._customer_writes, ticket, ticket.turn)
        else:
            self._schedule.after(GIVE_UP_S * SECOND_US, self._give_up, ticket, ticket.turn)

    def _customer_writes(self, ticket: Ticket, turn: int) -> None:
        if ticket.gone or ticket.turn != turn:
            return
        self.say(ticket, "customer")
        if ticket.status != "open":
            self.change_status(ticket, "open", "system")
        self.enqueue(ticket)

    def _off_hold(self, ticket: Ticket, turn: int) -> None:
        if not ticket.gone and ticket.turn == turn:
            self.change_status(ticket, "open", "system")
            self.enqueue(ticket)

    def _give_up(self, ticket: Ticket, turn: int) -> None:
        if not ticket.gone and ticket.turn == turn:
            self.change_status(ticket, "resolved", "system")
            self.on_resolved(ticket)

    def nudge(self, ticket: Ticket) -> None:
        """The customer asks again while the ticket waits; sometimes that makes it more urgent."""
        if ticket.gone or not ticket.queued:
            return
        self.say(ticket, "customer")
        if ticket.priority > 0 and self._rng.random() < 0.3:
            # it keeps its place in the queue; only what is said of it changes
            self.tell(ticket, "updated", {"priority": PRIORITIES[ticket.priority - 1]})

    # -- leaving and coming back ----------------------------------------------------------------------------

    def remove(self, ticket: Ticket, kind: str, data: dict[str, Any]) -> None:
        """merged, deleted or marked_spam: the ticket leaves the desk."""
        if ticket.gone:
            return
        if ticket.status not in ("resolved", "closed"):
            self.open_tickets -= 1
        ticket.gone = True
        ticket.turn += 1
        self.tell(ticket, kind, data)

    def restore(self, ticket: Ticket) -> None:
        """Back from deleted or spam, and into the queue where it is still open."""
        ticket.gone = False
        self.tell(ticket, "restored", {})
        if ticket.status not in ("resolved", "closed"):
            self.open_tickets += 1
            self.enqueue(ticket)
