"""What the engine says about itself; serving reads it, the engine alone writes it."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from metrics_core.counters import Counters

#: Upper edges in seconds of the time between an event's arrival in Kafka and its being counted.
DELAY_EDGES_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0)
#: The same until it is shown; finer about 0.15, which is what is promised of 99 % of them.
SHOWN_EDGES_S = (
    0.025,
    0.05,
    0.075,
    0.1,
    0.125,
    0.15,
    0.2,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
    30.0,
    60.0,
    300.0,
    3600.0,
)


class DelayHistogram:
    """Seconds from Kafka's record time to being counted or shown; one observation a chunk, weighted by its records.

    The oldest record of a chunk stands for all of it, so the delay is never flattered.
    """

    def __init__(self, edges_s: tuple[float, ...] = DELAY_EDGES_S) -> None:
        self.edges_s = edges_s
        #: per edge, not cumulative; the last one is +Inf
        self.counts = [0] * (len(edges_s) + 1)
        self.sum_s = 0.0
        self.count = 0

    def observe(self, delay_s: float, records: int) -> None:
        """Count ``records`` observations of ``delay_s``; a clock that runs ahead counts as no delay."""
        delay_s = max(0.0, delay_s)
        self.counts[bisect_left(self.edges_s, delay_s)] += records
        self.sum_s += delay_s * records
        self.count += records


@dataclass
class PartitionStatus:
    """One assigned source partition. ``end_offset`` is the last stable offset."""

    topic: str
    partition: int
    ready: bool = False
    #: ready, and what is shown is at most a minute behind
    fresh: bool = False
    watermark_us: int = 0
    next_offset: int = 0
    end_offset: int = 0
    checkpoint_duration_s: float = 0.0
    checkpoint_rows: int = 0
    #: unix time of the last durable checkpoint, 0 before the first
    last_checkpoint_s: float = 0.0
    recovery_rows: int = 0
    #: of the changelog as it stood when the recovery began, by offsets
    recovery_share: float = 0.0
    #: of the recovery under way, or what the last one took
    recovery_seconds: float = 0.0
    #: a sentence while recovery waits for a foreign open transaction
    recovery_blocked: str | None = None
    #: a sentence saying what to do while the partition is refused
    refused: str | None = None
    #: times that missing source records were accepted as lost, over the life of the state
    accepted_losses: int = 0
    # totals of this process
    checkpoints: int = 0
    checkpoints_failed: int = 0
    recoveries: int = 0
    gaps: int = 0
    stale_batches: int = 0
    durable_offset: int = 0


@dataclass
class EngineStatus:
    """The worker as a whole."""

    partitions: dict[tuple[str, int], PartitionStatus] = field(default_factory=dict)
    topic_partitions: dict[str, int] = field(default_factory=dict)
    counters: dict[str, Counters] = field(default_factory=dict)
    event_delay: DelayHistogram = field(default_factory=DelayHistogram)
    shown_delay: DelayHistogram = field(default_factory=lambda: DelayHistogram(SHOWN_EDGES_S))
    #: all assigned partitions are recovered, and an assignment was made at least once
    ready: bool = False
    #: the engine moves wherever there is something to count
    live: bool = True
    #: unix time of the start
    started_s: float = 0.0
