"""Who works when: agents, shifts, groups with their queues, turnover of staff."""

from __future__ import annotations

import math
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metrics_core.times import DAY_US, HOUR_US, MINUTE_US
from streams.simulate.schedule import Schedule, lognormal_us
from streams.simulate.wire import Wire

if TYPE_CHECKING:
    from streams.simulate.desk import Ticket

PRIORITIES = ("urgent", "high", "normal", "low")
#: a shift is 8 h of which 45 min are breaks
SHIFT_HOURS = 8
WORKED_HOURS = 7.25
#: of all agents, those who leave on a day: about 4 % a month
LEAVING_PER_DAY = 0.0014
#: every so many picks the longest waiting of the lowest priority is taken, so that none waits for ever
FAIR_PICK = 4

_WEEK = (True, True, True, True, True, False, False)
_LATE_WEEK = (False, False, True, True, True, True, True)
_EARLY_WEEK = (True, True, True, False, False, True, True)


@dataclass(frozen=True)
class GroupPlan:
    """How a group is staffed: work a ticket of the whole inflow brings to it, chats held at once, shifts."""

    name: str
    #: seconds of an agent's attention per ticket of the whole inflow
    work_s: float
    #: conversations that one agent holds at once
    slots: int
    #: share of the worked time that the inflow of an average week fills
    utilisation: float
    #: (hour of the day, working days), dealt out to agents in turn
    shifts: tuple[tuple[float, tuple[bool, ...]], ...]


_OFFICE = (
    (8.0, _WEEK), (9.0, _WEEK), (10.0, _WEEK), (9.0, _LATE_WEEK), (8.5, _WEEK), (9.5, _WEEK), (9.0, _WEEK),
    (10.0, _WEEK),
)  # fmt: skip
_AROUND_THE_CLOCK = (
    (9.0, _WEEK), (14.0, _WEEK), (7.0, _WEEK), (22.0, _WEEK), (9.0, _LATE_WEEK), (14.0, _EARLY_WEEK),
    (22.0, _LATE_WEEK), (6.5, _EARLY_WEEK), (10.0, _WEEK), (8.0, _WEEK), (12.0, _WEEK), (8.5, _WEEK),
    (13.0, _LATE_WEEK), (11.0, _WEEK), (9.5, _WEEK), (15.0, _WEEK), (8.0, _WEEK), (10.5, _WEEK),
)  # fmt: skip

GROUPS = (
    GroupPlan("support", 200.0, 1, 0.88, _OFFICE),
    GroupPlan("billing", 62.0, 1, 0.86, _OFFICE),
    GroupPlan("technical", 210.0, 1, 0.86, _OFFICE),
    GroupPlan("chat", 180.0, 3, 0.62, _AROUND_THE_CLOCK),
    GroupPlan("phone", 105.0, 1, 0.5, _AROUND_THE_CLOCK),
)
LEAST_AGENTS = {"support": 4, "billing": 3, "technical": 4, "chat": 8, "phone": 12}


class Agent:
    """One person; ``subject`` is the id in events."""

    __slots__ = ("days", "group", "online", "place", "start_h", "subject")

    def __init__(self, subject: str, group: Group, start_h: float, days: tuple[bool, ...]) -> None:
        self.subject = subject
        self.group = group
        self.start_h = start_h
        self.days = days
        self.online = False
        self.place = -1


class Group:
    """Agents that share queues: people on the line first, then by priority."""

    def __init__(self, plan: GroupPlan) -> None:
        self.name = plan.name
        self.slots = plan.slots
        self.online: list[Agent] = []
        self.busy = 0
        self.live: deque[Ticket] = deque()
        self.waiting: tuple[deque[Ticket], ...] = tuple(deque() for _ in PRIORITIES)
        self.waiting_tickets = 0
        self._picks = 0

    @property
    def free(self) -> bool:
        """Whether somebody can take another conversation."""
        return self.busy < len(self.online) * self.slots

    def sign_in(self, agent: Agent) -> None:
        """The agent takes tickets from now on."""
        agent.online, agent.place = True, len(self.online)
        self.online.append(agent)

    def sign_out(self, agent: Agent) -> None:
        """The agent takes no more tickets; what is in hand is finished."""
        agent.online = False
        last = self.online.pop()
        if last is not agent:
            self.online[agent.place] = last
            last.place = agent.place

    def put(self, ticket: Ticket, live: bool) -> None:
        """Queue a ticket; ``live`` = somebody is on the line."""
        self.waiting_tickets += 1
        (self.live if live else self.waiting[ticket.priority]).append(ticket)

    def pop(self) -> Ticket | None:
        """The ticket to take next."""
        if not self.waiting_tickets:
            return None
        self.waiting_tickets -= 1
        if self.live:
            return self.live.popleft()
        self._picks += 1
        queues = reversed(self.waiting) if self._picks % FAIR_PICK == 0 else self.waiting
        return next(queue for queue in queues if queue).popleft()

    @property
    def haste(self) -> float:
        """Factor on the time a ticket takes: under pressure answers get shorter, from templates."""
        per_agent = self.waiting_tickets / (len(self.online) + 1)
        return 1.0 if per_agent < 8 else 0.8 if per_agent < 16 else 0.62


