"""Business time against slow computations of it, for any hours, zones and moments."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from metrics_core.policy.calendars import Calendar, CalendarSpec
from metrics_core.policy.weekly_hours import WEEKDAYS
from metrics_core.times import DAY_US, EPOCH, HOUR_US, MINUTE_US, parse_rfc3339

#: changes by half an hour, none, at midnight, and of a whole day (Apia left out 30 December 2011)
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Pacific/Apia",
)
MICROSECOND = timedelta(microseconds=1)
#: few seasons, so that calendars are worked out once; changes of clocks and of the date line lie within
SEASONS = [(parse_rfc3339(f"{day}T00:00:00Z"), 40 * DAY_US) for day in ("2011-12-10", "2026-03-01", "2026-10-01")]


def text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


@st.composite
def weeks(draw: st.DrawFn, earliest: int = 0) -> dict[str, tuple[str, ...]]:
    """Opening hours; every day's intervals are disjoint, some touch."""
    week = {}
    for day in WEEKDAYS:
        bounds = sorted(draw(st.lists(st.integers(earliest, 1440), max_size=4, unique=True)))
        pairs = zip(bounds[::2], bounds[1::2], strict=False)
        week[day] = tuple(f"{text(opens)}-{text(closes)}" for opens, closes in pairs)
    if not any(week.values()):
        week["wed"] = ("09:00-17:00",)
    return week


@st.composite
def specs(draw: st.DrawFn, earliest: int = 0) -> CalendarSpec:
    days_off = st.dates(date(2026, 3, 1), date(2026, 4, 10)).map(str)
    return CalendarSpec(
        zone=draw(st.sampled_from(ZONES)),
        hours=draw(weeks(earliest)),
        holidays=tuple(draw(st.lists(days_off, max_size=3))),
    )


@st.composite
def moments(draw: st.DrawFn, count: int = 2) -> list[int]:
    """So many moments of one season, in order; many on a minute, where hours begin and end."""
    start_us, length_us = draw(st.sampled_from(SEASONS))
    anywhere = st.integers(0, length_us)
    some = st.lists(anywhere | anywhere.map(lambda us: us // MINUTE_US * MINUTE_US), min_size=count, max_size=count)
    return sorted(start_us + offset_us for offset_us in draw(some))


def moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    wall = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minutes)
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)


def slowly_elapsed(spec: CalendarSpec, start_us: int, end_us: int) -> int:
    """Interval by interval, with the standard library's aware datetimes; overlaps of days are taken out."""
    zone = ZoneInfo(spec.zone)
    start, end = EPOCH + start_us * MICROSECOND, EPOCH + end_us * MICROSECOND
    spans = []
    for number in range((end - start).days + 8):
        day = start.date() + timedelta(days=number - 3)
        if str(day) in spec.holidays:
            continue
        for interval in spec.hours.get(WEEKDAYS[day.weekday()], ()):
            opens, closes = (int(part[:2]) * 60 + int(part[3:]) for part in interval.split("-"))
            spans.append((max(start, moment(day, opens, zone)), min(end, moment(day, closes, zone))))
    elapsed, known = timedelta(), start
    for opening, closing in sorted(spans):
        elapsed += max(timedelta(), closing - max(opening, known))
        known = max(known, closing)
    return elapsed // MICROSECOND


@settings(max_examples=150, deadline=None)
@given(specs(), moments())
def test_business_time_is_the_sum_of_its_intervals(spec: CalendarSpec, pair: list[int]) -> None:
    assert Calendar(spec).elapsed(*pair) == slowly_elapsed(spec, *pair)


@settings(max_examples=15, deadline=None)
@given(specs(earliest=6 * 60), st.sampled_from(SEASONS), st.integers(0, 36 * 24), st.integers(1, 72))
def test_business_time_is_the_minutes_whose_wall_time_is_open(
    spec: CalendarSpec, season: tuple[int, int], from_hour: int, hours: int
) -> None:
    """Opening hours from 06:00 on: no clock changes within them, so each minute says itself whether it counts."""
    start_us = season[0] + from_hour * HOUR_US
    zone = ZoneInfo(spec.zone)
    opened = 0
    for minute in range(hours * 60):
        wall = (EPOCH + (start_us + minute * MINUTE_US) * MICROSECOND).astimezone(zone)
        intervals = () if str(wall.date()) in spec.holidays else spec.hours.get(WEEKDAYS[wall.weekday()], ())
        opened += any(part[:5] <= wall.strftime("%H:%M") < part[6:] for part in intervals)
    if spec.zone != "Pacific/Apia":  # what it left out was a whole working day
        assert Calendar(spec).elapsed(start_us, start_us + hours * HOUR_US) == opened * MINUTE_US


@settings(max_examples=100, deadline=None)
@given(specs(), moments(3))
def test_business_time_adds_up(spec: CalendarSpec, three: list[int]) -> None:
    first, middle, last = three
    desk = Calendar(spec)
    assert desk.elapsed(first, middle) + desk.elapsed(middle, last) == desk.elapsed(first, last)


@settings(max_examples=150, deadline=None)
@given(specs(), moments(1), st.integers(1, 30 * HOUR_US) | st.integers(1, 3000).map(lambda n: n * MINUTE_US))
def test_a_due_moment_is_the_earliest_by_which_the_business_time_has_passed(
    spec: CalendarSpec, start: list[int], business_us: int
) -> None:
    desk = Calendar(spec)
    due_us = desk.after(start[0], business_us)
    assert desk.elapsed(start[0], due_us) == business_us
    assert desk.elapsed(start[0], due_us - 1) == business_us - 1


@cache
def bavarian() -> Calendar:
    hours = dict.fromkeys(WEEKDAYS[:5], ("09:00-12:00", "13:00-17:30"))
    return Calendar(CalendarSpec(zone="Europe/Berlin", hours=hours, country="DE-BY"))


@settings(max_examples=200, deadline=None)
@given(st.integers(-DAY_US, 231 * 365 * DAY_US), st.integers(0, 400 * DAY_US), st.integers(1, 90 * DAY_US))
def test_business_time_adds_up_and_comes_due_in_any_year(start_us: int, length_us: int, business_us: int) -> None:
    desk, middle_us = bavarian(), start_us + length_us // 3
    end_us = start_us + length_us
    assert desk.elapsed(start_us, middle_us) + desk.elapsed(middle_us, end_us) == desk.elapsed(start_us, end_us)
    due_us = desk.after(start_us, business_us)
    assert desk.elapsed(start_us, due_us) == business_us
    assert desk.elapsed(start_us, due_us - 1) == business_us - 1
