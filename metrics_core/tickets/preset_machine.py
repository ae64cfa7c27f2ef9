"""The state machine of a ticket under the rules of a preset (presets.py), and the choice by the policy's versions.

A policy that is strict throughout is stepped by TicketMachine itself, which asks for no rule. A fact follows the
preset in force at its event; so does what an event begins: a first response that is owed stays owed since then,
whichever version answers it. What was counted under a version stays or leaves by that version.
"""

from __future__ import annotations

from typing import Any

from metrics_core import facts as f
from metrics_core.facts import CODE_SHIFT, LABEL_SHIFT, Facts
from metrics_core.rows import Step
from metrics_core.tickets import sla
from metrics_core.tickets.machine import (
    AGENT,
    BOT,
    CUSTOMER,
    KNOWN,
    MESSAGE,
    ON_HOLD,
    ORPHAN,
    PENDING,
    RESOLVED,
    UNASKED,
    Ticket,
    TicketMachine,
)
from metrics_core.tickets.presets import PRESETS, Preset
from metrics_core.tickets.relabel import Relabel
from metrics_core.tickets.rules import RuleBook

#: counted facts that a row keeps: those of some ten resolutions; older ones stay counted when the ticket leaves
MOST_COUNTED = 32

_FIRST, _FULL, _EVERY, _ALL = (
    code >> CODE_SHIFT for code in (f.RESOLUTION_FIRST, f.RESOLUTION_FULL, f.RESOLUTION_EVERY, f.RESOLUTION_ALL)
)


def ticket_steps(relabel: Relabel, book: RuleBook) -> list[Step[Ticket]]:
    """The steps of tickets by the move's number, under the preset in force at the time of each event."""
    names = [rules.version.preset for rules in book.rules]
    if set(names) == {"strict"}:
        return TicketMachine(relabel, book).steps
    machines = {name: PresetMachine(relabel, book, PRESETS[name]) for name in set(names)}
    if len(machines) == 1:
        return machines[names[0]].steps
    tables = [machines[name].steps for name in names]

    def dispatched(number: int) -> Step[Ticket]:
        steps = [table[number] for table in tables]

        def step(state: Ticket, time_us: int, move: Any, out: Facts) -> None:
            steps[book.at(time_us).number](state, time_us, move, out)

        return step

    return [dispatched(number) for number in range(len(tables[0]))]


