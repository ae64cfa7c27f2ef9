"""Windows as sums of panes: exact on pane edges, the running pane included, whatever the way there."""

from __future__ import annotations

import pytest
from desk_story import START_US, Desk
from hypothesis import given
from hypothesis import strategies as st

from metrics_core.facts import CREATED, FIRST_RESPONSE, Facts
from metrics_core.panes import WINDOW_SPANS_US, Panes
from metrics_core.times import DAY_US, HOUR_US, MINUTE_US

KEY = CREATED
YEAR_MINUTES = 365 * 24 * 60
#: window -> (minutes of a pane, minutes of the window)
SPANS = {name: (width // MINUTE_US, length // MINUTE_US) for name, (width, length) in WINDOW_SPANS_US.items()}


def counted(at: float, as_of: float, window: str) -> float:
    return Desk().tell("created", at).flow("created", at=as_of, window=window)


@pytest.mark.parametrize("window", SPANS)
def test_on_a_pane_edge_a_window_holds_exactly_its_length(window: str) -> None:
    _, length = SPANS[window]
    assert counted(0, as_of=length, window=window) == 1  # the window's first moment belongs to it
    assert counted(-1 / 60, as_of=length, window=window) == 0


@pytest.mark.parametrize("window", SPANS)
def test_an_event_at_the_very_moment_does_not_count_yet(window: str) -> None:
    assert counted(0, as_of=0, window=window) == 0


@pytest.mark.parametrize("window", SPANS)
def test_off_a_pane_edge_the_running_pane_is_included_and_the_oldest_one_is_left_out(window: str) -> None:
    width, length = SPANS[window]
    now = length + width / 2
    assert counted(length + width / 4, as_of=now, window=window) == 1
    assert counted(width - 1 / 60, as_of=now, window=window) == 0
    assert counted(width, as_of=now, window=window) == 1


@pytest.mark.parametrize("window", SPANS)
def test_an_event_leaves_its_window_by_time_alone(window: str) -> None:
    _, length = SPANS[window]
    desk = Desk().tell("created", 0)
    assert desk.flow("created", at=length, window=window) == 1
    assert desk.flow("created", at=length + 1 / 60, window=window) == 0


def test_a_late_fact_in_a_pane_that_was_summed_already_still_counts() -> None:
    desk = Desk().tell("created", 50)
    assert desk.flow("created", at=60, window="1h") == 1
    desk.tell("created", 10, "T-2")
    assert desk.flow("created", at=60, window="1h") == 2
    assert desk.flow("created", at=71, window="1h") == 1


def test_a_jump_of_years_empties_every_window_and_counting_goes_on() -> None:
    desk = Desk().tell("created", 0)
    later = 3 * YEAR_MINUTES
    assert desk.flow("created", at=later, window="30d") == 0
    desk.tell("created", later, "T-2")
    for window in SPANS:
        assert desk.flow("created", at=later + 1, window=window) == 1


def test_a_moment_in_the_past_can_be_asked_after_a_later_one() -> None:
    desk = Desk().tell("created", 0).tell("created", 120, "T-2")
    assert desk.flow("created", at=180, window="1h") == 1
    assert desk.flow("created", at=60, window="1h") == 1


def test_counting_goes_on_after_a_restart() -> None:
    desk = Desk().tell("created", 0).restart().tell("created", 30, "T-2").restart()
    for window in SPANS:
        assert desk.flow("created", at=40, window=window) == 2
    assert desk.flow("created", at=61, window="1h") == 1


def test_panes_too_old_for_any_window_go_from_memory_and_from_the_changelog() -> None:
    desk = Desk().tell("created", 0).save()
    assert sum(key.startswith(b"p") for key in desk.changelog) == 3
    desk.tell("created", YEAR_MINUTES, "T-2").save()
    assert sum(key.startswith(b"p") for key in desk.changelog) == 3


def test_a_fact_too_old_for_any_window_still_counts_since_the_beginning() -> None:
    desk = Desk(since_beginning=True, retire=False).tell("created", YEAR_MINUTES).tell("created", 0, "T-2")
    totals = desk.shard.freeze(START_US + 2 * YEAR_MINUTES * MINUTE_US).windows
    assert sum(totals["all"].values()) == 2
    assert totals["30d"] == {}


def test_a_fact_taken_back_leaves_nothing_behind() -> None:
    facts = Facts()
    facts.counts += [(KEY, START_US, 1), (KEY, START_US, -1)]
    facts.durations += [(FIRST_RESPONSE, START_US, 5, 1), (FIRST_RESPONSE, START_US, 5, -1)]
    panes = Panes(fine=False, since_beginning=True)
    panes.add(facts)
    panes.settle(START_US)
    assert all(not counts for counts in panes.totals(START_US + MINUTE_US).values())


def brute_force(times: list[int], as_of: int, window: str) -> int:
    width, length = WINDOW_SPANS_US[window]
    end = -(-as_of // width) * width
    return sum(end - length <= time < as_of for time in times)


moments = st.integers(0, 40 * 24 * 60 * 2).map(lambda halves: START_US + halves * 30_000_000)


@given(
    times=st.lists(moments, max_size=12),
    asked=st.lists(st.tuples(st.integers(0, 12), moments), max_size=6),
)
def test_any_interleaving_of_facts_and_questions_equals_counting_one_by_one(
    times: list[int], asked: list[tuple[int, int]]
) -> None:
    """Facts at or after the moment asked are left out, as events are that have not come yet."""
    panes = Panes(fine=False, since_beginning=False)
    clock = 0
    for number in range(len(times) + 1):
        for at, as_of in asked:
            known = times[:number]
            if at == number and all(time < as_of for time in known) and as_of >= clock:
                panes.settle(clock)
                totals = panes.totals(as_of)
                for window in WINDOW_SPANS_US:
                    assert totals[window].get(KEY, 0) == brute_force(known, as_of, window)
        if number < len(times):
            facts = Facts()
            facts.counts.append((KEY, times[number], 1))
            panes.add(facts)
            clock = max(clock, times[number])


def test_panes_are_kept_long_enough_for_the_window_before() -> None:
    panes = Panes(fine=False, since_beginning=False)
    for ring, longest_us in zip(panes.rings, (HOUR_US, DAY_US, 30 * DAY_US), strict=True):
        assert ring.keep_panes * ring.width_us >= 2 * longest_us


def test_a_sum_beyond_64_bits_is_saved_and_loaded() -> None:
    """A producer that dates creations to 1970 must not stop the worker at its next checkpoint."""
    from metrics_core import changelog

    counts = {1: 3, 2: -(2**70), 3: 2**80}
    assert changelog.unpack_counts(changelog.pack_counts(counts)) == counts
