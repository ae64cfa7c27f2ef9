from metrics_core.facts import Facts
from metrics_core.tally import Counts

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