class PresetMachine(TicketMachine):
    """TicketMachine where the rules of a preset take the place of its own."""

    def __init__(self, relabel: Relabel, book: RuleBook, preset: Preset) -> None:
        self._preset = preset
        super().__init__(relabel, book)
        if preset.bot_ends_wait:
            public_bot = MESSAGE + 2 * BOT + 1
            self.steps[public_bot] = self._bot_answer(self.steps[public_bot])

    # -- the beginning of the first response --------------------------------------------------------------

    def _owe_response(self, state: Ticket, time_us: int, actor: int) -> None:
        preset = self._preset
        if preset.begins_with_customer:
            if actor == CUSTOMER:
                # a message of the customer's before the creation: clocks differ, and it asked first
                time_us = state.owed_us or time_us
            elif not state.owed_us:
                state.owed_us = UNASKED
                state.replied_us = 0
                return
            else:
                time_us = state.owed_us
                if state.replied_us < time_us:
                    state.replied_us = 0
        else:
            state.owed_us = 0
            if actor == AGENT and not preset.opening_answers:
                state.owed_us = UNASKED
                state.replied_us = 0
            if preset.restarts_when_opened and state.status >= PENDING:
                return
        self._sla.begin(state, sla.FIRST_RESPONSE, time_us)

    def _snapshot(self, state: Ticket, time_us: int, move: tuple[Any, ...], out: Facts) -> None:
        if state.known == ORPHAN:
            state.owed_us = 0  # it says when the ticket began, and wins over what came before it
        super()._snapshot(state, time_us, move, out)

    def _customer_message(self, state: Ticket, time_us: int, move: Any, out: Facts) -> None:
        if self._preset.begins_with_customer:
            if state.owed_us == UNASKED:
                state.owed_us = time_us
                state.first_resolved_us = 0
                self._sla.begin(state, sla.FIRST_RESPONSE, time_us)
            elif state.known == ORPHAN and not state.owed_us:
                state.owed_us = time_us
        super()._customer_message(state, time_us, move, out)

    def _set_status(self, state: Ticket, time_us: int, status: int, out: Facts) -> None:
        before = state.status
        super()._set_status(state, time_us, status, out)
        if not self._preset.restarts_when_opened or status == before:
            return
        if status >= PENDING:
            self._stop_owing(state)
        elif before >= PENDING:
            self._open(state, time_us, before)

    def _stop_owing(self, state: Ticket) -> None:
        """A bot has the ticket, or it sleeps: the promise of a first response begins anew with its opening, unless
        it is broken already."""
        if state.clocks is not None:
            state.clocks = [
                clock for clock in state.clocks if clock.target != sla.FIRST_RESPONSE or clock.state == sla.BREACHED
            ] or None

    def _open(self, state: Ticket, time_us: int, before: int) -> None:
        if state.known and not state.replied_us:
            state.owed_us = time_us
            self._stop_owing(state)
            if not _has_first_response_clock(state):
                self._sla.begin(state, sla.FIRST_RESPONSE, time_us)
        if self._preset.opening_begins_wait and before != ON_HOLD and not state.waiting_us:
            state.waiting_us = time_us
            if state.known and state.replied_us:
                self._sla.begin(state, sla.NEXT_REPLY, time_us)

    # -- answers ------------------------------------------------------------------------------------------

    def _answers(self, state: Ticket, time_us: int) -> bool:
        """Whether a public agent message may be the first response."""
        if state.owed_us != UNASKED:
            return True
        if self._preset.begins_with_customer:
            return False
        return self._preset.opening_answers or time_us > state.born_us

    def _agent_reply(self, state: Ticket, time_us: int, _move: Any, out: Facts) -> None:
        preset = self._preset
        out.counts.append((state.label << LABEL_SHIFT | f.MESSAGE_AGENT, time_us, 1))
        state.agent_replies += 1
        counted = state.known and not state.hidden
        answers = self._answers(state, time_us)
        first = answers and not state.replied_us
        if first:
            state.replied_us = time_us
            if counted and state.known == KNOWN:
                self._first_response(state, time_us, out)
            if preset.restarts_when_opened:
                self._promise_late(state)
        if state.clocks is not None:
            if answers:
                self._sla.keep(state, sla.FIRST_RESPONSE, time_us, out)
            self._sla.keep(state, sla.NEXT_REPLY, time_us, out)
        if state.waiting_us:
            if counted and (preset.first_response_is_reply or not first):
                self._duration(out, state.label, f.REPLY_WAIT, time_us, state.waiting_us)
            state.waiting_us = 0

    def _promise_late(self, state: Ticket) -> None:
        """Answered while a bot has it or it sleeps: no promise runs; one is kept or broken as of its beginning."""
        asleep = PENDING <= state.status < RESOLVED
        if asleep and state.known == KNOWN and not _has_first_response_clock(state):
            self._sla.begin(state, sla.FIRST_RESPONSE, self._since(state))

    def _bot_answer(self, plain: Step[Ticket]) -> Step[Ticket]:
        def step(state: Ticket, time_us: int, move: Any, out: Facts) -> None:
            plain(state, time_us, move, out)
            state.waiting_us = 0
            if state.clocks is not None:
                self._sla.settle(state, time_us, out)
                self._sla.drop(state, sla.NEXT_REPLY)

        return step

    def _since(self, state: Ticket) -> int:
        return state.owed_us if state.owed_us > 0 else state.born_us

    def _first_response(self, state: Ticket, time_us: int, out: Facts) -> None:
        self._count(state, f.FIRST_RESPONSE, time_us, self._since(state), out)

    # -- resolutions, and what leaves with a ticket -------------------------------------------------------

    def _resolution(self, state: Ticket, time_us: int, out: Facts) -> None:
        since_us = state.born_us
        if self._preset.begins_with_customer:
            if state.owed_us == UNASKED:
                return
            since_us = self._since(state)
        first = not state.first_resolved_us
        if first:
            state.first_resolved_us = time_us
        if state.known != KNOWN:
            return
        for code in (f.RESOLUTION_ALL,) if first else (f.RESOLUTION_FULL, f.RESOLUTION_EVERY):
            self._count(state, code, time_us, since_us, out)

    def _count(self, state: Ticket, code: int, time_us: int, since_us: int, out: Facts) -> None:
        if self._preset.keeps_counted:
            if state.counted is None:
                state.counted = []
            elif len(state.counted) >= MOST_COUNTED:
                del state.counted[0]
            state.counted.append((code >> CODE_SHIFT, state.label, time_us, since_us))
        if not state.left:
            self._duration(out, state.label, code, time_us, since_us)

    def _take_back_resolution(self, state: Ticket, out: Facts) -> None:
        resolved_us = state.resolved_us
        if not PRESETS[self._book.at(resolved_us).version.preset].keeps_counted:
            super()._take_back_resolution(state, out)
            return
        counted = state.counted or []
        for at, (number, label, time_us, since_us) in enumerate(counted):
            if time_us != resolved_us or number not in (_FULL, _ALL):
                continue
            counted[at : at + 1] = (
                [] if number == _FULL else [(each, label, time_us, since_us) for each in (_FIRST, _EVERY)]
            )
            if not state.left:
                self._again(out, label, f.RESOLUTION_FULL, time_us, since_us, -1)
            return

    def _hide(self, how: int) -> Step[Ticket]:
        plain = super()._hide(how)
        if how not in self._preset.leave:
            return plain

        def step(state: Ticket, time_us: int, move: Any, out: Facts) -> None:
            if not state.hidden:
                state.left = True
                self._again_all(state, -1, out)
            plain(state, time_us, move, out)

        return step

    def _restore(self, state: Ticket, time_us: int, move: Any, out: Facts) -> None:
        if state.left:
            state.left = False
            self._again_all(state, 1, out)
        super()._restore(state, time_us, move, out)

    def _again_all(self, state: Ticket, n: int, out: Facts) -> None:
        for number, label, time_us, since_us in state.counted or ():
            self._again(out, label, number << CODE_SHIFT, time_us, since_us, n)


def _has_first_response_clock(state: Ticket) -> bool:
    return any(clock.target == sla.FIRST_RESPONSE for clock in state.clocks or ())
