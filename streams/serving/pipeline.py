"""The pipeline's own series: always shown, whatever state the worker is in."""

from __future__ import annotations

import platform
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)

from metrics_core.events import DATA_OF_TYPE
from metrics_core.policy import WINDOWS, Policy
from metrics_core.rejects import Reason
from metrics_core.times import SECOND_US
from streams.serving.exposition import PREFIX
from streams.serving.rendering import go_float
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.engine.status import DelayHistogram, EngineStatus, PartitionStatus

#: version of the metric specification: names, labels, edges and meaning of what is exposed
SPEC_VERSION: Final = "1"
WINDOW_S: Final = {"1h": 3_600, "24h": 86_400, "7d": 604_800, "30d": 2_592_000}
assert tuple(WINDOW_S) == WINDOWS

_PER_PARTITION: tuple[tuple[str, str, Callable[[PartitionStatus], float | None]], ...] = (
    (
        "partition_fresh",
        "1 when the partition is ready and no more than a minute behind; 0 silences business alerts",
        lambda p: p.fresh,
    ),
    (
        "watermark_timestamp_seconds",
        "Largest event time counted, absent before the first event",
        lambda p: p.watermark_us / SECOND_US if p.watermark_us else None,
    ),
    (
        "consumer_lag_records",
        "Records in the source that are not counted yet",
        lambda p: max(p.end_offset - p.next_offset, 0),
    ),
    ("checkpoint_duration_seconds", "How long the last checkpoint took", lambda p: p.checkpoint_duration_s),
    ("checkpoint_rows", "Rows that the last checkpoint wrote", lambda p: p.checkpoint_rows),
    (
        "last_checkpoint_timestamp_seconds",
        "When the last checkpoint was committed, absent before the first",
        lambda p: p.last_checkpoint_s or None,
    ),
    ("recovery_rows", "Rows read by the last recovery of the partition", lambda p: p.recovery_rows),
    (
        "recovery_share",
        "Share of the changelog that the last recovery of the partition has read; below 1 it is under way",
        lambda p: p.recovery_share,
    ),
    (
        "recovery_seconds",
        "How long the last recovery of the partition took, or has taken so far",
        lambda p: p.recovery_seconds,
    ),
    (
        "recovery_blocked",
        "1 while recovery waits for a foreign open transaction; /readyz names its producer",
        lambda p: p.recovery_blocked is not None,
    ),
    (
        "partition_refused",
        "1 when the partition waits for an operator's decision; /readyz says which",
        lambda p: p.refused is not None,
    ),
    (
        "accepted_losses",
        "Times that missing records of the source were accepted as lost; the fences name their offsets",
        lambda p: p.accepted_losses,
    ),
)

#: what goes wrong now and then, and is put right by itself; counted from the worker's start
_TOTALS_PER_PARTITION: tuple[tuple[str, str, Callable[[PartitionStatus], int]], ...] = (
    ("checkpoints", "Checkpoints committed since the process started", lambda p: p.checkpoints),
    (
        "checkpoints_failed",
        "Checkpoints that failed or whose outcome is unknown; each costs a recovery and no number",
        lambda p: p.checkpoints_failed,
    ),
    ("recoveries", "Times that the partition was recovered by this worker", lambda p: p.recoveries),
    (
        "fetch_gaps",
        "Times that fetched records did not begin where the state ends, so that they were fetched again",
        lambda p: p.gaps,
    ),
    (
        "stale_batches",
        "Batches dropped because they were fetched before a rebalance or a seek; they come again",
        lambda p: p.stale_batches,
    ),
)


@dataclass(frozen=True)
class ScrapeFacts:
    """What one rendering of a snapshot says about itself; times are 0 where there is none."""

    business_series: int = 0
    series_folded: int = 0
    render_s: float = 0.0
    #: since when events are complete
    history_start_us: int = 0
    #: kind of subject -> the same for what is withheld until its history reaches far enough
    starts_us: Mapping[str, int] = field(default_factory=dict)
    #: the moment that ages and windows are counted to
    view_us: int = 0
    orphan_tickets: int = 0
    future_events: int = 0


def engine_families(
    status: EngineStatus, settings: Settings, policy: str, shown: Collection[tuple[str, int]]
) -> list[Metric]:
    """What the engine says as of now; cheap (a few hundred samples) and run on the event loop, which owns the
    status, so that nothing changes underneath. ``policy``: its label; ``shown``: the partitions of the snapshot
    that is rendered."""
    return [
        *_partitions(status, shown),
        *_events(status, settings),
        _delay(
            "event_delay_seconds", "Time from an event's record in Kafka to its being counted", status.event_delay
        ),
        _delay(
            "event_shown_seconds",
            "Time from an event's record in Kafka to the snapshot that is the first to show it",
            status.shown_delay,
        ),
        *_constants(policy),
        _gauge("ready", "1 when every assigned partition is recovered", status.ready),
    ]


def policy_label(policy: Policy) -> str:
    """The newest version's number, for people; the hash of all of it, for whoever compares."""
    return f"{policy.newest.version}-{policy.hash}"


