"""One story under four presets, in any order of arrival and with a restart anywhere: the values written by hand."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

import pytest
from desk_story import Desk
from traces import TRACES, Expected, Told

from metrics_core.policy import Policy
from metrics_core.tickets.presets import PRESETS

#: orders of arrival tried of a trace that has more of them
_MOST_ORDERS = 120

CASES = [(name, preset) for name in TRACES for preset in PRESETS]


def desk_of(preset: str) -> Desk:
    return Desk(Policy.parse({"versions": [{"preset": preset}]}))


def tell(desk: Desk, number: int, told: Told) -> None:
    kind, at, about = told
    desk.tell(kind, at, id=f"e{number:02d}", **about)


def counted(desk: Desk) -> Expected:
    """What the desk counts; every transition of these traces but these happens once."""
    return Expected(
        first_response=desk.first_response(clock="calendar"),
        first=desk.resolution("first", clock="calendar"),
        full=desk.resolution("full", clock="calendar"),
        every=desk.resolution("every", clock="calendar"),
        reply_wait=desk.minutes("reply_wait_seconds", clock="calendar"),
        flows=frozenset(desk.flows()),
        messages=tuple(
            int(desk.value("messages", actor=actor, window="24h"))
            for actor in ("customer", "agent", "bot", "system")
        ),
        open=int(desk.open()),
        unanswered=int(desk.value("unanswered_tickets")),
    )


def orders(events: int) -> Iterator[tuple[int, ...]]:
    """All orders of arrival, or as many by chance."""
    every = itertools.permutations(range(events))
    if events <= 5:
        yield from every
        return
    chance = random.Random(events)
    for _ in range(_MOST_ORDERS):
        yield tuple(chance.sample(range(events), events))


@pytest.mark.parametrize(("name", "preset"), CASES)
def test_a_trace_counts_what_the_preset_says(name: str, preset: str) -> None:
    desk, trace = desk_of(preset), TRACES[name]
    for number, told in enumerate(trace.told):
        tell(desk, number, told)
    assert counted(desk) == trace.expected(preset)


@pytest.mark.parametrize(("name", "preset"), CASES)
def test_a_trace_counts_the_same_in_any_order_of_arrival(name: str, preset: str) -> None:
    trace = TRACES[name]
    for order in orders(len(trace.told)):
        desk = desk_of(preset)
        for number in order:
            tell(desk, number, trace.told[number])
        assert counted(desk) == trace.expected(preset), order


@pytest.mark.parametrize(("name", "preset"), CASES)
def test_a_trace_counts_the_same_with_a_restart_anywhere(name: str, preset: str) -> None:
    trace = TRACES[name]
    for stop in range(1, len(trace.told)):
        desk = desk_of(preset)
        for number, told in enumerate(trace.told):
            if number == stop:
                desk.restart()
            tell(desk, number, told)
        assert counted(desk.restart()) == trace.expected(preset), stop


@pytest.mark.parametrize(("name", "preset"), CASES)
def test_a_trace_counts_the_same_when_a_version_with_another_preset_is_announced(name: str, preset: str) -> None:
    for other in PRESETS:
        announced = {"version": 2, "effective_from": "2030-01-01T00:00:00Z", "preset": other}
        desk = Desk(Policy.parse({"versions": [{"preset": preset}, announced]}))
        for number, told in enumerate(TRACES[name].told):
            tell(desk, number, told)
        assert counted(desk) == TRACES[name].expected(preset), other
