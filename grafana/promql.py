"""What a lint must know of a query: its selectors, what they pin, and what is done to them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|\$?[A-Za-z_][A-Za-z0-9_:]*|\[[^\]]*\]|[0-9.]+|=~|!~|!=|[^\s]')
_NAME = re.compile(r"deskpulse[_:]\w+")
AGGREGATORS: Final = ("sum", "min", "max", "count", "avg", "topk", "bottomk", "count_values", "quantile", "group")
_LABEL_LISTS = ("on", "ignoring", "group_left", "group_right")


@dataclass(frozen=True)
class Call:
    """A pair of brackets: the function before it, and the labels that an aggregation keeps."""

    function: str
    by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Selector:
    """One series in a query. ``calls``: what it stands in, the outermost first."""

    name: str
    matchers: Mapping[str, tuple[str, str]]
    range: str
    calls: tuple[Call, ...]

    @property
    def aggregation(self) -> Call | None:
        """What its rows are brought together by first."""
        return next((call for call in reversed(self.calls) if call.function in AGGREGATORS), None)

    def called(self, *functions: str) -> bool:
        """Whether one of these stands around it."""
        return any(call.function in functions for call in self.calls)


def selectors(query: str) -> list[Selector]:
    """The selectors of a query, in order. Aggregations must name their labels before what they bring together."""
    return list(_read(_TOKEN.findall(query)))


def _read(words: Sequence[str]) -> Iterator[Selector]:
    stack: list[Call] = []
    at = 0
    while at < len(words):
        word, follows = words[at], words[at + 1] if at + 1 < len(words) else ""
        if word in _LABEL_LISTS:
            _, at = _labels(words, at + 1)
            continue
        if word in AGGREGATORS and follows == "by":
            by, at = _labels(words, at + 2)
            stack.append(Call(word, by))
        elif _NAME.fullmatch(word):
            selector, at = _selector(words, at, tuple(stack))
            yield selector
            continue
        elif follows == "(" and re.fullmatch(r"[a-z_]+", word) and word not in ("and", "or", "unless"):
            stack.append(Call(word))
            at += 1
        elif word == "(":
            stack.append(Call(""))
        elif word == ")":
            stack.pop()
        at += 1
    assert not stack, "brackets do not match"


def _labels(words: Sequence[str], at: int) -> tuple[tuple[str, ...], int]:
    """The labels in brackets that begin at ``at``, and the place after them."""
    assert words[at] == "("
    end = words.index(")", at)
    return tuple(word for word in words[at + 1 : end] if word != ","), end + 1


def _selector(words: Sequence[str], at: int, calls: tuple[Call, ...]) -> tuple[Selector, int]:
    name, matchers = words[at], {}
    at += 1
    if at < len(words) and words[at] == "{":
        end = words.index("}", at)
        inner = [word for word in words[at + 1 : end] if word != ","]
        matchers = {inner[i]: (inner[i + 1], inner[i + 2][1:-1]) for i in range(0, len(inner), 3)}
        at = end + 1
    window = ""
    if at < len(words) and words[at].startswith("["):
        window = words[at][1:-1]
        at += 1
    return Selector(name, matchers, window, calls), at
