"""Formulas as PromQL: what ``Formula.evaluate`` computes from a view, a query computes from what workers expose.

Every selector is summed over workers first. Both sides of an operation then carry just the labels that the formula
gives them, so that they match on all labels, or on those of the narrower side. What may be missing is filled in as
Python does: ``or`` puts back the rows that a binary operation drops because the other side has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from metrics_core.derived.formulas import (
    YEAR_US,
    Change,
    Formula,
    Labels,
    OlderThan,
    Pointwise,
    Product,
    Quantile,
    Ratio,
    Scaled,
    Term,
    WindowDays,
    WindowYears,
)
from metrics_core.grid import EDGES_S
from metrics_core.series import Series
from metrics_core.times import DAY_US, SECOND_US

PREFIX = "deskpulse_"

#: how firmly an expression holds together, weakest first (Prometheus, "Operators": precedence)
_OR, _AND, _COMPARE, _ADD, _MULTIPLY, _ATOM = range(6)
_LEVELS = {"or": _OR, "and": _AND, "==": _COMPARE, ">": _COMPARE, ">=": _COMPARE, "+": _ADD, "-": _ADD}
#: a longer line is broken at its operator
_WIDTH = 88
#: label values that are written into a selector as they are
_PLAIN = re.compile(r"[A-Za-z0-9_ .-]*")
#: tells the parts of a sum apart until they are added up; no series carries it
_PART = "part"


class Promql(NamedTuple):
    """An expression, the labels of its result, and how firmly it holds together."""

    text: str
    names: Labels
    level: int = _ATOM


class Renderer:
    """Renders formulas over the series of a policy, by name without prefix.

    ``chosen`` are matchers for boards, as ``{"group": '=~"$group"'}``: each selector takes those of labels that its
    series has and that the formula neither pins nor sums over. ``offset`` moves every selector into the past, as
    ``1w`` does.
    """

    def __init__(
        self, series: Mapping[str, Series], *, chosen: Mapping[str, str] | None = None, offset: str = ""
    ) -> None:
        self._series = series
        self._chosen = dict(chosen or {})
        self._offset = offset

    def render(self, formula: Formula, by: Labels) -> Promql:
        """The query for ``formula.evaluate(view, by)``; TypeError for a kind of formula that has none."""
        match formula:
            case Term():
                return self._term(formula, by)
            case Quantile():
                return self._quantile(formula, by)
            case OlderThan():
                return self._older_than(formula, by)
            case WindowDays():
                return self._windows(DAY_US // SECOND_US)
            case WindowYears():
                return self._windows(int(YEAR_US) // SECOND_US)
            case Pointwise():
                return self._sum(formula, by)
            case Ratio():
                return _ratio(self.render(formula.numerator, by), self.render(formula.denominator, by))
            case Product():
                return _strict(self.render(formula.left, by), "*", self.render(formula.right, by))
            case Change():
                return _strict(self.render(formula.now, by), "-", self.render(formula.before, by))
            case Scaled():
                return _scaled(self.render(formula.formula, by), formula.factor)
        raise TypeError(f"{type(formula).__name__} has no rendering as PromQL")

    def _kept(self, name: str, by: Labels, without: Labels = ()) -> Labels:
        return tuple(label for label in by if label in self._series[name].labels and label not in without)

    def _term(self, term: Term, by: Labels, among: Mapping[str, Sequence[str]] | None = None) -> Promql:
        series = self._series[term.series]
        names = self._kept(term.series, by, term.without)
        suffix = "" if term.part == "value" else f"_{term.part}"
        pins = {**{label: (value,) for label, value in term.where.items()}, **(among or {})}
        assert pins.keys() <= set(series.labels), f"{term.series} has not all of {list(pins)}"
        return _aggregate(series.merge, names, self._selector(term.series, suffix, pins, term.without))

    def _selector(
        self, series: str, suffix: str, pins: Mapping[str, Sequence[str]], without: Labels = (), le: str = ""
    ) -> str:
        free = set(self._series[series].labels) - set(without)
        chosen = {label: matcher for label, matcher in self._chosen.items() if label in free}
        matchers = {**chosen, **_written(pins), **({"le": le} if le else {})}
        return _selected(PREFIX + series + suffix, matchers, self._offset)

    def _windows(self, unit_s: int) -> Promql:
        """Length of each window: workers agree on it."""
        chosen = {label: matcher for label, matcher in self._chosen.items() if label == "window"}
        lengths = _aggregate("max", ("window",), _selected(f"{PREFIX}window_seconds", chosen, self._offset))
        return _binary(lengths, "/", _number(unit_s), lengths.names)

    def _quantile(self, quantile: Quantile, by: Labels) -> Promql:
        names = self._kept(quantile.series, by)
        pins = {label: (value,) for label, value in quantile.where.items()}
        buckets = _aggregate("sum", (*names, "le"), self._selector(quantile.series, "_bucket", pins))
        taken = Promql(_call("histogram_quantile", str(quantile.q), buckets.text), names)
        # no observations make NaN, which no comparison lets pass
        return _binary(taken, ">=", _number(0), names)

    def _older_than(self, formula: OlderThan, by: Labels) -> Promql:
        names = self._kept(formula.series, by)
        everyone = _aggregate("sum", names, self._selector(formula.series, "_gcount", {}))
        below = self._selector(formula.series, "_bucket", {}, le='!="+Inf"')
        buckets = _aggregate("sum", (*names, "le"), below)
        above = _binary(everyone, f"- on ({', '.join(names)}) group_right ()", buckets, buckets.names)
        text = _call("label_replace", above.text, '"older_than", "$1", "le", "(.*)"')
        for edge_s in EDGES_S:
            if _le(edge_s) != f"{edge_s}.0":
                written = re.escape(_le(edge_s)).replace("\\", "\\\\")
                text = _call("label_replace", text, f'"older_than", "{edge_s}.0", "le", "{written}"')
        return _aggregate("sum", (*names, "older_than"), text)

    def _sum(self, formula: Pointwise, by: Labels) -> Promql:
        left, right = self.render(formula.left, by), self.render(formula.right, by)
        if set(left.names) != set(right.names):
            return _uneven_sum(left, formula.sign, right)
        parts = [
            Promql(_multiplied(-1, part), part.names) if is_taken_off else part
            for is_taken_off, part in self._parts(formula, by, left.names)
        ]
        if len(parts) == 1:
            return parts[0]
        told = (_call("label_replace", part.text, f'"{_PART}", "{at}", "", ""') for at, part in enumerate(parts, 1))
        return _aggregate("sum", left.names, "\nor\n".join(told))

    def _parts(self, formula: Pointwise, by: Labels, names: Labels) -> Iterator[tuple[bool, Promql]]:
        """The summands of a sum whose sides have the same labels: (whether it is taken off, rendered). Terms that
        differ in one pinned label become one."""
        terms: list[tuple[bool, Term, str, list[str]]] = []
        for is_taken_off, part in self._summands(formula, by, frozenset(names)):
            if not isinstance(part, Term):
                yield is_taken_off, self.render(part, by)
                continue
            for at, (sign, other, label, values) in enumerate(terms):
                shared = _difference(other, part) if sign == is_taken_off else None
                if shared is not None and label in ("", shared):
                    terms[at] = sign, other, shared, [*values, part.where[shared]]
                    break
            else:
                terms.append((is_taken_off, part, "", []))
        for is_taken_off, term, label, values in terms:
            among = {label: (term.where[label], *values)} if label else None
            yield is_taken_off, self._term(term, by, among)

    def _summands(self, formula: Formula, by: Labels, names: frozenset[str]) -> Iterator[tuple[bool, Formula]]:
        if isinstance(formula, Pointwise):
            sides = (formula.left, formula.right)
            if all(set(self.render(side, by).names) == names for side in sides):
                yield from self._summands(formula.left, by, names)
                for is_taken_off, part in self._summands(formula.right, by, names):
                    yield is_taken_off != (formula.sign == "-"), part
                return
        yield False, formula


def selector(name: str, pins: Mapping[str, Sequence[str]], offset: str = "") -> str:
    """A selector of the series with one of the values for each pinned label, as of ``offset`` ago."""
    return _selected(name, _written(pins), offset)


def _written(pins: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Matchers as they stand after their labels."""
    for values in pins.values():
        assert all(_PLAIN.fullmatch(value) for value in values), f"{values} must be escaped in a selector"
    return {
        label: f'="{values[0]}"' if len(values) == 1 else f'=~"{_alternatives(values)}"'
        for label, values in pins.items()
    }


