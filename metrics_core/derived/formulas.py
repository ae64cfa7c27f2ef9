"""Formulas over series: one small expression per derived metric, so that it can be evaluated and rendered.

Every value is a vector: rows keyed by the values of some labels. Shards and workers are summed first (a term adds
up its rows), then divided. Two vectors meet on the labels that both have; the one with fewer is repeated. A row
missing from a numerator counts as 0; a denominator that is empty or not above 0 gives no value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from metrics_core import grid
from metrics_core.panes import WINDOW_SPANS_US
from metrics_core.series import Histogram
from metrics_core.times import DAY_US, SECOND_US
from metrics_core.view import Table, View

Labels = tuple[str, ...]

#: the year of the metric specification
YEAR_US = 365.25 * DAY_US


@dataclass(frozen=True)
class Vector:
    """Label names, and a value per combination of their values."""

    names: Labels
    rows: dict[Labels, float]

    def at(self, names: Labels, values: Labels) -> float | None:
        """The value of a row whose labels include ours."""
        given = dict(zip(names, values, strict=True))
        return self.rows.get(tuple(given[name] for name in self.names))


class Formula:
    """An expression; ``by`` are the labels that the result keeps where a term has them."""

    def evaluate(self, view: View, by: Labels) -> Vector:
        """The vector of this expression in a view."""
        raise NotImplementedError

    def __add__(self, other: Formula) -> Formula:
        return Pointwise("+", self, other)

    def __sub__(self, other: Formula) -> Formula:
        return Pointwise("-", self, other)

    def __truediv__(self, other: Formula) -> Formula:
        return Ratio(self, other)

    def __mul__(self, other: Formula) -> Formula:
        return Product(self, other)

    def scaled(self, factor: float) -> Formula:
        """The same in another unit."""
        return Scaled(self, factor)

    def since(self, before: Formula) -> Formula:
        """How much more this is than ``before``, where both are known."""
        return Change(self, before)


@dataclass(frozen=True)
class Term(Formula):
    """Sum of a series' rows, or the least where the series merges so. ``where`` pins labels; ``without`` are labels
    summed over although asked for.

    ``part`` is ``value`` for gauges, ``gcount`` or ``gsum`` (seconds) for histograms.
    """

    series: str
    where: dict[str, str] = field(default_factory=dict)
    part: Literal["value", "gcount", "gsum"] = "value"
    without: Labels = ()

    def evaluate(self, view: View, by: Labels) -> Vector:
        table = view.tables[self.series]
        names = _kept(table, by, self.without)
        rows: dict[Labels, float] = {}
        for values, value in _grouped(table, names, self.where):
            number = self._number(value)
            if table.series.merge == "min":
                rows[values] = min(number, rows.get(values, number))
            else:
                rows[values] = rows.get(values, 0) + number
        return Vector(names, rows)

    def _number(self, value: int | float | Histogram) -> float:
        if not isinstance(value, Histogram):
            return value
        # sums stay integers (microseconds) until they are divided
        return value.count if self.part == "gcount" else value.sum_us / SECOND_US


@dataclass(frozen=True)
class Quantile(Formula):
    """Quantile of a histogram series, in seconds: merged first, then taken."""

    series: str
    q: float
    where: dict[str, str] = field(default_factory=dict)

    def evaluate(self, view: View, by: Labels) -> Vector:
        table = view.tables[self.series]
        names = _kept(table, by, ())
        merged: dict[Labels, Histogram] = {}
        for values, value in _grouped(table, names, self.where):
            assert isinstance(value, Histogram)
            merged.setdefault(values, Histogram()).add(value)
        rows = {values: histogram.quantile(self.q) for values, histogram in merged.items()}
        return Vector(names, {values: value for values, value in rows.items() if value is not None})


@dataclass(frozen=True)
class OlderThan(Formula):
    """Members of a histogram above each edge; adds the label ``older_than`` (seconds, as ``le`` is written)."""

    series: str

    def evaluate(self, view: View, by: Labels) -> Vector:
        table = view.tables[self.series]
        names = _kept(table, by, ())
        rows: dict[Labels, float] = {}
        for values, value in _grouped(table, names, {}):
            assert isinstance(value, Histogram)
            above = value.count
            for edge_s, count in zip(grid.EDGES_S, value.counts, strict=False):
                above -= count
                row = (*values, f"{edge_s}.0")
                rows[row] = rows.get(row, 0) + above
        return Vector((*names, "older_than"), rows)


@dataclass(frozen=True)
class WindowDays(Formula):
    """Length of each window in days."""

    def evaluate(self, view: View, by: Labels) -> Vector:
        return Vector(
            ("window",), {(name,): length_us / DAY_US for name, (_, length_us) in WINDOW_SPANS_US.items()}
        )


@dataclass(frozen=True)
class WindowYears(Formula):
    """Length of each window in years of 365.25 days; ``all`` is as long as the history of customers."""

    def evaluate(self, view: View, by: Labels) -> Vector:
        rows: dict[Labels, float] = {
            (name,): length_us / YEAR_US for name, (_, length_us) in WINDOW_SPANS_US.items()
        }
        start_us = view.starts.get("customers") or view.start_us
        if start_us:
            rows["all",] = (view.time_us - start_us) / YEAR_US
        return Vector(("window",), rows)


@dataclass(frozen=True)
class SumOfDays(Formula):
    """Sum over a window's days of what was lost in the day over what stood at its start, for views of shards that
    count by day. Days of which nothing stood at the start add nothing."""

    kind: Literal["customers", "subscriptions"]
    #: what a window's own rate is made of: it says which windows are known
    window_rate: Formula

    def evaluate(self, view: View, by: Labels) -> Vector:
        known = self.window_rate.evaluate(view, ("window",))
        days = view.losses.get(self.kind, ())
        rows: dict[Labels, float] = {}
        for (window,) in known.rows:
            number = WINDOW_SPANS_US[window][1] // DAY_US if window in WINDOW_SPANS_US else 0
            if 0 < number <= len(days):
                rows[window,] = sum(day.lost / day.at_start for day in days[:number] if day.at_start > 0)
        return Vector(("window",), rows)


@dataclass(frozen=True)
class Pointwise(Formula):
    """Sum or difference; what one side lacks is 0."""

    sign: Literal["+", "-"]
    left: Formula
    right: Formula

    def evaluate(self, view: View, by: Labels) -> Vector:
        left, right = self.left.evaluate(view, by), self.right.evaluate(view, by)
        factor = 1 if self.sign == "+" else -1
        return _meet(left, right, lambda a, b: a + factor * b)


@dataclass(frozen=True)
class Ratio(Formula):
    """``numerator / (denominator > 0)``; a row that the numerator lacks is 0."""

    numerator: Formula
    denominator: Formula

    def evaluate(self, view: View, by: Labels) -> Vector:
        over, under = self.numerator.evaluate(view, by), self.denominator.evaluate(view, by)
        return _meet(over, under, lambda a, b: a / b if b > 0 else None)


@dataclass(frozen=True)
class Product(Formula):
    """Product of what both sides have."""

    left: Formula
    right: Formula

    def evaluate(self, view: View, by: Labels) -> Vector:
        left, right = self.left.evaluate(view, by), self.right.evaluate(view, by)
        return _meet(left, right, lambda a, b: a * b, strict=True)


@dataclass(frozen=True)
class Scaled(Formula):
    """A formula in another unit."""

    formula: Formula
    factor: float

    def evaluate(self, view: View, by: Labels) -> Vector:
        vector = self.formula.evaluate(view, by)
        return Vector(vector.names, {values: value * self.factor for values, value in vector.rows.items()})


@dataclass(frozen=True)
class Change(Formula):
    """``now - before`` of what both sides have."""

    now: Formula
    before: Formula

    def evaluate(self, view: View, by: Labels) -> Vector:
        now, before = self.now.evaluate(view, by), self.before.evaluate(view, by)
        return _meet(now, before, lambda a, b: a - b, strict=True)


def parts_of(formula: Formula) -> Iterator[Formula]:
    """A formula and all that it is made of."""
    yield formula
    for part in vars(formula).values():
        if isinstance(part, Formula):
            yield from parts_of(part)


def withheld_windows(formula: Formula, view: View) -> set[str]:
    """Windows for which a term is not known yet: it must not pass for one that is missing, which counts as 0."""
    windows: set[str] = set()
    for part in parts_of(formula):
        if isinstance(part, Term):
            for window, *period in view.tables[part.series].withheld:
                if not period or part.where.get("period", period[0]) == period[0]:
                    windows.add(window)
    return windows


def _meet(
    left: Vector, right: Vector, join: Callable[[float, float], float | None], *, strict: bool = False
) -> Vector:
    """Both vectors joined row by row. What one lacks is 0, or with ``strict`` gives no value."""
    wide = left if set(right.names) <= set(left.names) else right
    assert set(left.names) | set(right.names) == set(wide.names), "neither side has all labels"
    keys = dict.fromkeys(wide.rows)
    narrow = right if wide is left else left
    if set(narrow.names) == set(wide.names):
        keys.update(dict.fromkeys(_reordered(narrow, wide.names)))
    rows = {}
    for values in keys:
        a, b = left.at(wide.names, values), right.at(wide.names, values)
        value = None if strict and (a is None or b is None) else join(a or 0, b or 0)
        if value is not None:
            rows[values] = value
    return Vector(wide.names, rows)


def _reordered(vector: Vector, names: Labels) -> Iterable[Labels]:
    order = [vector.names.index(name) for name in names]
    return (tuple(values[at] for at in order) for values in vector.rows)


def _kept(table: Table, by: Labels, without: Labels) -> Labels:
    return tuple(name for name in by if name in table.series.labels and name not in without)


def _grouped(
    table: Table, names: Labels, where: dict[str, str]
) -> Iterable[tuple[Labels, int | float | Histogram]]:
    labels = table.series.labels
    keep = [labels.index(name) for name in names]
    pins = [(labels.index(name), value) for name, value in where.items()]
    for values, value in table.rows.items():
        if all(values[at] == pinned for at, pinned in pins):
            yield tuple(values[at] for at in keep), value
