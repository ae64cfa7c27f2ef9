"""The shape of a metric family."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from metrics_core.series import Histogram, Series
from metrics_core.view import Frozen

#: names of the label tuple that a ticket's facts carry, in order
TICKET_LABELS = ("channel", "group", "priority", "agent")

#: values of the label ``clock``: every hour counts, or those of the ticket's business calendar
CLOCKS = ("calendar", "business")

#: values of the label ``period``: the window that ends now, and the one just before
PERIODS = ("now", "before")

#: one row of a state-driven series: (series name, its own labels, number of the subject's label tuple, value)
StateRow = tuple[str, dict[str, str], int, int | float | Histogram]


def types(prefix: str, *names: str) -> tuple[str, ...]:
    """Event types that begin alike."""
    return tuple(f"{prefix}.{name}" for name in names)


@dataclass(frozen=True)
class Family:
    """A family of series: what exists, which facts feed it, and what is read off the state.

    ``series`` name only the family's own labels; the policy's labels of gauges or histograms follow where
    ``per`` says tickets. ``counts`` maps a fact's code to the series it feeds and the label values that the code
    stands for; so does ``durations``, where one code may stand for several rows. ``levels`` and ``starts`` do so
    for the codes of levels: what they are now, and what they were as of each window's start. ``state`` yields
    rows that follow the current state.
    """

    id: str
    question: str
    #: types of the events that feed it
    events: tuple[str, ...]
    series: tuple[Series, ...]
    counts: Mapping[int, tuple[str, dict[str, str]]] = field(default_factory=dict)
    durations: Mapping[int, tuple[str, tuple[dict[str, str], ...]]] = field(default_factory=dict)
    levels: Mapping[int, tuple[str, dict[str, str]]] = field(default_factory=dict)
    starts: Mapping[int, tuple[str, dict[str, str]]] = field(default_factory=dict)
    state: Callable[[Frozen], Iterable[StateRow]] | None = None
    per: Literal["ticket", "none"] = "ticket"
    layout: tuple[str, ...] = TICKET_LABELS
    #: what is easily read wrong: what counts and what does not, and what it must not be compared with
    traps: str = ""

    @property
    def topics(self) -> frozenset[str]:
        """Which topics' events feed it: ``helpdesk``, ``crm``."""
        return frozenset("helpdesk" if one.startswith("helpdesk.") else "crm" for one in self.events)
