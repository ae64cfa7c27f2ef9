"""Formulas over series: sum first, then divide; what is missing is 0 above and nothing below the line."""

from __future__ import annotations

import pytest
from desk_story import Desk

from metrics_core.derived import DERIVED
from metrics_core.derived.formulas import OlderThan, Quantile, Term, WindowDays
from metrics_core.grid import cell_of
from metrics_core.series import Histogram, Series
from metrics_core.times import SECOND_US
from metrics_core.view import Table, View

Rows = dict[tuple[str, ...], int | float | Histogram]


def view_of(**rows: Rows) -> View:
    """Series ``a`` and ``b`` by window and group, ``days`` by window, ``waits`` a histogram by group."""
    labels = {"a": ("window", "group"), "b": ("window", "group"), "days": ("window",), "waits": ("group",)}
    tables = {}
    for name, names in labels.items():
        kind = "histogram" if name == "waits" else "gauge"
        tables[name] = Table(Series(name, kind, names, "help"), rows.get(name, {}))  # type: ignore[arg-type]
    return View(0, 0, tables)


def waits(*seconds: int) -> Histogram:
    histogram = Histogram()
    for second in seconds:
        histogram.observe_cell(cell_of(second * SECOND_US), 1)
        histogram.sum_us += second * SECOND_US
    return histogram


A, B = Term("a"), Term("b")


def test_rows_are_summed_before_they_are_divided() -> None:
    view = view_of(a={("1h", "x"): 1, ("1h", "y"): 2}, b={("1h", "x"): 10, ("1h", "y"): 2})
    assert (A / B).evaluate(view, ("window",)).rows == {("1h",): 0.25}


def test_a_denominator_of_zero_gives_no_value() -> None:
    view = view_of(a={("1h", "x"): 1}, b={("1h", "x"): 0})
    assert (A / B).evaluate(view, ("window", "group")).rows == {}


def test_a_denominator_that_is_missing_gives_no_value() -> None:
    assert (A / B).evaluate(view_of(a={("1h", "x"): 1}), ("window", "group")).rows == {}


def test_a_numerator_that_is_missing_is_zero() -> None:
    view = view_of(b={("1h", "x"): 4})
    assert (A / B).evaluate(view, ("window", "group")).rows == {("1h", "x"): 0}


def test_terms_of_a_sum_that_are_missing_are_zero() -> None:
    view = view_of(a={("1h", "x"): 1}, b={("1h", "y"): 2})
    assert (A + B).evaluate(view, ("window", "group")).rows == {("1h", "x"): 1, ("1h", "y"): 2}
    assert (A - B).evaluate(view, ("window", "group")).rows == {("1h", "x"): 1, ("1h", "y"): -2}


def test_the_side_with_fewer_labels_is_repeated_for_every_row_of_the_other() -> None:
    view = view_of(a={("1h", "x"): 1, ("1h", "y"): 3}, days={("1h",): 2})
    assert (A / Term("days")).evaluate(view, ("window", "group")).rows == {("1h", "x"): 0.5, ("1h", "y"): 1.5}


def test_a_share_divides_by_the_sum_over_the_label_it_is_a_share_of() -> None:
    view = view_of(a={("1h", "x"): 1, ("1h", "y"): 3})
    share = A / Term("a", without=("group",))
    assert share.evaluate(view, ("window", "group")).rows == {("1h", "x"): 0.25, ("1h", "y"): 0.75}


def test_a_term_may_be_pinned_to_a_label() -> None:
    view = view_of(a={("1h", "x"): 1, ("1h", "y"): 3})
    assert Term("a", {"group": "y"}).evaluate(view, ("window",)).rows == {("1h",): 3}


def test_a_window_has_its_length_in_days() -> None:
    rows = WindowDays().evaluate(view_of(), ()).rows
    assert rows[("1h",)] == pytest.approx(1 / 24)
    assert rows[("30d",)] == 30


def test_a_quantile_is_taken_of_all_groups_together_and_never_averaged() -> None:
    view = view_of(waits={("x",): waits(10, 10, 10), ("y",): waits(1000)})
    assert Quantile("waits", 0.5).evaluate(view, ()).rows[()] == pytest.approx(10, rel=0.01)


def test_a_quantile_of_nothing_gives_no_value() -> None:
    assert Quantile("waits", 0.5).evaluate(view_of(waits={("x",): Histogram()}), ()).rows == {}


def test_a_mean_is_the_sum_over_the_count() -> None:
    view = view_of(waits={("x",): waits(10, 20), ("y",): waits(60)})
    mean = Term("waits", part="gsum") / Term("waits", part="gcount")
    assert mean.evaluate(view, ()).rows == {(): 30}


def test_older_than_counts_what_lies_above_each_edge() -> None:
    rows = OlderThan("waits").evaluate(view_of(waits={("x",): waits(30, 31, 90)}), ()).rows
    assert [rows[(edge,)] for edge in ("30.0", "60.0", "120.0")] == [2, 1, 0]


@pytest.mark.parametrize("derived", DERIVED, ids=lambda derived: derived.id)
def test_a_derived_metric_of_an_empty_desk_has_no_nonsense(derived: object) -> None:
    """Every definition evaluates on a view without events; a ratio of nothing has no value."""
    rows = derived.evaluate(Desk().view()).rows  # type: ignore[attr-defined]
    assert all(value == 0 for value in rows.values())


def test_derived_metrics_say_what_they_mean_in_one_question() -> None:
    assert len({derived.id for derived in DERIVED}) == len(DERIVED)
    assert all(derived.question.endswith("?") for derived in DERIVED)


def test_derived_ratios_of_a_small_desk_are_what_one_counts_by_hand() -> None:
    desk = Desk().tell("created", 0, channel="chat").tell("created", 0, "T-2", channel="email")
    desk.tell("message", 2, actor="agent").tell("status_changed", 4, to="resolved").tell(
        "status_changed", 6, to="open"
    )
    view = desk.view()
    values = {derived.id: derived.evaluate(view).rows for derived in DERIVED}
    assert values["reopen_rate"][("24h",)] == 1
    assert values["one_touch_rate"][("24h",)] == 0
    assert values["inflow_ratio"][("24h",)] == 3
    assert values["days_to_clear"][("24h",)] == 2
    assert values["channel_share"][("24h", "chat")] == 0.5
    assert values["first_response_mean"][("24h", "calendar")] == 120
    assert values["reopen_rate"].get(("1h",)) is None
