"""The state machine of a ticket under the ``strict`` preset: one step a move, facts as the outcome. Other presets:
preset_machine.py.

A move is an event boiled down to what the state machine needs: a small integer, or a tuple that starts with
one. Moves are kept in the row's history, so that a late event can be put in its place and all stepped anew.

Definitions (docs/metrics.md): first response is the first public agent message less the creation; a
resolution is a change to resolved or closed of an unresolved ticket; a reopen is a change back; a wait begins
with the first unanswered public customer message (a creation by a customer is one) and ends with the next
public agent message or is discarded by a resolution.
"""

from __future__ import annotations

from typing import Any

from metrics_core import facts as f
from metrics_core.facts import LABEL_SHIFT, Facts
from metrics_core.rows import Row, Step
from metrics_core.surveys import Answer
from metrics_core.tickets import sla
from metrics_core.tickets.complaints import About, Complaints
from metrics_core.tickets.ratings import rating_step
from metrics_core.tickets.relabel import Relabel
from metrics_core.tickets.rules import STATUSES, RuleBook
from metrics_core.tickets.sla import Clock, ServiceLevels

OPEN_STATUSES = STATUSES[:4]
NEW, OPEN, PENDING, ON_HOLD, RESOLVED, CLOSED = range(6)
ACTORS = ("customer", "agent", "bot", "system")
CUSTOMER, AGENT, BOT, SYSTEM = range(4)

# moves without detail
MESSAGE = 0  # + 2 * actor + public
STATUS = 8  # + status
ESCALATE = 14
MERGE = 15
DELETE = 16
MARK_SPAM = 17
RESTORE = 18
NOTE = 19  # an event that moves nothing here; it is kept, so that its repeat is known
# moves with detail: (code, ...)
# "changes" = (channel, group, priority), each None where it stays as it is; None alone where all stay
# "assigned" = the assignee ("" = nobody, None: as it is); "about" = what is said of it (complaints.Said), None
# where nothing is
CREATE = 20  # actor, changes, assigned, about
UPDATE = 21  # changes, assigned, about
SNAPSHOT = 22  # born_us, status, changes, assigned, replied_us, waiting_us, resolved_us, reopens
RATE = 23  # surveys.Said

# what is known of a ticket's beginning
ORPHAN, KNOWN, SEEDED_WITHOUT_BIRTH = range(3)
#: the creation was not the customer's, and the customer has not written since
UNASKED = -1
# why a ticket is out of sight
VISIBLE, HIDDEN_MERGED, HIDDEN_DELETED, HIDDEN_SPAM = range(4)


_FLOW_OF_HIDING = {HIDDEN_MERGED: f.MERGED, HIDDEN_DELETED: f.DELETED, HIDDEN_SPAM: f.SPAM}


class Ticket(Row, array_like=True, gc=False):
    """A ticket's row: what stepping through its moves leads to. Times in microseconds, 0 = never."""

    # what a recovery looks at comes first (open_tickets.Glance)
    known: int = ORPHAN
    status: int = NEW
    hidden: int = VISIBLE
    label: int = 0
    assigned: bool = False
    born_us: int = 0
    waiting_us: int = 0
    #: of service levels
    clocks: list[Clock] | None = None
    #: what it is about, as far as complaints ask
    about: About | None = None
    replied_us: int = 0
    agent_replies: int = 0
    reopens: int = 0
    paused: bool = False
    first_resolved_us: int = 0
    resolved_us: int = 0
    #: labels of the live `full` resolution fact, -1 = there is none to take back
    full_label: int = -1
    one_touch: bool = False
    # of presets other than strict (preset_machine.py)
    #: since when the first response is owed, where that is not the creation; UNASKED = the customer has not written
    owed_us: int = 0
    #: (number of the code, label, time_us, since_us) of the first response and resolutions that are counted
    counted: list[tuple[int, int, int, int]] | None = None
    #: whether it is out of sight and has taken them along
    left: bool = False
    #: ratings that another answer may replace
    answers: list[Answer] | None = None


