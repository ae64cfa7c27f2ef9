from collections.abc import Hashable

from metrics_core.tickets.machine import Ticket
from metrics_core.tickets.open_tickets import OpenTickets

def settle_tickets(
    index: OpenTickets,
    touched: dict[str, tuple[Hashable, bool]],
    hot: dict[str, Ticket],
    due: dict[int, list[str]],
    horizon_us: int,
) -> int:
    """What metrics_core.subjects.Subjects.settle does with the rows that were touched: ``index`` is brought up to
    them, the closed ones become ``due``; returns how many more orphans there are. ``touched`` is left as it is."""
