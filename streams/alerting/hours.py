"""Opening hours of a calendar as a condition of PromQL, which knows UTC only.

Where clocks change, an hour of the zone is one of two hours in UTC. The condition holds in what is open by every
offset of the zone: for half of the year it misses an hour of the day, but it never says open when it is not.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from itertools import pairwise
from zoneinfo import ZoneInfo

from metrics_core.policy.calendars import CalendarSpec
from metrics_core.policy.weekly_hours import WEEKDAYS, minutes_of

_DAY_MIN = 24 * 60
_WEEK_MIN = 7 * _DAY_MIN
#: years whose clock changes are looked at: rules of a zone that is gone by now are none
_YEARS = range(2025, 2035)
#: PromQL counts days from Sunday
_MINUTE_OF_WEEK = "(day_of_week() * 1440 + hour() * 60 + minute())"


def open_condition(spec: CalendarSpec, delay_s: int) -> str:
    """A row where the calendar has been open for so many seconds. Days off count as the ones that the calendar
    lists; public holidays of its country are not known to Prometheus."""
    offsets_min = _offsets_min(spec.zone)
    open_min = set(range(_WEEK_MIN)).intersection(
        *(_open_min(spec, offset_min, delay_s) for offset_min in offsets_min)
    )
    spans = "\nor ".join(f"{_MINUTE_OF_WEEK} >= {start} < {end}" for start, end in _spans(open_min))
    condition = spans or "vector(0) > 0"
    if spec.holidays:
        condition = f"({condition})" + "".join(
            f"\nunless {_date(offset_min)} == {day.replace('-', '')}"
            for day in spec.holidays
            for offset_min in offsets_min
        )
    return condition


def _offsets_min(zone: str) -> list[int]:
    """Minutes ahead of UTC that the zone's clocks are at some time of the year."""
    moments = (
        datetime.datetime(year, month, 1, tzinfo=ZoneInfo(zone)) for year in _YEARS for month in range(1, 13)
    )
    offsets = {moment.utcoffset() or datetime.timedelta() for moment in moments}
    return sorted(offset // datetime.timedelta(minutes=1) for offset in offsets)


def _open_min(spec: CalendarSpec, offset_min: int, delay_s: int) -> set[int]:
    """Minutes of the week in UTC, from Sunday on, at which the desk has been open for a while."""
    found: set[int] = set()
    for number, day in enumerate(WEEKDAYS):
        midnight = (number + 1) * _DAY_MIN - offset_min
        for opens, closes in minutes_of(spec.hours.get(day, ())):
            first = opens - (-delay_s // 60)
            found.update((midnight + minute) % _WEEK_MIN for minute in range(first, closes))
    return found


def _spans(minutes: set[int]) -> Iterator[tuple[int, int]]:
    """Runs of minutes, [start, end)."""
    ordered = sorted(minutes)
    if not ordered:
        return
    start = ordered[0]
    for one, other in pairwise(ordered):
        if other != one + 1:
            yield start, one + 1
            start = other
    yield start, ordered[-1] + 1


def _date(offset_min: int) -> str:
    """The day in the zone, as 20261224."""
    local = f"vector(time() + {offset_min * 60})"
    return f"(year({local}) * 10000 + month({local}) * 100 + day_of_month({local}))"
