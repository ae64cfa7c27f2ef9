"""Business time by hand: weekends, holidays, nights, clock changes, and calendars that cannot work."""

from __future__ import annotations

import subprocess
import sys

import pytest

from metrics_core.policy import PolicyError
from metrics_core.policy.calendars import Calendar, CalendarSpec
from metrics_core.times import DAY_US, HOUR_US, LATEST_US, MINUTE_US, SECOND_US, parse_rfc3339

WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
ALL_DAYS = (*WORKDAYS, "sat", "sun")
at = parse_rfc3339


def calendar(
    *hours: str, zone: str = "UTC", days: tuple[str, ...] = WORKDAYS, country: str | None = None, off: str = ""
) -> Calendar:
    spec = CalendarSpec(
        zone=zone, hours=dict.fromkeys(days, hours), country=country, holidays=tuple(off.split()) if off else ()
    )
    spec.check("desk", "versions[0].calendars.desk")
    return Calendar(spec)


def hours_between(asked: Calendar, start: str, end: str) -> float:
    return asked.elapsed(at(start), at(end)) / HOUR_US


def test_a_night_between_two_days_does_not_count() -> None:
    assert hours_between(calendar("09:00-17:00"), "2026-03-03T16:00:00Z", "2026-03-04T10:00:00Z") == 2


def test_a_weekend_does_not_count() -> None:
    friday, monday = "2026-03-06T16:30:00Z", "2026-03-09T09:15:00Z"
    assert hours_between(calendar("09:00-17:00"), friday, monday) == 0.75


def test_a_break_within_a_day_does_not_count() -> None:
    assert hours_between(
        calendar("13:00-17:30", "09:00-12:00"), "2026-03-03T11:00:00Z", "2026-03-03T14:00:00Z"
    ) == (2)


def test_time_within_one_interval_counts_to_the_microsecond() -> None:
    start = at("2026-03-03T09:00:00.000001Z")
    assert calendar("09:00-17:00").elapsed(start, start + 5) == 5


def test_nothing_passes_where_the_end_is_not_after_the_start() -> None:
    moment = at("2026-03-03T12:00:00Z")
    assert calendar("09:00-17:00").elapsed(moment, moment) == 0
    assert calendar("09:00-17:00").elapsed(moment, moment - HOUR_US) == 0


def test_an_interval_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    desk = calendar("09:00-17:00")
    assert desk.elapsed(at("2026-03-03T08:59:59Z"), at("2026-03-03T09:00:01Z")) == SECOND_US
    assert desk.elapsed(at("2026-03-03T16:59:59Z"), at("2026-03-03T17:00:01Z")) == SECOND_US


def test_a_night_shift_goes_on_over_midnight() -> None:
    desk = calendar("00:00-06:00", "22:00-24:00", days=ALL_DAYS)
    assert hours_between(desk, "2026-03-03T21:00:00Z", "2026-03-04T07:00:00Z") == 8


def test_a_year_that_is_always_open_is_a_year() -> None:
    desk = calendar("00:00-24:00", zone="Europe/Berlin", days=ALL_DAYS)
    start, end = at("2025-06-01T12:00:00Z"), at("2026-06-01T12:00:00Z")
    assert desk.elapsed(start, end) == end - start


def test_hours_are_those_of_the_zone() -> None:
    desk = calendar("09:00-17:00", zone="Asia/Kathmandu")
    assert hours_between(desk, "2026-03-03T00:00:00Z", "2026-03-03T04:15:00Z") == 1


def test_own_days_off_do_not_count() -> None:
    desk = calendar("09:00-17:00", off="2026-03-04")
    assert hours_between(desk, "2026-03-03T16:00:00Z", "2026-03-05T10:00:00Z") == 2


def test_public_holidays_of_a_country_do_not_count() -> None:
    """Good Friday and Easter Monday of 2026 are 3 and 6 April."""
    desk = calendar("09:00-17:00", country="DE")
    assert hours_between(desk, "2026-04-02T16:00:00Z", "2026-04-07T10:00:00Z") == 2


def test_public_holidays_of_a_part_of_a_country_do_not_count_there_alone() -> None:
    """Epiphany, 6 January, is a holiday in Bavaria and none in Berlin."""
    day = "2026-01-06T00:00:00Z", "2026-01-07T00:00:00Z"
    assert hours_between(calendar("09:00-17:00", country="DE-BY"), *day) == 0
    assert hours_between(calendar("09:00-17:00", country="DE-BE"), *day) == 8


