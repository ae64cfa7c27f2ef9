"""Reading files of events, and moving them in time."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams import event_files
from streams.event_files import EventFiles, as_they_come, latest_us, read_envelope, shifted
from streams.produce import Produced, Routes, _place

ROUTES = Routes("helpdesk.events", "crm.events")
HOUR_US = 3_600_000_000


def _line(**changes: object) -> bytes:
    event = {
        "specversion": "1.0",
        "id": "1",
        "source": "/desk",
        "type": "helpdesk.ticket.created",
        "subject": "desk/1",
        "time": "2026-01-05T10:00:00Z",
        "data": {},
    }
    return json.dumps({**event, **changes}).encode()


def test_plain_and_compressed_files_are_read_in_the_order_given(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_bytes(b"one\r\n\ntwo")
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b"three\nfour\n"))
    lines = EventFiles([str(tmp_path / "b.jsonl"), str(tmp_path / "a.jsonl.gz")])
    assert list(lines) == [b"one", b"two", b"three", b"four"]
    assert lines.bytes_read == lines.bytes_total > 0


def test_lines_that_come_slowly_are_not_waited_for() -> None:
    more = threading.Event()

    def pipe() -> Iterator[bytes]:
        yield b"one"
        more.wait()
        yield b"two"

    lines = as_they_come(pipe())
    assert next(line for line in lines if line is not None) == b"one"
    assert next(lines) is None
    more.set()
    assert [line for line in lines if line is not None] == [b"two"]


def test_an_error_of_reading_in_the_background_is_raised_in_its_place() -> None:
    def pipe() -> Iterator[bytes]:
        yield b"one"
        raise EOFError("cut short")

    lines = as_they_come(pipe())
    assert next(line for line in lines if line is not None) == b"one"
    with pytest.raises(EOFError, match="cut short"):
        list(lines)


def test_a_missing_file_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        EventFiles([str(tmp_path / "absent.jsonl")])


def test_a_line_too_long_for_a_record_is_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_files, "LINE_BYTES_MOST", 10)
    file = tmp_path / "long.jsonl"
    file.write_bytes(b"short\n" + b"x" * 95 + b"\n0123456789\n" + b"y" * 11)
    produced = Produced()
    assert list(EventFiles([str(file)], produced.note_too_long)) == [b"short", b"0123456789"]
    assert produced.too_long == 2
    assert produced.first_too_long == f"{file}:2"


@pytest.mark.parametrize(
    ("kind", "topic"),
    [
        ("helpdesk.ticket.created", "helpdesk.events"),
        ("crm.lead.won", "crm.events"),
        ("finance.cash_flow.recorded", "crm.events"),
    ],
)
def test_the_type_chooses_the_topic_and_the_subject_is_the_key(kind: str, topic: str) -> None:
    produced = Produced()
    line = _line(type=kind, subject="desk/ü")
    assert _place(line, read_envelope(line), ROUTES, produced) == (topic, "desk/ü".encode())
    assert (produced.not_json, produced.unknown_type) == (0, 0)


@pytest.mark.parametrize("kind", ["weather.rain", "", None, 7, {"helpdesk.": 1}])
def test_an_event_of_no_family_goes_to_the_helpdesk_topic_and_is_counted(kind: object) -> None:
    produced = Produced()
    line = _line(type=kind)
    assert _place(line, read_envelope(line), ROUTES, produced) == ("helpdesk.events", b"desk/1")
    assert produced.unknown_type == 1


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (b"not json", None),
        (b"[1, 2]", None),
        (b'{"subject": "desk/1", "type": "helpdesk', b"desk/1"),
        (b"\xff\xfe", None),
        (b"[" * 100_000, None),
    ],
)
def test_a_line_that_is_no_event_goes_on_with_the_key_it_seems_to_have(line: bytes, key: bytes | None) -> None:
    produced = Produced()
    assert _place(line, read_envelope(line), ROUTES, produced) == ("helpdesk.events", key)
    assert produced.not_json == 1


@pytest.mark.parametrize("subject", [None, 7, "", ["desk/1"]])
def test_a_subject_that_is_no_name_is_no_key(subject: object) -> None:
    line = _line(subject=subject)
    assert _place(line, read_envelope(line), ROUTES, Produced())[1] is None


def test_the_latest_time_counts_offsets_and_skips_what_has_none() -> None:
    lines = [_line(time="2026-01-05T10:00:00+02:00"), _line(time="2026-01-05T09:00:00Z"), _line(time="soon"), b"x"]
    assert latest_us(iter(lines)) == read_envelope(lines[1]).time_us  # type: ignore[union-attr]
    assert latest_us(iter([b"x"])) is None


def test_shifting_moves_every_moment_by_the_same_constant() -> None:
    data = {
        "created_at": "2026-01-04T23:30:00+01:00",
        "first_response_at": "2026-01-05T00:00:00.5Z",
        "waiting_since": None,
        "reopens": 2,
    }
    moved = json.loads(shifted(_line(data=data), HOUR_US))
    assert moved["time"] == "2026-01-05T11:00:00Z"
    assert moved["data"] == {
        "created_at": "2026-01-04T23:30:00Z",
        "first_response_at": "2026-01-05T01:00:00.500000Z",
        "waiting_since": None,
        "reopens": 2,
    }


def test_shifting_keeps_the_bytes_of_everything_else() -> None:
    line = _line().replace(b'"data": {}', b'"data": {"amount": 12345678901234567890.10, "x": "\\u00fc"}')
    moved = shifted(line, HOUR_US)
    assert b'{"amount": 12345678901234567890.10, "x": "\\u00fc"}' in moved


@pytest.mark.parametrize("line", [b"not json", b"[1]", b"\xff"])
def test_shifting_leaves_what_is_no_event_alone(line: bytes) -> None:
    assert shifted(line, HOUR_US) == line


@pytest.mark.parametrize("time", ["soon", 7, None, "2026-01-05T10:00:00"])
def test_shifting_leaves_a_time_that_cannot_be_read(time: object) -> None:
    assert json.loads(shifted(_line(time=time), HOUR_US))["time"] == time


def test_shifting_takes_data_that_is_no_object() -> None:
    assert json.loads(shifted(_line(data=[1]), HOUR_US))["data"] == [1]
