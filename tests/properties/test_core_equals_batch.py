"""For any log, the core's report is what the batch computes from the definitions."""

from typing import Any

from event_logs import BASE_US, DAY_US, END_US, Event, as_lines, logs
from hypothesis import given
from hypothesis import strategies as st

from streams.audit import batch_rows, compare, rules_of, tickets_as_of
from streams.audit.events import read_log
from streams.audit.tickets import HIDING, tell
from streams.audit.windows import WINDOWS_US, window_start_us

WINDOWS = ("1h", "24h", "7d", "30d", "all")
GAUGE_LABELS = ("channel", "group", "priority")
HISTOGRAM_LABELS = ("channel", "group")

times = st.one_of(
    st.just(END_US),
    st.integers(0, 130).map(lambda minutes: BASE_US + minutes * 60_000_000),
    st.integers(0, 41 * DAY_US).map(lambda offset_us: BASE_US + offset_us),
)


#: promises of each kind, and what is judged otherwise from a moment on
POLICY: dict[str, Any] = {
    "gauge_labels": list(GAUGE_LABELS),
    "histogram_labels": list(HISTOGRAM_LABELS),
    "versions": [
        {
            "version": 1,
            "sla": [
                {"name": "high", "priorities": ["high"], "first_response_s": 60, "resolution_s": 86400},
                {"name": "a", "groups": ["a"], "next_reply_s": 3600, "resolution_s": 1800, "pauses": ["on_hold"]},
                {
                    "name": "all",
                    "first_response_s": 1800,
                    "next_reply_s": 60,
                    "resolution_s": 3600,
                    "at_risk_percent": 50,
                    "at_risk_left_s": 30,
                },
            ],
            "complaints": {"categories": ["returns"]},
        },
        {
            "version": 2,
            "effective_from": "2026-03-02T01:00:00Z",
            "sla": [{"name": "later", "first_response_s": 600, "next_reply_s": 240, "resolution_s": 604800}],
            "complaints": {"tags": ["angry"]},
            "positive_scores": {"2": 2, "5": 1.5, "7": 2, "10": 1},
            "negative_scores": {"2": 1, "5": 1, "7": 1, "10": 0},
        },
    ],
}


def reported(log: list[Event], as_of_us: int) -> list[dict[str, object]]:
    from metrics_core.policy import Policy
    from streams.report import report_rows

    return report_rows(as_lines(log), as_of_us=as_of_us, windows=WINDOWS, policy=Policy.parse(POLICY))


@given(log=logs(), as_of_us=times)
def test_the_report_equals_the_batch(log: list[Event], as_of_us: int) -> None:
    expected = batch_rows(
        log,
        as_of_us=as_of_us,
        windows=WINDOWS,
        gauge_labels=GAUGE_LABELS,
        histogram_labels=HISTOGRAM_LABELS,
        rules=rules_of(POLICY),
    )
    assert [str(difference) for difference in compare(expected, reported(log, as_of_us))] == []


@given(log=logs(), as_of_us=times, window=st.sampled_from(sorted(WINDOWS_US)))
def test_open_tickets_change_by_the_flows_between(log: list[Event], as_of_us: int, window: str) -> None:
    """open(t) = open(t - w) + created + seeded + reopened + restored - resolved - hidden, orphans apart."""
    tickets = read_log(log)
    # a ticket whose creation is not its first event is an orphan for a while: left out
    kept = {subject for subject, told in tickets.items() if told[0].kind in ("created", "snapshot")}
    log = [event for event in log if event["subject"] in kept]
    start_us = window_start_us(window, as_of_us)
    flows: dict[str, float] = {}
    for row in reported(log, as_of_us):
        labels = row["labels"]
        assert isinstance(labels, dict)
        if row["metric"] == "tickets" and labels["window"] == window:
            flows[labels["flow"]] = flows.get(labels["flow"], 0) + float(str(row["value"]))
    came_back, left = 0, 0
    for subject in kept:
        for index, event in enumerate(tickets[subject]):
            if index and start_us <= event.time_us < as_of_us:
                was_open = tell(tickets[subject][:index]).is_open
                is_open = tell(tickets[subject][: index + 1]).is_open
                came_back += event.kind == "restored" and is_open and not was_open
                left += event.kind in HIDING and was_open
    change = sum(flows.get(name, 0) for name in ("created", "seeded", "reopened"))
    change += came_back - flows.get("resolved", 0) - left
    assert open_at(log, as_of_us) == open_at(log, start_us) + change


def open_at(log: list[Event], as_of_us: int) -> float:
    total = sum(float(str(row["value"])) for row in reported(log, as_of_us) if row["metric"] == "open_tickets")
    assert total == sum(ticket.is_open for ticket in tickets_as_of(log, as_of_us))
    return total
