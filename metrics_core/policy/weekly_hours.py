"""Opening hours of a day as they are written: "09:00-17:30"."""

from __future__ import annotations

import re
from itertools import pairwise

from metrics_core.policy.errors import PolicyError

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

#: minutes since midnight, [opens, closes)
Minutes = tuple[int, int]

_INTERVAL = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)", re.ASCII)
_DAY_MINUTES = 24 * 60


def minutes_of(intervals: tuple[str, ...]) -> list[Minutes]:
    """The intervals of a day that has been checked, in ascending order."""
    return sorted(_minutes(text) for text in intervals)


def check_hours(intervals: tuple[str, ...], whose: str, path: str) -> None:
    """Raise PolicyError where the intervals of one day cannot work."""
    for at, text in enumerate(intervals):
        where = f"{path}[{at}]"
        if _INTERVAL.fullmatch(text) is None:
            raise PolicyError(
                f"{text!r} of {whose} is no interval: write it like 09:00-17:30, at most to 24:00", where
            )
        opens, closes = _minutes(text)
        if opens >= closes:
            raise PolicyError(
                f"{text!r} of {whose} ends before it begins: end it at 24:00 and give the next day the rest", where
            )
    ordered = sorted(range(len(intervals)), key=lambda at: _minutes(intervals[at]))
    for one, other in pairwise(ordered):
        if _minutes(intervals[other])[0] < _minutes(intervals[one])[1]:
            raise PolicyError(
                f"{intervals[one]!r} and {intervals[other]!r} of {whose} overlap: write them as one interval",
                f"{path}[{max(one, other)}]",
            )


def _minutes(text: str) -> Minutes:
    match = _INTERVAL.fullmatch(text)
    assert match is not None, "intervals are checked before they are used"
    hour, minute, end_hour, end_minute = match.groups()
    closes = _DAY_MINUTES if end_hour is None else int(end_hour) * 60 + int(end_minute)
    return int(hour) * 60 + int(minute), closes
