"""What happened to one ticket, told event by event: its facts, and what it is at the end.

A fact is something counted once, at a time, under the labels the ticket had then. The rules are those
of the strict preset: the first public agent message answers, bots and private notes do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from streams.audit.answers import Answers
from streams.audit.complaints import Complaint
from streams.audit.events import Event
from streams.audit.policy import DEFAULTS, Rules
from streams.audit.promises import Clock, Promises
from streams.audit.times import time_us

HIDING = {"merged": "merged", "deleted": "deleted", "marked_spam": "spam"}
LABELS = ("channel", "group", "priority")


@dataclass
class Fact:
    """Counted once: `name` is a series; `labels` those of the ticket, `own` those of the series."""

    name: str
    own: dict[str, str]
    time_us: int
    labels: dict[str, str]
    duration_us: int | None = None


@dataclass
class Ticket:
    """One ticket as of some time. Times are microseconds since the epoch."""

    subject: str
    first_event_us: int
    rules: Rules
    known: bool = False  # a creation or a snapshot has been seen; otherwise it is an orphan
    created_us: int | None = None
    measured: bool = True  # False where a snapshot does not say when the ticket was created
    status: str = "new"
    hidden: str | None = None
    labels: dict[str, str] = field(default_factory=lambda: dict.fromkeys(LABELS, "none"))
    assignee: str | None = None
    waiting_since_us: int | None = None
    first_response_us: int | None = None
    first_resolution_us: int | None = None
    resolved_us: int | None = None
    ever_resolved: bool = False
    ever_paused: bool = False
    agent_messages: int = 0
    replied_unseen: bool = False  # a snapshot tells of replies, but not of how many
    reopens: int = 0
    facts: list[Fact] = field(default_factory=list)
    standing: list[Fact] = field(default_factory=list)  # what a reopen will take back
    promises: Promises = field(default_factory=Promises)
    complaint: Complaint = field(default_factory=Complaint)
    answers: Answers = field(default_factory=Answers)

    @property
    def is_resolved(self) -> bool:
        return self.status in ("resolved", "closed")

    @property
    def is_open(self) -> bool:
        return not self.is_resolved and self.hidden is None

    @property
    def is_quiet(self) -> bool:
        """An orphan or a hidden ticket changes, but nothing of that is counted (messages apart)."""
        return not self.known or self.hidden is not None

    @property
    def born_us(self) -> int:
        """What its age counts from: its creation, or for an orphan the first thing seen of it."""
        return self.first_event_us if self.created_us is None else self.created_us

    @property
    def stands_still(self) -> bool:
        """Whether its clock of the resolution does, by the service level that began it."""
        clock = self.promises.clocks.get("resolution")
        return clock is not None and (self.is_resolved or self.status in clock.level.pauses)

    def count(self, name: str, when_us: int, duration_us: int | None = None, **own: str) -> Fact:
        clamped_us = None if duration_us is None else max(0, duration_us)
        fact = Fact(name, own, when_us, dict(self.labels), clamped_us)
        self.facts.append(fact)
        return fact

    def begin(self, target: str, when_us: int) -> None:
        """Begin a clock, if it is promised."""
        self.promises.begin(self.rules, target, self.labels, when_us)

    def keep(self, clocks: Sequence[Clock], when_us: int) -> list[Fact]:
        """Promises that were kept, unless nothing is counted at present."""
        if self.is_quiet:
            return []
        return [self._outcome(clock, "met", when_us) for clock in clocks]

    def pass_time(self, until_us: int) -> None:
        """What breaks before a moment breaks."""
        broken = self.promises.break_before(until_us)
        for one in broken if not self.is_quiet else ():
            self._outcome(one.clock, "breached", one.time_us)

    def _outcome(self, clock: Clock, outcome: str, when_us: int) -> Fact:
        return self.count("sla_outcomes", when_us, policy=clock.level.name, target=clock.target, outcome=outcome)


def tell(events: Sequence[Event], rules: Rules = DEFAULTS, as_of_us: int | None = None) -> Ticket:
    """The ticket after these events, which are all of one subject and in order; promises break until `as_of_us`."""
    ticket = Ticket(events[0].subject, events[0].time_us, rules)
    for event in events:
        ticket.pass_time(event.time_us)
        if not ticket.known and event.kind == "created":
            _create(ticket, event)
        elif not ticket.known and event.kind == "snapshot":
            _seed(ticket, event)
        else:
            _happen(ticket, event)
    if as_of_us is not None:
        ticket.pass_time(as_of_us)
    return ticket


def _label(ticket: Ticket, event: Event) -> None:
    """Takes over the label fields and the assignee that the event names; null means none."""
    for name in LABELS:
        if name in event.fields:
            ticket.labels[name] = event.fields[name] or "none"
    if "assignee" in event.fields:
        ticket.assignee = event.fields["assignee"] or None
    if event.kind == "snapshot":
        return  # which has no word on complaints
    was_complaint = ticket.complaint.judged
    ticket.complaint.hear(event.fields, ticket.rules.at(event.time_us))
    if ticket.complaint.judged and not was_complaint and not ticket.is_quiet:
        _become_complaint(ticket, event.time_us)


def _become_complaint(ticket: Ticket, when_us: int) -> None:
    ticket.count("complaints", when_us, flow="opened", category=ticket.complaint.category)
    if ticket.complaint.escalated:
        _escalate_complaint(ticket, when_us)


def _escalate_complaint(ticket: Ticket, when_us: int) -> None:
    if not ticket.complaint.escalation_counted:
        ticket.complaint.escalation_counted = True
        ticket.count("complaints", when_us, flow="escalated", category=ticket.complaint.category)


def _create(ticket: Ticket, event: Event) -> None:
    """The ticket's creation; what was ordered before it (clocks differ) is counted now, as it stands.

    A reply before it counts at the reply's time; a resolution or a hiding that still stands, at the creation,
    so that flows and open tickets balance in every window. Durations are clamped to 0.
    """
    _label(ticket, event)
    ticket.known = True
    ticket.created_us = event.time_us
    ticket.count("tickets", event.time_us, flow="created")
    if ticket.complaint.judged and ticket.hidden is None:
        _become_complaint(ticket, event.time_us)
    ticket.begin("first_response", event.time_us)
    ticket.begin("resolution", event.time_us)
    ticket.promises.stand_still("resolution", event.time_us, still=ticket.stands_still)
    if ticket.first_response_us is not None:
        ticket.count("first_response_seconds", ticket.first_response_us, 0)
        ticket.keep(ticket.promises.answer("first_response"), event.time_us)
    if ticket.hidden is not None:
        ticket.count("tickets", event.time_us, flow=ticket.hidden)
    elif ticket.is_resolved:
        _resolve(ticket, event.time_us)
    if ticket.is_resolved:
        ticket.promises.answer("first_response", "next_reply")  # discarded
    by_customer = (event.fields.get("actor") or "customer") == "customer"
    if by_customer and ticket.waiting_since_us is None and not ticket.is_resolved:
        ticket.waiting_since_us = event.time_us


def _ask(ticket: Ticket, when_us: int) -> None:
    """The customer waits: a promise of a next reply begins, once there was a first; it runs once it is open."""
    if ticket.known and ticket.first_response_us is not None:
        ticket.begin("next_reply", when_us)
        if ticket.is_resolved:
            ticket.promises.stand_still("next_reply", when_us, still=True)


def _seed(ticket: Ticket, event: Event) -> None:
    """A snapshot of a ticket that began before the log: it is believed, and nothing of it is counted."""

    def moment(name: str) -> int | None:
        text = event.fields.get(name)
        return None if text is None else time_us(text)

    _label(ticket, event)
    created_us = moment("created_at")
    ticket.known = True
    ticket.measured = created_us is not None
    ticket.created_us = event.time_us if created_us is None else created_us
    resolved_us = moment("resolved_at")
    if event.fields.get("status") is not None:
        ticket.status = event.fields["status"]
    elif resolved_us is not None:
        ticket.status = "resolved"
    ticket.first_response_us = moment("first_response_at")
    ticket.replied_unseen = ticket.first_response_us is not None
    ticket.waiting_since_us = moment("waiting_since")
    if event.fields.get("reopens") is not None:
        ticket.reopens = event.fields["reopens"]
    ticket.ever_resolved = ticket.is_resolved or resolved_us is not None or ticket.reopens > 0
    ticket.ever_paused = ticket.ever_paused or ticket.status in ("pending", "on_hold")
    ticket.resolved_us = resolved_us if ticket.is_resolved else None
    if ticket.is_open:
        ticket.count("tickets", event.time_us, flow="seeded")
    if ticket.is_resolved:
        ticket.waiting_since_us = None
    else:
        _believe_promises(ticket, event.time_us, created_us)


def _believe_promises(ticket: Ticket, seen_us: int, created_us: int | None) -> None:
    """The clocks of a ticket that began before the log; without its creation none began with it."""
    if created_us is not None:
        if ticket.first_response_us is None:
            ticket.begin("first_response", created_us)
        ticket.begin("resolution", created_us)
    if ticket.waiting_since_us is not None:
        _ask(ticket, ticket.waiting_since_us)
    for target in tuple(ticket.promises.clocks):
        still = target == "resolution" and ticket.stands_still
        ticket.promises.believe(target, seen_us, still=still)


def _happen(ticket: Ticket, event: Event) -> None:
    """Anything but the ticket's birth."""
    if event.kind == "message":
        _message(ticket, event)
    elif event.kind == "status_changed":
        _change_status(ticket, event.fields["to"], event.time_us)
    elif event.kind in ("updated", "created"):
        _label(ticket, event)
    elif event.kind == "snapshot":
        _label(ticket, event)
        if event.fields.get("status") is not None:
            _change_status(ticket, event.fields["status"], event.time_us)
    elif event.kind == "escalated":
        if ticket.hidden is None:
            ticket.complaint.escalated = True
        if ticket.known:
            ticket.count("tickets", event.time_us, flow="escalated")
        if ticket.complaint.judged and not ticket.is_quiet:
            _escalate_complaint(ticket, event.time_us)
    elif event.kind == "rated":
        if ticket.hidden is None:
            ticket.answers.hear(event.time_us, event.fields, ticket.labels, ticket.rules.at(event.time_us))
    elif event.kind in HIDING:
        if ticket.hidden is None:
            ticket.hidden = HIDING[event.kind]
            if ticket.known:
                ticket.count("tickets", event.time_us, flow=ticket.hidden)
    elif event.kind == "restored" and ticket.hidden is not None:
        ticket.hidden = None
        if ticket.known:
            ticket.count("tickets", event.time_us, flow="restored")