def _selected(name: str, matchers: Mapping[str, str], offset: str) -> str:
    inner = ",".join(f"{label}{matcher}" for label, matcher in sorted(matchers.items()))
    return (f"{name}{{{inner}}}" if inner else name) + (f" offset {offset}" if offset else "")


def conjunction(value: Promql, condition: str, on: Labels) -> Promql:
    """``value`` where ``condition`` has a row for its labels ``on``."""
    return _binary(value, f"and on ({', '.join(on)})", Promql(condition, on, _OR), value.names)


def or_zero(value: Promql) -> Promql:
    """A value of no labels, 0 where there is none."""
    assert not value.names, "which rows are 0 cannot be known"
    return _binary(value, "or", Promql("vector(0)", ()), ())


def _alternatives(values: Sequence[str]) -> str:
    return "|".join(value.replace(".", "\\\\.") for value in values)


def _difference(one: Term, other: Term) -> str | None:
    """The only label that two terms pin to different values, where they are alike in all else."""
    if replace(one, where={}) != replace(other, where={}) or one.where.keys() != other.where.keys():
        return None
    unlike = [label for label, value in one.where.items() if other.where[label] != value]
    return unlike[0] if len(unlike) == 1 else None


def _uneven_sum(left: Promql, sign: str, right: Promql) -> Promql:
    """Rows of the side with more labels; the other side is repeated, and 0 where it has none."""
    wide = _wide(left, right)
    joined = _joined(left, sign, right)
    alone = wide if wide is left or sign == "+" else Promql(_multiplied(-1, wide), wide.names, _MULTIPLY)
    return _binary(joined, "or", alone, wide.names)


