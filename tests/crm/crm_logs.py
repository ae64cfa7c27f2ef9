"""Arbitrary small histories of a few customers and leads: everything a CRM may say, in any order.

Every identity has one content: which of two wins is a matter of the order in the log.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from metrics_core.records import FileRecord

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BASE_US = 1_772_409_600_000_000  # 2026-03-02T00:00:00Z
MINUTE_US = 60_000_000
DAY_US = 1440 * MINUTE_US
SPAN_DAYS = 64
END_US = BASE_US + (SPAN_DAYS + 1) * DAY_US
IDLE_DAYS = 12

CUSTOMERS = ("crm/1", "crm/2", "crm/3")
LEADS = ("crm/lead/1", "crm/lead/2")

Event = dict[str, Any]


def text_of(time_us: int) -> str:
    return (EPOCH + timedelta(microseconds=time_us)).isoformat().replace("+00:00", "Z")


moments = st.one_of(
    st.integers(0, 4).map(lambda minutes: BASE_US + minutes * MINUTE_US),
    st.integers(0, SPAN_DAYS).map(lambda days: BASE_US + days * DAY_US),
    st.integers(0, SPAN_DAYS * 48).map(lambda halves: BASE_US + halves * 30 * MINUTE_US),
    st.integers(0, SPAN_DAYS * DAY_US).map(lambda offset_us: BASE_US + offset_us),
)
amounts = st.sampled_from(["0", "10", "19.90", "25.5", "100.00"])
currencies = st.sampled_from(["EUR", "USD"])
people = st.fixed_dictionaries(
    {},
    optional={
        "segment": st.sampled_from(["small", "large", None]),
        "origin": st.sampled_from(["organic", "referral", "paid", "a friend", None]),
    },
)


def _subscription(effective: st.SearchStrategy[str] | None) -> st.SearchStrategy[Event]:
    optional: dict[str, Any] = {"plan": st.sampled_from(["basic", "pro", None]), "currency": currencies}
    if effective is not None:
        optional["effective_at"] = effective
    named = {"subscription": st.sampled_from(["s1", "s2"]), "mrr": amounts}
    return st.fixed_dictionaries(named, optional=optional)


payments = st.fixed_dictionaries(
    {"amount": amounts, "currency": currencies},
    optional={
        "category": st.sampled_from(["new_sale", "repeat", "interest", "late_fee", "gift", None]),
        "order": st.sampled_from(["o1", "o2", "o3", None]),
    },
)
KINDS = (
    *("customer.created", "customer.created", "customer.churned", "customer.reactivated", "customer.snapshot"),
    *("subscription.started", "subscription.started", "subscription.changed", "subscription.cancelled"),
    *("subscription.cancelled", "subscription.snapshot", "payment.received", "payment.received"),
    *("payment.refunded", "lead.created", "lead.qualified", "lead.won", "lead.lost"),
)
effective_times = st.integers(-90, SPAN_DAYS + 20).map(lambda days: text_of(BASE_US + days * DAY_US))


@st.composite
def events(draw: st.DrawFn, number: int, announced: bool) -> Event:
    """One event; `number` makes its identity its own. ``announced``: some take effect at another time."""
    kind = draw(st.sampled_from(KINDS))
    if kind.startswith("subscription."):
        drawn = draw(_subscription(effective_times if announced else None))
    elif kind.startswith("payment."):
        drawn = draw(payments)
    elif kind.startswith("lead."):
        origin = st.sampled_from(["organic", "referral", "service_contact", "a friend", None])
        drawn = draw(st.fixed_dictionaries({}, optional={"origin": origin}))
    else:
        drawn = draw(people)
    event: Event = {
        "specversion": "1.0",
        "id": f"{draw(st.integers(0, 9))}-{number}",
        "source": draw(st.sampled_from(["crm", "shop"])),
        "type": f"crm.{kind}",
        "subject": draw(st.sampled_from(LEADS if kind.startswith("lead.") else CUSTOMERS)),
        "time": text_of(draw(moments)),
        "data": drawn,
    }
    sequence = draw(st.sampled_from([None, None, "2", "10"]))
    return event if sequence is None else {**event, "sequence": sequence}


@st.composite
def logs(draw: st.DrawFn, *, announced: bool = True, most: int = 20) -> list[Event]:
    """A log: mostly customers that begin with their creation, now and then anything at all."""
    log = [draw(events(number, announced)) for number in range(draw(st.integers(0, most)))]
    if draw(st.integers(0, 3)):
        log = [born(subject, draw(people)) for subject in CUSTOMERS] + log
    return log


def born(subject: str, data: Event) -> Event:
    """The creation of a customer at the very beginning of time here."""
    return {
        "specversion": "1.0",
        "id": f"born {subject}",
        "source": "crm",
        "type": "crm.customer.created",
        "subject": subject,
        "time": text_of(BASE_US - MINUTE_US),
        "data": data,
    }


def as_records(log: Sequence[Event]) -> list[FileRecord]:
    return [
        FileRecord(json.dumps(event).encode(), offset, event["subject"].encode())
        for offset, event in enumerate(log)
    ]
