"""The lines of a report for people: a title, and a value per window, ready to be shown or compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from metrics_core.derived import Derived
from metrics_core.series import Histogram, Series
from metrics_core.times import SECOND_US, format_us
from metrics_core.view import View

#: the column of what has no window
NOW = "now"
#: labels of customers and surveys that are summed over unless asked for
_FOLDED = frozenset({"origin", "plan", "segment", "attribute", "competitor"})
#: what a gauge's integers become when they leave -> unit of its lines
_UNIT_OF = {"major_units": "money", "seconds": "seconds", "millionths": "score"}
#: differences of shares, and what is told on a scale from -100 to 100
_IN_POINTS = frozenset(("nps", "satisfaction_improvement", "churn_reduction", "competitor_gap"))
#: label values that go without saying
_UNSAID = {"clock": "calendar"}
#: amounts from here on are told in whole units, so that five windows of them fit into 80 columns
_WHOLE_MONEY = 10_000
_UNIT_S = {"s": 1, "min": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Line:
    """One line. ``unit``: ``count``, ``seconds``, ``money``, ``timestamp``, ``points`` or a derived metric's."""

    title: str
    unit: str
    values: dict[str, float]

    def text(self, column: str) -> str | None:
        """The value as people read it, None where there is none."""
        value = self.values.get(column)
        return None if value is None else value_text(value, self.unit)


def series_lines(view: View, series: Series, by: Sequence[str]) -> Iterator[Line]:
    """A line per value of the series' own labels and of ``by``; a histogram takes one line a statistic.

    The window before is left to the derived metrics that compare with it.
    """
    table = view.tables[series.name]
    names = table.series.labels
    own = {*series.labels} - _FOLDED - {"window", "period"}
    shown = [at for at, name in enumerate(names) if name in by or name in own]
    cells: dict[tuple[str, ...], dict[str, int | float | Histogram]] = {}
    for values, value in table.rows.items():
        if "period" in names and values[names.index("period")] != "now":
            continue
        column = values[names.index("window")] if "window" in names else NOW
        row = cells.setdefault(tuple(values[at] for at in shown), {})
        row[column] = _merged(row.get(column), value, least=series.merge == "min")
    unit = "timestamp" if series.name.endswith("timestamp_seconds") else "count"
    unit = _UNIT_OF.get(series.leaves_as, unit)
    for labels, by_column in sorted(cells.items()):
        said = [_said(names[at], value) for at, value in zip(shown, labels, strict=True)]
        title = " ".join((series.name.removesuffix("_seconds").replace("_", " "), *filter(None, said)))
        if series.kind == "gauge":
            numbers = {column: value for column, value in by_column.items() if not isinstance(value, Histogram)}
            yield Line(title, unit, numbers)
            continue
        filled = {column: h for column, h in by_column.items() if isinstance(h, Histogram) and h.count}
        for statistic, (statistic_unit, of) in _STATISTICS.items():
            found = {column: of(histogram) for column, histogram in filled.items()}
            present = {column: value for column, value in found.items() if value is not None}
            if present:
                yield Line(f"{title} {statistic}", statistic_unit, present)


def derived_lines(view: View, derived: Derived, by: Sequence[str]) -> Iterator[Line]:
    """A line per label set of a derived metric."""
    vector = derived.evaluate(view, tuple(by))
    lines: dict[str, dict[str, float]] = {}
    for values, value in vector.rows.items():
        labels = dict(zip(vector.names, values, strict=True))
        column = labels.pop("window", NOW)
        if labels.get("clock") == "calendar":
            del labels["clock"]
        if "older_than" in labels:
            labels["older_than"] = duration(float(labels["older_than"]))
        text = " ".join(f"older than {value}" if name == "older_than" else value for name, value in labels.items())
        lines.setdefault(text, {})[column] = value
    for text, by_column in sorted(lines.items(), key=lambda item: _natural(item[0])):
        unit = "points" if derived.id in _IN_POINTS else derived.unit
        yield Line(f"{derived.id.replace('_', ' ')} {text}".rstrip(), unit, by_column)


def _said(label: str, value: str) -> str:
    """A label's value as a title says it."""
    if label == "scale":
        return f"of {value}"
    return "" if _UNSAID.get(label) == value else value


def duration(seconds: float) -> str:
    """A duration as people say it: 45 s, 12 min, 3.4 h, 2.1 d."""
    for unit, below in (("s", 120), ("min", 120), ("h", 48)):
        amount = seconds / _UNIT_S[unit]
        if abs(amount) < below:
            return f"{amount:.3g} {unit}"
    days = seconds / _UNIT_S["d"]
    return f"{days:,.0f} d" if abs(days) >= 1000 else f"{days:.3g} d"


def value_text(value: float, unit: str) -> str:
    """A value in its unit."""
    if unit == "timestamp":
        return format_us(int(value) * SECOND_US)
    if unit == "seconds":
        return duration(value)
    if unit == "ratio":
        return f"{value:.1%}"
    if unit == "points":
        return f"{round(value * 100, 1) or 0.0:+.1f}"
    if unit == "money":
        return f"{value:,.2f}" if abs(value) < _WHOLE_MONEY else f"{value:,.0f}"
    if unit in ("days", "years"):
        return f"{value:.3g} {unit[0]}"
    return f"{value:,}" if unit == "count" else f"{value:,.4g}"


def _merged(
    now: int | float | Histogram | None, value: int | float | Histogram, *, least: bool
) -> int | float | Histogram:
    if isinstance(value, Histogram):
        merged = Histogram()
        if isinstance(now, Histogram):
            merged.add(now)
        merged.add(value)
        return merged
    assert not isinstance(now, Histogram)
    if now is None:
        return value
    return min(now, value) if least else now + value


_STATISTICS: dict[str, tuple[str, Callable[[Histogram], float | None]]] = {
    "count": ("count", lambda h: h.count),
    "mean": ("seconds", lambda h: h.sum_us / h.count / SECOND_US),
    "p50": ("seconds", lambda h: h.quantile(0.5)),
    "p90": ("seconds", lambda h: h.quantile(0.9)),
}


def _natural(labels: str) -> tuple[float, str]:
    """Ages in order of length, everything else by name."""
    age = labels.removeprefix("older than ")
    return (float(age.partition(" ")[0]) * _UNIT_S[age.partition(" ")[2]], "") if age != labels else (0, labels)
