"""A canned exposition: a desk of four groups and four channels on a busy morning; who serves it is a stub."""

from __future__ import annotations

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeHistogramMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from metrics_core.grid import EDGES_S, INTERVALS

#: 2026-01-15T09:30:00Z
NOW_S = 1_768_469_400.0
WINDOWS = ("1h", "24h", "7d", "30d")
OPEN = {
    ("email", "billing"): 61,
    ("email", "technical"): 43,
    ("chat", "technical"): 22,
    ("chat", "sales"): 14,
    ("phone", "billing"): 9,
    ("forms", "returns and refunds"): 17,
}
#: observations by interval of the grid
FIRST_RESPONSE = [2, 3, 9, 12, 5, 14, 8, 6, 3, 2]
RESOLUTION = [0, 0, 0, 1, 1, 3, 6, 11, 14, 9, 6, 4, 2, 2, 1]
AGES = [3, 2, 4, 6, 2, 9, 8, 12, 20, 16, 14, 20, 10, 18, 9, 6, 4, 2, 1]


Rows = dict[tuple[str, ...], float]


@dataclass
class StubWorker:
    """Serves ``text`` at /metrics and ``message`` at /readyz."""

    url: str = ""
    text: str = ""
    status: int = 200
    message: str | None = None


class Canned(Collector):
    """Families made once."""

    def __init__(self, families: list[Metric]) -> None:
        self.families = families

    def collect(self) -> list[Metric]:
        return self.families


def gauge(name: str, labels: tuple[str, ...], rows: dict[tuple[str, ...], float]) -> Metric:
    family = GaugeMetricFamily(f"deskpulse_{name}", name, labels=labels)
    for key, value in rows.items():
        family.add_metric(key, value)
    return family


def durations(name: str, labels: tuple[str, ...], rows: dict[tuple[str, ...], list[int]]) -> Metric:
    family = GaugeHistogramMetricFamily(f"deskpulse_{name}", name, labels=labels)
    names = [*(floatToGoString(edge) for edge in EDGES_S), "+Inf"]
    for key, counts in rows.items():
        padded = counts + [0] * (INTERVALS - len(counts))
        cumulative = [sum(padded[: i + 1]) for i in range(INTERVALS)]
        family.add_metric(key, list(zip(names, cumulative, strict=True)), 1.0)
    return family


def support(scale: int = 1) -> list[Metric]:
    """The helpdesk's series; ``scale`` multiplies the counts."""
    span = {window: factor * scale for window, factor in zip(WINDOWS, (1, 11, 70, 300), strict=True)}
    flows = {
        (channel, window, flow): float(span[window] * number)
        for window in WINDOWS
        for channel, flow, number in (
            ("email", "created", 31),
            ("chat", "created", 16),
            ("email", "resolved", 27),
            ("chat", "resolved", 13),
        )
    }
    messages = {
        (window, actor): float(span[window] * number)
        for window in WINDOWS
        for actor, number in (("customer", 96), ("agent", 84), ("bot", 20))
    }
    hour = {"window": "1h"}
    return [
        gauge("open_tickets", ("channel", "group"), {k: float(v * scale) for k, v in OPEN.items()}),
        gauge("unanswered_tickets", ("channel",), {("email",): 17.0 * scale, ("chat",): 6.0 * scale}),
        gauge("unassigned_tickets", ("channel",), {("email",): 12.0 * scale}),
        gauge(
            "oldest_unanswered_timestamp_seconds",
            ("channel",),
            {("email",): NOW_S - 11_520, ("chat",): NOW_S - 380},
        ),
        durations("open_ticket_age_seconds", (), {(): [n * scale for n in AGES]}),
        durations(
            "first_response_seconds",
            ("window",),
            {(w,): [n * span[w] + (n if w != hour["window"] else 0) for n in FIRST_RESPONSE] for w in WINDOWS},
        ),
        durations(
            "resolution_seconds",
            ("window", "resolution"),
            {(w, r): [n * span[w] for n in RESOLUTION] for w in WINDOWS for r in ("first", "full")},
        ),
        gauge("tickets", ("channel", "window", "flow"), flows),
        gauge("messages", ("window", "actor"), messages),
    ]


def pipeline(
    *, ready: bool = True, fresh: bool = True, counted: int = 48_210, partitions_ready: int = 8
) -> list[Metric]:
    """The monitor's own series, of one topic with eight partitions."""
    at = [("helpdesk.events", str(p)) for p in range(8)]
    processed = CounterMetricFamily("deskpulse_events_processed", "counted", labels=("topic", "type"))
    processed.add_metric(("helpdesk.events", "helpdesk.ticket.message"), counted)
    rejected = CounterMetricFamily("deskpulse_events_rejected", "rejected", labels=("topic", "reason"))
    for reason, number in (("too_late", 3), ("bad_time", 2), ("future", 0)):
        rejected.add_metric(("helpdesk.events", reason), number)
    labels = ("topic", "partition")
    return [
        gauge("ready", (), {(): float(ready)}),
        gauge("topic_partitions", ("topic",), {("helpdesk.events",): 8.0}),
        gauge("partition_ready", labels, {p: float(i < partitions_ready) for i, p in enumerate(at)}),
        gauge("partition_fresh", labels, dict.fromkeys(at, float(fresh))),
        gauge("consumer_lag_records", labels, dict.fromkeys(at, 0.0 if fresh else 1_500.0)),
        gauge("watermark_timestamp_seconds", labels, dict.fromkeys(at, NOW_S - 90)),
        gauge("view_timestamp_seconds", (), {(): NOW_S}),
        processed,
        rejected,
    ]


