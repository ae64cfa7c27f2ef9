"""What /metrics shows, compared row by row with what a report says."""

from __future__ import annotations

from typing import Any

import pytest

from streams.demo.exposition_rows import most, row_differences, rows_of_exposition, total

TEXT = """\
# HELP deskpulse_open_tickets Open.
# TYPE deskpulse_open_tickets gauge
deskpulse_open_tickets{status="new"} 3.0
deskpulse_open_tickets{status="open"} 0.0
# HELP deskpulse_first_response_seconds_bucket First response.
# TYPE deskpulse_first_response_seconds_bucket gauge
deskpulse_first_response_seconds_bucket{le="1.2096e+06"} 2.0
deskpulse_first_response_seconds_bucket{le="+Inf"} 2.0
"""
TIME = "2026-01-01T00:00:00Z"


def row(metric: str, value: float, **labels: str) -> dict[str, Any]:
    return {"time": TIME, "metric": metric, "labels": labels, "value": value}


REPORT = [
    row("open_tickets", 3, status="new"),
    row("first_response_seconds_bucket", 2, le="1209600.0"),
    row("first_response_seconds_bucket", 2, le="+Inf"),
]


def test_edges_are_read_as_reports_write_them() -> None:
    edges = [found["labels"].get("le") for found in rows_of_exposition(TEXT, TIME)]
    assert edges == [None, None, "1209600.0", "+Inf"]


def test_equal_rows_have_no_difference_and_a_shown_zero_is_none() -> None:
    assert row_differences(REPORT, rows_of_exposition(TEXT, TIME)) == []


@pytest.mark.parametrize(
    "report",
    [
        [*REPORT[1:], row("open_tickets", 4, status="new")],
        [*REPORT, row("open_tickets", 1, status="pending")],
        [*REPORT[1:], row("open_tickets", 1, status="on_hold")],
    ],
    ids=["another value", "a row more", "one more and one less"],
)
def test_a_row_that_is_wrong_missing_or_extra_is_a_difference(report: list[dict[str, Any]]) -> None:
    assert row_differences(report, rows_of_exposition(TEXT, TIME))


def test_series_that_the_report_does_not_know_are_not_compared() -> None:
    assert row_differences(REPORT[:1], rows_of_exposition(TEXT, TIME)) == []


def test_samples_are_added_up_or_the_largest_taken() -> None:
    assert total(TEXT, "open_tickets") == 3
    assert most(TEXT, "open_tickets") == 3
    assert total(TEXT, "nothing") == most(TEXT, "nothing") == 0
