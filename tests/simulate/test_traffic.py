"""The iterator: deterministic, seamless, bounded."""

from __future__ import annotations

import gzip
import io
from itertools import islice
from pathlib import Path

import pytest

from metrics_core.times import DAY_US, HOUR_US
from streams.simulate import Traffic
from streams.simulate.files import write_lines, write_lines_to

from .conftest import MONDAY_US


def _bytes(traffic: Traffic, count: int = 20_000) -> list[tuple[object, ...]]:
    return [tuple(emission) for emission in islice(traffic, count)]


def test_the_same_seed_gives_the_same_bytes() -> None:
    assert _bytes(Traffic(5, MONDAY_US)) == _bytes(Traffic(5, MONDAY_US))


def test_another_seed_gives_other_events() -> None:
    assert _bytes(Traffic(5, MONDAY_US)) != _bytes(Traffic(6, MONDAY_US))


def test_history_goes_on_into_live_without_a_seam() -> None:
    whole = list(Traffic(5, MONDAY_US).until(MONDAY_US + 2 * DAY_US))
    traffic = Traffic(5, MONDAY_US)
    history = list(traffic.until(MONDAY_US + DAY_US + HOUR_US // 7))
    live = list(islice(traffic, len(whole) - len(history)))
    assert history + live == whole


def test_memory_stops_growing() -> None:
    traffic = Traffic(5, MONDAY_US, 100, customers=100)
    sizes = []
    for week in range(1, 9):
        for _ in traffic.until(MONDAY_US + week * 7 * DAY_US):
            pass
        sizes.append(traffic._schedule.waiting + traffic.open_tickets)
    assert max(sizes[4:]) < 1.6 * max(sizes[:4])


def test_without_crm_there_is_only_the_helpdesk() -> None:
    traffic = Traffic(5, MONDAY_US, crm=False)
    assert {emission.topic for emission in islice(traffic, 5_000)} == {"helpdesk.events"}


def test_office_hours_follow_the_offset() -> None:
    def busiest_hour(utc_offset_h: float) -> int:
        traffic = Traffic(5, MONDAY_US, 4000, crm=False, utc_offset_h=utc_offset_h)
        hours = [0] * 24
        for emission in traffic.until(MONDAY_US + DAY_US):
            if b'"helpdesk.ticket.created"' in emission.value:
                hours[emission.arrival_us // HOUR_US % 24] += 1
        return hours.index(max(hours))

    assert 9 <= busiest_hour(0) <= 15
    assert 1 <= busiest_hour(8) <= 7


def test_a_short_history_can_have_its_incident() -> None:
    def created(first_incident_day: int) -> int:
        traffic = Traffic(5, MONDAY_US, crm=False, first_incident_day=first_incident_day)
        emissions = traffic.until(MONDAY_US + 2 * DAY_US)
        return sum(b'"helpdesk.ticket.created"' in emission.value for emission in emissions)

    assert created(1) > 1.6 * created(5)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ({"tickets_per_day": 0}, "tickets per day"),
        ({"name": 'a"b'}, "name"),
        ({"utc_offset_h": 30}, "offset"),
        ({"customers": 3}, "customers"),
    ],
)
def test_arguments_that_cannot_work_are_refused(wrong: dict[str, object], hint: str) -> None:
    with pytest.raises(ValueError, match=hint):
        Traffic(1, MONDAY_US, **wrong)  # type: ignore[arg-type]


def test_a_file_holds_one_value_a_line(tmp_path: Path) -> None:
    emissions = list(islice(Traffic(5, MONDAY_US), 5_000))
    buffer = io.BytesIO()
    assert write_lines(emissions, buffer) == 5_000
    assert buffer.getvalue().splitlines() == [emission.value for emission in emissions]
    assert write_lines_to(emissions, tmp_path / "day.jsonl.gz") == 5_000
    assert gzip.decompress((tmp_path / "day.jsonl.gz").read_bytes()) == buffer.getvalue()


def test_compressed_files_of_the_same_traffic_are_the_same(tmp_path: Path) -> None:
    for name in ("one.jsonl.gz", "two.jsonl.gz"):
        write_lines_to(islice(Traffic(5, MONDAY_US), 3_000), tmp_path / name)
    assert (tmp_path / "one.jsonl.gz").read_bytes() == (tmp_path / "two.jsonl.gz").read_bytes()


def test_a_file_that_could_not_be_finished_does_not_appear(tmp_path: Path) -> None:
    def broken():  # type: ignore[no-untyped-def]
        yield from islice(Traffic(5, MONDAY_US), 10)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_lines_to(broken(), tmp_path / "day.jsonl")
    assert list(tmp_path.iterdir()) == []
