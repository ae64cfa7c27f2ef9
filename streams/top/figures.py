"""The figures on the screen, taken from one exposition."""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.top import business, service
from streams.top.business import Money, Team
from streams.top.samples import Samples, between, histogram_quantile
from streams.top.service import Promise, Satisfaction

WINDOWS = ("1h", "24h", "7d", "30d")
#: edges in seconds between the bars of the age distribution, and what the bars are called
AGE_EDGES_S = (3_600, 14_400, 28_800, 86_400, 259_200, 604_800)
AGE_NAMES = ("under 1 h", "1 to 4 h", "4 to 8 h", "8 to 24 h", "1 to 3 d", "3 to 7 d", "over 7 d")

NAMES = frozenset(
    {
        "ready",
        "partition_ready",
        "partition_fresh",
        "recovery_blocked",
        "partition_refused",
        "topic_partitions",
        "watermark_timestamp_seconds",
        "view_timestamp_seconds",
        "consumer_lag_records",
        "events_processed_total",
        "events_rejected_total",
        "open_tickets",
        "unanswered_tickets",
        "unassigned_tickets",
        "oldest_unanswered_timestamp_seconds",
        "open_ticket_age_seconds_bucket",
        "first_response_seconds_bucket",
        "resolution_seconds_bucket",
        "tickets",
        "messages",
        "customers",
        "customer_changes",
        "customers_at_start",
        "customers_lost_of_start",
        "subscriptions",
        "subscription_changes",
        "mrr",
        "mrr_changes",
    }
    | service.NAMES
    | business.NAMES
)


@dataclass(frozen=True)
class Spread:
    """Median, ninth decile and number of durations in a window."""

    p50_s: float | None = None
    p90_s: float | None = None
    count: int = 0


@dataclass(frozen=True)
class Pipeline:
    """What the monitor says about itself."""

    ready: bool = False
    partitions_ready: int = 0
    partitions: int = 0
    fresh: bool = False
    blocked: int = 0
    lag_records: int = 0
    #: newest event time counted
    watermark_s: float | None = None
    #: the moment that ages and windows are counted to
    view_s: float | None = None
    processed: int = 0
    rejected: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Support:
    """The helpdesk; dictionaries by window unless said otherwise."""

    first_response: dict[str, Spread]
    resolution: dict[str, Spread]
    created: dict[str, int]
    resolved: dict[str, int]
    #: window -> actor -> messages
    messages: dict[str, dict[str, int]]
    open_tickets: int
    unanswered: int
    unassigned: int
    oldest_unanswered_s: float | None
    open_by_group: dict[str, int]
    open_by_channel: dict[str, int]
    #: counts in the order of AGE_NAMES
    ages: list[int]


@dataclass(frozen=True)
class Customers:
    """Customers and recurring revenue; empty where no such event was counted."""

    states: dict[str, int]
    #: window -> change -> customers
    changes: dict[str, dict[str, int]]
    #: window -> share lost, None where the history is too short or nobody was there
    churn: dict[str, float | None]
    subscriptions: dict[str, int]
    #: currency -> major units
    mrr: dict[str, float]
    #: window -> "change currency" -> major units
    mrr_changes: dict[str, dict[tuple[str, str], float]]


@dataclass(frozen=True)
class Figures:
    """Everything a page may show."""

    pipeline: Pipeline
    support: Support
    customers: Customers
    #: targets of service levels, those that need a look first
    promises: list[Promise]
    satisfaction: Satisfaction
    team: Team
    #: a currency each
    money: list[Money]


def figures_of(samples: Samples, now_s: float) -> Figures:
    """Figures of one poll; ``now_s`` (unix time) stands in where the monitor does not say its own time."""
    pipeline = _pipeline(samples)
    time_s = pipeline.view_s or pipeline.watermark_s or now_s
    return Figures(
        pipeline,
        _support(samples, time_s),
        _customers(samples),
        service.promises_of(samples),
        service.satisfaction_of(samples),
        business.team_of(samples),
        business.money_of(samples),
    )


