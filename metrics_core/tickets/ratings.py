"""Ratings of tickets: answers that count on the labels that the ticket has by then.

A hidden ticket's rating counts nothing and replaces nothing; that of a ticket of unknown beginning counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metrics_core.facts import Facts
from metrics_core.rows import Step
from metrics_core.surveys import Ballot

if TYPE_CHECKING:
    from metrics_core.tickets.machine import Ticket
    from metrics_core.tickets.relabel import Relabel
    from metrics_core.tickets.rules import RuleBook


def rating_step(relabel: Relabel, book: RuleBook) -> Step[Ticket]:
    """The step of a rating."""
    ballot = Ballot(relabel.intern, lambda time_us: book.at(time_us).version)

    def rate(state: Ticket, time_us: int, move: Any, out: Facts) -> None:
        if not state.hidden:
            _, *said = move
            state.answers = ballot.count(state.answers, relabel.values[state.label], tuple(said), time_us, out)

    return rate
