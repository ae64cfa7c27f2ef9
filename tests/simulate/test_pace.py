"""Pacing with a clock of our own."""

from __future__ import annotations

from itertools import islice

import pytest

from metrics_core.times import DAY_US, HOUR_US, SECOND_US
from streams.pace import Pace
from streams.produce import TopicWriter, pour
from streams.simulate import Traffic

from .conftest import MONDAY_US


class Clock:
    """Moves only when somebody sleeps."""

    def __init__(self, now_us: int) -> None:
        self.now_us = now_us
        self.slept_s = 0.0

    async def sleep(self, duration_s: float) -> None:
        self.now_us += round(duration_s * SECOND_US)
        self.slept_s += duration_s

    def pace(self, speed: float | None = None, *, never_early: bool = False) -> Pace:
        return Pace(speed, never_early=never_early, now_us=lambda: self.now_us, sleep=self.sleep)


class Recorder(TopicWriter):
    """Notes when each record was written and when all were delivered."""

    def __init__(self, clock: Clock) -> None:
        super().__init__({})
        self._clock = clock
        self.at_us: list[int] = []
        self.timestamps_ms: list[int] = []
        self.unflushed = 0
        self.unflushed_when_sleeping: list[int] = []

    async def write(self, topic: str, key: bytes | None, value: bytes, timestamp_ms: int) -> None:
        self.at_us.append(self._clock.now_us)
        self.timestamps_ms.append(timestamp_ms)
        self.unflushed += 1

    async def flush(self) -> None:
        self.unflushed = 0


async def test_flat_out_never_waits() -> None:
    clock = Clock(MONDAY_US)
    await clock.pace().wait(MONDAY_US + 400 * DAY_US)
    assert clock.slept_s == 0


async def test_speed_divides_the_time_between_events() -> None:
    clock = Clock(MONDAY_US + 1000 * DAY_US)
    pace = clock.pace(60.0)
    await pace.wait(MONDAY_US)
    assert clock.slept_s == 0
    await pace.wait(MONDAY_US + HOUR_US)
    assert clock.slept_s == pytest.approx(60.0)


async def test_an_earlier_time_is_due_at_once() -> None:
    clock = Clock(MONDAY_US)
    pace = clock.pace(1.0)
    await pace.wait(MONDAY_US + HOUR_US)
    await pace.wait(MONDAY_US)
    assert clock.slept_s == 0


async def test_nothing_is_written_before_the_clock_shows_its_time() -> None:
    clock = Clock(MONDAY_US + HOUR_US)
    pace = clock.pace(3600.0, never_early=True)
    await pace.wait(MONDAY_US)
    await pace.wait(MONDAY_US + 2 * HOUR_US)
    assert clock.now_us == MONDAY_US + 2 * HOUR_US


@pytest.mark.parametrize("speed", [0.0, -1.0, float("nan"), float("inf")])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        Pace(speed)


async def test_live_traffic_flows_history_at_once_and_then_keeps_to_the_clock() -> None:
    clock = Clock(MONDAY_US + 12 * HOUR_US)
    began_us = clock.now_us
    writer = Recorder(clock)
    emissions = list(islice(Traffic(5, MONDAY_US, customers=10), 4_000))
    await pour(emissions, writer, clock.pace(never_early=True))
    history = [e for e in emissions if e.arrival_us <= began_us]
    assert 0 < len(history) < len(emissions)
    assert set(writer.at_us[: len(history)]) == {began_us}
    for emission, at_us in zip(emissions[len(history) :], writer.at_us[len(history) :], strict=True):
        assert 0 <= at_us - emission.arrival_us < SECOND_US


async def test_records_carry_the_time_they_were_written_which_is_never_before_their_event() -> None:
    clock = Clock(MONDAY_US + HOUR_US)
    writer = Recorder(clock)
    emissions = list(islice(Traffic(5, MONDAY_US, customers=10), 1_000))
    await pour(emissions, writer, clock.pace(never_early=True))
    assert writer.timestamps_ms == [at_us // 1000 for at_us in writer.at_us]
    assert all(ms >= e.arrival_us // 1000 for ms, e in zip(writer.timestamps_ms, emissions, strict=True))


async def test_what_is_written_is_delivered_before_a_wait() -> None:
    clock = Clock(MONDAY_US)
    writer = Recorder(clock)
    waiting: list[int] = []

    async def sleep(duration_s: float) -> None:
        waiting.append(writer.unflushed)
        await clock.sleep(duration_s)

    pace = Pace(never_early=True, now_us=lambda: clock.now_us, sleep=sleep)
    await pour(islice(Traffic(5, MONDAY_US, customers=10), 500), writer, pace)
    assert set(waiting) == {0}
    assert writer.unflushed == 0
