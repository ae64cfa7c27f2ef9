"""The helpdesk metrics as rows: sums over tickets, window by window, from the definitions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from streams.audit.events import ACTORS, read_log, time_text
from streams.audit.tickets import Fact, Ticket, tell

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US

EDGES_S = (
    *(30, 60, 120, 240, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200),
    *(86400, 172800, 259200, 604800, 1209600, 2592000),
)
# window -> (its length, the width of its panes), in microseconds
WINDOWS_US = {
    "1h": (HOUR_US, 60 * SECOND_US),
    "24h": (DAY_US, 300 * SECOND_US),
    "7d": (7 * DAY_US, HOUR_US),
    "30d": (30 * DAY_US, HOUR_US),
}
FLOWS = (
    *("created", "seeded", "resolved", "reopened", "escalated"),
    *("one_touch", "merged", "deleted", "spam", "restored"),
)
OPEN_STATUSES = ("new", "open", "pending", "on_hold")
DURATIONS = ("first_response_seconds", "resolution_seconds", "reply_wait_seconds")
# what the audit gives, and so what it can compare
AUDITED = frozenset(
    [
        *("open_tickets", "unanswered_tickets", "unassigned_tickets", "tickets", "messages"),
        *("oldest_unanswered_timestamp_seconds", "oldest_open_timestamp_seconds"),
        *(
            f"{series}{part}"
            for series in (*DURATIONS, "open_ticket_age_seconds")
            for part in ("_bucket", "_gcount", "_gsum")
        ),
        *(f"{series}_{part}" for series in ("first_response", "resolution") for part in ("mean", "p50", "p90")),
        *("reply_wait_p50", "reply_wait_p90"),
    ]
)

Labels = tuple[tuple[str, str], ...]
Row = dict[str, Any]


def tickets_as_of(lines: Iterable[bytes | str | Mapping[str, Any]], as_of_us: int) -> list[Ticket]:
    """Every ticket after the events with time < `as_of_us` (microseconds since the epoch)."""
    told = []
    for events in read_log(lines).values():
        past = [event for event in events if event.time_us < as_of_us]
        if past:
            told.append(tell(past))
    return told


def window_start_us(window: str, as_of_us: int) -> int:
    """Where the window begins: ceil(t, pane) - w, so that the running pane is included."""
    if window == "all":
        return -(1 << 62)
    length_us, pane_us = WINDOWS_US[window]
    return -(-as_of_us // pane_us) * pane_us - length_us


def quantile(values: Sequence[float], q: float) -> float:
    """Linear interpolation between the two neighbouring order statistics, rank (n - 1) q."""
    ordered = sorted(values)
    rank = (len(ordered) - 1) * q
    below = math.floor(rank)
    above = math.ceil(rank)
    return ordered[below] + (ordered[above] - ordered[below]) * (rank - below)


def batch_rows(
    lines: Iterable[bytes | str | Mapping[str, Any]],
    *,
    as_of_us: int,
    windows: Sequence[str] = ("1h", "24h", "7d", "30d", "all"),
    gauge_labels: Sequence[str] = ("channel", "group", "priority"),
    histogram_labels: Sequence[str] = ("channel", "group"),
) -> list[Row]:
    """Every helpdesk metric as of `as_of_us`, as {"time", "metric", "labels", "value"} rows.

    Durations are in seconds; their means and percentiles are given for each label set and over all of them
    (then without those labels), for sums of quantiles mean nothing. Rows whose count is 0 are left
    out, as are quantiles of nothing.
    """
    return rows_of(
        tickets_as_of(lines, as_of_us),
        as_of_us=as_of_us,
        windows=windows,
        gauge_labels=gauge_labels,
        histogram_labels=histogram_labels,
    )


def rows_of(
    tickets: Iterable[Ticket],
    *,
    as_of_us: int,
    windows: Sequence[str],
    gauge_labels: Sequence[str],
    histogram_labels: Sequence[str],
) -> list[Row]:
    """The same from tickets already told as of `as_of_us`."""
    counts: dict[tuple[str, Labels], int] = {}
    oldest: dict[tuple[str, Labels], int] = {}
    durations: dict[tuple[str, Labels], list[int]] = {}

    def add(metric: str, labels: Labels) -> None:
        counts[metric, labels] = counts.get((metric, labels), 0) + 1

    def older(metric: str, labels: Labels, when_us: int) -> None:
        oldest[metric, labels] = min(when_us, oldest.get((metric, labels), when_us))

    starts_us = {window: window_start_us(window, as_of_us) for window in windows}
    for ticket in tickets:
        if ticket.is_open:
            labels = _pick(ticket.labels, gauge_labels)
            add("open_tickets", (*labels, ("status", ticket.status)))
            age_labels = _pick(ticket.labels, histogram_labels)
            age_us = max(0, as_of_us - ticket.born_us)
            durations.setdefault(("open_ticket_age_seconds", age_labels), []).append(age_us)
            older("oldest_open_timestamp_seconds", labels, ticket.born_us)
            if ticket.known:
                if ticket.assignee is None:
                    add("unassigned_tickets", labels)
                if ticket.waiting_since_us is not None:
                    add("unanswered_tickets", labels)
                    older("oldest_unanswered_timestamp_seconds", labels, ticket.waiting_since_us)
        for fact in ticket.facts:
            for window in windows:
                if fact.time_us < starts_us[window]:
                    continue
                if fact.duration_us is None:
                    add(fact.name, _count_labels(fact, window, gauge_labels))
                else:
                    key = (fact.name, _duration_labels(fact, window, histogram_labels))
                    durations.setdefault(key, []).append(fact.duration_us)

    time = time_text(as_of_us)
    rows = [_row(time, metric, labels, value) for (metric, labels), value in counts.items()]
    rows += [_row(time, metric, labels, value / SECOND_US) for (metric, labels), value in oldest.items()]
    totals: dict[tuple[str, Labels], list[int]] = {}
    for (metric, labels), values_us in durations.items():
        rows += _histogram_rows(time, metric, labels, values_us)
        total = tuple((name, value) for name, value in labels if name not in histogram_labels)
        totals.setdefault((metric, total), []).extend(values_us)
        if total != labels:
            rows += _derived_rows(time, metric, labels, values_us)
    for (metric, labels), values_us in totals.items():
        rows += _derived_rows(time, metric, labels, values_us)
    return sorted(rows, key=lambda row: (row["metric"], sorted(row["labels"].items())))


def _pick(labels: Mapping[str, str], names: Sequence[str]) -> Labels:
    return tuple((name, labels[name]) for name in names)


def _count_labels(fact: Fact, window: str, names: Sequence[str]) -> Labels:
    detail = "actor" if fact.name == "messages" else "flow"
    assert fact.detail in (ACTORS if detail == "actor" else FLOWS)
    return (*_pick(fact.labels, names), ("window", window), (detail, fact.detail))


def _duration_labels(fact: Fact, window: str, names: Sequence[str]) -> Labels:
    labels = (*_pick(fact.labels, names), ("window", window), ("clock", "calendar"))
    return (*labels, ("resolution", fact.detail)) if fact.detail else labels


def _row(time: str, metric: str, labels: Labels, value: float) -> Row:
    return {"time": time, "metric": metric, "labels": dict(labels), "value": value}


def _histogram_rows(time: str, metric: str, labels: Labels, values_us: Sequence[int]) -> list[Row]:
    rows = [
        _row(time, f"{metric}_gcount", labels, len(values_us)),
        _row(time, f"{metric}_gsum", labels, sum(values_us) / SECOND_US),
        _row(time, f"{metric}_bucket", (*labels, ("le", "+Inf")), len(values_us)),
    ]
    for edge_s in EDGES_S:
        within = sum(1 for value_us in values_us if value_us <= edge_s * SECOND_US)
        rows.append(_row(time, f"{metric}_bucket", (*labels, ("le", f"{edge_s}.0")), within))
    return rows


def _derived_rows(time: str, metric: str, labels: Labels, values_us: Sequence[int]) -> list[Row]:
    """Mean and percentiles, exact. Ages have none, and of the waits nobody asks for the mean."""
    if metric not in DURATIONS:
        return []
    name = metric.removesuffix("_seconds")
    rows = [_row(time, f"{name}_p{round(q * 100)}", labels, quantile(values_us, q) / SECOND_US) for q in (0.5, 0.9)]
    if name != "reply_wait":
        rows.append(_row(time, f"{name}_mean", labels, sum(values_us) / len(values_us) / SECOND_US))
    return rows
