"""What pages share: big figures in the room there is, a table below, bars below that."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from rich.text import Text

from streams.top.blocks import Block, Tile, beside, columns_of, tiles
from streams.top.trend import Trend

Trends: TypeAlias = Mapping[str, Trend]
#: bars for a width and height
BarsOf: TypeAlias = Callable[[int, int], Block]

#: from this width on, six big figures stand in one row
ONE_ROW_COLUMNS = 150
#: and from this height on, they rather take two rows of still bigger ones
TALL_ROWS = 40
#: the least lines of a row of big figures: title, the smallest digits, detail
TILE_ROWS = 7
#: the least lines of bars that tell something
BAR_ROWS = 3


def big(row: Sequence[Tile], width: int, height: int) -> Block:
    """Six figures in one row or in two, as large as they fit; words where there is no room for digits."""
    if width >= ONE_ROW_COLUMNS and height < TALL_ROWS:
        return tiles(row, width, max(TILE_ROWS, height // 2))
    rows = min(max(TILE_ROWS, height * 3 // 10), height // 2)
    if rows < TILE_ROWS:
        return [_in_words(tile) for tile in row[: max(1, height)]]
    return [*tiles(row[:3], width, rows), *tiles(row[3:], width, rows)]


def _in_words(tile: Tile) -> Text:
    line = Text(f"{tile.title}: ").append(f"{tile.figure} {tile.unit}".rstrip(), style=tile.style)
    return line.append(f"  {tile.detail}" if tile.detail else "")


def below(block: Block, bars_of: Sequence[BarsOf], width: int, height: int) -> Block:
    """The block with bars beside each other in what is left of the height, if that is enough."""
    left = height - len(block) - 1
    if left < BAR_ROWS:
        return block[:height]
    widths = columns_of(width, len(bars_of))
    made = [draw(columns, left) for draw, columns in zip(bars_of, widths, strict=True)]
    return [*block, Text(), *beside(made, widths)][:height]


def spelled(window: str) -> str:
    """A window as tables say it: "24 h"."""
    return f"{window[:-1]} {window[-1]}"


def short(amount: float) -> tuple[str, str]:
    """An amount in a few digits: ("18.4", "k")."""
    for size, unit in ((1e9, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(amount) >= 10 * size:
            return f"{amount / size:.0f}", unit
        if abs(amount) >= size:
            return f"{amount / size:.1f}", unit
    return f"{amount:.0f}", ""
