"""The steps of a replay: moments at whole multiples of a length of time, in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass

from metrics_core.times import DAY_US, HOUR_US, MINUTE_US, SECOND_US

_UNITS_US = {"s": SECOND_US, "m": MINUTE_US, "min": MINUTE_US, "h": HOUR_US, "d": DAY_US}
_LENGTH = re.compile(r"(\d{1,9})(s|m|min|h|d)", re.ASCII)


def parse_length_us(text: str) -> int:
    """Microseconds of "30s", "5m", "1h" or "1d". Raises ValueError."""
    match = _LENGTH.fullmatch(text)
    if match is None or not int(match[1]):
        raise ValueError(f"{text!r} is no length of time: write 30s, 5m, 1h or 1d")
    return int(match[1]) * _UNITS_US[match[2]]


@dataclass(frozen=True)
class Steps:
    """All multiples of ``length_us`` from ``first_us`` to ``last_us``, both included."""

    length_us: int
    first_us: int
    last_us: int

    def __len__(self) -> int:
        return max(0, (self.last_us - self.first_us) // self.length_us + 1)


def steps_between(
    length_us: int, *, from_us: int | None, to_us: int | None, first_event_us: int, last_event_us: int
) -> Steps:
    """The steps from the first multiple not before ``from_us`` to the last one not after ``to_us``.

    Without them: from the first step after the first event to the first step after the last event.
    """
    after_first = (first_event_us // length_us + 1) * length_us
    after_last = (last_event_us // length_us + 1) * length_us
    first_us = after_first if from_us is None else -(-from_us // length_us) * length_us
    last_us = after_last if to_us is None else to_us // length_us * length_us
    return Steps(length_us, first_us, last_us)
