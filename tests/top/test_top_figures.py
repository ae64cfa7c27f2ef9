"""From an exposition to figures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from top_canned import NOW_S, business, customers, pipeline, service, support, text

from streams.top.digits import HEIGHT, SCALES, best_scale, draw, width_of
from streams.top.figures import NAMES, Figures, figures_of
from streams.top.samples import Samples, between, histogram_quantile
from streams.top.trend import MOST_POINTS, Trend
from streams.top.words import bar, clock, duration, signed, spark


def figures(*texts: str) -> Figures:
    return figures_of(Samples.parse(texts, NAMES), NOW_S + 5)


def test_a_quantile_is_taken_as_prometheus_takes_it() -> None:
    buckets = [(30.0, 2.0), (60.0, 2.0), (120.0, 6.0), (math.inf, 10.0)]
    assert histogram_quantile(0.1, buckets) == 15.0
    assert histogram_quantile(0.4, buckets) == 90.0
    assert histogram_quantile(0.9, buckets) == 120.0  # beyond the last finite edge: that edge


@pytest.mark.parametrize("buckets", [[], [(math.inf, 5.0)], [(30.0, 0.0), (math.inf, 0.0)], [(30.0, 1.0)]])
def test_a_quantile_of_nothing_is_nothing(buckets: list[tuple[float, float]]) -> None:
    assert histogram_quantile(0.5, buckets) is None


@given(st.lists(st.integers(0, 50), min_size=3, max_size=8), st.floats(0.01, 0.99))
def test_a_quantile_lies_in_the_bucket_that_holds_its_rank(counts: list[int], q: float) -> None:
    edges = [float(10 * (i + 1)) for i in range(len(counts) - 1)] + [math.inf]
    cumulative = [float(sum(counts[: i + 1])) for i in range(len(counts))]
    value = histogram_quantile(q, list(zip(edges, cumulative, strict=True)))
    if cumulative[-1] == 0:
        assert value is None
        return
    assert value is not None
    i = next(i for i, seen in enumerate(cumulative) if seen >= q * cumulative[-1])
    assert (edges[i - 1] if i else 0.0) <= value <= (edges[i] if edges[i] < math.inf else edges[-2])


def test_age_bars_add_up_to_the_open_tickets() -> None:
    buckets = [(3600.0, 4.0), (14400.0, 9.0), (math.inf, 11.0)]
    assert between(buckets, (3600, 14400)) == [4, 5, 2]


def test_the_figures_of_a_busy_morning() -> None:
    found = figures(text(support(), pipeline()))
    assert found.support.open_tickets == 166
    assert found.support.open_by_group == {
        "billing": 70,
        "technical": 65,
        "returns and refunds": 17,
        "sales": 14,
    }
    assert found.support.unanswered == 23
    assert found.support.oldest_unanswered_s == 11_520
    assert (found.support.created["1h"], found.support.resolved["1h"]) == (47, 40)
    assert sum(found.support.ages) == 166
    p50_s = found.support.first_response["1h"].p50_s
    assert p50_s is not None
    assert 300 < p50_s <= 600
    assert found.support.messages["24h"] == {"customer": 1056, "agent": 924, "bot": 220}
    assert found.pipeline.rejected == {"too_late": 3, "bad_time": 2}
    assert (found.pipeline.partitions_ready, found.pipeline.partitions) == (8, 8)


def test_two_workers_add_up_but_their_topic_is_the_same_one() -> None:
    one, two = text(support(), pipeline(partitions_ready=4)), text(support(2), pipeline(partitions_ready=4))
    found = figures(one, two)
    assert found.support.open_tickets == 3 * 166
    assert (found.pipeline.partitions_ready, found.pipeline.partitions) == (8, 8)
    assert found.support.oldest_unanswered_s == 11_520


def test_the_age_of_a_wait_is_told_by_the_monitors_clock_and_not_the_viewers() -> None:
    found = figures_of(Samples.parse([text(support(), pipeline())], NAMES), NOW_S + 1e6)
    assert found.support.oldest_unanswered_s == 11_520


def test_churn_is_what_was_lost_of_those_at_the_start() -> None:
    found = figures(text(customers(), pipeline()))
    assert found.customers.churn["30d"] == pytest.approx(21 / 1783)
    assert found.customers.churn["7d"] is None
    assert found.customers.mrr == {"EUR": 18_390.5, "USD": 4_110.0}


def test_promises_that_need_a_look_come_first_and_those_never_given_not_at_all() -> None:
    promises = figures(text(service(), pipeline())).promises
    assert [one.policy for one in promises] == ["vip", "email", "chat", "phone"]
    assert promises[0].attainment("24h") == pytest.approx(9 / 11)


def test_satisfaction_is_of_now_and_passives_are_in_the_denominator() -> None:
    found = figures(text(service(), pipeline())).satisfaction
    assert found.csat["30d"] == pytest.approx(800 / 1050)
    assert found.nps["30d"] == pytest.approx((300 - 100) / 550)
    assert found.ces["30d"] == pytest.approx(1750 / 7 / 350)
    assert found.response_rate["24h"] == pytest.approx(42 / 120)
    assert found.open_complaints == {"returns": 7, "billing": 3}


def test_agents_at_a_start_that_the_history_does_not_reach_are_unknown() -> None:
    team = figures(text(business(), pipeline())).team
    assert team.statuses == {"online": 12, "away": 3, "offline": 12}
    assert (team.at_start["24h"], team.at_start["30d"]) == (27, None)


def test_money_is_told_currency_by_currency() -> None:
    euro, dollar = figures(text(business(), customers(), pipeline())).money
    assert (euro.currency, dollar.currency) == ("EUR", "USD")
    assert euro.cac["30d"] == pytest.approx((940 + 620.5) / 38)
    assert dollar.cac["30d"] is None
    assert euro.net_cash["30d"] == 27_500


def test_an_exposition_without_the_helpdesk_gives_empty_figures() -> None:
    found = figures(text(pipeline()))
    assert found.support.first_response["1h"].p50_s is None
    assert found.support.oldest_unanswered_s is None
    assert found.support.open_by_group == {}


@pytest.mark.parametrize(
    ("duration_s", "said"),
    [(None, "-"), (0, "0 s"), (47, "47 s"), (119, "119 s"), (120, "2.0 m"), (1_500, "25 m"), (7_200, "2.0 h"),
     (86_400, "24 h"), (200_000, "2.3 d")],
)  # fmt: skip
def test_a_duration_keeps_two_telling_digits(duration_s: float | None, said: str) -> None:
    assert duration(duration_s) == said


def test_a_moment_of_another_day_carries_its_date() -> None:
    import datetime

    assert clock(NOW_S, NOW_S + 60, datetime.UTC) == "09:30:00"
    assert clock(NOW_S, NOW_S + 86_400, datetime.UTC) == "2026-01-15 09:30:00"


def test_noise_is_no_trend() -> None:
    assert set(spark([100, 101, 100, 101], 4)) <= {"▁", "▂"}
    assert spark([1, 100], 4) == "▁█"
    assert spark([0, 0], 4) == "▁▁"


def test_a_bar_of_something_is_never_empty() -> None:
    assert bar(0.0001, 20) == "▏"
    assert bar(0, 20) == ""
    assert bar(1, 20) == "█" * 20


def test_a_difference_carries_its_sign() -> None:
    assert [signed(n) for n in (3, 0, -2)] == ["+3", "0", "-2"]


@given(st.integers(1, 5 * MOST_POINTS))
def test_a_trend_spans_the_session_in_a_bounded_number_of_points(polls: int) -> None:
    trend = Trend()
    for i in range(polls):
        trend.add(float(i))
    assert len(trend.values) <= MOST_POINTS
    assert trend.values[0] == 0.0
    assert trend.values[-1] == polls - 1
    assert trend.values == sorted(trend.values)


@given(st.text("0123456789.+-%", min_size=1, max_size=6), st.sampled_from(SCALES))
def test_digits_take_exactly_the_room_that_they_are_said_to_take(figure: str, scale: tuple[int, int]) -> None:
    lines = draw(figure, scale)
    assert len(lines) == HEIGHT * scale[1]
    assert {len(line) for line in lines} == {width_of(figure, scale)}


def test_digits_are_as_large_as_the_room_allows_and_all_of_one_size() -> None:
    assert best_scale([("128", ""), ("4.2", "m")], 26, 5) == (2, 1)
    assert best_scale([("1284", ""), ("4.2", "m")], 26, 5) == (1, 1)
    assert best_scale([("128", "")], 60, 10) == (4, 2)
    assert best_scale([("128", "")], 8, 5) is None
