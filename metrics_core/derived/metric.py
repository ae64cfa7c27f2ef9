"""The shape of a derived metric."""

from __future__ import annotations

from dataclasses import dataclass

from metrics_core.derived.formulas import Formula, Vector, withheld_windows
from metrics_core.view import View


@dataclass(frozen=True)
class Derived:
    """A derived metric: its id, output labels, formula, unit and question; ``traps``: what is easily read wrong."""

    id: str
    by: tuple[str, ...]
    formula: Formula
    unit: str
    question: str
    traps: str = ""

    def evaluate(self, view: View, extra: tuple[str, ...] = ()) -> Vector:
        """Values by the output labels, and by ``extra`` ones where the terms carry them; none for a window that a
        term's history does not reach yet."""
        vector = self.formula.evaluate(view, tuple(dict.fromkeys((*self.by, *extra))))
        unknown = withheld_windows(self.formula, view)
        if not unknown or "window" not in vector.names:
            return vector
        at = vector.names.index("window")
        return Vector(vector.names, {row: value for row, value in vector.rows.items() if row[at] not in unknown})
