"""The common case of a ticket's event; what is said of it stands in lane.pyx."""

from collections.abc import Collection, Sequence

from metrics_core.facts import Facts
from metrics_core.native.steps import TicketSteps
from metrics_core.records import Record
from metrics_core.subjects import Subjects
from metrics_core.tickets.machine import Ticket

class TicketLane:
    clock_us: int
    start_us: int
    def __init__(
        self,
        subjects: Subjects[Ticket],
        steps: TicketSteps,
        *,
        facts: Facts,
        tenant: str | None,
        keyed: bool,
        partition: int | None,
        partitions: int | None,
        until_us: int,
        marks_tags: bool,
    ) -> None: ...
    def only(self, moves: Collection[int], codes: Collection[int]) -> None:
        """Pass over all other moves and facts, and over updates that name no label: for a job of fewer metrics."""

    def take_seen(self) -> tuple[list[tuple[str, int]], int]:
        """(event type, events taken), and durations below zero that were clamped, since the last call."""

    def run(self, records: Sequence[Record], at: int) -> int:
        """Take records from number ``at`` on; the number of the first that is declined, or how many there are."""
