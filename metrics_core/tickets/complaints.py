"""Complaints: tickets that say so themselves, or whose category or one of whose tags the policy marks.

A ticket is judged whenever an event says its category, its tags or that it is a complaint, by the version of the
policy in force then; its own word decides, either way, while it stands. It is opened when a visible ticket of
known beginning becomes a complaint, at its creation or later, and again if it had stopped being one; what was
counted stays. Resolved is each resolution of a complaint. Escalated counts a ticket once, also where it was
escalated before it became a complaint. Nothing that happens to hidden tickets or orphans is counted, then or
later; what is said before a creation counts with it. Facts carry the labels and the category of their moment,
open complaints follow the current ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from metrics_core import facts as f
from metrics_core.facts import LABEL_SHIFT, Facts
from metrics_core.labels import NONE
from metrics_core.tickets.rules import RuleBook

if TYPE_CHECKING:
    from metrics_core.tickets.machine import Ticket

#: a ticket's own word on whether it is a complaint
SAYS_NO, SAYS_YES, SAYS_NOTHING = 0, 1, -1

#: (category, the ticket's own word, tags among the marks), each None where an event does not say it
Said = tuple[str | None, int | None, tuple[str, ...] | None]


class About(msgspec.Struct, array_like=True, gc=False):
    """What a ticket is about. ``label``: number of its labels and category while it is a complaint, else -1;
    ``escalation`` is how far it got: 0, escalated, or that and counted."""

    category: str = ""
    word: int = SAYS_NOTHING
    tags: tuple[str, ...] = ()
    label: int = -1
    escalation: int = 0


_ESCALATED, _COUNTED = 1, 2


class Complaints:
    """Judges tickets and counts what becomes of complaints."""

    def __init__(
        self, book: RuleBook, intern: Callable[[tuple[str, ...]], int], values: list[tuple[str, ...]]
    ) -> None:
        self._book, self._intern, self._values = book, intern, values

    def hear(self, state: Ticket, time_us: int, said: Said, out: Facts) -> None:
        """An event says something of what a ticket is about."""
        about = state.about
        if about is None:
            about = state.about = About()
        category, word, tags = said
        if category is not None:
            about.category = category
        if word is not None:
            about.word = word
        if tags is not None:
            about.tags = tuple(tags)
        was = about.label >= 0
        if not self._is_complaint(about, time_us):
            about.label = -1
            return
        self.relabel(state)
        if not was and state.known:
            self.open(state, time_us, out)

    def relabel(self, state: Ticket) -> None:
        """Its labels or its category have changed, or it has become a complaint."""
        about = state.about
        assert about is not None
        about.label = self._intern((*self._values[state.label], about.category or NONE))

    def open(self, state: Ticket, time_us: int, out: Facts) -> None:
        """A ticket of known beginning is a complaint from now on."""
        about = state.about
        if about is not None and about.label >= 0:
            _count(state, about, f.COMPLAINT_OPENED, time_us, out)
            self._count_escalation(state, about, time_us, out)

    def resolve(self, state: Ticket, time_us: int, out: Facts) -> None:
        """A ticket is resolved."""
        if state.about is not None and state.about.label >= 0:
            _count(state, state.about, f.COMPLAINT_RESOLVED, time_us, out)

    def escalate(self, state: Ticket, time_us: int, out: Facts) -> None:
        """A ticket is escalated."""
        if state.hidden:
            return
        about = state.about
        if about is None:
            about = state.about = About()
        about.escalation = about.escalation or _ESCALATED
        if about.label >= 0 and state.known:
            self._count_escalation(state, about, time_us, out)

    def _is_complaint(self, about: About, time_us: int) -> bool:
        if about.word != SAYS_NOTHING:
            return about.word == SAYS_YES
        marks = self._book.at(time_us).version.complaints
        return about.category in marks.categories or any(tag in marks.tags for tag in about.tags)

    def _count_escalation(self, state: Ticket, about: About, time_us: int, out: Facts) -> None:
        if about.escalation == _ESCALATED and not state.hidden:
            about.escalation = _COUNTED
            _count(state, about, f.COMPLAINT_ESCALATED, time_us, out)


def _count(state: Ticket, about: About, code: int, time_us: int, out: Facts) -> None:
    if not state.hidden:
        out.counts.append((about.label << LABEL_SHIFT | code, time_us, 1))