def _pipeline(samples: Samples) -> Pipeline:
    topics: dict[str, int] = {}
    for labels, value in samples.select("topic_partitions"):
        # every worker shows the whole topic, so workers do not add up here
        topics[labels["topic"]] = max(topics.get(labels["topic"], 0), int(value))
    ready = [value for _, value in samples.select("ready")]
    fresh = [value for _, value in samples.select("partition_fresh")]
    return Pipeline(
        ready=bool(ready) and min(ready) > 0,
        partitions_ready=int(samples.total("partition_ready")),
        partitions=sum(topics.values()),
        fresh=bool(fresh) and min(fresh) > 0,
        blocked=int(samples.total("recovery_blocked") + samples.total("partition_refused")),
        lag_records=int(samples.total("consumer_lag_records")),
        watermark_s=samples.most("watermark_timestamp_seconds"),
        view_s=samples.most("view_timestamp_seconds"),
        processed=int(samples.total("events_processed_total")),
        rejected=_positive(samples.by("reason", "events_rejected_total")),
    )


def _support(samples: Samples, time_s: float) -> Support:
    oldest = samples.least("oldest_unanswered_timestamp_seconds")
    return Support(
        first_response={w: _spread(samples, "first_response_seconds", window=w) for w in WINDOWS},
        resolution={w: _spread(samples, "resolution_seconds", window=w, resolution="full") for w in WINDOWS},
        created={w: int(samples.total("tickets", window=w, flow="created")) for w in WINDOWS},
        resolved={w: int(samples.total("tickets", window=w, flow="resolved")) for w in WINDOWS},
        messages={w: _counts(samples.by("actor", "messages", window=w)) for w in WINDOWS},
        open_tickets=int(samples.total("open_tickets")),
        unanswered=int(samples.total("unanswered_tickets")),
        unassigned=int(samples.total("unassigned_tickets")),
        oldest_unanswered_s=None if oldest is None else max(0.0, time_s - oldest),
        open_by_group=_positive(samples.by("group", "open_tickets")),
        open_by_channel=_positive(samples.by("channel", "open_tickets")),
        ages=between(samples.buckets("open_ticket_age_seconds"), AGE_EDGES_S),
    )


def _customers(samples: Samples) -> Customers:
    churn: dict[str, float | None] = {}
    for window in WINDOWS:
        # `period` tells now from the window before; series without it are of now
        start = samples.total("customers_at_start", window=window, period="now")
        lost = samples.total("customer_changes", window=window, period="now", change="lost")
        churn[window] = lost / start if start > 0 else None
    changes = {w: samples.by("change", "customer_changes", window=w, period="now") for w in WINDOWS}
    return Customers(
        states=_counts(samples.by("state", "customers")),
        changes={w: _counts(by_change) for w, by_change in changes.items()},
        churn=churn,
        subscriptions=_positive(samples.by("plan", "subscriptions")),
        mrr={currency: v for currency, v in samples.by("currency", "mrr").items() if currency != "none"},
        mrr_changes={w: _money_changes(samples, w) for w in WINDOWS},
    )


def _money_changes(samples: Samples, window: str) -> dict[tuple[str, str], float]:
    sums: dict[tuple[str, str], float] = {}
    for labels, value in samples.select("mrr_changes", window=window):
        key = (labels.get("change", ""), labels.get("currency", ""))
        sums[key] = sums.get(key, 0.0) + value
    return sums


def _spread(samples: Samples, name: str, **match: str) -> Spread:
    buckets = samples.buckets(name, **match)
    count = int(buckets[-1][1]) if buckets else 0
    return Spread(histogram_quantile(0.5, buckets), histogram_quantile(0.9, buckets), count)


def _counts(values: dict[str, float]) -> dict[str, int]:
    return {name: int(value) for name, value in values.items()}


def _positive(values: dict[str, float]) -> dict[str, int]:
    """Counts above zero, the largest first."""
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    return {name: int(value) for name, value in ordered if value > 0}
