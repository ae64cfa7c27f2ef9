"""A report as tables for the terminal: windows side by side, label break-downs folded unless asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from metrics_core.catalog import FAMILIES
from metrics_core.derived import REPORTED
from metrics_core.times import format_us
from metrics_core.view import View
from streams.report_lines import NOW, Line, derived_lines, duration, series_lines, value_text


def print_report(console: Console, view: View, windows: Sequence[str], by: Sequence[str]) -> None:
    """Print every family, then the derived metrics."""
    console.print(Text(_heading(view), style="bold"))
    for question, lines in _families(view, by):
        columns = _columns(lines, windows)
        grid = _grid(question, columns)
        for line in lines:
            grid.add_row(line.title, *(line.text(column) or "-" for column in columns))
        console.print(grid if grid.rows else Text(f"{question}  nothing to show", style="dim"), "")
    columns = [NOW, *windows]
    grid = _grid("Derived", columns)
    for line in _derived(view, by):
        cells = [line.text(column) or "" for column in columns]
        if any(cells):
            grid.add_row(line.title, *cells)
    console.print(grid)


def print_comparison(
    console: Console, before: View, after: View, windows: Sequence[str], by: Sequence[str]
) -> None:
    """Print two moments side by side, with the difference; what is zero or missing at both is left out."""
    console.print(Text(_heading(before), style="bold"))
    console.print(Text(_heading(after), style="bold"), "")
    # the headings above say it exactly; a column has room for the minute
    moments = [*(format_us(view.time_us)[:16].replace("T", " ") for view in (before, after)), "difference"]
    pairs = [*zip(_families(before, by), _families(after, by), strict=True)]
    pairs.append((("Derived", _derived(before, by)), ("Derived", _derived(after, by))))
    for (title, old), (_, new) in pairs:
        grid = _grid(title, moments)
        for row in _compared(old, new, [NOW, *windows]):
            grid.add_row(*row)
        console.print(grid if grid.rows else Text(f"{title}  nothing to show", style="dim"), "")


def _compared(old: Iterable[Line], new: Iterable[Line], columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
    old_by_title = {line.title: line for line in old}
    new_by_title = {line.title: line for line in new}
    # both are in the order of the report; what only the first has follows
    for title in dict.fromkeys((*new_by_title, *old_by_title)):
        was, now = old_by_title.get(title), new_by_title.get(title)
        for column in columns:
            a = was.values.get(column) if was else None
            b = now.values.get(column) if now else None
            if a or b:
                unit = (now or was or Line("", "", {})).unit
                texts = ["-" if value is None else value_text(value, unit) for value in (a, b)]
                name = title if column == NOW else f"{title} {column}"
                yield (name, *texts, "" if a is None or b is None else _difference(b - a, unit))


def _difference(value: float, unit: str) -> str:
    if unit == "timestamp":
        return ("+" if value > 0 else "") + duration(value)
    if unit == "ratio":
        return f"{value * 100:+.1f} points"
    return ("+" if value > 0 else "") + value_text(value, unit)


def _heading(view: View) -> str:
    since = format_us(view.start_us) if view.start_us else "no events"
    return f"as of {format_us(view.time_us)}, events since {since}"


def _families(view: View, by: Sequence[str]) -> list[tuple[str, list[Line]]]:
    return [
        (
            family.question,
            [
                line
                for series in family.series
                for line in series_lines(view, series, by)
                # categories and the like are many: those that nothing was counted for are left out
                if family.per == "ticket" or any(line.values.values())
            ],
        )
        for family in FAMILIES
    ]


def _derived(view: View, by: Sequence[str]) -> list[Line]:
    return [line for derived in REPORTED for line in derived_lines(view, derived, by)]


def _columns(lines: Sequence[Line], windows: Sequence[str]) -> list[str]:
    """The windows, after a column of what stands now where the family has any; that alone where it has no more."""
    now = [NOW] if any(NOW in line.values for line in lines) else []
    return now if lines and all(NOW in line.values for line in lines) else [*now, *windows]


def _grid(title: str, columns: Sequence[str]) -> Grid:
    grid = Grid(show_edge=False, pad_edge=False, box=box.SIMPLE_HEAD)
    grid.add_column(title, style="bold", header_style="bold cyan")
    for name in columns:
        grid.add_column(name, justify="right", no_wrap=True)
    return grid
