"""What an event's data must be: RefusedError where a field that has a meaning is missing or wrong."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from streams.audit.times import RefusedError, time_us

ACTORS = ("customer", "agent", "bot", "system")
STATUSES = ("new", "open", "pending", "on_hold", "resolved", "closed")
AGENT_STATUSES = ("online", "away", "offline")
SPEND = ("sales", "marketing", "service", "innovation")
KINDS_OF_CASH = ("operating", "investment", "working_capital")
SCALES = (2, 5, 7, 10)
ORIGINS_OF_LEADS = ("organic", "campaign", "referral", "service_contact")
SURVEYS = ("nps", "csat", "ces", "brand", "competitor")
#: the scale of a survey that names none
SCALE_OF = {"nps": 10, "ces": 7}
USUAL_SCALE = 5

#: ISO 4217: digits after the point, two for all others
_NO_DIGITS = (
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"),
    *("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
)
DIGITS = {
    **dict.fromkeys(_NO_DIGITS, 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}

_TEXTS = (
    *("channel", "group", "priority", "assignee", "requester", "category", "brand", "agent", "customer"),
    *("origin", "segment", "plan", "order", "survey", "attribute", "competitor", "answer", "initiative"),
)


def check_fields(topic: str, kind: str, fields: Mapping[str, Any]) -> None:
    """Raises RefusedError where a field that has a meaning is missing or of the wrong kind."""
    for name in _TEXTS:
        if fields.get(name) is not None and not isinstance(fields[name], str):
            raise RefusedError(f"{name} is no text")
    if topic == "helpdesk.ticket":
        _check_ticket(kind, fields)
    elif topic == "helpdesk.agent":
        if kind == "status_changed" and fields.get("status") is None:
            raise RefusedError("a change of status without status")
        if fields.get("status") is not None and fields["status"] not in AGENT_STATUSES:
            raise RefusedError("unknown status of an agent")
    elif topic == "crm.lead":
        if fields.get("origin") is not None and fields["origin"] not in ORIGINS_OF_LEADS:
            raise RefusedError("unknown origin of a lead")
    elif topic == "crm.survey":
        if fields.get("survey") not in SURVEYS:
            raise RefusedError("unknown survey")
        if kind == "answered":
            _check_score(fields)
    elif topic == "crm.subscription":
        _check_subscription(kind, fields)
    elif topic in ("crm.payment", "crm.spend", "finance.cash_flow"):
        _need_text(fields, "currency")
        if topic == "crm.spend" and fields.get("category") not in SPEND:
            raise RefusedError("unknown category of spending")
        if topic == "finance.cash_flow" and fields.get("kind") not in KINDS_OF_CASH:
            raise RefusedError("unknown kind of cash flow")
        if amount_of(fields, "amount") < 0 and topic == "crm.payment":
            raise RefusedError("a negative payment")


def _check_ticket(kind: str, fields: Mapping[str, Any]) -> None:
    if fields.get("actor") is not None and fields["actor"] not in ACTORS:
        raise RefusedError("unknown actor")
    if fields.get("complaint") is not None and not isinstance(fields["complaint"], bool):
        raise RefusedError("complaint is neither true nor false")
    tags = fields.get("tags")
    if tags is not None and not (isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)):
        raise RefusedError("tags are no list of texts")
    if kind == "message":
        if fields.get("actor") is None:
            raise RefusedError("a message without actor")
        if not isinstance(fields.get("public", True), bool):
            raise RefusedError("public is neither true nor false")
    if kind == "status_changed" and fields.get("to") not in STATUSES:
        raise RefusedError("unknown status")
    if kind == "rated":
        _check_score(fields)
    if kind == "snapshot":
        if fields.get("status") is not None and fields["status"] not in STATUSES:
            raise RefusedError("unknown status")
        reopens = fields.get("reopens")
        if reopens is not None and (isinstance(reopens, bool) or not isinstance(reopens, int)):
            raise RefusedError("reopens is no number")
        for name in ("created_at", "first_response_at", "waiting_since", "resolved_at"):
            if fields.get(name) is not None:
                time_us(fields[name])


def _need_text(fields: Mapping[str, Any], name: str) -> None:
    if not isinstance(fields.get(name), str):
        raise RefusedError(f"{name} is missing or no text")


def scale_of(fields: Mapping[str, Any]) -> int:
    """The scale of an answer: its own, else the usual one of its survey."""
    if fields.get("scale") is not None:
        return int(fields["scale"])
    return SCALE_OF.get(fields.get("survey") or "csat", USUAL_SCALE)


def _check_score(fields: Mapping[str, Any]) -> None:
    score = fields.get("score")
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise RefusedError("a rating without score")
    if fields.get("scale") is not None and (isinstance(fields["scale"], bool) or fields["scale"] not in SCALES):
        raise RefusedError("no such scale")
    scale = scale_of(fields)
    if not (0 if scale == 10 else 1) <= score <= scale:
        raise RefusedError("a score outside its scale")


def _check_subscription(kind: str, fields: Mapping[str, Any]) -> None:
    _need_text(fields, "subscription")
    if fields.get("effective_at") is not None:
        time_us(fields["effective_at"])
    if kind != "cancelled" and amount_of(fields, "mrr") < 0:
        raise RefusedError("a negative price")


def currency_of(fields: Mapping[str, Any]) -> str:
    """The currency as shown, in capitals; `none` where there is none."""
    return (fields.get("currency") or "none").upper() if fields.get("currency") else "none"


def amount_of(fields: Mapping[str, Any], name: str) -> Decimal:
    """An amount in major units. Raises RefusedError where it is none, or finer than its currency."""
    text = fields.get(name)
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)  # whole units may be a number: nothing of it is lost in one
    if not isinstance(text, str):
        raise RefusedError(f"{name} is missing or no amount")
    try:
        amount = Decimal(text)
        shift = amount.scaleb(DIGITS.get(currency_of(fields), 2))
        is_whole = amount.is_finite() and shift == shift.to_integral_value()
    except InvalidOperation as error:
        raise RefusedError(f"{name} is no amount: {text}") from error
    if not is_whole:
        raise RefusedError(f"{name} is finer than its currency, or endless")
    return amount
