"""Figures that can be read from two metres: digits drawn in blocks, three pixels wide and five high."""

from __future__ import annotations

from collections.abc import Iterable

_ROWS = {
    "0": ("###", "# #", "# #", "# #", "###"),
    "1": (" # ", "## ", " # ", " # ", "###"),
    "2": ("###", "  #", "###", "#  ", "###"),
    "3": ("###", "  #", "###", "  #", "###"),
    "4": ("# #", "# #", "###", "  #", "  #"),
    "5": ("###", "#  ", "###", "  #", "###"),
    "6": ("###", "#  ", "###", "# #", "###"),
    "7": ("###", "  #", "  #", " # ", " # "),
    "8": ("###", "# #", "###", "# #", "###"),
    "9": ("###", "# #", "###", "  #", "###"),
    ".": (" ", " ", " ", " ", "#"),
    "+": ("   ", " # ", "###", " # ", "   "),
    "-": ("   ", "   ", "###", "   ", "   "),
    "%": ("# #", "  #", " # ", "#  ", "# #"),
    "d": ("  #", "  #", "###", "# #", "###"),
    "h": ("#  ", "#  ", "###", "# #", "# #"),
    "k": ("#  ", "#  ", "# #", "## ", "# #"),
    "m": ("     ", "     ", "#####", "# # #", "# # #"),
    "s": ("   ", " ##", "#  ", "  #", "## "),
}
HEIGHT = 5
#: columns between a figure and its unit
UNIT_GAP = 2
#: (columns, rows) of one pixel, the largest first; a terminal's cell is about twice as high as wide
SCALES = ((6, 3), (4, 2), (2, 1), (1, 1))


def width_of(text: str, scale: tuple[int, int]) -> int:
    """Columns that ``text`` takes; every character of it must be drawable."""
    gap = _gap(scale)
    return sum(len(_ROWS[character][0]) * scale[0] + gap for character in text) - gap


def drawable(text: str) -> bool:
    """Whether there is a drawing for each character."""
    return bool(text) and all(character in _ROWS for character in text)


def unit_scale(scale: tuple[int, int]) -> tuple[int, int]:
    """Pixels of the unit behind figures of ``scale``: half as wide, so that it reads as one."""
    return max(1, scale[0] // 2), scale[1]


def best_scale(texts: Iterable[tuple[str, str]], columns: int, rows: int) -> tuple[int, int] | None:
    """The largest scale at which every drawable (figure, unit) fits; None where even the smallest does not."""
    drawn = [(figure, unit) for figure, unit in texts if drawable(figure)]
    for scale in SCALES:
        if HEIGHT * scale[1] <= rows and all(
            width_of(figure, scale) + _unit_width(unit, scale) <= columns for figure, unit in drawn
        ):
            return scale
    return None


def _unit_width(unit: str, scale: tuple[int, int]) -> int:
    if not unit:
        return 0
    return UNIT_GAP + (width_of(unit, unit_scale(scale)) if drawable(unit) else len(unit))


def draw(text: str, scale: tuple[int, int]) -> list[str]:
    """Lines of blocks, HEIGHT x scale rows."""
    gap = " " * _gap(scale)
    lines = []
    for row in range(HEIGHT):
        pixels = (_ROWS[character][row] for character in text)
        line = gap.join("".join(("█" if p == "#" else " ") * scale[0] for p in glyph) for glyph in pixels)
        lines += [line] * scale[1]
    return lines


def _gap(scale: tuple[int, int]) -> int:
    return max(1, scale[0] // 2)
