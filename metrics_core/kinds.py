"""Every kind of subject that a shard holds, and which of them an event moves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from metrics_core.agents import AGENT_MOVE_OF_CLASS, Agent, agent_kind
from metrics_core.counters import Counters
from metrics_core.crm.customer_base import CustomerBase, Customers, customer_kind
from metrics_core.crm.leads import Lead, lead_kind
from metrics_core.crm.moves import CUSTOMER_MOVE_OF_CLASS, LEAD_MOVE_OF_CLASS
from metrics_core.events import EVENT_CLASSES, Event
from metrics_core.facts import Facts
from metrics_core.labels import LabelTable
from metrics_core.ledgers import (
    INVITE_MOVE_OF_CLASS,
    LEDGER_MOVE_OF_CLASS,
    Entries,
    Ledgers,
    invite_kind,
    ledger_kind,
)
from metrics_core.policy import Policy
from metrics_core.rows import Move
from metrics_core.subjects import Subjects
from metrics_core.surveys import SURVEY_MOVE_OF_CLASS, Respondent, survey_kind
from metrics_core.tickets.moves import ticket_moves
from metrics_core.tickets.open_tickets import OpenTickets, ticket_kind
from metrics_core.tickets.relabel import Relabel
from metrics_core.tickets.rules import RuleBook

#: from the data of an event to what it does
MoveOf = Callable[[Any], Move]
#: what an event does: the kind of subject it moves and how to boil it down; None where it only counts
Handler = tuple[Subjects[Any], MoveOf] | None


class Common(TypedDict):
    """What subjects of all kinds in a shard share."""

    facts: Facts
    counters: Counters
    own: Callable[[str], None]
    horizon_us: int
    history_events: int


class Kinds:
    """Subjects by kind, bound to a shard's labels and to its indexes of open tickets and of customers."""

    def __init__(
        self, policy: Policy, labels: LabelTable, open_tickets: OpenTickets, base: CustomerBase, common: Common
    ) -> None:
        intern, values = labels.intern, labels.values
        self.relabel = Relabel(intern, values, frozenset(policy.roster))
        self.book = RuleBook(policy, values)
        self.tickets = Subjects(ticket_kind(self.relabel, self.book, open_tickets), **common)
        self.agents: Subjects[Agent] = Subjects(agent_kind(intern), **common)
        customers = customer_kind(intern, values, base, policy, common["horizon_us"])
        self.customers = Customers(customers, **common)
        self.leads: Subjects[Lead] = Subjects(lead_kind(intern), **common)
        self.ledgers = Ledgers(ledger_kind(intern), **common)
        self.invites: Subjects[Entries] = Subjects(invite_kind(), **common)
        self.surveys: Subjects[Respondent] = Subjects(survey_kind(intern, policy), **common)
        self._moves: tuple[tuple[Subjects[Any], Mapping[type[Event], MoveOf]], ...] = (
            (self.tickets, ticket_moves(policy)),
            (self.agents, AGENT_MOVE_OF_CLASS),
            (self.customers, CUSTOMER_MOVE_OF_CLASS),
            (self.leads, LEAD_MOVE_OF_CLASS),
            (self.ledgers, LEDGER_MOVE_OF_CLASS),
            (self.invites, INVITE_MOVE_OF_CLASS),
            (self.surveys, SURVEY_MOVE_OF_CLASS),
        )

    def by_prefix(self) -> dict[bytes, Subjects[Any]]:
        """First byte of their keys in the changelog -> subjects."""
        return {subjects.kind.prefix: subjects for subjects, _ in self._moves}

    def handlers(self, kind: str | None) -> dict[type[Event], Handler]:
        """What each event does that belongs on a topic of this kind (``helpdesk``, ``crm``, None for all)."""
        handlers: dict[type[Event], Handler] = {}
        for event_type, cls in EVENT_CLASSES.items():
            if kind is None or event_type.startswith("helpdesk.") == (kind == "helpdesk"):
                found = [(subjects, moves[cls]) for subjects, moves in self._moves if cls in moves]
                handlers[cls] = found[0] if found else None
        return handlers
