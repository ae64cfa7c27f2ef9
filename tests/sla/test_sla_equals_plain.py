"""Random tickets: what the shard says of promises, whichever way the events came, is what the plain way says."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from plain_promises import FIRST, NEXT, RESOLUTION, Level, outcomes_and_clocks, read_story

from metrics_core.build import build
from metrics_core.policy import Policy, Version
from metrics_core.policy.calendars import CalendarSpec
from metrics_core.policy.version import SlaPolicy
from metrics_core.records import FileRecord
from metrics_core.shard import Shard
from metrics_core.times import DAY_US, HOUR_US, MINUTE_US, SECOND_US, format_us, parse_rfc3339

#: a Friday, so that a weekend comes between
START_US = parse_rfc3339("2026-03-06T06:00:00Z")
STATUSES = ("open", "pending", "on_hold", "resolved", "closed")
WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
OPENS_H, CLOSES_H = 9, 17


def office_us(start_us: int, end_us: int) -> int:
    """Time from Monday to Friday, 09:00 to 17:00 UTC, day by day."""
    total_us = 0
    for day in range(start_us // DAY_US, end_us // DAY_US + 1):
        if datetime.fromtimestamp(day * 86400, UTC).weekday() < 5:
            opens_us, closes_us = day * DAY_US + OPENS_H * HOUR_US, day * DAY_US + CLOSES_H * HOUR_US
            total_us += max(0, min(end_us, closes_us) - max(start_us, opens_us))
    return total_us


CHAT_S = {FIRST: 1800, NEXT: 3600, RESOLUTION: 14400}
REST_S = {FIRST: 3600, RESOLUTION: 28800}
LEVELS = [
    Level("chat", "chat", {k: s * SECOND_US for k, s in CHAT_S.items()}, lambda a, b: b - a, ("pending",)),
    Level("rest", None, {k: s * SECOND_US for k, s in REST_S.items()}, office_us, ("pending", "on_hold"), 50),
]
POLICY = Policy(
    versions=(
        Version(
            calendars={"office": CalendarSpec(hours=dict.fromkeys(WORKDAYS, ("09:00-17:00",)))},
            sla=(
                SlaPolicy(
                    name="chat", channels=("chat",), pauses=("pending",), at_risk_percent=75,
                    first_response_s=CHAT_S[FIRST], next_reply_s=CHAT_S[NEXT], resolution_s=CHAT_S[RESOLUTION],
                ),
                SlaPolicy(
                    name="rest", calendar="office", at_risk_percent=50,
                    first_response_s=REST_S[FIRST], resolution_s=REST_S[RESOLUTION],
                ),
            ),
        ),
    )
)  # fmt: skip

# half hours meet the deadlines and the office's edges exactly; now and then a microsecond beside
moments = st.tuples(st.integers(0, 170), st.sampled_from([0, 0, 0, 1, -1, MINUTE_US])).map(
    lambda parts: START_US + parts[0] * 30 * MINUTE_US + parts[1]
)
fields = st.fixed_dictionaries(
    {}, optional={"channel": st.sampled_from(["chat", "email"]), "group": st.sampled_from(["a", "b"])}
)
happenings = st.one_of(
    st.tuples(st.just("message"), st.fixed_dictionaries({"actor": st.sampled_from(["agent", "customer"])})),
    st.tuples(st.just("message"), st.fixed_dictionaries({"actor": st.sampled_from(["agent", "customer"])})),
    st.tuples(st.just("status_changed"), st.fixed_dictionaries({"to": st.sampled_from(STATUSES)})),
    st.tuples(st.just("status_changed"), st.fixed_dictionaries({"to": st.sampled_from(STATUSES)})),
    st.tuples(st.just("updated"), fields),
    st.tuples(st.sampled_from(["deleted", "merged", "restored", "restored"]), st.just({})),
)


@st.composite
def tickets(draw: st.DrawFn) -> list[dict[str, Any]]:
    """One ticket's events in their order, its creation first."""
    events = [
        {"at_us": draw(moments), "kind": kind, "data": data}
        for kind, data in draw(st.lists(happenings, max_size=9))
    ]
    events.sort(key=lambda event: event["at_us"])
    first_us = events[0]["at_us"] if events else START_US
    born_us = first_us - draw(st.sampled_from([0, 30 * MINUTE_US, HOUR_US, 7 * HOUR_US]))
    return [{"at_us": born_us, "kind": "created", "data": draw(fields)}, *events]


def records_of(stories: list[list[dict[str, Any]]]) -> list[FileRecord]:
    records: list[FileRecord] = []
    for subject, events in enumerate(stories):
        for number, event in enumerate(events):
            line = {
                "specversion": "1.0", "id": f"{number:03d}", "source": "desk", "subject": f"T-{subject}",
                "type": f"helpdesk.ticket.{event['kind']}", "time": format_us(event["at_us"]),
                "data": event["data"],
            }  # fmt: skip
            records.append(FileRecord(json.dumps(line).encode(), len(records), None))
    return records


def counted(shard: Shard, time_us: int) -> tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]:
    view = build([shard.freeze(time_us)], POLICY)
    found = []
    for series, own in (("sla_outcomes", 4), ("sla_clocks", 3)):
        table = view.tables[series]
        wanted = [*table.series.labels[:own], "channel", "group"]
        at = [table.series.labels.index(name) for name in wanted]
        rows: Counter[tuple[str, ...]] = Counter()
        for values, n in table.rows.items():
            assert isinstance(n, int)
            if n:
                rows[tuple(values[i] for i in at)] += n
        found.append(rows)
    return found[0], found[1]


@given(
    st.lists(tickets(), min_size=1, max_size=3),
    st.data(),
    st.one_of(st.integers(0, 6 * 24 * 2).map(lambda halves: halves * 30 * MINUTE_US), st.integers(0, 40 * DAY_US)),
)
def test_promises_are_what_the_plain_way_says_for_any_way_of_arriving(
    stories: list[list[dict[str, Any]]], data: st.DataObject, later_us: int
) -> None:
    time_us = max(event["at_us"] for events in stories for event in events) + 1 + later_us
    expected = outcomes_and_clocks([read_story(events, LEVELS) for events in stories], time_us)

    records = records_of(stories)
    order = data.draw(st.permutations(records)) if data.draw(st.booleans()) else records
    cut = data.draw(st.integers(0, len(order)))
    shard = Shard(POLICY)
    shard.apply(order[:cut])
    if data.draw(st.booleans()):
        shard.freeze(time_us)  # a question in between changes nothing
    if data.draw(st.booleans()):
        rows = list(shard.drain())
        shard = Shard(POLICY)
        for key, value in rows:
            shard.load(key, value)
        shard.finish_load()
    shard.apply(order[cut:])
    assert counted(shard, time_us) == expected
