"""Canonical events: CloudEvents 1.0 as typed structs, one class a type, told apart by ``type``.

Unknown fields are ignored, unknown types are refused. Required fields have no default. Times inside ``data``
stay text until a handler needs them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

#: longest id, source or subject; they are kept in rows and become Kafka keys
NAME_LENGTH = 512

Name = Annotated[str, Meta(min_length=1, max_length=NAME_LENGTH)]
#: label values and the like: long texts are a producer's mistake and would bloat every scrape
Text = Annotated[str, Meta(max_length=1024)] | None
Changed = Text | UnsetType
#: exact decimals travel as strings; whole numbers may be JSON integers, floats never
Decimal = Annotated[str, Meta(max_length=64)] | int
Currency = Annotated[str, Meta(min_length=1, max_length=16)]
Score = int | float
Scale = Literal[2, 5, 7, 10]
Actor = Literal["customer", "agent", "bot", "system"]
Status = Literal["new", "open", "pending", "on_hold", "resolved", "closed"]
Presence = Literal["online", "away", "offline"]


class TicketCreated(Struct, gc=False):
    actor: Actor | None = None
    requester: Text = None
    channel: Changed = UNSET
    group: Changed = UNSET
    assignee: Changed = UNSET
    priority: Changed = UNSET
    category: Changed = UNSET
    brand: Text = None
    tags: list[str] | UnsetType | None = UNSET
    complaint: bool | UnsetType | None = UNSET


class TicketMessage(Struct, gc=False):
    actor: Actor
    public: bool = True
    agent: Text = None


class TicketStatusChanged(Struct, gc=False, rename={"from_": "from"}):
    to: Status
    from_: Text = None
    actor: Text = None
    agent: Text = None


class TicketUpdated(Struct, gc=False):
    """Only fields present in the event change; null sets a field back to unknown."""

    actor: Text = None
    requester: Changed = UNSET
    channel: Changed = UNSET
    group: Changed = UNSET
    assignee: Changed = UNSET
    priority: Changed = UNSET
    category: Changed = UNSET
    brand: Changed = UNSET
    tags: list[str] | UnsetType | None = UNSET
    complaint: bool | UnsetType | None = UNSET


class TicketEscalated(Struct, gc=False):
    level: str | int | None = None


class TicketMerged(Struct, gc=False):
    into: Text = None


class Nothing(Struct, gc=False):
    """Data of events that say everything by their type."""


class TicketRated(Struct, gc=False):
    score: Score
    scale: Scale | None = None
    survey: Text = None
    answer: Text = None


class TicketSnapshot(Struct, gc=False):
    created_at: Text = None
    status: Status | None = None
    group: Changed = UNSET
    channel: Changed = UNSET
    priority: Changed = UNSET
    assignee: Changed = UNSET
    first_response_at: Text = None
    waiting_since: Text = None
    resolved_at: Text = None
    reopens: int | None = None


class AgentEmployment(Struct, gc=False):
    group: Text = None
    status: Presence | None = None


class AgentStatus(Struct, gc=False):
    status: Presence
    group: Text = None


class AgentSnapshot(Struct, gc=False):
    group: Text = None
    status: Presence | None = None


class Lead(Struct, gc=False):
    origin: Literal["organic", "campaign", "referral", "service_contact"] | None = None
    referred_by: Text = None
    customer: Text = None


class Customer(Struct, gc=False):
    segment: Text = None
    origin: Text = None
    referred_by: Text = None
    reason: Text = None


class Subscription(Struct, gc=False):
    subscription: Name
    mrr: Decimal
    plan: Text = None
    currency: Text = None
    reason: Text = None
    effective_at: Text = None


class SubscriptionCancelled(Struct, gc=False):
    subscription: Name
    mrr: Decimal | None = None
    plan: Text = None
    currency: Text = None
    reason: Text = None
    effective_at: Text = None


class Payment(Struct, gc=False):
    amount: Decimal
    currency: Currency
    category: Text = None
    order: Text = None


class Spend(Struct, gc=False):
    amount: Decimal
    currency: Currency
    category: Literal["sales", "marketing", "service", "innovation"]
    initiative: Text = None


class Invite(Struct, gc=False):
    customer: Text = None


class Survey(Struct, gc=False):
    survey: Literal["nps", "csat", "ces", "brand", "competitor"]
    score: Score | None = None
    scale: Scale | None = None
    attribute: Text = None
    competitor: Text = None
    answer: Text = None
    ticket: Text = None
    group: Text = None
    channel: Text = None


class SurveyAnswer(Struct, gc=False):
    survey: Literal["nps", "csat", "ces", "brand", "competitor"]
    score: Score
    scale: Scale | None = None
    attribute: Text = None
    competitor: Text = None
    answer: Text = None
    ticket: Text = None
    group: Text = None
    channel: Text = None


class CashFlow(Struct, gc=False):
    amount: Decimal
    currency: Currency
    kind: Literal["operating", "investment", "working_capital"]


class Event(Struct, gc=False, kw_only=True, tag_field="type"):
    """CloudEvents attributes common to all types; ``time`` is RFC 3339 text."""

    specversion: Literal["1.0"]
    id: Name
    source: Name
    subject: Name
    time: str
    data: Any = None
    sequence: Annotated[str, Meta(max_length=NAME_LENGTH)] | int | None = None
    tenant: str | None = None


#: event type -> class of its data; a class all of whose fields are optional may be left out of the event
DATA_OF_TYPE: dict[str, type[Struct]] = {
    "helpdesk.ticket.created": TicketCreated,
    "helpdesk.ticket.message": TicketMessage,
    "helpdesk.ticket.status_changed": TicketStatusChanged,
    "helpdesk.ticket.updated": TicketUpdated,
    "helpdesk.ticket.escalated": TicketEscalated,
    "helpdesk.ticket.merged": TicketMerged,
    "helpdesk.ticket.deleted": Nothing,
    "helpdesk.ticket.restored": Nothing,
    "helpdesk.ticket.marked_spam": Nothing,
    "helpdesk.ticket.rated": TicketRated,
    "helpdesk.ticket.snapshot": TicketSnapshot,
    "helpdesk.agent.joined": AgentEmployment,
    "helpdesk.agent.left": AgentEmployment,
    "helpdesk.agent.status_changed": AgentStatus,
    "helpdesk.agent.snapshot": AgentSnapshot,
    "crm.lead.created": Lead,
    "crm.lead.qualified": Lead,
    "crm.lead.won": Lead,
    "crm.lead.lost": Lead,
    "crm.customer.created": Customer,
    "crm.customer.churned": Customer,
    "crm.customer.reactivated": Customer,
    "crm.customer.snapshot": Customer,
    "crm.subscription.started": Subscription,
    "crm.subscription.changed": Subscription,
    "crm.subscription.cancelled": SubscriptionCancelled,
    "crm.subscription.snapshot": Subscription,
    "crm.payment.received": Payment,
    "crm.payment.refunded": Payment,
    "crm.spend.recorded": Spend,
    "crm.invite.sent": Invite,
    "crm.invite.accepted": Invite,
    "crm.survey.sent": Survey,
    "crm.survey.answered": SurveyAnswer,
    "finance.cash_flow.recorded": CashFlow,
}


def _event_class(event_type: str, data: type[Struct]) -> type[Event]:
    required = any(field.required for field in msgspec.structs.fields(data))
    field = ("data", data) if required else ("data", data, msgspec.field(default_factory=data))
    return msgspec.defstruct(  # type: ignore[return-value]
        event_type.replace(".", "_"), [field], bases=(Event,), tag=event_type, gc=False, kw_only=True
    )


#: event type -> class of the whole event
EVENT_CLASSES: dict[str, type[Event]] = {
    event_type: _event_class(event_type, data) for event_type, data in DATA_OF_TYPE.items()
}
TYPE_OF_CLASS: dict[type[Event], str] = {cls: event_type for event_type, cls in EVENT_CLASSES.items()}
