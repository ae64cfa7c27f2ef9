"""Rectangles of text: the screen is put together from blocks of a fixed width, beside and above each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeAlias

from rich.text import Text

from streams.top.digits import HEIGHT, UNIT_GAP, best_scale, draw, drawable, unit_scale
from streams.top.words import bar, count, spark

Block: TypeAlias = list[Text]
#: columns between blocks beside each other
GAP = 2


@dataclass(frozen=True)
class Tile:
    """One big figure: what it is, the figure and its unit, a line of detail, and its trend."""

    title: str
    figure: str
    unit: str = ""
    detail: str = ""
    trend: Sequence[float] = ()
    style: str = "bold"


def fit(line: Text, columns: int) -> Text:
    """The line cut or padded to exactly ``columns``."""
    line = line.copy()
    line.truncate(columns, overflow="ellipsis", pad=True)
    return line


def beside(blocks: Sequence[Block], widths: Sequence[int]) -> Block:
    """Blocks next to each other, each cut or padded to its width."""
    rows = []
    for lines in zip_longest(*blocks, fillvalue=Text()):
        row = Text()
        for i, (line, width) in enumerate(zip(lines, widths, strict=True)):
            row.append_text(fit(line, width))
            if i < len(widths) - 1:
                row.append(" " * GAP)
        rows.append(row)
    return rows


def columns_of(width: int, count_: int) -> list[int]:
    """Widths of ``count_`` blocks beside each other that fill ``width``."""
    room = width - GAP * (count_ - 1)
    return [room // count_ + (1 if i < room % count_ else 0) for i in range(count_)]


def tiles(row: Sequence[Tile], width: int, rows: int) -> Block:
    """Big figures beside each other in ``rows`` lines (a title, the figure, a detail); all of one size."""
    widths = columns_of(width, len(row))
    scale = best_scale([(tile.figure, tile.unit) for tile in row], min(widths), rows - 2)
    return beside([_tile(tile, w, scale) for tile, w in zip(row, widths, strict=True)], widths)


def _tile(tile: Tile, width: int, scale: tuple[int, int] | None) -> Block:
    block = [Text(tile.title, style="bold")]
    if scale is None or not drawable(tile.figure):
        block.append(Text(f"{tile.figure} {tile.unit}".strip(), style=tile.style))
        block += [Text()] * (HEIGHT * scale[1] - 1 if scale else 0)
    else:
        lines = [Text(line, style=tile.style) for line in draw(tile.figure, scale)]
        if drawable(tile.unit):
            for line, part in zip(lines, draw(tile.unit, unit_scale(scale)), strict=True):
                line.append(" " * UNIT_GAP + part, style="not bold")
        elif tile.unit:
            lines[-1].append(" " * UNIT_GAP + tile.unit)
        block += lines
    detail = Text(tile.detail)
    room = width - (detail.cell_len + GAP if tile.detail else 0)
    if len(tile.trend) > 1 and room >= 4:
        detail.append(" " * (width - detail.cell_len - min(room, len(tile.trend))))
        detail.append(spark(tile.trend, room), style="dim")
    block.append(detail)
    return block


def bars(
    title: str,
    values: Mapping[str, int],
    width: int,
    rows: int,
    style_of: Callable[[str], str] = lambda name: "",
    *,
    ordered: bool = False,
) -> Block:
    """A bar for each value, the first ``rows`` - 1 of them; what does not fit is summed in the last one.

    ``ordered``: the values are a distribution, whose order and every bar matter.
    """
    shown = dict(values)
    room = max(rows - 1, 1)
    if not ordered and len(shown) > room:
        kept = dict(list(shown.items())[: room - 1])
        rest = len(shown) - len(kept)
        shown = {**kept, f"{rest} more": sum(shown.values()) - sum(kept.values())}
    block = [Text(title, style="bold")]
    if not any(shown.values()):
        return [*block, Text("none", style="dim")]
    names = max(len(name) for name in shown)
    names = min(names, max(9, width // 2 - 4))
    numbers = max(len(count(value)) for value in shown.values())
    most = max(shown.values())
    for name, value in list(shown.items())[:room]:
        line = fit(Text(name), names)
        line.append(" " + count(value).rjust(numbers) + " ")
        line.append(bar(value / most, width - names - numbers - 2), style=style_of(name))
        block.append(line)
    return block


def grid(rows: Sequence[Sequence[str]], width: int) -> Block:
    """A table whose first row and column are headings, numbers to the right; columns for which ``width`` has
    no room are left out, the last ones first."""
    sizes = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    while len(sizes) > 1 and sum(sizes) + 2 * (len(sizes) - 1) > width:
        sizes.pop()
    slack = (width - sum(sizes)) // max(len(sizes) - 1, 1)
    gap = max(1, min(slack, 6))
    block = []
    for at, row in enumerate(rows):
        line = Text(row[0].ljust(sizes[0]), style="bold" if at == 0 else "")
        for cell, size in zip(row[1:], sizes[1:], strict=False):
            line.append(" " * gap + cell.rjust(size))
        block.append(line)
    return block