def _ratio(numerator: Promql, denominator: Promql) -> Promql:
    above_zero = _binary(denominator, ">", _number(0), denominator.names)
    joined = _joined(numerator, "/", above_zero)
    if set(numerator.names) > set(denominator.names):
        return joined
    nothing = Promql(_multiplied(0, above_zero), denominator.names, _MULTIPLY)
    return _binary(joined, "or", nothing, denominator.names)


def _strict(left: Promql, operator: Literal["*", "-"], right: Promql) -> Promql:
    return _joined(left, operator, right)


def _scaled(value: Promql, factor: float) -> Promql:
    inverse = round(1 / factor)
    if factor < 1 and 1 / inverse == factor:
        return _binary(value, "/", _number(inverse), value.names)
    return _binary(value, "*", _number(factor), value.names)


def _wide(left: Promql, right: Promql) -> Promql:
    wide = left if set(right.names) <= set(left.names) else right
    assert set(left.names) | set(right.names) == set(wide.names), "neither side has all labels"
    return wide


def _joined(left: Promql, operator: str, right: Promql) -> Promql:
    """Both sides on their common labels; only rows that both have."""
    wide = _wide(left, right)
    if set(left.names) != set(right.names):
        narrow, side = (right, "left") if wide is left else (left, "right")
        operator = f"{operator} on ({', '.join(narrow.names)}) group_{side} ()"
    return _binary(left, operator, right, wide.names)


def _binary(left: Promql, operator: str, right: Promql, names: Labels) -> Promql:
    level = _LEVELS.get(operator.split()[0], _MULTIPLY)
    # operators of one level bind to the left
    one, other = _held(left, level), _held(right, level + 1)
    line = f"{one} {operator} {other}"
    head = line.partition("\n")[0]
    if len(head) > _WIDTH or "\n" in one or ("\n" in line and not head.endswith("(")):
        line = f"{one}\n{operator} {other}"
    return Promql(line, names, level)


def _held(value: Promql, level: int) -> str:
    return value.text if value.level >= level else _enclosed("", value.text)


def _multiplied(factor: int, value: Promql) -> str:
    return _binary(_number(factor), "*", value, value.names).text


def _aggregate(operation: str, names: Labels, inner: str) -> Promql:
    by = f" by ({', '.join(names)}) " if names else ""
    return Promql(_enclosed(f"{operation}{by}", inner), names)


def _call(function: str, *arguments: str) -> str:
    line = ", ".join(arguments)
    return _enclosed(function, line if "\n" not in line and len(line) <= _WIDTH else ",\n".join(arguments))


def _enclosed(head: str, inner: str) -> str:
    if "\n" not in inner and len(head) + len(inner) <= _WIDTH:
        return f"{head}({inner})"
    return f"{head}(\n{indented(inner)}\n)"


def indented(expression: str) -> str:
    """An expression as it stands inside brackets that have lines of their own."""
    return "\n".join(f"  {line}" for line in expression.split("\n"))


def _number(value: float) -> Promql:
    return Promql(repr(value), ())


def _le(edge_s: int) -> str:
    """An edge as ``le`` shows it: as Go writes a float, with an exponent from a million on."""
    return f"{edge_s:g}" if edge_s >= 1_000_000 else f"{edge_s}.0"
