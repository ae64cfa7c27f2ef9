"""Formulas as a reader's text: the same tree that is evaluated and rendered as a query."""

from __future__ import annotations

from metrics_core.derived.formulas import (
    Change,
    Formula,
    OlderThan,
    Pointwise,
    Product,
    Quantile,
    Ratio,
    Scaled,
    SumOfDays,
    Term,
    WindowDays,
    WindowYears,
    parts_of,
)

#: how firmly a text holds together, weakest first
_SUM, _FACTOR, _ATOM = range(3)


def text(formula: Formula) -> str:
    """One line, as ``a{label=value} / b``; TypeError for a kind of formula that has no words."""
    return _worded(formula)[0]


def series_names(formula: Formula) -> tuple[str, ...]:
    """The series that a formula reads, each once, in order of appearance."""
    return tuple(dict.fromkeys(node.series for node in parts_of(formula) if isinstance(node, _READERS)))


def added_labels(formula: Formula) -> tuple[str, ...]:
    """Labels of the result that no series has."""
    return ("older_than",) if any(isinstance(node, OlderThan) for node in parts_of(formula)) else ()


_READERS = (Term, Quantile, OlderThan)


def _worded(formula: Formula) -> tuple[str, int]:
    match formula:
        case Term():
            return _term(formula), _ATOM
        case Quantile():
            return f"quantile {formula.q:g} of {formula.series}{_pins(formula.where)}", _ATOM
        case OlderThan():
            return f"{formula.series}_gcount - {formula.series}_bucket{{le=older_than}}", _SUM
        case WindowDays():
            return "days of the window", _ATOM
        case WindowYears():
            return "years of the window", _ATOM
        case SumOfDays():
            return f"sum over the window's days of ({text(formula.window_rate)})", _ATOM
        case Pointwise():
            return _joined(formula.left, formula.sign, formula.right, _SUM)
        case Change():
            return _joined(formula.now, "-", formula.before, _SUM)
        case Ratio():
            return _joined(formula.numerator, "/", formula.denominator, _FACTOR)
        case Product():
            return " * ".join(_factor(side) for side in (formula.left, formula.right)), _FACTOR
        case Scaled():
            return f"{_held(formula.formula, _FACTOR)} {_scale(formula.factor)}", _FACTOR
    raise TypeError(f"{type(formula).__name__} has no words")


def _term(term: Term) -> str:
    suffix = "" if term.part == "value" else f"_{term.part}"
    return f"{term.series}{suffix}{_pins(term.where, term.without)}"


def _pins(where: dict[str, str], without: tuple[str, ...] = ()) -> str:
    said = [*(f"{label}={value}" for label, value in where.items()), *(f"every {label}" for label in without)]
    return "{" + ", ".join(said) + "}" if said else ""


def _joined(left: Formula, sign: str, right: Formula, level: int) -> tuple[str, int]:
    # a - (b - c) and a / (b * c) need their brackets, (a - b) - c does not
    return f"{_held(left, level)} {sign} {_held(right, level if sign in '+*' else level + 1)}", level


def _factor(formula: Formula) -> str:
    # a / b * c / d is right, and nobody reads it so
    return _held(formula, _FACTOR if isinstance(formula, Product) else _ATOM)


def _held(formula: Formula, level: int) -> str:
    worded, own = _worded(formula)
    return worded if own >= level else f"({worded})"


def _scale(factor: float) -> str:
    """A factor below 1 reads better as a division: 1 / 31557600 is a year."""
    return f"/ {1 / factor:.10g}" if 0 < factor < 1 else f"* {factor:.10g}"
