"""What happened to events in this process: starts at zero, never stored or moved."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field


@dataclass
class Counters:
    """Counts of one topic in one process, shared by the topic's shards."""

    processed: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    rejected: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    duplicates: int = 0
    late: int = 0
    conflicts: int = 0
    tombstones: int = 0
    #: durations below zero that were counted as zero
    clamped: int = 0
