"""What is open right now: counts and ages over all rows, kept up as rows change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from metrics_core import changelog
from metrics_core.ages import AgeIndex
from metrics_core.rows import Kind
from metrics_core.tickets.clock_index import ClockIndex, ClockStanding
from metrics_core.tickets.complaints import About
from metrics_core.tickets.machine import ORPHAN, RESOLVED, Ticket
from metrics_core.tickets.preset_machine import ticket_steps
from metrics_core.tickets.relabel import Relabel
from metrics_core.tickets.rules import RuleBook
from metrics_core.tickets.sla import BREACHED, Clock

STATUS_BITS = 3

#: (label, status, born_us, waiting_us or 0, unassigned, waiting clocks, label of the complaint or -1) of an open
#: ticket; None where it is not open
Standing = tuple[int, int, int, int, bool, tuple[ClockStanding, ...], int] | None


def standing(state: Ticket | Glance) -> Standing:
    """How a ticket stands among the open ones. An orphan is open and has an age, no more is known of it."""
    if state.status >= RESOLVED or state.hidden:
        return None
    if not state.known:
        return (state.label, state.status, state.born_us, 0, False, (), -1)
    clocks = () if state.clocks is None else _waiting(state.label, state.clocks)
    complaint = -1 if state.about is None else state.about.label
    return (state.label, state.status, state.born_us, state.waiting_us, not state.assigned, clocks, complaint)


def _waiting(label: int, clocks: list[Clock]) -> tuple[ClockStanding, ...]:
    return tuple(
        [
            (label, one.policy, one.target, one.state, one.risk_us, one.deadline_us)
            for one in clocks
            if one.state <= BREACHED
        ]
    )


class OpenTickets:
    """Open tickets by label and status, their ages, waits and missing assignees."""

    def __init__(self) -> None:
        #: label << STATUS_BITS | status -> tickets
        self.by_status: dict[int, int] = {}
        self.unassigned: dict[int, int] = {}
        self.ages = AgeIndex()
        self.waits = AgeIndex()
        self.clocks = ClockIndex()
        #: label of the complaint -> open tickets
        self.complaints: dict[int, int] = {}

    def change(self, old: Standing, new: Standing) -> None:
        """A ticket stood as ``old`` and stands as ``new``."""
        if old is not None and new is not None and old[0] == new[0] and old[2] == new[2]:
            label = new[0]
            if old[1] != new[1]:
                self._count(label, old[1], -1)
                self._count(label, new[1], 1)
            if old[3] != new[3]:
                if old[3]:
                    self.waits.remove(label, old[3])
                if new[3]:
                    self.waits.add(label, new[3])
            if old[4] != new[4]:
                self._unassigned(label, 1 if new[4] else -1)
            if old[5] != new[5]:
                self._clocks(old[5], new[5])
            if old[6] != new[6]:
                self._complaint(old[6], -1)
                self._complaint(new[6], 1)
            return
        if old is not None:
            self._put(old, -1)
        if new is not None:
            self._put(new, 1)

    def stand_all(self, rows: Sequence[Glance]) -> tuple[list[int], int]:
        """Tickets that no index knows stand as these rows say (``standing``, all at once); ``sort`` must follow
        before anything else is done. Which rows are closed, by their place, and how many are orphans."""
        ages: defaultdict[int, list[int]] = defaultdict(list)
        waits: defaultdict[int, list[int]] = defaultdict(list)
        clocks: list[ClockStanding] = []
        closed: list[int] = []
        orphans, by_status, unassigned = 0, self.by_status, self.unassigned
        for place, row in enumerate(rows):
            status, label = row.status, row.label
            if status >= RESOLVED or row.hidden:
                closed.append(place)
                orphans += not row.known
                continue
            key = label << STATUS_BITS | status
            by_status[key] = by_status[key] + 1 if key in by_status else 1
            ages[label].append(row.born_us)
            if not row.known:
                orphans += 1
                continue
            if row.waiting_us:
                waits[label].append(row.waiting_us)
            if not row.assigned:
                unassigned[label] = unassigned[label] + 1 if label in unassigned else 1
            if row.clocks is not None:
                clocks += _waiting(label, row.clocks)
            if row.about is not None:
                self._complaint(row.about.label, 1)
        for label, starts_us in ages.items():
            self.ages.add_all(label, starts_us)
        for label, starts_us in waits.items():
            self.waits.add_all(label, starts_us)
        self.clocks.add_all(clocks)
        return closed, orphans

    def sort(self) -> Iterator[None]:
        """Put what ``stand_all`` has put in into order, in short steps."""
        yield from self.ages.sort()
        yield from self.waits.sort()
        yield from self.clocks.sort()

    def _clocks(self, old: tuple[ClockStanding, ...], new: tuple[ClockStanding, ...]) -> None:
        for clock in old:
            self.clocks.remove(clock)
        for clock in new:
            self.clocks.add(clock)

    def _put(self, at: tuple[int, int, int, int, bool, tuple[ClockStanding, ...], int], n: int) -> None:
        label, status, born_us, waiting_us, unassigned, clocks, complaint = at
        if n > 0:
            self._clocks((), clocks)
        else:
            self._clocks(clocks, ())
        self._complaint(complaint, n)
        self._count(label, status, n)
        if n > 0:
            self.ages.add(label, born_us)
        else:
            self.ages.remove(label, born_us)
        if waiting_us:
            if n > 0:
                self.waits.add(label, waiting_us)
            else:
                self.waits.remove(label, waiting_us)
        if unassigned:
            self._unassigned(label, n)

    def _count(self, label: int, status: int, n: int) -> None:
        key = label << STATUS_BITS | status
        now = self.by_status.get(key, 0) + n
        assert now >= 0, "more tickets left a status than entered it"
        if now:
            self.by_status[key] = now
        else:
            del self.by_status[key]

    def _complaint(self, label: int, n: int) -> None:
        if label < 0:
            return
        now = self.complaints.get(label, 0) + n
        if now:
            self.complaints[label] = now
        else:
            del self.complaints[label]

    def _unassigned(self, label: int, n: int) -> None:
        now = self.unassigned.get(label, 0) + n
        if now:
            self.unassigned[label] = now
        else:
            del self.unassigned[label]


class Glance(msgspec.Struct, array_like=True, gc=False):
    """The first fields of a packed Ticket, as many as ``standing`` and what else indexes rows look at."""

    source: msgspec.Raw
    last_us: int
    last_seq: msgspec.Raw
    last_id: msgspec.Raw
    events: int
    history: msgspec.Raw
    base: msgspec.Raw
    known: int
    status: int
    hidden: int
    label: int
    assigned: bool
    born_us: int
    waiting_us: int
    clocks: list[Clock] | None
    about: About | None


_unpack = msgspec.msgpack.Decoder(Ticket).decode
_glance = msgspec.msgpack.Decoder(Glance).decode


def ticket_kind(relabel: Relabel, book: RuleBook, index: OpenTickets) -> Kind[Ticket]:
    """Tickets as a kind of subject, under the rules of a policy; ``index`` follows how they stand."""
    return Kind(
        name="tickets",
        prefix=changelog.TICKET,
        new=lambda source, time_us: Ticket(source=source, born_us=time_us),
        unpack=_unpack,
        steps=ticket_steps(relabel, book),
        standing=standing,
        change=index.change,
        glance=_glance,
        stand_all=index.stand_all,
        sort=index.sort,
        is_closed=_is_closed,
        is_known=_is_known,
    )


def _is_closed(row: Ticket) -> bool:
    return row.status >= RESOLVED or row.hidden != 0


def _is_known(row: Ticket) -> bool:
    return row.known != ORPHAN
