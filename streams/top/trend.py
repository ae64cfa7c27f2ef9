"""Trends that the viewer keeps: the whole session in a bounded number of points."""

from __future__ import annotations

#: two points a column on a wide terminal; beyond it every second point is dropped
MOST_POINTS = 240


class Trend:
    """Values over the session; as it grows longer its points lie further apart."""

    def __init__(self) -> None:
        self.values: list[float] = []
        self._every = 1
        self._polls = 0

    def add(self, value: float | None) -> None:
        """Take one poll's value; None (nothing to show) leaves the trend as it is."""
        if value is None:
            return
        if self._polls % self._every == 0:
            self.values.append(value)
        else:
            self.values[-1] = value
        self._polls += 1
        if len(self.values) > MOST_POINTS:
            self.values = self.values[::2]
            self._every *= 2
            self._polls = (len(self.values) - 1) * self._every + 1