class Staff:
    """All agents; plans every local day at its midnight and tells ``on_free`` when somebody becomes free."""

    def __init__(
        self, schedule: Schedule, rng: random.Random, wire: Wire, prefix: str, tickets_per_day: float
    ) -> None:
        self._schedule = schedule
        self._rng = rng
        self._wire = wire
        self._prefix = prefix
        self._hired = 0
        self._tickets_per_day = tickets_per_day
        self.on_free: Callable[[Group], None] = lambda group: None
        self.groups = {plan.name: Group(plan) for plan in GROUPS}
        self.agents: list[Agent] = []

    def begin(self) -> None:
        """Hire everybody, tell the roster as it stands, plan the days from yesterday's night shift on."""
        start_us = self._schedule.now_us
        for plan in GROUPS:
            worked_s = 5 * WORKED_HOURS * 3600 * plan.slots * plan.utilisation
            needed = math.ceil(self._tickets_per_day * 7 * plan.work_s / worked_s)
            for number in range(max(needed, LEAST_AGENTS[plan.name])):
                start_h, days = plan.shifts[number % len(plan.shifts)]
                self.agents.append(self._hire(self.groups[plan.name], start_h, days))
        today = self._schedule.day(start_us)
        for agent in self.agents:
            began_us = [us for day in (today - 1, today) if (us := self._shift_us(agent, day)) is not None]
            on = any(us <= start_us < us + SHIFT_HOURS * HOUR_US for us in began_us)
            status = {"group": agent.group.name, "status": "online" if on else "offline"}
            self._wire.emit(start_us, "helpdesk.agent.snapshot", agent.subject, status)
            if on:
                agent.group.sign_in(agent)
            for us in began_us:
                self._plan_shift(agent, us)
        self._schedule.at(self._schedule.day_start_us(today + 1), self._plan_day)

    def _hire(self, group: Group, start_h: float, days: tuple[bool, ...]) -> Agent:
        self._hired += 1
        return Agent(f"{self._prefix}/agent/{self._hired}", group, start_h, days)

    def _shift_us(self, agent: Agent, day: int) -> int | None:
        if not agent.days[(day + 3) % 7]:
            return None
        return self._schedule.day_start_us(day) + int(agent.start_h * HOUR_US)

    def _plan_day(self) -> None:
        now_us = self._schedule.now_us
        day = self._schedule.day(now_us)
        staying = []
        for agent in self.agents:
            shift_us = self._shift_us(agent, day)
            if shift_us is not None:
                self._plan_shift(agent, shift_us)
            if self._rng.random() >= LEAVING_PER_DAY:
                staying.append(agent)
                continue
            self._schedule.after(DAY_US + self._rng.randrange(8, 10) * HOUR_US, self._leave, agent)
            self._schedule.after(self._rng.randrange(2, 9) * DAY_US + 9 * HOUR_US, self._join, agent)
        self.agents = staying
        self._schedule.at(self._schedule.day_start_us(day + 1), self._plan_day)

    def _plan_shift(self, agent: Agent, shift_us: int) -> None:
        """What of the shift lies ahead: its start, a break, its end, each a few minutes off."""
        rng, now_us = self._rng, self._schedule.now_us
        break_us = shift_us + int(rng.uniform(3.0, 4.5) * HOUR_US)
        steps = (
            (shift_us + int(rng.gauss(0, 3) * MINUTE_US), "online"),
            (break_us, "away"),
            (break_us + int(rng.uniform(30, 55) * MINUTE_US), "online"),
            (shift_us + SHIFT_HOURS * HOUR_US + int(rng.gauss(5, 4) * MINUTE_US), "offline"),
        )
        for time_us, status in steps:
            if time_us >= now_us:
                self._schedule.at(time_us, self._change, agent, status)

    def _change(self, agent: Agent, status: str) -> None:
        if (status == "online") == agent.online and status != "offline":
            return
        self._wire.emit(
            self._schedule.now_us,
            "helpdesk.agent.status_changed",
            agent.subject,
            {"status": status, "group": agent.group.name},
        )
        if status == "online":
            agent.group.sign_in(agent)
            self.on_free(agent.group)
        elif agent.online:
            agent.group.sign_out(agent)

    def _leave(self, agent: Agent) -> None:
        if agent.online:
            self._change(agent, "offline")
        self._wire.emit(
            self._schedule.now_us,
            "helpdesk.agent.left",
            agent.subject,
            {"group": agent.group.name, "status": "offline"},
        )

    def _join(self, agent: Agent) -> None:
        """Somebody new takes over the place, and the shift, of one who left."""
        joined = self._hire(agent.group, agent.start_h, agent.days)
        self._wire.emit(
            self._schedule.now_us,
            "helpdesk.agent.joined",
            joined.subject,
            {"group": joined.group.name, "status": "offline"},
        )
        self.agents.append(joined)

    def pick(self, group: Group, preferred: Agent | None) -> Agent:
        """Who takes the ticket: the one who knows it if online, else anybody of the group."""
        if preferred is not None and preferred.online and preferred.group is group:
            return preferred
        return group.online[int(self._rng.random() * len(group.online))]

    def handle_us(self, group: Group, median_s: float, sigma: float) -> int:
        """How long an agent needs, in microseconds, as things stand in the group."""
        return lognormal_us(self._rng, median_s * group.haste, sigma, 3 * 3600.0)
