"""Lines of files in the order of their events, whatever the order of the lines."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from event_logs import Event, as_lines, logs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics_core.policy import Policy
from metrics_core.rows import sequence_key
from metrics_core.times import parse_rfc3339
from streams.event_files import EventFiles
from streams.replay.event_order import EventOrder
from streams.replay.external_sort import ExternalSort

POLICY = Policy()


def write(folder: Path, lines: list[bytes], name: str = "events.jsonl") -> EventFiles:
    path = folder / name
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return EventFiles([str(path)])


def key(event: Event) -> tuple[int, str, str, str]:
    return parse_rfc3339(event["time"]), sequence_key(event.get("sequence")), event["id"], event["source"]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(logs(), st.integers(1, 3000), st.integers(2, 3))
def test_events_come_by_time_then_sequence_then_id(log: list[Event], run_bytes: int, fan_in: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = write(Path(folder), as_lines(log))
        with EventOrder(files, policy=POLICY, run_bytes=run_bytes, fan_in=fan_in) as order:
            order.read()
            got = list(order)
            assert got == list(order), "it can be read again"
    lines = as_lines(sorted(log, key=key))
    assert [line for _, line in got] == lines
    assert [time_us for time_us, _ in got] == sorted(key(event)[0] for event in log)
    assert order.events == len(log)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.binary(max_size=40), max_size=200), st.integers(1, 600), st.integers(2, 4))
def test_an_external_sort_sorts(items: list[bytes], run_bytes: int, fan_in: int) -> None:
    with ExternalSort(run_bytes=run_bytes, fan_in=fan_in) as sort:
        for item in items:
            sort.add(item)
        assert list(sort.merged([b"", b"m", b"z"])) == sorted([*items, b"", b"m", b"z"])


def plain(number: int, minute: int) -> Event:
    return {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "desk",
        "type": "helpdesk.ticket.created",
        "subject": f"desk/{number}",
        "time": f"2026-03-02T{minute // 60:02}:{minute % 60:02}:00Z",
        "data": {},
    }


def test_a_file_whose_times_never_fall_is_not_sorted_on_disk(tmp_path: Path) -> None:
    events = [plain(number, number // 3) for number in range(300)]
    random.Random(1).shuffle(events)
    events.sort(key=lambda event: str(event["time"]))  # ids of one moment stay shuffled
    with EventOrder(write(tmp_path, as_lines(events)), policy=POLICY, run_bytes=100) as order:
        order.read()
        assert not order.is_sorted_on_disk
        assert [line for _, line in order] == as_lines(sorted(events, key=key))


def test_what_is_no_event_is_counted_once_and_left_out(tmp_path: Path) -> None:
    strange = plain(9, 9)
    strange["type"] = "helpdesk.ticket.exploded"
    foreign = {**plain(8, 8), "tenant": "somebody else"}
    early = {**plain(7, 7), "time": "0001-01-01T00:00:00Z"}
    good = as_lines([plain(1, 1), plain(2, 0)])
    lines = [good[0], b"{", as_lines([strange])[0], good[1], *as_lines([foreign, early])]
    with EventOrder(write(tmp_path, lines), policy=POLICY) as order:
        order.read()
        assert [line for _, line in order] == [good[1], good[0]]
        assert order.rejected == {
            "invalid_json": 1,
            "unknown_type": 1,
            "foreign_tenant": 1,
            "time_out_of_range": 1,
        }
        assert order.first_us == parse_rfc3339("2026-03-02T00:00:00Z")


def test_temporary_files_are_gone_after_an_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    events = [plain(number, 600 - number) for number in range(100)]
    files = write(tmp_path, as_lines(events))

    def interrupted() -> None:
        with EventOrder(files, policy=POLICY, run_bytes=2000) as order:
            order.read()
            next(iter(order))
            assert list(temporary.iterdir())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not list(temporary.iterdir())
