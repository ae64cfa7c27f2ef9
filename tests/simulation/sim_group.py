"""A consumer group's coordinator: members, generations, and assignments that may be as bad as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from sim_net import SimKafkaError
from virtual_loop import VirtualLoop

from streams.engine.ports import SourcePartition

SESSION_S = 10.0
REBALANCE_S = 60.0


@dataclass
class Joined:
    """What a member is told at the end of a rebalance."""

    member_id: str
    generation: int
    sources: tuple[SourcePartition, ...]


@dataclass
class _Member:
    instance: str | None
    heard_s: float
    waiting: asyncio.Future[Joined] | None = None


@dataclass
class Group:
    """Eager rebalances, static members, sessions."""

    loop: VirtualLoop
    sources: Callable[[], list[SourcePartition]]
    generation: int = 0
    #: how often an assignment keeps what was assigned before
    sticky: float = 0.6
    #: how often a partition is given to two members at once, as no coordinator should
    doubled: float = 0.0
    rebalances: int = 0
    owners: dict[SourcePartition, str] = field(default_factory=dict)
    _members: dict[str, _Member] = field(default_factory=dict)
    _told: dict[str, Joined] = field(default_factory=dict)
    _numbers: int = 0
    _preparing: bool = False

    def join(self, member_id: str, instance: str | None) -> asyncio.Future[Joined] | Joined:
        """Ask for a place; answered when everybody has asked, or was left behind."""
        if instance is not None and member_id not in self._members:
            replaced = next((m for m, one in self._members.items() if one.instance == instance), None)
            if replaced is not None:
                return self._take_over(replaced, instance)
        if member_id not in self._members:
            member_id = self._new_id()
        member = self._members.setdefault(member_id, _Member(instance, self.loop.time_s))
        member.heard_s = self.loop.time_s
        if member.waiting is None or member.waiting.done():
            member.waiting = self.loop.create_future()
        waiting = member.waiting
        self._prepare()
        self._try_complete()
        return waiting

    def heartbeat(self, member_id: str, generation: int) -> str:
        """``ok``, ``rebalance`` or ``illegal``."""
        member = self._members.get(member_id)
        told = self._told.get(member_id)
        if member is None or told is None or generation != told.generation:
            return "illegal"
        member.heard_s = self.loop.time_s
        if self._preparing:
            return "rebalance"
        return "ok" if generation == self.generation else "illegal"

    def leave(self, member_id: str) -> None:
        """A member says goodbye."""
        if self._members.pop(member_id, None) is not None:
            self._prepare()
            self._try_complete()

    def rebalance(self) -> None:
        """Begin one, whatever the reason."""
        if self._members:
            self._prepare()

    async def watch(self) -> None:
        """Expire sessions, for ever."""
        while True:
            await asyncio.sleep(1.0)
            now_s = self.loop.time_s
            for member_id, member in list(self._members.items()):
                if member.waiting is not None and not member.waiting.done():
                    continue
                if now_s - member.heard_s > SESSION_S:
                    del self._members[member_id]
                    self._prepare()
            self._try_complete()

    def pardon(self) -> None:
        """The coordinator was away itself: sessions begin anew."""
        for member in self._members.values():
            member.heard_s = self.loop.time_s

    def _take_over(self, replaced: str, instance: str) -> asyncio.Future[Joined] | Joined:
        """A static member came back: the same place under a new id, without a rebalance where there is none."""
        before = self._members.pop(replaced)
        if before.waiting is not None and not before.waiting.done():
            before.waiting.set_exception(SimKafkaError("fenced: another process has this instance id"))
        told = self._told.pop(replaced, None)
        member_id = self._new_id()
        self._members[member_id] = _Member(instance, self.loop.time_s)
        if told is None or self._preparing:
            return self.join(member_id, instance)
        self._told[member_id] = joined = Joined(member_id, told.generation, told.sources)
        return joined

    def _new_id(self) -> str:
        self._numbers += 1
        return f"member-{self._numbers}"

    def _prepare(self) -> None:
        if not self._preparing:
            self._preparing = True
            self.rebalances += 1
            number = self.rebalances
            self.loop.call_later(REBALANCE_S, self._give_up, number)

    def _give_up(self, number: int) -> None:
        """Those who have not joined by now are out."""
        if self._preparing and number == self.rebalances:
            self._members = {
                m: one for m, one in self._members.items() if one.waiting is not None and not one.waiting.done()
            }
            self._try_complete()

    def _try_complete(self) -> None:
        if not self._preparing or not self._members:
            return
        waiting = {m: one.waiting for m, one in self._members.items() if one.waiting and not one.waiting.done()}
        if len(waiting) < len(self._members):
            return
        self._preparing = False
        self.generation += 1
        places = self._assign(sorted(waiting))
        self._told = {}
        for member_id, future in waiting.items():
            self._members[member_id].waiting = None
            self._members[member_id].heard_s = self.loop.time_s
            self._told[member_id] = joined = Joined(member_id, self.generation, tuple(places[member_id]))
            future.set_result(joined)

    def _assign(self, members: list[str]) -> dict[str, list[SourcePartition]]:
        rng = self.loop.rng
        places: dict[str, list[SourcePartition]] = {member: [] for member in members}
        for source in self.sources():
            owner = self.owners.get(source)
            if owner not in places or rng.random() > self.sticky:
                owner = rng.choice(members)
            self.owners[source] = owner
            places[owner].append(source)
            if rng.random() < self.doubled and len(members) > 1:
                places[rng.choice([m for m in members if m != owner])].append(source)
        return places
