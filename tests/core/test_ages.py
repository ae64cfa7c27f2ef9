"""Ages move by themselves: how many began before a moment, whatever the moment."""

from __future__ import annotations

import pytest
from desk_story import START_US
from hypothesis import given
from hypothesis import strategies as st

from metrics_core.ages import AgeIndex
from metrics_core.grid import EDGES_S, EDGES_US, INTERVALS
from metrics_core.times import DAY_US, SECOND_US

LABEL = 3


def index_of(*starts_us: int) -> AgeIndex:
    index = AgeIndex()
    for start_us in starts_us:
        index.add(LABEL, start_us)
    return index


@pytest.mark.parametrize("edge", range(len(EDGES_S)))
def test_an_age_on_an_edge_is_within_it_and_a_microsecond_more_is_not(edge: int) -> None:
    index = index_of(START_US)
    assert index.ages(START_US + EDGES_US[edge])[LABEL].counts[edge] == 1
    assert index.ages(START_US + EDGES_US[edge] + 1)[LABEL].counts[edge + 1] == 1


def test_what_begins_later_has_age_zero() -> None:
    ages = index_of(START_US + 5 * DAY_US, START_US - SECOND_US).ages(START_US)[LABEL]
    assert ages.counts[0] == 2
    assert ages.sum_us == SECOND_US


def test_the_oldest_is_the_earliest_start() -> None:
    index = index_of(START_US, START_US - 3 * DAY_US, START_US + DAY_US)
    assert index.oldest() == {LABEL: START_US - 3 * DAY_US}
    assert index.ages(START_US)[LABEL].oldest_us == START_US - 3 * DAY_US


def test_a_label_whose_last_start_goes_is_forgotten() -> None:
    index = index_of(START_US)
    index.remove(LABEL, START_US)
    assert not index.ages(START_US)
    assert not index.counts()
    assert not index.oldest()


def test_of_two_equal_starts_one_is_taken_out() -> None:
    index = index_of(START_US, START_US)
    index.remove(LABEL, START_US)
    assert index.counts() == {LABEL: 1}


def test_taking_out_what_was_never_put_in_is_a_defect_of_ours() -> None:
    index = index_of(START_US + 1)
    with pytest.raises(AssertionError):
        index.remove(LABEL, START_US)


@given(
    starts=st.lists(st.integers(-(10**13), 10**12), min_size=1, max_size=20),
    removed=st.integers(0, 19),
    now=st.integers(-(10**13), 10**13),
)
def test_ages_are_what_counting_one_by_one_gives(starts: list[int], removed: int, now: int) -> None:
    index = index_of(*(START_US + start for start in starts))
    left = [start for at, start in enumerate(starts) if at != removed or len(starts) == 1]
    for start in starts[removed : removed + 1]:
        if len(starts) > 1:
            index.remove(LABEL, START_US + start)
    ages = index.ages(START_US + now)[LABEL]
    expected = [0] * INTERVALS
    for start in left:
        age = max(0, now - start)
        expected[next((i for i, edge in enumerate(EDGES_US) if age <= edge), INTERVALS - 1)] += 1
    assert ages.counts == expected
    assert ages.sum_us == sum(max(0, now - start) for start in left)


@given(st.lists(st.integers(START_US - 40 * DAY_US, START_US + 2 * DAY_US), min_size=1, max_size=12))
def test_many_of_a_label_have_the_ages_that_each_alone_would_have(starts_us: list[int]) -> None:
    many = 50
    few, lots = index_of(*starts_us), index_of(*(start_us for start_us in starts_us for _ in range(many)))
    one, other = few.ages(START_US)[LABEL], lots.ages(START_US)[LABEL]
    assert other.counts == [many * count for count in one.counts]
    assert (other.sum_us, other.oldest_us) == (many * one.sum_us, one.oldest_us)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(START_US - 3 * DAY_US, START_US)), max_size=30))
def test_many_put_in_at_once_and_sorted_are_as_if_put_in_one_by_one(pairs: list[tuple[int, int]]) -> None:
    one_by_one, at_once = AgeIndex(), AgeIndex()
    for label, start_us in pairs:
        one_by_one.add(label, start_us)
    for label in {label for label, _ in pairs}:
        at_once.add_all(label, [start_us for other, start_us in pairs if other == label])
    for _ in at_once.sort():
        pass
    assert at_once.ages(START_US) == one_by_one.ages(START_US)
    assert at_once.counts_before(START_US - DAY_US) == one_by_one.counts_before(START_US - DAY_US)
