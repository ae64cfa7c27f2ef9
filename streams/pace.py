"""Pacing: when something that carries a time of its own is due on the clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

#: longest single sleep, so that a clock that is set forward is noticed
SLEEP_S_MOST = 1.0


def wall_us() -> int:
    """The wall clock in microseconds since the epoch."""
    return time.time_ns() // 1000


class Pace:
    """Maps times of a record to the clock.

    ``speed``: seconds of recorded time per second; None is flat out. ``never_early``: nothing is due before
    the clock itself shows its time, so that history flows at ``speed`` and then goes on live.
    The first time asked about is due at once (at its own time where ``never_early``).
    """

    def __init__(
        self,
        speed: float | None = None,
        *,
        never_early: bool = False,
        now_us: Callable[[], int] = wall_us,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        if speed is not None and not 0 < speed < float("inf"):
            raise ValueError("the speed must be greater than 0")
        self._speed = speed
        self._never_early = never_early
        self.now_us = now_us
        self._sleep = sleep
        self._anchor: tuple[int, int] | None = None

    @property
    def flat_out(self) -> bool:
        """Whether everything is always due."""
        return self._speed is None and not self._never_early

    def early_us(self, time_us: int) -> int:
        """Microseconds until ``time_us`` is due; 0 or less means now."""
        now_us = self.now_us()
        due_us = time_us if self._never_early else now_us
        if self._speed is not None:
            if self._anchor is None:
                self._anchor = (time_us, now_us)
            first_us, began_us = self._anchor
            due_us = max(due_us, began_us + int((time_us - first_us) / self._speed))
        return due_us - now_us

    async def wait(self, time_us: int) -> None:
        """Return when ``time_us`` is due."""
        while (early_us := self.early_us(time_us)) > 0:
            await self._sleep(min(early_us / 1e6, SLEEP_S_MOST))