def _message(ticket: Ticket, event: Event) -> None:
    actor = event.fields["actor"]
    ticket.count("messages", event.time_us, actor=actor)
    if not event.fields.get("public", True):
        return
    if actor == "customer" and ticket.waiting_since_us is None:
        ticket.waiting_since_us = event.time_us
        _ask(ticket, event.time_us)
    if actor != "agent":
        return
    ticket.agent_messages += 1
    waiting_since_us, ticket.waiting_since_us = ticket.waiting_since_us, None
    is_first = ticket.first_response_us is None
    if is_first:
        ticket.first_response_us = event.time_us
    ticket.keep(ticket.promises.answer("first_response", "next_reply"), event.time_us)
    if ticket.is_quiet:
        return
    if waiting_since_us is not None:
        ticket.count("reply_wait_seconds", event.time_us, event.time_us - waiting_since_us)
    if is_first and ticket.measured and ticket.created_us is not None:
        ticket.count("first_response_seconds", event.time_us, event.time_us - ticket.created_us)


def _change_status(ticket: Ticket, to: str, when_us: int) -> None:
    if to == ticket.status:
        return
    was_resolved = ticket.is_resolved
    ticket.status = to
    if to in ("pending", "on_hold"):
        ticket.ever_paused = True
    if ticket.is_resolved:
        ticket.waiting_since_us = None
        ticket.promises.answer("first_response", "next_reply")  # discarded, neither kept nor broken
    ticket.promises.stand_still("resolution", when_us, still=ticket.stands_still)
    if ticket.is_resolved and not was_resolved:
        if not ticket.is_quiet:
            _resolve(ticket, when_us)
        elif ticket.known:
            ticket.ever_resolved = True  # unseen, but a later one is not the first
    if was_resolved and not ticket.is_resolved:
        ticket.facts = [fact for fact in ticket.facts if not any(fact is taken for taken in ticket.standing)]
        ticket.standing = []
        ticket.resolved_us = None
        ticket.reopens += 1
        if not ticket.is_quiet:
            ticket.count("tickets", when_us, flow="reopened")
        ticket.promises.stand_still("next_reply", when_us, still=False)


def _resolve(ticket: Ticket, when_us: int) -> None:
    ticket.resolved_us = when_us
    ticket.count("tickets", when_us, flow="resolved")
    if ticket.complaint.judged:
        ticket.count("complaints", when_us, flow="resolved", category=ticket.complaint.category)
    promise = ticket.promises.clocks.get("resolution")
    if promise is not None and not promise.breached:
        ticket.standing += ticket.keep([promise], when_us)
    one_reply = ticket.agent_messages == 1 and not ticket.replied_unseen
    if one_reply and ticket.reopens == 0 and not ticket.ever_paused:
        # claims that it is final, as does the full duration: a reopen takes both back
        ticket.standing.append(ticket.count("tickets", when_us, flow="one_touch"))
    if ticket.measured and ticket.created_us is not None:
        lasted_us = when_us - ticket.created_us
        ticket.count("resolution_seconds", when_us, lasted_us, resolution="every")
        ticket.standing.append(ticket.count("resolution_seconds", when_us, lasted_us, resolution="full"))
        if not ticket.ever_resolved:
            ticket.count("resolution_seconds", when_us, lasted_us, resolution="first")
    if not ticket.ever_resolved:
        ticket.first_resolution_us = when_us
    ticket.ever_resolved = True
