"""For any log of agents, surveys, bookings and invitations, the report is what the batch computes."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streams.audit import batch_rows, compare
from streams.audit.times import time_text, time_us
from streams.report import report_rows

BASE_US = time_us("2026-03-02T00:00:00Z")
MINUTE_US = 60_000_000
DAY_US = 1440 * MINUTE_US
SPAN_DAYS = 64
WINDOWS = ("1h", "24h", "7d", "30d", "all")

Event = dict[str, Any]

moments = st.one_of(
    st.integers(0, 4).map(lambda minutes: BASE_US + minutes * MINUTE_US),
    st.integers(0, SPAN_DAYS).map(lambda days: BASE_US + days * DAY_US),
    st.integers(0, SPAN_DAYS * DAY_US).map(lambda offset_us: BASE_US + offset_us),
)
groups = st.sampled_from(["a", "b", None])
statuses = st.sampled_from(["online", "away", "offline"])
money = {
    "amount": st.sampled_from(["-12.50", "0", "19.90", "100"]),
    "currency": st.sampled_from(["EUR", "usd", "JPY"]),
}
whole = {"amount": st.sampled_from(["-12", "0", "7"]), "currency": st.just("JPY")}
answers = st.fixed_dictionaries(
    {"survey": st.sampled_from(["csat", "nps", "ces", "brand", "competitor", "mood"]), "score": st.integers(0, 10)},
    optional={
        "scale": st.sampled_from([2, 5, 7, 10, None]),
        "answer": st.sampled_from(["1", "2", None]),
        "attribute": st.sampled_from(["trust", None]),
        "competitor": st.sampled_from(["acme", None]),
        "group": groups,
        "channel": st.sampled_from(["chat", None]),
        "priority": st.just("high"),
    },
)
DATA = {
    "helpdesk.agent.joined": st.fixed_dictionaries({}, optional={"group": groups, "status": statuses}),
    "helpdesk.agent.left": st.fixed_dictionaries({}, optional={"group": groups, "status": statuses}),
    "helpdesk.agent.snapshot": st.fixed_dictionaries({}, optional={"group": groups, "status": statuses}),
    "helpdesk.agent.status_changed": st.fixed_dictionaries({"status": statuses}, optional={"group": groups}),
    "crm.survey.answered": answers,
    "crm.survey.sent": answers,
    "crm.invite.sent": st.just({}),
    "crm.invite.accepted": st.just({}),
    "crm.spend.recorded": st.one_of(
        *(
            st.fixed_dictionaries({**kind, "category": st.sampled_from(["sales", "innovation", "parties"])})
            for kind in (money, whole)
        )
    ),
    "finance.cash_flow.recorded": st.one_of(
        *(
            st.fixed_dictionaries({**kind, "kind": st.sampled_from(["operating", "working_capital"])})
            for kind in (money, whole)
        )
    ),
}


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Up to two dozen events of two subjects."""
    log = []
    for number in range(draw(st.integers(0, 24))):
        kind = draw(st.sampled_from(sorted(DATA)))
        log.append(
            {
                "specversion": "1.0",
                "id": f"{draw(st.integers(0, 9))}-{number}",
                "source": "desk",
                "type": kind,
                "subject": draw(st.sampled_from(["one", "two"])),
                "time": time_text(draw(moments)),
                "data": draw(DATA[kind]),
            }
        )
    return log


@given(log=logs(), as_of_us=st.one_of(st.just(BASE_US + (SPAN_DAYS + 1) * DAY_US), moments))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
def test_the_report_of_people_surveys_and_bookings_equals_the_batch(log: list[Event], as_of_us: int) -> None:
    lines = [json.dumps(event).encode() for event in log]
    expected = batch_rows(lines, as_of_us=as_of_us, windows=WINDOWS)
    found = report_rows(lines, as_of_us=as_of_us, windows=WINDOWS)
    assert [str(difference) for difference in compare(expected, found)] == []
