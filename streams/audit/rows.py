"""Every value as rows: sums over tickets, agents, ledgers and customers, window by window, from the definitions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.audit.answers import Answers
from streams.audit.customer_rows import add_customers
from streams.audit.customers import Story, tell_customer
from streams.audit.events import KINDS, TICKET, Event, Log, read_all
from streams.audit.ledgers import asked_about, lead_flows, ledger_flows, sent_flows
from streams.audit.people import add_agents
from streams.audit.policy import DEFAULTS, Rules
from streams.audit.tickets import Fact, Ticket, tell
from streams.audit.times import time_text
from streams.audit.windows import SECOND_US, Flow, Labels, Row, Span, Sums, span

EDGES_S = (
    *(30, 60, 120, 240, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200),
    *(86400, 172800, 259200, 604800, 1209600, 2592000),
)
DURATIONS = ("first_response_seconds", "resolution_seconds", "reply_wait_seconds")
#: what the audit gives, and so what it can compare
AUDITED = frozenset(
    [
        *("open_tickets", "unanswered_tickets", "unassigned_tickets", "tickets", "messages"),
        *("oldest_unanswered_timestamp_seconds", "oldest_open_timestamp_seconds"),
        *("sla_clocks", "sla_outcomes", "complaints", "open_complaints"),
        *("survey_answers", "survey_score_sum", "surveys_sent"),
        *(
            "agents",
            "agents_employed",
            "agent_changes",
            "agents_at_start",
            "spend",
            "invites",
            "cash_flow",
            "leads",
        ),
        *("customers", "customer_changes", "customers_at_start", "customers_lost_of_start"),
        *("subscriptions", "subscription_changes", "subscriptions_at_start", "subscriptions_lost_of_start"),
        *("mrr", "mrr_changes", "mrr_at_start", "subscribed_customers"),
        *("revenue", "orders", "buyers", "repeat_buyers"),
        *("customer_lifetime_seconds_sum", "customer_lifetime_seconds_count"),
        *(
            f"{series}{part}"
            for series in (*DURATIONS, "open_ticket_age_seconds")
            for part in ("_bucket", "_gcount", "_gsum")
        ),
        *(f"{series}_{part}" for series in ("first_response", "resolution") for part in ("mean", "p50", "p90")),
        *("reply_wait_p50", "reply_wait_p90"),
    ]
)
#: what customers do
CUSTOMER = ("crm.customer", "crm.subscription", "crm.payment")
#: what is booked
LEDGER = ("crm.spend", "finance.cash_flow")


@dataclass(frozen=True)
class Told:
    """A history as of a moment, told once and asked as often as one likes."""

    as_of_us: int
    rules: Rules
    log: Log
    tickets: list[Ticket]
    customers: list[Story]


def told_as_of(lines: Iterable[bytes | str | Mapping[str, Any]], as_of_us: int, rules: Rules = DEFAULTS) -> Told:
    """The history of the events with time < `as_of_us` (microseconds since the epoch)."""
    log = read_all(lines, as_of_us)
    tickets = [tell(events, rules, as_of_us) for events in log.subjects(TICKET).values()]
    customers = [tell_customer(events, rules) for events in log.subjects(*CUSTOMER).values()]
    return Told(as_of_us, rules, log, tickets, customers)


def tickets_as_of(lines: Iterable[bytes | str | Mapping[str, Any]], as_of_us: int) -> list[Ticket]:
    """Every ticket after the events with time < `as_of_us` (microseconds since the epoch)."""
    return told_as_of(lines, as_of_us).tickets


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
    rules: Rules = DEFAULTS,
) -> list[Row]:
    """Every metric of AUDITED as of a time, as {"time", "metric", "labels", "value"}; seconds, and money in major
    units, as in reports.

    Events with time < `as_of_us` count. Means and percentiles are given for each label set and over all of them
    (then without those labels), for sums of quantiles mean nothing. Rows whose count is 0 are left
    out, as are quantiles of nothing.
    """
    told = told_as_of(lines, as_of_us, rules)
    return rows_of(told, windows=windows, gauge_labels=gauge_labels, histogram_labels=histogram_labels)


def rows_of(
    told: Told, *, windows: Sequence[str], gauge_labels: Sequence[str], histogram_labels: Sequence[str]
) -> list[Row]:
    """The same of a history that is told already."""
    log, as_of_us = told.log, told.as_of_us
    spans = [span(window, as_of_us) for window in windows]
    sums = Sums()
    rows = _ticket_rows(told, sums, spans, gauge_labels, histogram_labels)
    flows = [
        *_answer_flows(told, gauge_labels),
        *sent_flows(_events(log, "crm.survey"), gauge_labels),
        *ledger_flows(_events(log, "crm.invite")),
        *(flow for events in log.subjects("crm.lead").values() for flow in lead_flows(events)),
    ]
    sums.add_flows(flows, spans, log.start_us())
    sums.add_flows(ledger_flows(_events(log, *LEDGER)), spans, log.start_us(*LEDGER))
    agents = [*log.subjects("helpdesk.agent").values()]
    add_agents(sums, agents, spans, log.start_us("helpdesk.agent"))
    add_customers(sums, told.customers, as_of_us, spans, log.start_us(*CUSTOMER))
    rows += sums.rows(as_of_us)
    return sorted(rows, key=lambda row: (row["metric"], sorted(row["labels"].items())))


def _events(log: Log, *topics: str) -> list[Event]:
    assert set(topics) <= KINDS.keys()
    return [event for events in log.subjects(*topics).values() for event in events]


def _answer_flows(told: Told, names: Sequence[str]) -> list[Flow]:
    """Answers and their scores: ratings on the labels of the ticket, those of the CRM on what they name."""
    told_answers = [ticket.answers for ticket in told.tickets]
    for events in told.log.subjects("crm.survey").values():
        answers = Answers()
        for event in events:
            if event.kind == "answered":
                version = told.rules.at(event.time_us)
                answers.hear(event.time_us, event.fields, dict(asked_about(event, names)), version)
        told_answers.append(answers)
    flows = []
    for answer in (one for answers in told_answers for one in answers.standing.values()):
        shown = ("survey", "attribute", "competitor", "scale", *names)
        labels = tuple((name, answer.labels[name]) for name in shown)
        flows.append(Flow("survey_answers", answer.time_us, (*labels, ("class", answer.rating))))
        flows.append(Flow("survey_score_sum", answer.time_us, labels, answer.score))
    return flows


def _ticket_rows(
    told: Told, sums: Sums, spans: Sequence[Span], gauge_labels: Sequence[str], histogram_labels: Sequence[str]
) -> list[Row]:
    """Rows of durations and of moments; what is counted is added to `sums`."""
    oldest: dict[tuple[str, Labels], int] = {}
    durations: dict[tuple[str, Labels], list[int]] = {}

    def older(metric: str, labels: Labels, when_us: int) -> None:
        oldest[metric, labels] = min(when_us, oldest.get((metric, labels), when_us))

    for ticket in told.tickets:
        if ticket.is_open:
            labels = _pick(ticket.labels, gauge_labels)
            _add_open(sums, ticket, labels, told.as_of_us)
            age_labels = _pick(ticket.labels, histogram_labels)
            age_us = max(0, told.as_of_us - ticket.born_us)
            durations.setdefault(("open_ticket_age_seconds", age_labels), []).append(age_us)
            older("oldest_open_timestamp_seconds", labels, ticket.born_us)
            if ticket.known and ticket.waiting_since_us is not None:
                older("oldest_unanswered_timestamp_seconds", labels, ticket.waiting_since_us)
        counted = [fact for fact in ticket.facts if fact.duration_us is None]
        sums.add_flows((_flow(fact, gauge_labels) for fact in counted), spans, None)
        for fact in ticket.facts:
            for one in spans:
                if fact.duration_us is not None and fact.time_us >= one.start_us:
                    key = (fact.name, _duration_labels(fact, one.name, histogram_labels))
                    durations.setdefault(key, []).append(fact.duration_us)
    time = time_text(told.as_of_us)
    rows = [_row(time, metric, labels, value / SECOND_US) for (metric, labels), value in oldest.items()]
    return rows + _all_duration_rows(time, durations, histogram_labels)


def _add_open(sums: Sums, ticket: Ticket, labels: Labels, as_of_us: int) -> None:
    """What stands of an open ticket; of an orphan no more than that it is open."""
    sums.add("open_tickets", (*labels, ("status", ticket.status)))
    if not ticket.known:
        return
    if ticket.assignee is None:
        sums.add("unassigned_tickets", labels)
    if ticket.waiting_since_us is not None:
        sums.add("unanswered_tickets", labels)
    if ticket.complaint.judged:
        sums.add("open_complaints", (*labels, ("category", ticket.complaint.category)))
    for target, clock in ticket.promises.clocks.items():
        own = (("policy", clock.level.name), ("target", target), ("state", clock.state(as_of_us)))
        sums.add("sla_clocks", (*labels, *own))


def _all_duration_rows(
    time: str, durations: Mapping[tuple[str, Labels], list[int]], histogram_labels: Sequence[str]
) -> list[Row]:
    rows = []
    totals: dict[tuple[str, Labels], list[int]] = {}
    for (metric, labels), values_us in durations.items():
        rows += _histogram_rows(time, metric, labels, values_us)
        total = tuple((name, value) for name, value in labels if name not in histogram_labels)
        totals.setdefault((metric, total), []).extend(values_us)
        if total != labels:
            rows += _derived_rows(time, metric, labels, values_us)
    for (metric, labels), values_us in totals.items():
        rows += _derived_rows(time, metric, labels, values_us)
    return rows


def _pick(labels: Mapping[str, str], names: Sequence[str]) -> Labels:
    return tuple((name, labels[name]) for name in names)


def _flow(fact: Fact, names: Sequence[str]) -> Flow:
    return Flow(fact.name, fact.time_us, (*_pick(fact.labels, names), *fact.own.items()))


def _duration_labels(fact: Fact, window: str, names: Sequence[str]) -> Labels:
    return (*_pick(fact.labels, names), ("window", window), ("clock", "calendar"), *fact.own.items())


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
