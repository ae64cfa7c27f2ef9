"""A report as tables for the terminal: windows side by side, label break-downs folded unless asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from metrics_core.catalog import FAMILIES
from metrics_core.derived import DERIVED, Derived
from metrics_core.formulas import Vector
from metrics_core.series import Histogram, Series
from metrics_core.times import SECOND_US, format_us
from metrics_core.view import View

_NOW = "now"
_UNIT_S = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def print_report(console: Console, view: View, windows: Sequence[str], by: Sequence[str]) -> None:
    """Print every family, then the derived metrics."""
    since = format_us(view.start_us) if view.start_us else "no events"
    console.print(Text(f"as of {format_us(view.time_us)}, events since {since}", style="bold"))
    for family in FAMILIES:
        windowed = any("window" in series.labels for series in family.series)
        columns = list(windows) if windowed else [_NOW]
        grid = _grid(family.question, columns)
        for series in family.series:
            _add_series(grid, view, series, columns, by)
        console.print(grid if grid.rows else Text(f"{family.question}  nothing to show", style="dim"), "")
    console.print(_derived_grid(view, windows, by))


def duration(seconds: float) -> str:
    """A duration as people say it: 45 s, 12 min, 3.4 h, 2.1 d."""
    for unit, below in (("s", 120), ("min", 120), ("h", 48)):
        amount = seconds / _UNIT_S[unit]
        if amount < below:
            return f"{amount:.3g} {unit}"
    return f"{seconds / _UNIT_S['d']:.3g} d"


def _add_series(grid: Grid, view: View, series: Series, columns: Sequence[str], by: Sequence[str]) -> None:
    """A row per value of the series' own labels and of ``by``; a histogram takes one row a statistic."""
    table = view.tables[series.name]
    names = table.series.labels
    shown = [at for at, name in enumerate(names) if name in by or (name in series.labels and name != "window")]
    cells: dict[tuple[str, ...], dict[str, int | float | Histogram]] = {}
    for values, value in table.rows.items():
        column = values[names.index("window")] if "window" in names else _NOW
        row = cells.setdefault(tuple(values[at] for at in shown), {})
        row[column] = _merged(row.get(column), value, least=series.merge == "min")
    for labels, by_column in sorted(cells.items()):
        title = " ".join((series.name.removesuffix("_seconds").replace("_", " "), *labels))
        if series.kind == "gauge":
            grid.add_row(title, *(_number(by_column.get(column), series) for column in columns))
            continue
        for statistic, text in _STATISTICS.items():
            texts = [_statistic(by_column.get(column), text) for column in columns]
            if any(text != "-" for text in texts):
                grid.add_row(f"{title} {statistic}", *texts)


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


_STATISTICS: dict[str, Callable[[Histogram], str]] = {
    "count": lambda h: f"{h.count:,}",
    "mean": lambda h: duration(h.sum_us / h.count / SECOND_US),
    "p50": lambda h: _quantile(h, 0.5),
    "p90": lambda h: _quantile(h, 0.9),
}


def _quantile(histogram: Histogram, q: float) -> str:
    value = histogram.quantile(q)
    return "-" if value is None else duration(value)


def _statistic(value: int | float | Histogram | None, text: Callable[[Histogram], str]) -> str:
    return text(value) if isinstance(value, Histogram) and value.count else "-"


def _number(value: int | float | Histogram | None, series: Series) -> str:
    if value is None:
        return "-"
    assert not isinstance(value, Histogram)
    if series.name.endswith("timestamp_seconds"):
        return format_us(int(value * SECOND_US))
    return f"{value:,}"


def _derived_grid(view: View, windows: Sequence[str], by: Sequence[str]) -> Grid:
    grid = _grid("Derived", [_NOW, *windows])
    for derived in DERIVED:
        by_labels = _by_window(derived.evaluate(view, tuple(by)))
        for labels, values in sorted(by_labels.items(), key=lambda item: _natural(item[0])):
            cells = [_derived_cell(derived, values.get(column)) for column in (_NOW, *windows)]
            if any(cells):
                grid.add_row(f"{derived.id.replace('_', ' ')} {labels}".rstrip(), *cells)
    return grid


def _natural(labels: str) -> tuple[float, str]:
    """Ages in order of length, everything else by name."""
    age = labels.removeprefix("older than ")
    return (float(age.partition(" ")[0]) * _UNIT_S[age.partition(" ")[2]], "") if age != labels else (0, labels)


def _by_window(vector: Vector) -> dict[str, dict[str, float]]:
    out: dict[str, dict[str, float]] = {}
    for values, value in vector.rows.items():
        labels = dict(zip(vector.names, values, strict=True))
        column = labels.pop("window", _NOW)
        labels.pop("clock", None)
        if "older_than" in labels:
            labels["older_than"] = duration(float(labels["older_than"]))
        text = " ".join(f"older than {value}" if name == "older_than" else value for name, value in labels.items())
        out.setdefault(text, {})[column] = value
    return out


def _derived_cell(derived: Derived, value: float | None) -> str:
    if value is None:
        return ""
    if derived.unit == "seconds":
        return duration(value)
    return f"{value:.1%}" if derived.unit == "ratio" else f"{value:,.4g}"


def _grid(title: str, columns: Sequence[str]) -> Grid:
    grid = Grid(show_edge=False, pad_edge=False, box=box.SIMPLE_HEAD)
    grid.add_column(title, style="bold", min_width=40, header_style="bold cyan")
    for name in columns:
        grid.add_column(name, justify="right")
    return grid
