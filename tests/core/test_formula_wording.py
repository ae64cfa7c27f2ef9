"""Formulas in words: what is read is what is evaluated."""

from __future__ import annotations

import pytest

from metrics_core.derived import REPORTED
from metrics_core.derived.formulas import Formula, OlderThan, Quantile, SumOfDays, Term, WindowDays, WindowYears
from metrics_core.derived.wording import series_names, text

A, B, C = Term("a"), Term("b"), Term("c")


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (Term("a", {"x": "1", "y": "2"}), "a{x=1, y=2}"),
        (Term("a", {"x": "1"}, without=("channel",)), "a{x=1, every channel}"),
        (Term("a", part="gsum") / Term("a", part="gcount"), "a_gsum / a_gcount"),
        (Quantile("a", 0.9, {"x": "1"}), "quantile 0.9 of a{x=1}"),
        (OlderThan("a"), "a_gcount - a_bucket{le=older_than}"),
        (A - (B - C), "a - (b - c)"),
        (A - B - C, "a - b - c"),
        (A / (B / WindowDays()), "a / (b / days of the window)"),
        (A / B / WindowYears(), "a / b / years of the window"),
        ((A + B) / C, "(a + b) / c"),
        ((A / B) * (B / C) * C, "(a / b) * (b / c) * c"),
        ((A / B).scaled(12), "a / b * 12"),
        ((A + B).scaled(1 / 31_557_600), "(a + b) / 31557600"),
        (SumOfDays("customers", A / B), "sum over the window's days of (a / b)"),
        ((A / B).since(B / C), "a / b - b / c"),
    ],
)
def test_brackets_stand_where_they_change_the_meaning(formula: Formula, words: str) -> None:
    assert text(formula) == words


def test_the_series_of_a_formula_are_named_once_each() -> None:
    assert series_names((A + B) / (A * Quantile("q", 0.5)).scaled(2)) == ("a", "b", "q")


def test_every_derived_metric_has_words_and_reads_something() -> None:
    for derived in REPORTED:
        assert text(derived.formula)
        assert series_names(derived.formula)


def test_a_formula_of_a_kind_that_has_no_words_says_so() -> None:
    with pytest.raises(TypeError, match="has no words"):
        text(Formula())
