"""What adds up event by event: spending, cash flow, invitations, surveys sent out, stages of leads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from streams.audit.answers import survey_of
from streams.audit.events import Event
from streams.audit.fields import amount_of, currency_of
from streams.audit.windows import Flow, Labels


def ledger_flows(events: Iterable[Event]) -> Iterator[Flow]:
    """What each booking or invitation adds."""
    for event in events:
        if event.topic == "crm.invite":
            yield Flow("invites", event.time_us, (("state", event.kind),))
            continue
        series, field = ("spend", "category") if event.topic == "crm.spend" else ("cash_flow", "kind")
        labels = ((field, event.fields[field]), ("currency", currency_of(event.fields)))
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
        origin = event.fields.get("origin") or origin
        if event.kind not in seen:
            seen.add(event.kind)
            yield Flow("leads", event.time_us, (("stage", event.kind), ("origin", origin)))
