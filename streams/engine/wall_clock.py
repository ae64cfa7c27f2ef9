"""The real clock behind the engine's Clock."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class WallClock:
    """Monotonic and wall time, asyncio's sleep, and chance for jitter."""

    def monotonic(self) -> float:
        return time.monotonic()

    def processor_s(self) -> float:
        return time.thread_time()

    def now_us(self) -> int:
        return time.time_ns() // 1000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait_for(self, awaitable: Awaitable[T], timeout_s: float) -> T:
        # not asyncio.wait_for: before Python 3.12 it can swallow a cancellation (python/cpython#86296)
        async with asyncio.timeout(timeout_s):
            return await awaitable

    def uniform(self, low: float, high: float) -> float:
        return random.uniform(low, high)
