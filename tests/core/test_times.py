"""RFC 3339 text and microseconds since the epoch."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics_core.times import EARLIEST_US, LATEST_US, SECOND_US, format_us, parse_rfc3339

NEW_YEAR_US = 1_767_225_600 * SECOND_US  # 2026-01-01T00:00:00Z


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:00:00Z",
        "2026-01-01t00:00:00z",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00.000Z",
        "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00-00:00",
        "2026-01-01T02:00:00+02:00",
        "2025-12-31T14:30:00-09:30",
        "2026-01-01T23:59:00+23:59",
    ],
)
def test_any_offset_and_any_case_name_the_same_moment(text: str) -> None:
    assert parse_rfc3339(text) == NEW_YEAR_US


@pytest.mark.parametrize(
    ("fraction", "expected_us"),
    [(".5", 500_000), (".000001", 1), (".0000019", 1), (".999999999999", 999_999), (".1234567890123", 123_456)],
)
@pytest.mark.parametrize("offset", ["Z", "+00:00"])
def test_digits_beyond_microseconds_are_cut_never_rounded(fraction: str, expected_us: int, offset: str) -> None:
    assert parse_rfc3339(f"2026-01-01T00:00:00{fraction}{offset}") == NEW_YEAR_US + expected_us


@pytest.mark.parametrize("text", ["2025-12-31T23:59:60Z", "2026-01-01T01:59:60+02:00", "2025-12-31T23:59:60.0Z"])
def test_a_leap_second_is_the_second_that_follows(text: str) -> None:
    assert parse_rfc3339(text) == NEW_YEAR_US


def test_a_fraction_of_a_leap_second_is_kept() -> None:
    assert parse_rfc3339("2025-12-31T23:59:60.25Z") == NEW_YEAR_US + 250_000


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:00:00",  # no offset: whose midnight?
        "2026-01-01",
        "2026-01-01T00:00Z",
        "2026-01-01T000000.1Z",  # ISO 8601, not RFC 3339, and as long as the common form
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00,5Z",
        "2026-01-01T00:00:00+0200",
        "2026-01-01T00:00:00+02",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+00:60",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:61Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "12026-01-01T00:00:00Z",
        "2026-W01-1T00:00:00Z",
        "٢026-01-01T00:00:00Z",
        " 2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00Z\n",
        "1767225600",
        "yesterday",
        "",
        "Z",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_rfc3339(text)


@given(st.text(max_size=30) | st.from_regex(r"\A\d{4}-\d\d-\d\d.\d\d:\d\d:\d\d.{0,8}\Z"))
def test_no_text_raises_anything_but_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse_rfc3339(text)


@given(st.integers(EARLIEST_US, LATEST_US - 1))
def test_a_time_that_is_written_is_read_back(time_us: int) -> None:
    assert parse_rfc3339(format_us(time_us)) == time_us


@given(st.integers(EARLIEST_US // SECOND_US, LATEST_US // SECOND_US - 1))
def test_the_quick_way_and_the_thorough_way_agree(second: int) -> None:
    text = format_us(second * SECOND_US)
    assert parse_rfc3339(text) == parse_rfc3339(text.replace("Z", "+00:00"))


def test_microseconds_are_written_only_where_there_are_any() -> None:
    assert format_us(NEW_YEAR_US) == "2026-01-01T00:00:00Z"
    assert format_us(NEW_YEAR_US + 1) == "2026-01-01T00:00:00.000001Z"