def customers() -> list[Metric]:
    """The customers' series."""
    return [
        gauge("customers", ("segment", "state"), {("smb", "active"): 1_604.0, ("smb", "inactive"): 210.0}),
        gauge(
            "customer_changes",
            ("window", "period", "change"),
            {
                (window, period, change): number
                for window in WINDOWS
                for period in ("now", "before")
                for change, number in (("new", 38.0), ("lost", 21.0), ("reactivated", 4.0))
            },
        ),
        gauge("customers_at_start", ("window", "period"), {("30d", "now"): 1_783.0, ("30d", "before"): 1.0}),
        gauge("subscriptions", ("plan",), {("basic",): 920.0, ("plus",): 411.0}),
        gauge("mrr", ("plan", "currency"), {("basic", "EUR"): 18_390.5, ("plus", "USD"): 4_110.0}),
        gauge(
            "mrr_changes",
            ("window", "change", "currency"),
            {("30d", "new", "EUR"): 1_200.0, ("30d", "churn", "EUR"): -310.0},
        ),
    ]


def service() -> list[Metric]:
    """Service levels, surveys and complaints."""
    clocks = {
        ("email", "first_response"): (31, 4, 2, 0),
        ("vip", "resolution"): (18, 3, 5, 6),
        ("chat", "first_response"): (2, 1, 0, 0),
        ("phone", "first_response"): (1, 0, 0, 0),
        ("social", "first_response"): (0, 0, 0, 0),
    }
    states = ("running", "at_risk", "breached", "paused")
    sizes = {"1h": 1, "24h": 20, "7d": 120, "30d": 500}
    waiting: Rows = {(*key, state): n for key, ns in clocks.items() for state, n in zip(states, ns, strict=True)}
    outcomes: Rows = {
        (window, policy, target, outcome): float(size * (9 if outcome == "met" else 1 + (policy == "vip")))
        for window, size in sizes.items()
        for policy, target in clocks
        for outcome in ("met", "breached")
        if policy != "social"
    }
    answers: Rows = {
        (window, period, survey, scale, name): float(size * share // 10)
        for window, size in sizes.items()
        for period in ("now", "before")
        for survey, scale, shares in (
            ("csat", "5", (("positive", 16), ("neutral", 3), ("negative", 2))),
            ("nps", "10", (("promoter", 6), ("passive", 3), ("detractor", 2))),
            ("ces", "7", (("positive", 4), ("neutral", 2), ("negative", 1))),
        )
        for name, share in shares
    }
    own = ("window", "period", "survey", "scale")
    effort: Rows = {(w, p, "ces", "7"): float(sizes[w] * 35 // 10) for w in WINDOWS for p in ("now", "before")}
    flows = (("opened", 3), ("escalated", 1), ("resolved", 2))
    complaints: Rows = {
        (w, flow, category): float(n * sizes[w] // 10)
        for w in WINDOWS
        for flow, n in flows
        for category in ("returns", "billing")
    }
    return [
        gauge("sla_clocks", ("policy", "target", "state"), waiting),
        gauge("sla_outcomes", ("window", "policy", "target", "outcome"), outcomes),
        gauge("survey_answers", (*own, "class"), answers),
        gauge("survey_score_sum", own, effort),
        gauge("surveys_sent", ("window", "survey"), {(w, "csat"): 6.0 * n for w, n in sizes.items()}),
        gauge("complaints", ("window", "flow", "category"), complaints),
        gauge("open_complaints", ("category",), {("returns",): 7.0, ("billing",): 3.0, ("account",): 0.0}),
    ]


def business() -> list[Metric]:
    """Agents, revenue, spending and cash."""
    groups = {"billing": (4, 1, 3), "technical": (6, 2, 5), "sales": (2, 0, 4)}
    months = {"1h": 0.001, "24h": 0.03, "7d": 0.25, "30d": 1.0}
    periods = ("now", "before")
    statuses = ("online", "away", "offline")
    agents: Rows = {(s, group): n for group, ns in groups.items() for s, n in zip(statuses, ns, strict=True)}
    changes: Rows = {(w, c): n for w in ("7d", "30d") for c, n in (("joined", 2), ("left", 1))}
    revenue: Rows = {
        (w, period, category, currency): amount * share * (1.0 if currency == "EUR" else 0.2)
        for w, share in months.items()
        for period in periods
        for category, amount in (("subscription", 61_000.0), ("new_sale", 14_500.25), ("interest", 80.0))
        for currency in ("EUR", "USD")
    }
    spend: Rows = {
        (w, period, category, "EUR"): amount * share
        for w, share in months.items()
        for period in periods
        for category, amount in (("sales", 940.0), ("marketing", 620.5), ("service", 4_100.0), ("innovation", 2e3))
    }
    cash: Rows = {
        (w, kind, "EUR"): amount * share
        for w, share in months.items()
        for kind, amount in (("operating", 40_000.0), ("investment", 9_000.0), ("working_capital", 3_500.0))
    }
    return [
        gauge("agents", ("status", "group"), agents),
        gauge("agents_employed", ("group",), {(group,): sum(ns) for group, ns in groups.items()}),
        gauge("agent_changes", ("window", "change"), changes),
        gauge("agents_at_start", ("window",), {("24h",): 27.0, ("7d",): 26.0}),
        gauge("revenue", ("window", "period", "category", "currency"), revenue),
        gauge("orders", ("window", "currency"), {(w, "EUR"): round(900 * share) for w, share in months.items()}),
        gauge("spend", ("window", "period", "category", "currency"), spend),
        gauge("cash_flow", ("window", "kind", "currency"), cash),
    ]


def text(*groups: list[Metric]) -> str:
    """The groups as Prometheus text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Canned([family for group in groups for family in group]))
    return generate_latest(registry).decode()
