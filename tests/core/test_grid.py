"""The grid of durations: exact at the edges, within one per cent between them."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_core.grid import (
    BOUNDS_US,
    CELLS,
    EDGES_S,
    EDGES_US,
    INTERVAL_OF_CELL,
    INTERVALS,
    VALUE_S_OF_CELL,
    cell_of,
    quantile_s,
)
from metrics_core.series import Histogram
from metrics_core.times import SECOND_US

durations_us = st.integers(0, 10**16)


def sketch(durations: list[int]) -> Histogram:
    histogram = Histogram()
    for duration_us in durations:
        histogram.observe_cell(cell_of(duration_us), 1)
    return histogram


def test_the_edges_are_those_of_the_metric_specification() -> None:
    assert EDGES_S == (
        30, 60, 120, 240, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400, 172800, 259200, 604800,
        1209600, 2592000,
    )  # fmt: skip


def test_every_edge_is_a_bound_of_a_cell() -> None:
    assert set(EDGES_US) <= set(BOUNDS_US)
    assert sorted(set(BOUNDS_US)) == BOUNDS_US


@pytest.mark.parametrize("edge", range(len(EDGES_S)))
def test_a_duration_on_an_edge_is_within_it_and_a_microsecond_more_is_not(edge: int) -> None:
    assert INTERVAL_OF_CELL[cell_of(EDGES_US[edge])] == edge
    assert INTERVAL_OF_CELL[cell_of(EDGES_US[edge] + 1)] == edge + 1


@given(durations_us)
def test_the_cell_of_a_duration_stands_for_it_within_one_per_cent(duration_us: int) -> None:
    assert VALUE_S_OF_CELL[cell_of(duration_us)] == pytest.approx(duration_us / SECOND_US, rel=0.01)


@given(durations_us)
def test_counts_per_interval_follow_exactly_from_cells(duration_us: int) -> None:
    expected = next((i for i, edge in enumerate(EDGES_US) if duration_us <= edge), INTERVALS - 1)
    assert sketch([duration_us]).counts[expected] == 1


def test_a_duration_beyond_all_bounds_falls_into_the_last_cell() -> None:
    assert cell_of(10**18) == CELLS - 1


@given(st.lists(durations_us, min_size=1, max_size=30), st.sampled_from([0.0, 0.25, 0.5, 0.9, 0.99, 1.0]))
def test_a_quantile_interpolates_between_order_statistics_each_within_one_per_cent(
    durations: list[int], q: float
) -> None:
    ordered = sorted(durations)
    rank = (len(ordered) - 1) * q
    low, high = ordered[int(rank)], ordered[min(int(rank) + 1, len(ordered) - 1)]
    exact = (low + (high - low) * (rank - int(rank))) / SECOND_US
    assert sketch(durations).quantile(q) == pytest.approx(exact, rel=0.01, abs=1e-9)


def test_the_median_of_a_known_day_is_the_median() -> None:
    durations = [minutes * 60 * SECOND_US for minutes in (1, 2, 5, 10, 300)]
    expected = statistics.median(durations) / SECOND_US
    assert sketch(durations).quantile(0.5) == pytest.approx(expected, rel=0.01)


def test_nothing_has_no_quantile() -> None:
    assert quantile_s([], 0.5) is None
    assert Histogram().quantile(0.5) is None


@given(st.lists(durations_us, max_size=10), st.lists(durations_us, max_size=10))
def test_histograms_that_are_merged_are_the_histogram_of_all(one: list[int], other: list[int]) -> None:
    merged = sketch(one)
    merged.add(sketch(other))
    assert merged == sketch(one + other)
    assert merged.cumulative()[-1] == merged.count == len(one) + len(other)
