"""Facts are counted in C as they are in Python: every key, every zero, every sum to the last digit."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import metrics_core.native
from metrics_core.changelog import pack_counts
from metrics_core.counts import Counts, add_counts
from metrics_core.facts import CODE_SHIFT, CREATED, FIRST_RESPONSE, LABEL_SHIFT, RESOLVED, SUM, Facts
from metrics_core.grid import BOUNDS_US, EDGES_US
from metrics_core.panes import Panes
from metrics_core.tally import Tally
from metrics_core.times import DAY_US, EARLIEST_US, HOUR_US, LATEST_US, MINUTE_US

if TYPE_CHECKING:
    from metrics_core.native.tally import Tally as CompiledTally

START_US = 1_790_000_000_000_000
#: more than a table begins with
MANY = 5_000

keys = st.builds(
    lambda label, code: label << LABEL_SHIFT | code,
    st.integers(0, 3) | st.integers(0, 2**32 - 1),
    st.sampled_from([CREATED, RESOLVED, FIRST_RESPONSE]),
)
times_us = st.integers(0, 5 * MINUTE_US).map(lambda us: START_US + us) | st.integers(EARLIEST_US, LATEST_US - 1)
numbers = st.sampled_from([1, 1, -1, 0]) | st.integers(-(2**63), 2**63 - 1) | st.integers(-(2**80), 2**80)
on_bounds_us = st.builds(lambda bound, by: bound + by, st.sampled_from([*EDGES_US, *BOUNDS_US]), st.integers(-1, 1))
durations_us = on_bounds_us | st.integers(0, 10**9) | st.integers(-(2**70), 2**70)


@st.composite
def some_facts(draw: st.DrawFn) -> Facts:
    facts = Facts()
    facts.counts += draw(st.lists(st.tuples(keys, times_us, numbers), max_size=8))
    facts.durations += draw(st.lists(st.tuples(keys, times_us, durations_us, numbers), max_size=8))
    facts.levels += draw(st.lists(st.tuples(keys, times_us, numbers), max_size=2))
    return facts


@pytest.fixture(scope="module")
def compiled_tally(compiled: Callable[[str], ModuleType]) -> Iterator[type[CompiledTally]]:
    """The class; while it is in use, panes take what is compiled."""
    cls = compiled("metrics_core.native.tally").Tally
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics_core.native, "AVAILABLE", True)
        yield cls


@given(rounds=st.lists(st.lists(some_facts(), max_size=4), max_size=3), fine=st.booleans())
def test_both_forms_count_alike(compiled_tally: type[CompiledTally], rounds: list[list[Facts]], fine: bool) -> None:
    native, pure = compiled_tally(MINUTE_US, fine=fine), Tally(MINUTE_US, fine=fine)
    for several in rounds:
        for facts in several:
            native.add(facts)
            pure.add(facts)
            assert native.waiting == pure.waiting
        assert native.take() == pure.take()
        assert native.waiting == pure.waiting == 0


@pytest.mark.parametrize("fine", [False, True])
def test_every_bound_of_a_cell_is_taken_alike(compiled_tally: type[CompiledTally], fine: bool) -> None:
    facts = Facts()
    for bound_us in {*EDGES_US, *BOUNDS_US}:
        facts.durations += [(FIRST_RESPONSE, START_US, bound_us + by, 1) for by in (-1, 0, 1)]
    native, pure = compiled_tally(MINUTE_US, fine=fine), Tally(MINUTE_US, fine=fine)
    native.add(facts)
    pure.add(facts)
    assert native.take() == pure.take()


def test_a_table_that_has_to_grow_forgets_nothing(compiled_tally: type[CompiledTally]) -> None:
    facts = Facts()
    facts.counts += [(label << LABEL_SHIFT | CREATED, START_US + label * 1_000_000, 1) for label in range(MANY)] * 2
    native, pure = compiled_tally(MINUTE_US, fine=False), Tally(MINUTE_US, fine=False)
    for _ in range(2):
        native.add(facts)
        pure.add(facts)
        assert native.take() == pure.take()


def test_what_was_taken_back_leaves_a_zero(compiled_tally: type[CompiledTally]) -> None:
    facts = Facts()
    facts.counts += [(CREATED, START_US, 1), (CREATED, START_US, -1)]
    native = compiled_tally(MINUTE_US, fine=False)
    native.add(facts)
    assert native.take() == {START_US // MINUTE_US: {CREATED: 0}}


def test_a_sum_that_outgrows_64_bits_and_comes_back_is_exact(compiled_tally: type[CompiledTally]) -> None:
    facts = Facts()
    facts.durations += [(FIRST_RESPONSE, START_US, 2**62, n) for n in (1, 1, 1, -1, 4, -5)]
    native = compiled_tally(MINUTE_US, fine=False)
    native.add(facts)
    [counts] = native.take().values()
    assert counts[FIRST_RESPONSE + SUM] == 2**62
    assert native.take() == {}


def test_counting_leaves_no_memory_behind(compiled_tally: type[CompiledTally]) -> None:
    facts = Facts()
    facts.counts += [(label << LABEL_SHIFT | CREATED, START_US, 2**62) for label in range(100)] * 3
    facts.durations += [(FIRST_RESPONSE, START_US + second * 1_000_000, second, 1) for second in range(1_000)]
    native = compiled_tally(MINUTE_US, fine=False)
    panes = Panes(fine=False, since_beginning=True, before=frozenset({1}))

    def count(rounds: int) -> None:
        for _ in range(rounds):
            native.add(facts)
            native.take()
            panes.add(facts)
            panes.settle(START_US)
            panes.totals(START_US + DAY_US)
            panes.totals(START_US + HOUR_US)
            compiled_tally(MINUTE_US, fine=True)

    count(3)
    tracemalloc.start()
    try:
        count(3)
        before, _ = tracemalloc.get_traced_memory()
        count(30)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 1_000


def test_a_time_or_key_that_is_no_number_is_refused_as_such(compiled_tally: type[CompiledTally]) -> None:
    facts = Facts()
    facts.counts.append((CREATED, "noon", 1))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        compiled_tally(MINUTE_US, fine=False).add(facts)


few_counts = st.dictionaries(keys, st.integers(-1, 1) | st.integers(-(2**80), 2**80), max_size=6)


@given(
    total=few_counts,
    pane=few_counts,
    sign=st.sampled_from([1, -1]),
    codes=st.none() | st.frozensets(st.sampled_from([CREATED >> CODE_SHIFT, FIRST_RESPONSE >> CODE_SHIFT])),
)
def test_totals_add_up_alike(
    compiled: Callable[[str], ModuleType], total: Counts, pane: Counts, sign: int, codes: frozenset[int] | None
) -> None:
    native, pure, of_pane = total.copy(), total.copy(), pane.copy()
    compiled("metrics_core.native.tally").add_counts(native, pane, sign, codes)
    add_counts(pure, pane, sign, codes)
    assert native == pure
    assert pane == of_pane


# -- panes ------------------------------------------------------------------------------------------------

deltas_us = st.integers(0, 3 * MINUTE_US) | st.integers(0, 3 * HOUR_US) | st.integers(-2 * DAY_US, 70 * DAY_US)
pane_facts = st.lists(
    st.tuples(st.booleans(), keys, deltas_us, st.sampled_from([1, 1, 1, -1]) | st.integers(-(2**65), 2**65)),
    max_size=6,
)
acts = st.lists(
    st.one_of(
        st.tuples(st.just("add"), pane_facts),
        st.tuples(st.just("settle"), deltas_us),
        st.tuples(st.just("ask"), deltas_us),
        st.tuples(st.just("drain"), st.just(0)),
    ),
    max_size=14,
)


def _facts_of(told: list[tuple[bool, int, int, int]], clock_us: int) -> Facts:
    facts = Facts()
    for is_level, key, delta_us, n in told:
        at_us = max(0, clock_us + delta_us)
        if is_level:
            facts.level(key, at_us, n)
        else:
            facts.counts.append((key, at_us, n))
            facts.durations.append((key, at_us, abs(delta_us), 1))
    return facts


def _drained(panes: Panes) -> list[object]:
    """What Shard.drain writes of panes."""
    rows: list[object] = []
    for number, ring in enumerate(panes.rings):
        for index in sorted(ring.dirty):
            counts = {key: n for key, n in ring.panes[index].items() if n}
            rows.append((number, index, counts, len(pack_counts(counts))))
        ring.stored |= ring.dirty
        ring.dirty.clear()
    return rows


@given(
    acts=acts,
    fine=st.booleans(),
    since_beginning=st.booleans(),
    before=st.sampled_from([frozenset[int](), frozenset({1, 32})]),
    by_day=st.sampled_from([frozenset[int](), frozenset({3})]),
)
def test_panes_of_both_forms_say_the_same(
    compiled_tally: type[CompiledTally],
    acts: list[tuple[str, object]],
    fine: bool,
    since_beginning: bool,
    before: frozenset[int],
    by_day: frozenset[int],
) -> None:
    both = [
        Panes(fine=fine, since_beginning=since_beginning, before=before, by_day=by_day, native=native)
        for native in (True, False)
    ]
    assert isinstance(both[0].tally, compiled_tally)
    assert isinstance(both[1].tally, Tally)
    clock_us = asked_us = START_US
    for act, what in acts:
        if act == "add":
            facts = _facts_of(what, clock_us)  # type: ignore[arg-type]
            for panes in both:
                panes.add(facts)
        elif act == "settle":
            clock_us = max(clock_us, clock_us + what)  # type: ignore[operator]
            assert both[0].settle(clock_us) == both[1].settle(clock_us)
        elif act == "ask":
            asked_us = max(0, clock_us + what)  # type: ignore[operator]
            assert both[0].totals(asked_us) == both[1].totals(asked_us)
            assert both[0].before() == both[1].before()
            assert both[0].by_day(asked_us) == both[1].by_day(asked_us)
            assert both[0].levels_at_end(asked_us) == both[1].levels_at_end(asked_us)
        else:
            assert _drained(both[0]) == _drained(both[1])
        for one, other in zip(both[0].rings, both[1].rings, strict=True):
            assert one.panes == other.panes
            assert one.dirty == other.dirty
            assert one.stored == other.stored
            assert one.floor == other.floor
            assert [window.total for window in one.windows] == [window.total for window in other.windows]
        assert both[0].all == both[1].all
        assert both[0].levels == both[1].levels
        assert both[0].waiting == both[1].waiting