def test_a_holiday_on_a_weekend_is_kept_on_the_day_observed_instead() -> None:
    """4 July 2026 is a Saturday: federal offices close on Friday the 3rd."""
    desk = calendar("09:00-17:00", zone="America/New_York", country="US")
    assert hours_between(desk, "2026-07-03T00:00:00-04:00", "2026-07-04T00:00:00-04:00") == 0


@pytest.mark.parametrize(
    ("zone", "forward", "back"),
    [("Europe/Berlin", "2026-03-29", "2026-10-25"), ("America/New_York", "2026-03-08", "2026-11-01")],
)
def test_a_working_day_lasts_as_long_on_the_days_of_a_clock_change(zone: str, forward: str, back: str) -> None:
    """All four changes are on a Sunday, in the small hours."""
    desk = calendar("09:00-17:00", zone=zone, days=ALL_DAYS)
    assert hours_between(desk, f"{forward}T00:00:00Z", f"{forward}T23:59:00Z") == 8
    assert hours_between(desk, f"{back}T00:00:00Z", f"{back}T23:59:00Z") == 8


@pytest.mark.parametrize(
    ("zone", "start", "hours"),
    [
        ("Europe/Berlin", "2026-03-29T00:00:00+01:00", 23),
        ("Europe/Berlin", "2026-10-25T00:00:00+02:00", 25),
        ("America/New_York", "2026-03-08T00:00:00-05:00", 23),
        ("America/New_York", "2026-11-01T00:00:00-04:00", 25),
    ],
)
def test_an_interval_that_spans_a_clock_change_lasts_what_really_passes(zone: str, start: str, hours: int) -> None:
    desk = calendar("00:00-24:00", zone=zone, days=("sun",))
    assert desk.elapsed(at(start) - DAY_US, at(start) + 2 * DAY_US) == hours * HOUR_US


@pytest.mark.parametrize(
    ("hours", "lasts", "begins"),
    [
        (("01:00-02:30",), 1.5, "2026-03-29T01:00:00+01:00"),  # to 02:30 that is 03:30 already
        (("02:30-05:00",), 1.5, "2026-03-29T03:30:00+02:00"),
        (("02:10-02:50",), 40 / 60, "2026-03-29T03:10:00+02:00"),
        (("01:00-02:30", "03:00-05:00"), 3, "2026-03-29T01:00:00+01:00"),  # 03:00-03:30 counts once
        (("02:30-03:00",), 0, None),
    ],
)
def test_a_wall_time_that_does_not_exist_is_read_with_the_offset_from_before(
    hours: tuple[str, ...], lasts: float, begins: str | None
) -> None:
    desk = calendar(*hours, zone="Europe/Berlin", days=("sun",))
    start = at("2026-03-29T00:00:00+01:00")
    assert desk.elapsed(start, start + DAY_US) == pytest.approx(lasts * HOUR_US)
    if begins is not None:
        assert desk.after(start, 1) == at(begins) + 1


@pytest.mark.parametrize(
    ("hours", "lasts", "begins"),
    [
        ("01:00-02:30", 1.5, "2026-10-25T01:00:00+02:00"),
        ("02:30-04:00", 2.5, "2026-10-25T02:30:00+02:00"),
        ("02:15-02:45", 0.5, "2026-10-25T02:15:00+02:00"),
    ],
)
def test_a_wall_time_that_exists_twice_means_the_first(hours: str, lasts: float, begins: str) -> None:
    desk = calendar(hours, zone="Europe/Berlin", days=("sun",))
    start = at("2026-10-25T00:00:00+02:00")
    assert desk.elapsed(start, start + DAY_US) == lasts * HOUR_US
    assert desk.after(start, 1) == at(begins) + 1


def test_a_due_moment_lies_at_the_end_of_an_interval_rather_than_at_the_next_ones_beginning() -> None:
    friday = at("2026-03-06T16:00:00Z")
    assert calendar("09:00-17:00").after(friday, HOUR_US) == at("2026-03-06T17:00:00Z")
    assert calendar("09:00-17:00").after(friday, HOUR_US + 1) == at("2026-03-09T09:00:00Z") + 1


def test_what_begins_outside_business_hours_is_due_from_the_next_opening() -> None:
    assert calendar("09:00-17:00").after(at("2026-03-07T12:00:00Z"), 2 * HOUR_US) == at("2026-03-09T11:00:00Z")


def test_no_business_time_is_due_at_once() -> None:
    sunday = at("2026-03-08T12:00:00Z")
    assert calendar("09:00-17:00").after(sunday, 0) == sunday
    assert calendar("09:00-17:00").after(sunday, -HOUR_US) == sunday


