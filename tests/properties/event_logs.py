"""Arbitrary small histories of a few tickets: everything a log may hold, in any order.

Times stay within the horizon (closed + 70 d), the one place where the order of arrival may matter, and
every identity has one content: which of two wins is a matter of the order in the log.
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
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
DAY_US = 24 * 60 * MINUTE_US
SPAN_DAYS = 40
END_US = BASE_US + (SPAN_DAYS + 1) * DAY_US

SUBJECTS = ("desk/1", "desk/2", "desk/3")
OPEN_STATUSES = ("new", "open", "pending", "on_hold")
STATUSES = (*OPEN_STATUSES, "resolved", "closed")
ACTORS = ("customer", "agent", "bot", "system")

Event = dict[str, Any]


def text_of(time_us: int) -> str:
    return (EPOCH + timedelta(microseconds=time_us)).isoformat().replace("+00:00", "Z")


# a few seconds, so that many events share an instant; minutes around the windows' edges; anything
moments = st.one_of(
    st.integers(0, 5).map(lambda seconds: BASE_US + seconds * SECOND_US),
    st.integers(0, 130).map(lambda minutes: BASE_US + minutes * MINUTE_US),
    st.integers(0, SPAN_DAYS * 48).map(lambda halves: BASE_US + halves * 30 * MINUTE_US),
    st.integers(0, SPAN_DAYS * DAY_US).map(lambda offset_us: BASE_US + offset_us),
)
labels = st.fixed_dictionaries(
    {},
    optional={
        "channel": st.sampled_from(["email", "chat", None]),
        "group": st.sampled_from(["a", "b", None]),
        "priority": st.sampled_from(["high", "low", None]),
        "assignee": st.sampled_from(["ann", None]),
        "complaint": st.sampled_from([True, True, False, None]),
        "category": st.sampled_from(["returns", "delivery", None]),
        "tags": st.sampled_from([["angry"], ["angry", "vip"], [], None]),
    },
)
ratings = st.fixed_dictionaries(
    {"score": st.sampled_from([1, 2, 1.5])},
    optional={
        "scale": st.sampled_from([2, 5, 7, 10, None]),
        "survey": st.sampled_from(["csat", "nps", "ces", "mood", None]),
        "answer": st.sampled_from(["a1", "a2", None]),
    },
)


def _snapshot(time_us: int) -> st.SearchStrategy[Event]:
    before = st.integers(0, 3 * DAY_US).map(lambda ago_us: text_of(time_us - ago_us))
    common = {"created_at": before, "first_response_at": before, "reopens": st.integers(0, 2)}
    still_open = st.fixed_dictionaries(
        {"status": st.sampled_from(OPEN_STATUSES)}, optional={**common, "waiting_since": before}
    )
    resolved = st.fixed_dictionaries(
        {"status": st.sampled_from(["resolved", "closed"])}, optional={**common, "resolved_at": before}
    )
    return st.tuples(st.one_of(still_open, resolved), labels).map(lambda parts: {**parts[0], **parts[1]})


def _fields(kind: str, time_us: int) -> st.SearchStrategy[Event]:
    if kind == "created":
        actor = st.fixed_dictionaries({}, optional={"actor": st.sampled_from(ACTORS)})
        return st.tuples(labels, actor).map(lambda parts: {**parts[0], **parts[1]})
    if kind == "message":
        return st.fixed_dictionaries(
            {"actor": st.sampled_from([*ACTORS, "agent", "customer"])}, optional={"public": st.booleans()}
        )
    if kind == "status_changed":
        return st.fixed_dictionaries(
            {"to": st.sampled_from(STATUSES)}, optional={"agent": st.just("bob"), "actor": st.just("agent")}
        )
    if kind == "updated":
        return labels
    if kind == "rated":
        return ratings
    if kind == "snapshot":
        return _snapshot(time_us)
    return st.just({})


KINDS = (
    *("created", "created", "message", "message", "message", "status_changed", "status_changed", "updated"),
    *("escalated", "merged", "deleted", "restored", "marked_spam", "rated", "snapshot"),
)


@st.composite
def events(draw: st.DrawFn, number: int, kinds: Sequence[str] = KINDS) -> Event:
    """One event; `number` makes its identity its own, what is before it in the id decides ties."""
    kind = draw(st.sampled_from(kinds))
    time_us = draw(moments)
    event: Event = {
        "specversion": "1.0",
        "id": f"{draw(st.integers(0, 9))}-{number}",
        "source": draw(st.sampled_from(["desk", "other desk"])),
        "type": f"helpdesk.ticket.{kind}",
        "subject": draw(st.sampled_from(SUBJECTS)),
        "time": text_of(time_us),
        "data": draw(_fields(kind, time_us)),
    }
    sequence = draw(st.sampled_from([None, None, "2", "10", "010"]))
    return event if sequence is None else {**event, "sequence": sequence}


@st.composite
def logs(draw: st.DrawFn, most: int = 24) -> list[Event]:
    """A log: mostly tickets that begin with their creation, now and then anything at all."""
    count = draw(st.integers(0, most))
    log = [draw(events(number)) for number in range(count)]
    if draw(st.integers(0, 3)):
        log = [born(subject, draw(labels)) for subject in SUBJECTS] + log
    return log


def born(subject: str, fields: Event) -> Event:
    """The creation of a ticket at the very beginning of time here."""
    return {
        "specversion": "1.0",
        "id": "0",
        "source": "desk",
        "type": "helpdesk.ticket.created",
        "subject": subject,
        "time": text_of(BASE_US - MINUTE_US),
        "data": fields,
    }


def as_lines(log: Sequence[Event]) -> list[bytes]:
    return [json.dumps(event).encode() for event in log]


def as_records(log: Sequence[Event]) -> list[FileRecord]:
    return [
        FileRecord(line, offset, event["subject"].encode())
        for offset, (event, line) in enumerate(zip(log, as_lines(log), strict=True))
    ]
