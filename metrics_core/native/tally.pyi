from collections.abc import Sequence

from metrics_core.counts import Counts
from metrics_core.facts import Facts
from metrics_core.panes import Ring

class Tally:
    """metrics_core.tally.Tally in C: the same, and open to the lane, which counts without objects."""

    def __init__(self, width_us: int, *, fine: bool) -> None: ...
    @property
    def waiting(self) -> int:
        """Facts taken in since the last ``take``."""

    def add(self, facts: Facts) -> None:
        """Take the counts and durations in."""

    def take(self) -> dict[int, Counts]:
        """Counts by pane of all that waited; nothing waits then."""

    def count_into(self, rings: Sequence[Ring], ever: Counts | None) -> None:
        """Count all that waited into panes that are not too old, and into ``ever`` in any case."""

def add_counts(total: Counts, pane: Counts, sign: int, codes: frozenset[int] | None) -> None:
    """metrics_core.counts.add_counts in C."""
