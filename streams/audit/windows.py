"""Windows, and the sums of what lies in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from streams.audit.times import time_text

SECOND_US = 1_000_000
HOUR_US = 3_600 * SECOND_US
DAY_US = 24 * HOUR_US
#: when `all` begins
SINCE_EVER_US = -(1 << 62)

# window -> (its length, the width of its panes), in microseconds
WINDOWS_US = {
    "1h": (HOUR_US, 60 * SECOND_US),
    "24h": (DAY_US, 300 * SECOND_US),
    "7d": (7 * DAY_US, HOUR_US),
    "30d": (30 * DAY_US, HOUR_US),
}
#: series that also show the window before
COMPARED = ("survey_answers", "survey_score_sum", "customer_changes", "subscription_changes", "revenue", "spend")

Labels = tuple[tuple[str, str], ...]
Row = dict[str, Any]
Amount = int | Decimal


@dataclass(frozen=True)
class Flow:
    """Something that happened once, at a time."""

    series: str
    time_us: int
    labels: Labels
    amount: Amount = 1


@dataclass(frozen=True)
class Span:
    """One window as of a moment: [start, stop), and where the window before it begins."""

    name: str
    start_us: int
    stop_us: int
    before_us: int | None  # None for `all`


def window_start_us(window: str, as_of_us: int) -> int:
    """Where the window begins: ceil(t, pane) - w, so that the running pane is included."""
    return span(window, as_of_us).start_us


def span(window: str, as_of_us: int) -> Span:
    """The window as of a moment."""
    if window == "all":
        return Span(window, SINCE_EVER_US, as_of_us, None)
    length_us, pane_us = WINDOWS_US[window]
    start_us = -(-as_of_us // pane_us) * pane_us - length_us
    return Span(window, start_us, as_of_us, start_us - length_us)


class Sums:
    """Sums by series and labels."""

    def __init__(self) -> None:
        self._values: dict[tuple[str, Labels], Amount] = {}

    def add(self, series: str, labels: Labels, amount: Amount = 1) -> None:
        """Add to one value."""
        key = series, tuple(sorted(labels))
        self._values[key] = self._values.get(key, 0) + amount

    def add_flows(self, flows: Iterable[Flow], spans: Sequence[Span], history_us: int | None) -> None:
        """Each flow in every window that it lies in, and in the windows before that the history covers."""
        for flow in flows:
            is_compared = flow.series in COMPARED
            for one in spans:
                window = (*flow.labels, ("window", one.name))
                if one.start_us <= flow.time_us < one.stop_us:
                    self.add(flow.series, (*window, ("period", "now")) if is_compared else window, flow.amount)
                if not is_compared or one.before_us is None or history_us is None or one.before_us < history_us:
                    continue
                if one.before_us <= flow.time_us < one.start_us:
                    self.add(flow.series, (*window, ("period", "before")), flow.amount)

    def rows(self, as_of_us: int) -> list[Row]:
        """Every value as a row; money in major units."""
        time = time_text(as_of_us)
        return [
            {
                "time": time,
                "metric": series,
                "labels": dict(labels),
                "value": float(amount) if isinstance(amount, Decimal) else amount,
            }
            for (series, labels), amount in self._values.items()
        ]
