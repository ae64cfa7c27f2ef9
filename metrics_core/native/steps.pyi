"""Steps of a ticket in C; what is said of them stands in steps.pyx."""

from collections.abc import Sequence

from metrics_core.native.tally import Tally
from metrics_core.tally import Tally as PureTally
from metrics_core.tickets.relabel import Relabel
from metrics_core.tickets.sla import ServiceLevels

class TicketSteps:
    def __init__(
        self,
        *,
        tally: Tally | PureTally,
        relabel: Relabel,
        has_roster: bool,
        is_strict: bool,
        has_hours: bool,
        promises: Sequence[bool],
        service_levels: ServiceLevels,
    ) -> None: ...
