"""A report as tables for the terminal: windows side by side, label break-downs folded unless asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from metrics_core.times import format_us
from metrics_core.view import View
from streams.report_lines import NOW, Line, duration, value_text
from streams.report_sections import Section, sections


def print_report(console: Console, view: View, windows: Sequence[str], by: Sequence[str]) -> None:
    """Print every section: what stands now, then what happened window by window."""
    console.print(Text(_heading(view), style="bold"))
    for section in sections(view, by):
        shown = [*_parts(section, windows)]
        if not shown:
            console.print(Text(f"{section.question}  nothing to show", style="dim"), "")
        for title, columns, lines in shown:
            grid = _grid(title, columns)
            for line in lines:
                grid.add_row(line.title, *(line.text(column) or "-" for column in columns))
            console.print(grid, "")


def _parts(section: Section, windows: Sequence[str]) -> Iterator[tuple[str, Sequence[str], Sequence[Line]]]:
    """One table where a section has lines of one sort, else two; the question stands above the first."""
    happened = [line for line in section.windows if any(window in line.values for window in windows)]
    title = section.question
    if happened:
        yield title, windows, happened
        title = ""
    if section.now:
        yield title, [NOW], section.now


def print_comparison(
    console: Console, before: View, after: View, windows: Sequence[str], by: Sequence[str]
) -> None:
    """Print two moments side by side, with the difference; what is zero or missing at both is left out."""
    console.print(Text(_heading(before), style="bold"))
    console.print(Text(_heading(after), style="bold"), "")
    # the headings above say it exactly; a column has room for the minute
    moments = [*(format_us(view.time_us)[:16].replace("T", " ") for view in (before, after)), "difference"]
    for old, new in zip(sections(before, by), sections(after, by), strict=True):
        grid = _grid(old.question, moments)
        for row in _compared(old.lines, new.lines, [NOW, *windows]):
            grid.add_row(*row)
        console.print(grid if grid.rows else Text(f"{old.question}  nothing to show", style="dim"), "")


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


def _grid(title: str, columns: Sequence[str]) -> Grid:
    grid = Grid(show_edge=False, pad_edge=False, box=box.SIMPLE_HEAD)
    grid.add_column(title, style="bold", header_style="bold cyan")
    for name in columns:
        grid.add_column(name, justify="right", no_wrap=True)
    return grid
