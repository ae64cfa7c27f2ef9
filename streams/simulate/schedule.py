"""The simulation's time: what happens next, and how often things happen at which hour."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import Any

from metrics_core.times import DAY_US, HOUR_US, MINUTE_US, SECOND_US

#: relative inflow by local hour: a quiet night, a steep morning, a long afternoon
_HOURS = (
    18,
    12,
    10,
    8,
    10,
    18,
    40,
    90,
    160,
    210,
    230,
    220,
    190,
    190,
    210,
    205,
    185,
    160,
    130,
    110,
    95,
    75,
    50,
    30,
)
#: relative inflow by weekday, Monday first: what the weekend left arrives on Monday
_WEEKDAYS = (125, 112, 105, 103, 96, 40, 34)
HOUR_SHAPE = tuple(24 * weight / sum(_HOURS) for weight in _HOURS)
WEEKDAY_SHAPE = tuple(7 * weight / sum(_WEEKDAYS) for weight in _WEEKDAYS)

#: a rate is taken as constant this long; shorter than an hour, so that the morning rises smoothly
RATE_STEP_US = 10 * MINUTE_US


class Schedule:
    """A heap of actions by time; ``now_us`` is the time of the action that runs."""

    def __init__(self, start_us: int, utc_offset_us: int = 0) -> None:
        self.start_us = start_us
        self.now_us = start_us
        self.utc_offset_us = utc_offset_us
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._added = 0

    def at(self, time_us: int, act: Callable[..., None], *arguments: Any) -> None:
        """Run ``act`` at ``time_us``; what lies in the past runs next."""
        self._added += 1
        heapq.heappush(self._heap, (time_us, self._added, act, arguments))

    def after(self, delay_us: int, act: Callable[..., None], *arguments: Any) -> None:
        """Run ``act`` that long from now."""
        self._added += 1
        heapq.heappush(self._heap, (self.now_us + delay_us, self._added, act, arguments))

    @property
    def next_us(self) -> int:
        """When the next action is due; there always is one."""
        return self._heap[0][0]

    @property
    def waiting(self) -> int:
        """How many actions are planned."""
        return len(self._heap)

    def step(self) -> None:
        """Run the next action."""
        time_us, _, act, arguments = heapq.heappop(self._heap)
        self.now_us = max(self.now_us, time_us)
        act(*arguments)

    def day(self, time_us: int) -> int:
        """Days since the epoch on the local calendar."""
        return (time_us + self.utc_offset_us) // DAY_US

    def day_start_us(self, day: int) -> int:
        """The local midnight that begins a day, as a time."""
        return day * DAY_US - self.utc_offset_us

    def weekday(self, time_us: int) -> int:
        """Monday is 0 (the epoch was a Thursday)."""
        return (self.day(time_us) + 3) % 7

    def shape(self, time_us: int) -> float:
        """Inflow relative to the average of a week, by weekday and hour."""
        local_us = time_us + self.utc_offset_us
        hour = local_us % DAY_US // HOUR_US
        return WEEKDAY_SHAPE[(local_us // DAY_US + 3) % 7] * HOUR_SHAPE[hour]


class Inflow:
    """A Poisson process whose rate is looked up every ten minutes."""

    def __init__(
        self,
        schedule: Schedule,
        rng: random.Random,
        per_day: Callable[[int], float],
        act: Callable[[], None],
    ) -> None:
        self._schedule = schedule
        self._rng = rng
        self._per_day = per_day
        self._act = act
        self._until_us = 0
        self._per_us = 0.0
        self._plan()

    def _plan(self) -> None:
        now_us = self._schedule.now_us
        if now_us >= self._until_us:
            self._until_us = now_us - now_us % RATE_STEP_US + RATE_STEP_US
            self._per_us = self._per_day(now_us) / DAY_US
        if self._per_us > 0:
            due_us = now_us + int(self._rng.expovariate(self._per_us)) + 1
            if due_us < self._until_us:
                self._schedule.at(due_us, self._happen)
                return
        # nothing in this step: the process has no memory, so it begins again at the next one
        self._schedule.at(self._until_us, self._plan)

    def _happen(self) -> None:
        self._act()
        self._plan()


def lognormal_us(rng: random.Random, median_s: float, sigma: float, most_s: float) -> int:
    """A duration with a long tail in microseconds: its median and its upper bound in seconds."""
    return int(min(rng.lognormvariate(0.0, sigma) * median_s, most_s) * SECOND_US)
