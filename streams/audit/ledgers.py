"""What adds up event by event: spending, cash flow, invitations, surveys sent out, stages of leads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from streams.audit.answers import survey_of
from streams.audit.events import Event
from streams.audit.fields import amount_of, currency_of
from streams.audit.windows import Flow, Labels

SPEND = ("sales", "marketing", "service", "innovation")
KINDS_OF_CASH = ("operating", "investment", "working_capital")
ORIGINS_OF_LEADS = ("organic", "campaign", "referral", "service_contact")


def named(value: str | None, listed: Sequence[str]) -> str:
    """A value of a closed list as shown: `none` where it is missing, `other` where it is not listed."""
    if not value:
        return "none"
    return value if value in listed else "other"


def ledger_flows(events: Iterable[Event]) -> Iterator[Flow]:
    """What each booking or invitation adds."""
    for event in events:
        if event.topic == "crm.invite":
            yield Flow("invites", event.time_us, (("state", event.kind),))
            continue
        series, field, listed = (
            ("spend", "category", SPEND) if event.topic == "crm.spend" else ("cash_flow", "kind", KINDS_OF_CASH)
        )
        labels = ((field, named(event.fields[field], listed)), ("currency", currency_of(event.fields)))
        yield Flow(series, event.time_us, labels, amount_of(event.fields, "amount"))


def sent_flows(events: Iterable[Event], names: Sequence[str]) -> Iterator[Flow]:
    """Surveys sent out, on these labels of helpdesk series."""
    for event in events:
        if event.kind == "sent":
            yield Flow(
                "surveys_sent", event.time_us, (("survey", survey_of(event.fields)), *asked_about(event, names))
            )


def asked_about(event: Event, names: Sequence[str]) -> Labels:
    """The labels of a survey of the CRM: the channel and the group that it names."""
    return tuple(
        (name, event.fields.get(name) or "none") for name in names if name in ("channel", "group")
    ) + tuple((name, "none") for name in names if name not in ("channel", "group"))


def lead_flows(events: Iterable[Event]) -> Iterator[Flow]:
    """Each stage of one lead once, with the origin known by then; events in order."""
    seen, origin = set(), "none"
    for event in events:
        origin = named(event.fields.get("origin"), ORIGINS_OF_LEADS) if event.fields.get("origin") else origin
        if event.kind not in seen:
            seen.add(event.kind)
            yield Flow("leads", event.time_us, (("stage", event.kind), ("origin", origin)))
