"""The shape of a metric family."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from metrics_core.series import Histogram, Series
from metrics_core.view import Frozen

#: names of the label tuple that a ticket's facts carry, in order
TICKET_LABELS = ("channel", "group", "priority")

#: values of the label ``period``: the window that ends now, and the one just before
PERIODS = ("now", "before")

#: one row of a state-driven series: (series name, its own labels, number of the subject's label tuple, value)
StateRow = tuple[str, dict[str, str], int, int | float | Histogram]


@dataclass(frozen=True)
class Family:
    """A family of series: what exists, which facts feed it, and what is read off the state.

    ``series`` name only the family's own labels; the policy's labels of gauges or histograms follow where
    ``per`` says tickets. ``counts`` and ``durations`` map a fact's code to the series it feeds and the label
    values that the code stands for. ``levels`` and ``starts`` do so for the codes of levels: what they are now,
    and what they were as of each window's start. ``state`` yields rows that follow the current state.
    """

    id: str
    question: str
    series: tuple[Series, ...]
    counts: Mapping[int, tuple[str, dict[str, str]]] = field(default_factory=dict)
    durations: Mapping[int, tuple[str, dict[str, str]]] = field(default_factory=dict)
    levels: Mapping[int, tuple[str, dict[str, str]]] = field(default_factory=dict)
    starts: Mapping[int, tuple[str, dict[str, str]]] = field(default_factory=dict)
    state: Callable[[Frozen], Iterable[StateRow]] | None = None
    per: Literal["ticket", "none"] = "ticket"
    layout: tuple[str, ...] = TICKET_LABELS
