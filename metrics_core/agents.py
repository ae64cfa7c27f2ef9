"""The state machine of an agent: who is employed, in which group, and who is there.

An agent is employed from a ``joined`` event or a snapshot (which is never a ``joined``: it tells who was there
before) until it ``left``. Repeats count nothing, and neither does ``left`` of one who was not employed. An employed
agent of whom no status is known is ``offline``; one that left has none, whatever its status events say, until it
joins or is told by a snapshot again. Status events of somebody who never joined (a contractor, or an export without
its people) show presence, not employment. A group is that of the newest event that names one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from metrics_core import changelog
from metrics_core import facts as f
from metrics_core.events import EVENT_CLASSES, AgentEmployment, AgentSnapshot, AgentStatus, Event
from metrics_core.facts import LABEL_SHIFT, Facts
from metrics_core.labels import NONE
from metrics_core.rows import Kind, Move, Row, Step

#: presence, by the number that rows and moves hold
STATUSES = ("online", "away", "offline")
_OFFLINE = STATUSES.index("offline")
_ABSENT = -1

# moves: (code, group or None, status or None)
_JOIN, _LEAVE, _STATUS, _SNAPSHOT = range(4)


class Agent(Row, array_like=True, gc=False):
    """An agent's row. ``status`` is a place in STATUSES, -1 = in none; ``has_left`` until it is back."""

    known: bool = False
    employed: bool = False
    has_left: bool = False
    status: int = _ABSENT
    group: str = NONE


class AgentMachine:
    """Steps of the state machine, bound to a shard's label table."""

    def __init__(self, intern: Callable[[tuple[str, ...]], int]) -> None:
        self._intern = intern
        self.steps: list[Step[Agent]] = [self._join, self._leave, self._change, self._snapshot]

    def _join(self, state: Agent, time_us: int, move: Any, out: Facts) -> None:
        is_new = not state.employed
        self._employ(state, time_us, move, out)
        if is_new:
            out.counts.append((self._key(state.group, NONE) | f.AGENT_JOINED, time_us, 1))

    def _snapshot(self, state: Agent, time_us: int, move: Any, out: Facts) -> None:
        self._employ(state, time_us, move, out)

    def _employ(self, state: Agent, time_us: int, move: Any, out: Facts) -> None:
        _, group, status = move
        if status is None:
            status = _OFFLINE if state.status == _ABSENT else state.status
        state.known, state.has_left = True, False
        self._stand(state, time_us, group, status, True, out)

    def _leave(self, state: Agent, time_us: int, move: Any, out: Facts) -> None:
        was_employed = state.employed
        self._stand(state, time_us, move[1], _ABSENT, False, out)
        state.has_left = True
        if was_employed:
            out.counts.append((self._key(state.group, NONE) | f.AGENT_LEFT, time_us, 1))

    def _change(self, state: Agent, time_us: int, move: Any, out: Facts) -> None:
        _, group, status = move
        self._stand(state, time_us, group, _ABSENT if state.has_left else status, state.employed, out)

    def _stand(
        self, state: Agent, time_us: int, group: str | None, status: int, employed: bool, out: Facts
    ) -> None:
        """Levels follow from how an agent stood to how it stands."""
        old, now = state.group, group or state.group
        if (status, now) != (state.status, old):
            if state.status != _ABSENT:
                out.level(self._key(old, STATUSES[state.status]) | f.AGENTS, time_us, -1)
            if status != _ABSENT:
                out.level(self._key(now, STATUSES[status]) | f.AGENTS, time_us, 1)
        if (employed, now) != (state.employed, old):
            if state.employed:
                out.level(self._key(old, NONE) | f.AGENTS_EMPLOYED, time_us, -1)
            if employed:
                out.level(self._key(now, NONE) | f.AGENTS_EMPLOYED, time_us, 1)
        state.group, state.status, state.employed = now, status, employed

    def _key(self, group: str, status: str) -> int:
        return self._intern((group, status)) << LABEL_SHIFT


def agent_kind(intern: Callable[[tuple[str, ...]], int]) -> Kind[Agent]:
    """Agents as a kind of subject.

    One once employed is never closed, so that a stray event after the horizon does not bring it back; nor is one
    with a status, which counts for as long as it stands.
    """
    return Kind(
        name="agents",
        prefix=changelog.AGENT,
        new=lambda source, _time_us: Agent(source=source),
        unpack=msgspec.msgpack.Decoder(Agent).decode,
        steps=AgentMachine(intern).steps,
        standing=lambda _row: None,
        change=lambda _old, _new: None,
        is_closed=lambda row: not row.known and row.status == _ABSENT,
        is_known=lambda row: row.known,
    )


def _move(code: int) -> Callable[[Any], Move]:
    def move(data: AgentEmployment | AgentStatus | AgentSnapshot) -> Move:
        status = data.status
        return (code, data.group or None, None if status is None else STATUSES.index(status))

    return move


#: class of an agent's event -> function from its data to its move
AGENT_MOVE_OF_CLASS: dict[type[Event], Callable[[Any], Move]] = {
    EVENT_CLASSES["helpdesk.agent.joined"]: _move(_JOIN),
    EVENT_CLASSES["helpdesk.agent.left"]: _move(_LEAVE),
    EVENT_CLASSES["helpdesk.agent.status_changed"]: _move(_STATUS),
    EVENT_CLASSES["helpdesk.agent.snapshot"]: _move(_SNAPSHOT),
}
