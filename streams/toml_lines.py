"""Where in a TOML text a value stands.

tomllib says nothing of positions. But a TOML document that is cut between two of its statements is a document, and
what it says is never taken back further down. So a value stands in the statement with which it first appears.
"""

from __future__ import annotations

import json
import re
import tomllib
from bisect import bisect_left
from typing import Any

#: keys of tables and places in lists, from the top of the document
Keys = tuple[str | int, ...]

_STEP = re.compile(r'\.?(?:([A-Za-z0-9_-]+)|("(?:[^"\\]|\\.)*"))|\[(\d+)\]')
#: ends of what may still be open at the end of a line: lists, with inline tables around them, and long texts
_ENDS = ("]", "]]", "}]", "]}", "]}]", '"""', "'''")
#: longer statements are not looked into: their first line is near enough, and the search parses once for each line
_MOST_LINES_OF_A_STATEMENT = 200


def keys_of(path: str) -> Keys:
    """The steps of a path such as ``versions[1].calendars."day.shift".zone``."""
    return tuple(
        int(place) if place else json.loads(quoted) if quoted else bare
        for bare, quoted, place in _STEP.findall(path)
    )


def value_at(table: Any, keys: Keys) -> tuple[int, Any]:
    """How many of the keys lead somewhere, and to what."""
    for depth, key in enumerate(keys):
        try:
            table = table[key]
        except (LookupError, TypeError):
            return depth, table
    return len(keys), table


def line_of(text: str, keys: Keys) -> int | None:
    """The line, from 1, on which a value stands, or else the nearest that holds it; None where that is the
    document itself. Raises tomllib.TOMLDecodeError where the text is no TOML."""
    depth, _ = value_at(tomllib.loads(text), keys)
    if not depth:
        return None
    keys = keys[:depth]
    lines = text.replace("\r\n", "\n").split("\n")
    ends = _statement_ends(lines)

    def stands(end: int, closing: str = "") -> bool:
        try:
            found = value_at(tomllib.loads("\n".join((*lines[:end], closing))), keys)
        except tomllib.TOMLDecodeError:
            return False
        return found[0] == depth

    at = bisect_left(ends, True, key=stands)
    first = ends[at - 1] if at else 0
    if ends[at] - first > _MOST_LINES_OF_A_STATEMENT:
        return first + 1
    inside = range(first + 1, ends[at])
    return next((end for end in inside if any(stands(end, closing) for closing in _ENDS)), ends[at])


def _statement_ends(lines: list[str]) -> list[int]:
    """Numbers of lines after which a statement is complete: it is read by itself, for it depends on no other."""
    ends, first = [], 0
    for end in range(1, len(lines) + 1):
        try:
            tomllib.loads("\n".join(lines[first:end]))
        except tomllib.TOMLDecodeError:
            continue
        ends.append(end)
        first = end
    return ends