def scrape_families(facts: ScrapeFacts, engine_series: int) -> list[Metric]:
    """What is known once the snapshot is rendered."""
    families = [
        _time(
            "history_start_timestamp_seconds",
            "Since when events are complete: the first event or snapshot; absent before it",
            facts.history_start_us,
        ),
        _subject_starts(facts.starts_us),
        _time(
            "view_timestamp_seconds",
            "The moment that ages and windows are counted to; absent before the first snapshot",
            facts.view_us,
        ),
        _gauge(
            "orphan_tickets",
            "Tickets known only in part: their beginning was retired or never seen",
            facts.orphan_tickets,
        ),
        _gauge("future_events", "Events whose time has not come yet", facts.future_events),
        _gauge("scrape_duration_seconds", "How long rendering the snapshot took in the worker", facts.render_s),
        _gauge(
            "series_folded",
            "Series not shown by themselves but summed into the label value other",
            facts.series_folded,
        ),
    ]
    own = sum(len(family.samples) for family in families) + 1
    series = facts.business_series + engine_series + own
    return [*families, _gauge("series", "Series that this worker exposes", series)]


def _subject_starts(starts_us: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(
        PREFIX + "subject_history_start_timestamp_seconds",
        "The first event of a kind of subject; absent before it. What needs a past is withheld until then",
        labels=("subject",),
    )
    for subject, start_us in sorted(starts_us.items()):
        family.add_metric((subject,), start_us / SECOND_US)
    return family


def _time(name: str, text: str, time_us: int) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, value=time_us / SECOND_US if time_us else None)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(PREFIX + name, text, value=float(value))


def _partitions(status: EngineStatus, shown: Collection[tuple[str, int]]) -> Iterator[Metric]:
    places = sorted(status.partitions.items())
    ready = GaugeMetricFamily(
        PREFIX + "partition_ready",
        "1 when the partition is recovered and part of the values in this scrape",
        labels=("topic", "partition"),
    )
    # what is shown, not what is owned by now: a partition just lost counts for as long as its values are here, else
    # they would add up with those of its next owner unnoticed
    for topic, partition in sorted({*shown, *(place for place, _ in places)}):
        ready.add_metric((topic, str(partition)), float((topic, partition) in shown))
    yield ready
    for name, text, read in _PER_PARTITION:
        family = GaugeMetricFamily(PREFIX + name, text, labels=("topic", "partition"))
        for (topic, partition), state in places:
            value = read(state)
            if value is not None:
                family.add_metric((topic, str(partition)), float(value))
        yield family
    for name, text, read_total in _TOTALS_PER_PARTITION:
        totals = CounterMetricFamily(PREFIX + name, text, labels=("topic", "partition"))
        for (topic, partition), state in places:
            totals.add_metric((topic, str(partition)), read_total(state))
        yield totals
    topics = GaugeMetricFamily(
        PREFIX + "topic_partitions",
        "Partitions of the source topic; business values are whole when each of them is ready exactly once",
        labels=("topic",),
    )
    for topic, count in sorted(status.topic_partitions.items()):
        topics.add_metric((topic,), count)
    yield topics


def _events(status: EngineStatus, settings: Settings) -> Iterator[Metric]:
    processed = CounterMetricFamily(
        PREFIX + "events_processed", "Events counted since the process started", labels=("topic", "type")
    )
    rejected = CounterMetricFamily(
        PREFIX + "events_rejected", "Events that could not be used", labels=("topic", "reason")
    )
    for topic, counters in sorted(status.counters.items()):
        helpdesk = topic == settings.helpdesk_topic
        types = dict.fromkeys((t for t in DATA_OF_TYPE if t.startswith("helpdesk.") == helpdesk), 0)
        for event_type, count in sorted({**types, **counters.processed}.items()):
            processed.add_metric((topic, event_type), count)
        reasons = dict.fromkeys((reason.value for reason in Reason), 0)
        for reason, count in sorted({**reasons, **counters.rejected}.items()):
            rejected.add_metric((topic, reason), count)
    yield processed
    yield rejected
    for name, text, attribute in (
        ("events_duplicate", "Events seen before, which changed nothing", "duplicates"),
        ("events_late", "Events that came after a later one of their subject and corrected it", "late"),
        (
            "duplicate_conflicts",
            "Events with the identity of an earlier one but another content; the first one holds",
            "conflicts",
        ),
        ("events_tombstone", "Records without a value, which are skipped", "tombstones"),
        ("durations_clamped", "Durations below zero that were counted as zero", "clamped"),
    ):
        total = sum(getattr(counters, attribute) for counters in status.counters.values())
        yield CounterMetricFamily(PREFIX + name, text, value=total)


def _delay(name: str, text: str, delay: DelayHistogram) -> Metric:
    family = HistogramMetricFamily(PREFIX + name, text, labels=())
    buckets, seen = [], 0
    for edge, count in zip((*delay.edges_s, float("inf")), delay.counts, strict=True):
        seen += count
        buckets.append((go_float(edge), seen))
    family.add_metric((), buckets, delay.sum_s)
    return family


def _constants(policy: str) -> Iterator[Metric]:
    windows = GaugeMetricFamily(PREFIX + "window_seconds", "Length of each window", labels=("window",))
    for window, seconds in WINDOW_S.items():
        windows.add_metric((window,), seconds)
    yield windows
    yield InfoMetricFamily(
        PREFIX + "build",
        "What is running",
        value={"version": version("deskpulse"), "python": platform.python_version()},
    )
    yield InfoMetricFamily(
        PREFIX + "metric_spec",
        "Version of the metric specification; number of the newest policy version and hash of the whole policy. "
        "Workers that differ must not be summed",
        value={"version": SPEC_VERSION, "policy": policy},
    )
