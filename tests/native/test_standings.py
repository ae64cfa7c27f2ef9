"""Tickets are settled in C as they are in Python: the same numbers, the same order, the same defects found."""

from __future__ import annotations

import tracemalloc
from array import array
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_core.ages import AgeIndex
from metrics_core.tickets.complaints import About
from metrics_core.tickets.machine import ORPHAN, RESOLVED, Ticket
from metrics_core.tickets.open_tickets import OpenTickets, standing
from metrics_core.tickets.sla import Clock
from metrics_core.times import DAY_US

START_US = 1_790_000_000_000_000
HORIZON_US = 30 * DAY_US

Touched = dict[str, tuple[Any, bool]]
Settle = Callable[[OpenTickets, Touched, dict[str, Ticket], dict[int, list[str]], int], int]

subjects = st.sampled_from(["T-1", "T-2", "T-3", "T-4"])
labels = st.sampled_from([0, 1, 2**32 - 1])
times_us = st.integers(0, 3).map(lambda at: START_US + at * 7 * 3_600_000_000) | st.sampled_from([0, START_US])
clocks = st.builds(
    Clock,
    policy=labels,
    target=st.integers(0, 2),
    state=st.integers(0, 4),
    risk_us=times_us,
    deadline_us=times_us,
)
abouts = st.builds(
    lambda label: About(category="", word=0, tags=(), label=label), st.sampled_from([-1, 0, 1, 2**32 - 1])
)
tickets = st.builds(
    Ticket,
    last_us=times_us,
    known=st.integers(0, 2),
    status=st.integers(0, 5),
    hidden=st.sampled_from([0, 0, 0, 1, 3]),
    label=labels,
    assigned=st.booleans(),
    born_us=times_us,
    waiting_us=times_us,
    clocks=st.none() | st.lists(clocks, max_size=3),
    about=st.none() | abouts,
)


def settle_pure(
    index: OpenTickets, touched: Touched, hot: dict[str, Ticket], due: dict[int, list[str]], horizon_us: int
) -> int:
    """Subjects.settle, of tickets."""
    orphans = 0
    for subject, (old, known) in touched.items():
        row = hot[subject]
        new = standing(row)
        if old != new:
            index.change(old, new)
        orphans += known - (row.known != ORPHAN)
        if row.status >= RESOLVED or row.hidden:
            due.setdefault((row.last_us + horizon_us) // DAY_US, []).append(subject)
    return orphans


def contents(index: OpenTickets) -> list[Any]:
    """All that an index holds."""
    return [
        index.by_status,
        index.unassigned,
        index.complaints,
        index.clocks._still,
        *(ages_of(one) for one in (index.ages, index.waits, index.clocks._risks, index.clocks._deadlines)),
    ]


def ages_of(index: AgeIndex) -> dict[int, tuple[dict[int, array[int]], int, int]]:
    return {label: (starts.days, starts.count, starts.sum_us) for label, starts in index._labels.items()}


@pytest.fixture(scope="module")
def settle(compiled: Callable[[str], ModuleType]) -> Settle:
    """The compiled form."""
    chosen: Settle = compiled("metrics_core.native.standings").settle_tickets
    return chosen


@given(rounds=st.lists(st.dictionaries(subjects, tickets, max_size=4), max_size=6))
def test_any_moves_of_tickets_are_settled_alike(settle: Settle, rounds: list[dict[str, Ticket]]) -> None:
    native, pure = OpenTickets(), OpenTickets()
    hot: dict[str, Ticket] = {}
    due: tuple[dict[int, list[str]], dict[int, list[str]]] = ({}, {})
    for moved in rounds:
        touched: Touched = {
            subject: (standing(hot[subject]), hot[subject].known != ORPHAN) if subject in hot else (None, True)
            for subject in moved
        }
        hot |= moved
        assert settle(native, touched, hot, due[0], HORIZON_US) == settle_pure(
            pure, touched, hot, due[1], HORIZON_US
        )
        assert contents(native) == contents(pure)
        assert due[0] == due[1]
        assert touched.keys() == moved.keys()


@given(starts_us=st.lists(st.integers(START_US, START_US + 3 * DAY_US), max_size=30), last=st.randoms())
def test_starts_of_one_label_stay_in_order_however_they_come_and_go(
    settle: Settle, starts_us: list[int], last: Any
) -> None:
    index = OpenTickets()
    rows = {str(at): Ticket(known=1, born_us=start_us) for at, start_us in enumerate(starts_us)}
    settle(index, dict.fromkeys(rows, (None, True)), rows, {}, HORIZON_US)
    going = last.sample(sorted(rows), len(rows) // 2)
    touched: Touched = {subject: (standing(rows[subject]), True) for subject in going}
    for subject in going:
        rows[subject].status = RESOLVED
    settle(index, touched, rows, {}, HORIZON_US)
    stay = AgeIndex()
    for subject in rows.keys() - set(going):
        stay.add(0, rows[subject].born_us)
    assert ages_of(index.ages) == ages_of(stay)


def test_a_sum_of_starts_beyond_64_bits_is_exact(settle: Settle) -> None:
    count = 10_000
    index, hot = OpenTickets(), {str(at): Ticket(known=1, born_us=START_US) for at in range(count)}
    settle(index, dict.fromkeys(hot, (None, True)), hot, {}, HORIZON_US)
    assert index.ages._labels[0].sum_us == count * START_US > 2**63


def test_taking_out_what_was_never_put_in_is_a_defect_of_ours(settle: Settle) -> None:
    index, row = OpenTickets(), Ticket(known=1, born_us=START_US)
    settle(index, {"T-1": (None, True)}, {"T-1": row}, {}, HORIZON_US)
    gone = Ticket(known=1, status=RESOLVED)
    stood = standing(Ticket(known=1, born_us=START_US + 1))
    with pytest.raises(AssertionError, match="never put in"):
        settle(index, {"T-2": (stood, True)}, {"T-2": gone}, {}, HORIZON_US)


def test_a_row_of_another_kind_is_refused(settle: Settle) -> None:
    rows: dict[str, Any] = {"T-1": object()}
    with pytest.raises(TypeError, match="no row of a ticket"):
        settle(OpenTickets(), {"T-1": (None, True)}, rows, {}, HORIZON_US)


def test_settling_leaves_no_memory_behind(settle: Settle) -> None:
    index = OpenTickets()
    clock = Clock(
        target=0, policy=1, version=0, level=0, state=0, since_us=0, risk_us=START_US, deadline_us=START_US
    )
    about = About(category="", word=0, tags=(), label=1)
    rows = {
        str(at): Ticket(known=1, label=at % 7, born_us=START_US + at, waiting_us=1, clocks=[clock], about=about)
        for at in range(300)
    }
    closed = {subject: Ticket(known=1, status=RESOLVED) for subject in rows}
    stood: Touched = {subject: (standing(row), True) for subject, row in rows.items()}
    come: Touched = dict.fromkeys(rows, (None, True))

    def come_and_go(rounds: int) -> None:
        for _ in range(rounds):
            settle(index, come, rows, {}, HORIZON_US)
            settle(index, stood, closed, {}, HORIZON_US)

    come_and_go(3)
    tracemalloc.start()
    try:
        come_and_go(3)
        before, _ = tracemalloc.get_traced_memory()
        come_and_go(30)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 2_000
    assert index.by_status == {}
