"""Business calendars: zone, weekly hours and holidays; how much business time lies between two moments.

Hours are wall time in the calendar's zone: 09:00-17:00 lasts eight hours on the day of a clock change too, unless
the change falls inside, then it lasts what really passes. A wall time that does not exist (clocks put forward) is
read with the offset from before the change; one that exists twice (clocks put back) means the first: PEP 495 with
``fold=0``, and what iCalendar says (RFC 5545, section 3.3.5). Moments that two days would both claim count once.
"""

from __future__ import annotations

import datetime
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from metrics_core.policy.errors import PolicyError, choices, path_key
from metrics_core.policy.weekly_hours import WEEKDAYS, check_hours, minutes_of
from metrics_core.times import DAY_US, EPOCH, LATEST_US, MINUTE_US

if TYPE_CHECKING:
    from holidays import HolidayBase

_EPOCH_DAY = EPOCH.toordinal()
_FIRST_YEAR, _END_YEAR = 1970, 2200
#: years that are worked out at a time: about 10 ms, less than a worker may keep its scrapes waiting
_STEP_YEARS = 5
#: days around a step whose hours may reach into it: offsets go up to a day, and so do changes of the date line
_MARGIN_DAYS = 3


class CalendarSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A calendar as it is configured."""

    #: time zone of the hours, by its IANA name, as Europe/Berlin
    zone: str = "UTC"
    #: weekday (mon to sun) -> intervals, as "09:00-17:30"; a day that is not named is free
    hours: dict[str, tuple[str, ...]] = {}
    #: public holidays of a country or one of its parts, as "DE" or "DE-BY"
    country: str | None = None
    #: further days off, as "2026-12-24"
    holidays: tuple[str, ...] = ()

    def check(self, name: str, path: str) -> None:
        """Raise PolicyError where a value cannot work."""
        _check_zone(self.zone, f"calendar {name!r}", f"{path}.zone")
        for day, intervals in self.hours.items():
            if day not in WEEKDAYS:
                raise PolicyError(
                    f"calendar {name!r} has hours for {day!r}, which is no weekday: {choices(day, WEEKDAYS)}",
                    f"{path}.hours.{path_key(day)}",
                )
            check_hours(intervals, f"calendar {name!r} on {day}", f"{path}.hours.{day}")
        if not any(self.hours.values()):
            raise PolicyError(
                f'calendar {name!r} has no hours, so no time would pass in it: give some, as mon = ["09:00-17:00"]',
                path,
            )
        for at, day in enumerate(self.holidays):
            if not _is_date(day):
                raise PolicyError(
                    f"{day!r} among the holidays of calendar {name!r} is no date: write it like 2026-12-24",
                    f"{path}.holidays[{at}]",
                )
        if self.country is not None:
            _check_country(self.country, f"calendar {name!r}", f"{path}.country")


class _Years(NamedTuple):
    """The hours of some years, [first, end), and of the moments [low, high) that they are.

    ``moments_us`` ascends from low to high: business begins at the odd places and ends at the even ones;
    ``used_us`` is the business time from low to each.
    """

    first: int
    end: int
    low_us: int
    high_us: int
    moments_us: list[int]
    used_us: list[int]


class Calendar:
    """A calendar to ask. Moments in microseconds since the epoch.

    It reaches from 1970 to 2200 (UTC), as event times do; outside, all time counts, so that ``after`` always has
    an answer: a target that a calendar with few hours would not reach before 2200 lies beyond it. Public
    holidays are known as far as the library knows them (at most to 2100).
    """

    def __init__(self, spec: CalendarSpec) -> None:
        self._zone = ZoneInfo(spec.zone)
        self._week = [minutes_of(spec.hours.get(day, ())) for day in WEEKDAYS]
        self._public = None if spec.country is None else _public_holidays(spec.country)
        self._free = {datetime.date.fromisoformat(day).toordinal() for day in spec.holidays}
        self._known = _Years(_END_YEAR, _FIRST_YEAR, 0, 0, [], [])

    def elapsed(self, start_us: int, end_us: int) -> int:
        """Business time in [start, end), in microseconds; 0 where the end is not after the start."""
        if end_us <= start_us:
            return 0
        _, _, low_us, high_us, moments_us, used_us = self._known
        if start_us < low_us or end_us > high_us:
            return self._elapsed_beyond(start_us, end_us)
        first = bisect_right(moments_us, start_us) - 1
        last = bisect_right(moments_us, end_us, first) - 1
        if first == last:
            return end_us - start_us if first & 1 else 0
        elapsed_us = used_us[last] - used_us[first]
        if first & 1:
            elapsed_us -= start_us - moments_us[first]
        return elapsed_us + end_us - moments_us[last] if last & 1 else elapsed_us

    def after(self, start_us: int, business_us: int) -> int:
        """The earliest moment by which so much business time has passed since ``start_us``: the start itself for
        none, and the end of an interval rather than the beginning of the next."""
        if business_us <= 0:
            return start_us
        if start_us < 0:
            before_us = min(-start_us, business_us)
            return self.after(start_us + before_us, business_us - before_us)
        if start_us >= LATEST_US:
            return start_us + business_us
        if not self._known.low_us <= start_us < self._known.high_us:
            self._reach(_year_of(start_us))
        first_year, end_year, _, _, moments_us, used_us = self._known
        first = bisect_right(moments_us, start_us) - 1
        due_us = business_us + used_us[first]
        if first & 1:
            due_us += start_us - moments_us[first]
        if due_us > used_us[-1]:
            if end_year == _END_YEAR:
                return LATEST_US + due_us - used_us[-1]
            # Twice as far each time: a calendar of few hours is worked out to the end in a few steps.
            self._reach(end_year + max(_STEP_YEARS, end_year - first_year) - 1)
            return self.after(start_us, business_us)
        at = bisect_left(used_us, due_us)
        return moments_us[at] - (used_us[at] - due_us)

    def _elapsed_beyond(self, start_us: int, end_us: int) -> int:
        outside_us = max(0, min(end_us, 0) - start_us) + max(0, end_us - max(start_us, LATEST_US))
        start_us, end_us = max(start_us, 0), min(end_us, LATEST_US)
        if end_us <= start_us:
            return outside_us
        self._reach(_year_of(start_us))
        self._reach(_year_of(end_us - 1))
        return outside_us + self.elapsed(start_us, end_us)

    def _reach(self, year: int) -> None:
        """Work out the hours of a year and of all between it and those that are known."""
        first, end = self._known.first, self._known.end
        year = min(year, _END_YEAR - 1)
        if first <= year < end:
            return
        first = min(first, year // _STEP_YEARS * _STEP_YEARS)
        end = max(end, year // _STEP_YEARS * _STEP_YEARS + _STEP_YEARS)
        low_us, high_us = _year_start_us(first), _year_start_us(end)
        moments_us, used_us, total_us = [low_us], [0], 0
        for opens_us, closes_us in self._business(low_us, high_us):
            moments_us += opens_us, closes_us
            used_us += total_us, total_us + closes_us - opens_us
            total_us = used_us[-1]
        moments_us += high_us, high_us
        used_us += total_us, total_us
        # In one step, so that other threads see all of it or nothing.
        self._known = _Years(first, end, low_us, high_us, moments_us, used_us)

    def _business(self, low_us: int, high_us: int) -> Iterator[tuple[int, int]]:
        """Business intervals within [low, high), disjoint and ascending."""
        first = low_us // DAY_US + _EPOCH_DAY - _MARGIN_DAYS
        end = high_us // DAY_US + _EPOCH_DAY + _MARGIN_DAYS
        free = self._free | self._public_days(first, end)
        found: list[tuple[int, int]] = []
        for day in range(first, end):
            if day not in free:
                for opens, closes in self._week[(day - 1) % 7]:
                    found.append((self._moment_us(day, opens), self._moment_us(day, closes)))
        found.sort()
        known_us = low_us
        for opens_us, closes_us in found:
            opens_us, closes_us = max(opens_us, known_us), min(closes_us, high_us)
            if opens_us < closes_us:
                yield opens_us, closes_us
                known_us = closes_us

    def _moment_us(self, day: int, minutes: int) -> int:
        """The moment of a wall time, in minutes since the midnight that a day (a proleptic ordinal) begins with."""
        wall = datetime.datetime.fromordinal(day) + datetime.timedelta(minutes=minutes)
        offset = self._zone.utcoffset(wall)
        assert offset is not None, "a zone of the database always has an offset"
        offset_us = (offset.days * 86400 + offset.seconds) * 1_000_000
        return (day - _EPOCH_DAY) * DAY_US + minutes * MINUTE_US - offset_us

    def _public_days(self, first: int, end: int) -> set[int]:
        """Ordinals of the public holidays in the years around [first, end)."""
        if self._public is None:
            return set()
        # Beyond the years that the library knows, it would warn and answer nothing.
        from_year = max(self._public.start_year, datetime.date.fromordinal(first).year)
        to_year = min(self._public.end_year, datetime.date.fromordinal(end).year)
        for year in range(from_year, to_year + 1):
            # looking up a day adds the holidays of its year
            _ = datetime.date(year, 1, 1) in self._public
        return {day.toordinal() for day in self._public}


def _public_holidays(code: str) -> HolidayBase:
    """The days off of a country or part of it that hold for all: those observed instead of one on a weekend too."""
    import holidays  # half a thousand countries: only for those who ask for one

    country, _, part = code.partition("-")
    return holidays.country_holidays(country, subdiv=part or None)


def _year_of(time_us: int) -> int:
    return datetime.date.fromordinal(time_us // DAY_US + _EPOCH_DAY).year


def _year_start_us(year: int) -> int:
    return (datetime.date(year, 1, 1).toordinal() - _EPOCH_DAY) * DAY_US


def _is_date(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _check_zone(zone: str, whose: str, path: str) -> None:
    try:
        ZoneInfo(zone)
    except (OSError, ValueError, KeyError):
        import zoneinfo

        raise PolicyError(
            f"zone {zone!r} of {whose} is not in the IANA time zone database: "
            f"{choices(zone, zoneinfo.available_timezones(), 'give one, as Europe/Berlin')}",
            path,
        ) from None


def _check_country(code: str, whose: str, path: str) -> None:
    import holidays

    country, _, part = code.partition("-")
    known = holidays.list_supported_countries()
    if country not in known:
        raise PolicyError(
            f"the public holidays of {country!r}, the country of {whose}, are not known: "
            "give an ISO 3166 code, as DE or DE-BY, or list them under holidays",
            path,
        )
    if part and part not in known[country]:
        raise PolicyError(
            f"country {code!r} of {whose}: {part!r} is no part of {country}: "
            f"{choices(part, known[country], f'leave it at {country}')}",
            path,
        )