def test_a_target_is_found_over_many_years() -> None:
    """A minute a week: 30 days of it are 43,200 weeks, which end after 2200, where all time counts."""
    desk = calendar("12:00-12:01", days=("mon",))
    start = at("2026-03-02T12:00:00Z")
    assert desk.after(start, 60 * MINUTE_US) == start + 59 * 7 * DAY_US + MINUTE_US
    due_us = desk.after(start, 43_200 * MINUTE_US)
    assert due_us > LATEST_US
    assert desk.elapsed(start, due_us) == 43_200 * MINUTE_US


def test_outside_1970_to_2200_all_time_counts() -> None:
    desk = calendar("09:00-17:00")
    assert desk.elapsed(-2 * HOUR_US, 0) == 2 * HOUR_US
    assert desk.elapsed(LATEST_US - DAY_US, LATEST_US + HOUR_US) == 9 * HOUR_US
    assert desk.after(-HOUR_US, 2 * HOUR_US) == 10 * HOUR_US
    assert desk.after(LATEST_US + 5, HOUR_US) == LATEST_US + 5 + HOUR_US


def test_what_was_asked_before_does_not_matter() -> None:
    pair = at("2026-12-30T10:00:00Z"), at("2027-01-05T10:00:00Z")
    fresh = calendar("09:00-17:00", zone="Pacific/Apia", country="WS")
    worn = calendar("09:00-17:00", zone="Pacific/Apia", country="WS")
    for year in (2100, 1971, 2199, 2011):
        worn.elapsed(at(f"{year}-01-01T00:00:00Z"), at(f"{year}-12-31T00:00:00Z"))
    assert worn.elapsed(*pair) == fresh.elapsed(*pair)
    assert worn.after(pair[0], 30 * HOUR_US) == fresh.after(pair[0], 30 * HOUR_US)


def test_a_policy_without_a_country_does_not_load_the_holidays_of_the_world() -> None:
    program = (
        "import sys; from metrics_core.policy import Policy;"
        "Policy.parse({'versions': [{'calendars': {'a': {'hours': {'mon': ['09:00-17:00']}}}}]});"
        "sys.exit('holidays' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


NINE_TO_FIVE = {"mon": ("09:00-17:00",)}


@pytest.mark.parametrize(
    ("spec", "path", "said"),
    [
        (CalendarSpec(), "", "no hours"),
        (CalendarSpec(hours={"mon": ()}), "", "no hours"),
        (CalendarSpec(hours={"monday": ("09:00-17:00",)}), ".hours.monday", "'mon'"),
        (CalendarSpec(hours={"mon": ("9-17",)}), ".hours.mon[0]", "09:00-17:30"),
        (CalendarSpec(hours={"mon": ("09:00-24:30",)}), ".hours.mon[0]", "no interval"),
        (CalendarSpec(hours={"mon": ("22:00-06:00",)}), ".hours.mon[0]", "next day"),
        (CalendarSpec(hours={"mon": ("09:00-09:00",)}), ".hours.mon[0]", "ends before"),
        (CalendarSpec(hours={"tue": ("13:00-17:00", "09:00-13:01")}), ".hours.tue[1]", "overlap"),
        (CalendarSpec(zone="Europe/Berln", hours=NINE_TO_FIVE), ".zone", "'Europe/Berlin'"),
        (CalendarSpec(zone="Europe", hours=NINE_TO_FIVE), ".zone", "'Europe'"),
        (CalendarSpec(zone="../etc/passwd", hours=NINE_TO_FIVE), ".zone", "Europe/Berlin"),
        (CalendarSpec(hours=NINE_TO_FIVE, holidays=("2026-12-24", "2026-02-30")), ".holidays[1]", "2026-02-30"),
        (CalendarSpec(hours=NINE_TO_FIVE, holidays=("2026-W10-1",)), ".holidays[0]", "2026-12-24"),
        (CalendarSpec(hours=NINE_TO_FIVE, country="XX"), ".country", "'XX'"),
        (CalendarSpec(hours=NINE_TO_FIVE, country="DE-ZZ"), ".country", "'ZZ'"),
    ],
)
def test_a_calendar_that_cannot_work_is_refused_with_its_name_and_place(
    spec: CalendarSpec, path: str, said: str
) -> None:
    with pytest.raises(PolicyError, match=said) as caught:
        spec.check("desk", "calendars.desk")
    assert caught.value.path == "calendars.desk" + path
    assert "'desk'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_intervals_that_touch_are_fine() -> None:
    assert calendar("09:00-12:00", "12:00-17:00").elapsed(
        at("2026-03-03T00:00:00Z"), at("2026-03-04T00:00:00Z")
    ) == (8 * HOUR_US)