class TicketMachine:
    """Steps of the state machine, bound to a shard's label table and the rules of its policy.

    Merged, deleted and spam tickets, and orphans, move on in silence: their state follows every event, but no
    fact comes of it (messages aside), so that a restored ticket stands where it would have stood.
    """

    def __init__(self, relabel: Relabel, book: RuleBook) -> None:
        self._relabel, self._book = relabel, book
        self._sla = ServiceLevels(book, relabel.intern, relabel.values)
        self._complaints = Complaints(book, relabel.intern, relabel.values)
        steps: list[Step[Ticket]] = []
        for actor, public in enumerate(
            (self._customer_message, self._agent_reply, _message(BOT), _message(SYSTEM))
        ):
            steps += [_message(actor), public]
        steps += [self._to_status(status) for status in range(6)]
        steps += [self._escalate, *(self._hide(how) for how in (HIDDEN_MERGED, HIDDEN_DELETED, HIDDEN_SPAM))]
        steps += [self._restore, _note, self._create, self._update, self._snapshot]
        steps.append(rating_step(relabel, book))
        self.steps = steps

    def _create(self, state: Ticket, time_us: int, move: tuple[Any, ...], out: Facts) -> None:
        _, actor, changes, assigned, about = move
        self._tell(state, time_us, changes, assigned, out)
        if about is not None:
            self._complaints.hear(state, time_us, about, out)
        if state.known != ORPHAN:
            return  # a second creation only says what the labels are
        state.known = KNOWN
        state.born_us = time_us
        self._owe_response(state, time_us, actor)
        self._sla.begin(state, sla.RESOLUTION, time_us)
        self._catch_up(state, time_us, out)
        if actor == CUSTOMER and not state.waiting_us and state.status < RESOLVED:
            state.waiting_us = time_us

    def _owe_response(self, state: Ticket, time_us: int, _actor: int) -> None:
        """A ticket is created: a first response is owed."""
        self._sla.begin(state, sla.FIRST_RESPONSE, time_us)

    def _update(self, state: Ticket, time_us: int, move: tuple[Any, ...], out: Facts) -> None:
        _, changes, assigned, about = move
        self._tell(state, time_us, changes, assigned, out)
        if about is not None:
            self._complaints.hear(state, time_us, about, out)

    def _tell(
        self, state: Ticket, time_us: int, changes: tuple[str | None, ...] | None, assigned: str | None, out: Facts
    ) -> None:
        """The event says whose ticket it is; what ran out before counts on the labels that it had until now."""
        label = self._relabel(state.label, changes, assigned)
        if label != state.label:
            if state.clocks is not None:
                self._sla.settle(state, time_us, out)
            state.label = label
            if state.about is not None and state.about.label >= 0:
                self._complaints.relabel(state)
        if assigned is not None:
            state.assigned = bool(assigned)

    def _snapshot(self, state: Ticket, time_us: int, move: tuple[Any, ...], out: Facts) -> None:
        _, born_us, status, changes, assigned, replied_us, waiting_us, resolved_us, reopens = move
        self._tell(state, time_us, changes, assigned, out)
        if state.known != ORPHAN:
            # a ticket we know: the snapshot reconciles it through the ordinary transitions
            if status is not None:
                self._set_status(state, time_us, status, out)
            return
        state.known = KNOWN if born_us else SEEDED_WITHOUT_BIRTH
        state.born_us = born_us or time_us
        if status is not None:
            state.status = status
        elif resolved_us:
            state.status = RESOLVED
        state.paused = state.paused or state.status in (PENDING, ON_HOLD)
        state.replied_us = replied_us
        if replied_us:
            # how many replies there were is not known: it is no one-touch ticket any more
            state.agent_replies += 2
        state.reopens = reopens
        if state.status >= RESOLVED:
            state.waiting_us = 0
            state.first_resolved_us = state.resolved_us = resolved_us or time_us
            return
        state.waiting_us = waiting_us
        # a ticket that was reopened has been resolved before, whenever that was
        state.first_resolved_us = resolved_us or (time_us if reopens else 0)
        if not state.hidden:
            out.counts.append((state.label << LABEL_SHIFT | f.SEEDED, time_us, 1))
        self._seed_clocks(state, time_us)

    def _seed_clocks(self, state: Ticket, time_us: int) -> None:
        """An open ticket from before the history is promised what it was promised when it came."""
        if state.known == KNOWN:
            if not state.replied_us:
                self._sla.begin(state, sla.FIRST_RESPONSE, state.born_us, told_us=time_us)
            self._sla.begin(state, sla.RESOLUTION, state.born_us, told_us=time_us)
        if state.waiting_us and state.replied_us:
            self._sla.begin(state, sla.NEXT_REPLY, state.waiting_us, told_us=time_us)

    def _catch_up(self, state: Ticket, time_us: int, out: Facts) -> None:
        """What was seen before the creation (clocks differ between producers) counts with it, at no duration."""
        key = state.label << LABEL_SHIFT
        out.counts.append((key | f.CREATED, time_us, 1))
        self._complaints.open(state, time_us, out)
        if state.replied_us:
            self._first_response(state, state.replied_us, out)
            self._sla.keep(state, sla.FIRST_RESPONSE, time_us, out)
        state.first_resolved_us = 0
        if state.status >= RESOLVED:
            self._end_clocks(state, time_us, out)
        if state.hidden:
            out.counts.append((key | _FLOW_OF_HIDING[state.hidden], time_us, 1))
        elif state.status >= RESOLVED:
            state.resolved_us = time_us
            self._resolve(state, time_us, out)

    def _first_response(self, state: Ticket, time_us: int, out: Facts) -> None:
        self._duration(out, state.label, f.FIRST_RESPONSE, time_us, state.born_us)

    def _duration(self, out: Facts, label: int, code: int, time_us: int, since_us: int) -> None:
        """A duration that ends at ``time_us``; one that would be negative is zero and counted as clamped."""
        lasted_us = time_us - since_us
        if lasted_us < 0:
            lasted_us = 0
            out.clamped += 1
        key = label << LABEL_SHIFT
        out.durations.append((key | code, time_us, lasted_us, 1))
        calendar = self._book.at(time_us).calendar(label)
        if calendar is not None:
            business_us = calendar.elapsed(since_us, time_us)
            out.durations.append((key | f.BUSINESS_OF[code], time_us, business_us, 1))

    def _agent_reply(self, state: Ticket, time_us: int, _move: Any, out: Facts) -> None:
        out.counts.append((state.label << LABEL_SHIFT | f.MESSAGE_AGENT, time_us, 1))
        state.agent_replies += 1
        counted = state.known and not state.hidden
        if not state.replied_us:
            state.replied_us = time_us
            if counted and state.known == KNOWN:
                self._duration(out, state.label, f.FIRST_RESPONSE, time_us, state.born_us)
        if state.clocks is not None:
            self._sla.keep(state, sla.FIRST_RESPONSE, time_us, out)
            self._sla.keep(state, sla.NEXT_REPLY, time_us, out)
        if state.waiting_us:
            if counted:
                self._duration(out, state.label, f.REPLY_WAIT, time_us, state.waiting_us)
            state.waiting_us = 0

    def _customer_message(self, state: Ticket, time_us: int, _move: Any, out: Facts) -> None:
        out.counts.append((state.label << LABEL_SHIFT | f.MESSAGE_CUSTOMER, time_us, 1))
        if not state.waiting_us:
            state.waiting_us = time_us
            if state.known and state.replied_us:
                self._sla.begin(state, sla.NEXT_REPLY, time_us)

    def _to_status(self, status: int) -> Step[Ticket]:
        def step(state: Ticket, time_us: int, _move: Any, out: Facts) -> None:
            self._set_status(state, time_us, status, out)

        return step

    def _set_status(self, state: Ticket, time_us: int, status: int, out: Facts) -> None:
        if status == state.status:
            return
        was_resolved = state.status >= RESOLVED
        state.status = status
        if status >= RESOLVED:
            state.waiting_us = 0
            if was_resolved:
                self._sla.drop(state, sla.NEXT_REPLY)
                return
            state.resolved_us = time_us
            if state.clocks is not None:
                self._end_clocks(state, time_us, out)
            if state.known and not state.hidden:
                self._resolve(state, time_us, out)
            elif not state.first_resolved_us:
                state.first_resolved_us = time_us
            return
        if status >= PENDING:
            state.paused = True
        if was_resolved:
            self._take_back_full(state, out)
            state.resolved_us = 0
            state.reopens += 1
            if state.known and not state.hidden:
                out.counts.append((state.label << LABEL_SHIFT | f.REOPENED, time_us, 1))
            self._sla.reopen(state, time_us, out)
        else:
            self._sla.follow_status(state, time_us, out)

    def _end_clocks(self, state: Ticket, time_us: int, out: Facts) -> None:
        """A resolution keeps its promise; an answer is waited for no longer."""
        self._sla.keep(state, sla.RESOLUTION, time_us, out)
        self._sla.drop(state, sla.FIRST_RESPONSE)
        self._sla.drop(state, sla.NEXT_REPLY)

    def _resolve(self, state: Ticket, time_us: int, out: Facts) -> None:
        key = state.label << LABEL_SHIFT
        out.counts.append((key | f.RESOLVED, time_us, 1))
        self._complaints.resolve(state, time_us, out)
        if state.agent_replies == 1 and not state.reopens and not state.paused:
            state.one_touch = True
            out.counts.append((key | f.ONE_TOUCH, time_us, 1))
        state.full_label = state.label
        self._resolution(state, time_us, out)

    def _resolution(self, state: Ticket, time_us: int, out: Facts) -> None:
        """How long it took."""
        first = not state.first_resolved_us
        if first:
            state.first_resolved_us = time_us
        if state.known != KNOWN:
            return
        if first:
            self._duration(out, state.label, f.RESOLUTION_ALL, time_us, state.born_us)
        else:
            self._duration(out, state.label, f.RESOLUTION_FULL, time_us, state.born_us)
            self._duration(out, state.label, f.RESOLUTION_EVERY, time_us, state.born_us)

    def _take_back_full(self, state: Ticket, out: Facts) -> None:
        if state.full_label < 0:
            return
        self._take_back_resolution(state, out)
        if state.one_touch:
            out.counts.append((state.full_label << LABEL_SHIFT | f.ONE_TOUCH, state.resolved_us, -1))
            state.one_touch = False
        state.full_label = -1

    def _take_back_resolution(self, state: Ticket, out: Facts) -> None:
        if state.known == KNOWN:
            self._again(out, state.full_label, f.RESOLUTION_FULL, state.resolved_us, state.born_us, -1)

    def _again(self, out: Facts, label: int, code: int, time_us: int, since_us: int, n: int) -> None:
        """A duration that has been counted is taken back (-1) or comes back (1)."""
        key = label << LABEL_SHIFT
        out.durations.append((key | code, time_us, max(0, time_us - since_us), n))
        calendar = self._book.at(time_us).calendar(label)
        if calendar is not None:
            out.durations.append((key | f.BUSINESS_OF[code], time_us, calendar.elapsed(since_us, time_us), n))

    def _hide(self, how: int) -> Step[Ticket]:
        code = _FLOW_OF_HIDING[how]

        def step(state: Ticket, time_us: int, _move: Any, out: Facts) -> None:
            if not state.hidden:
                self._sla.settle(state, time_us, out)
                state.hidden = how
                if state.known:
                    out.counts.append((state.label << LABEL_SHIFT | code, time_us, 1))

        return step

    def _escalate(self, state: Ticket, time_us: int, _move: Any, out: Facts) -> None:
        if state.known:
            out.counts.append((state.label << LABEL_SHIFT | f.ESCALATED, time_us, 1))
        self._complaints.escalate(state, time_us, out)

    def _restore(self, state: Ticket, time_us: int, _move: Any, out: Facts) -> None:
        if state.hidden:
            self._sla.settle(state, time_us, out)  # what ran out in hiding is counted nowhere
            state.hidden = VISIBLE
            if state.known:
                out.counts.append((state.label << LABEL_SHIFT | f.RESTORED, time_us, 1))


def _message(actor: int) -> Step[Ticket]:
    """A message that neither answers nor asks: private notes, bots, the system."""
    code = f.MESSAGE_CUSTOMER + actor * (1 << f.CODE_SHIFT)

    def step(state: Ticket, time_us: int, _move: Any, out: Facts) -> None:
        out.counts.append((state.label << LABEL_SHIFT | code, time_us, 1))

    return step


def _note(state: Ticket, time_us: int, _move: Any, _out: Facts) -> None:
    """Nothing moves."""
