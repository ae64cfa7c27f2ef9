"""A replay from files to output: equal to reports, the same in any order, resumed to the same bytes."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from event_logs import BASE_US, END_US, Event, as_lines, logs
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from metrics_core.policy import Policy
from metrics_core.times import DAY_US, HOUR_US, MINUTE_US, format_us, parse_rfc3339
from streams.replay.choice import choose
from streams.replay.day_folder import MANIFEST, OtherReplayError
from streams.replay.moments import Moments
from streams.replay.run import Outcome, Request, run
from streams.replay.sheets import Form
from streams.report import report_rows

POLICY = Policy()
COMMAND = [sys.executable, "-m", "streams.cli.main", "replay"]
SLOW_START = [HealthCheck.too_slow]  # a busy machine is no defect of a strategy


def history(seed: int = 3, tickets: int = 40, days: int = 4) -> list[Event]:
    """A few days of plain tickets, in order of time."""
    rng = random.Random(seed)
    events: list[Event] = []

    def add(subject: str, kind: str, at_us: int, fields: Event) -> None:
        events.append(
            {
                "specversion": "1.0",
                "id": f"e{len(events)}",
                "source": "desk",
                "type": f"helpdesk.ticket.{kind}",
                "subject": subject,
                "time": format_us(at_us),
                "data": fields,
            }
        )

    for number in range(tickets):
        subject, at_us = f"desk/{number}", BASE_US + rng.randrange(days * DAY_US)
        labels = {"channel": rng.choice(["email", "chat"]), "group": rng.choice(["a", 'b"\\']), "actor": "customer"}
        add(subject, "created", at_us, labels)
        add(subject, "message", at_us + rng.randrange(HOUR_US), {"actor": "agent"})
        if number % 3:
            add(subject, "status_changed", at_us + rng.randrange(HOUR_US, DAY_US), {"to": "resolved"})
    return sorted(events, key=lambda event: parse_rfc3339(event["time"]))


def write(folder: Path, log: list[Event], name: str = "events.jsonl") -> str:
    path = folder / name
    path.write_bytes(b"".join(line + b"\n" for line in as_lines(log)))
    return str(path)


def request(files: list[str], out: Path, **changes: Any) -> Request:
    given: dict[str, Any] = {
        "files": files,
        "choice": choose(POLICY, windows=["1h", "24h"], by=["group"]),
        "length_us": HOUR_US,
        "form": Form.JSONL,
        "out": str(out),
        "is_folder": not out.suffix,
    }
    return Request(**{**given, **changes})


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def differing(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> list[str]:
    """Rows of either that the other does not have."""
    left, right = ({json.dumps(row, sort_keys=True) for row in rows} for rows in (one, other))
    return sorted(left ^ right)


lengths = st.sampled_from([MINUTE_US * 7, HOUR_US, DAY_US, 3 * DAY_US])
breakdowns = st.sampled_from([(), ("group",), ("priority",), ("total",), ("channel", "group")])


@settings(max_examples=40, deadline=None, suppress_health_check=SLOW_START)
@given(logs(), st.integers(0, END_US - BASE_US), lengths, breakdowns, st.integers(0, 2**32))
def test_rows_of_a_step_equal_the_report_as_of_it_in_any_order_of_lines(
    log: list[Event], offset_us: int, length_us: int, by: tuple[str, ...], seed: int
) -> None:
    from_us = BASE_US + offset_us
    shuffled = random.Random(seed).sample(log, len(log))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.jsonl"
        asked = request(
            [write(Path(folder), shuffled)],
            out,
            choice=choose(POLICY, by=by),
            length_us=length_us,
            from_us=from_us,
            to_us=from_us + 3 * length_us,
            run_bytes=1500,
        )
        run(asked)
        got = {time: list(rows) for time, rows in groupby(rows_of(out), key=lambda row: str(row["time"]))}
    steps = range(-(-from_us // length_us) * length_us, from_us + 3 * length_us + 1, length_us)
    assert list(got) == ([format_us(at_us) for at_us in steps] if log else [])
    for at_us in steps if log else ():
        expected = report_rows(as_lines(log), as_of_us=at_us, policy=POLICY, by=by)
        assert differing(got[format_us(at_us)], expected) == []
        assert got[format_us(at_us)] == expected


@settings(max_examples=20, deadline=None, suppress_health_check=SLOW_START)
@given(logs(), st.data())
def test_a_metric_alone_reads_as_it_does_among_all(log: list[Event], data: st.DataObject) -> None:
    everything = report_rows(as_lines(log), as_of_us=END_US, policy=POLICY)
    names = sorted({str(row["metric"]).removesuffix("_bucket").removesuffix("_gcount") for row in everything})
    name = data.draw(st.sampled_from([name for name in names if not name.endswith("_gsum")]))
    parts = (name, f"{name}_bucket", f"{name}_gcount", f"{name}_gsum")
    alone = report_rows(as_lines(log), as_of_us=END_US, policy=POLICY, metrics=[name])
    assert alone == [row for row in everything if row["metric"] in parts]


def test_without_limits_it_goes_from_after_the_first_event_to_after_the_last(tmp_path: Path) -> None:
    log = history()
    out = tmp_path / "out.jsonl"
    run(request([write(tmp_path, log)], out))
    times = sorted({row["time"] for row in rows_of(out)})
    first_us, last_us = (parse_rfc3339(log[place]["time"]) for place in (0, -1))
    assert first_us < parse_rfc3339(times[0]) <= first_us + HOUR_US
    assert last_us < parse_rfc3339(times[-1]) <= last_us + HOUR_US


class StopError(Exception):
    """Stands for whatever ends a replay in the middle."""


def stop_after(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next replay ends with an exception after this many steps."""
    views = Moments.views

    def some(self: Any, events: Any) -> Iterator[Any]:
        for number, view in enumerate(views(self, events)):
            if number == steps:
                raise StopError
            yield view

    monkeypatch.setattr(Moments, "views", some)


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("steps", [0, 30, 50])
def test_a_replay_that_was_stopped_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Form, steps: int
) -> None:
    files = [write(tmp_path, history())]
    run(request(files, tmp_path / "whole", form=form))
    whole = contents(tmp_path / "whole")
    assert len(whole) > 4
    with monkeypatch.context() as patched:
        stop_after(steps, patched)
        with pytest.raises(StopError):
            run(request(files, tmp_path / "parts", form=form))
    left = contents(tmp_path / "parts")
    assert not [name for name in left if name.endswith(".part")], "no torn file stays"
    assert set(left) < set(whole)
    outcome = run(request(files, tmp_path / "parts", form=form))
    assert contents(tmp_path / "parts") == whole
    complete_days = len(left) - 1
    assert (outcome.steps_skipped > 0) == (complete_days > 0)


def test_a_finished_replay_has_nothing_more_to_do(tmp_path: Path) -> None:
    asked = request([write(tmp_path, history())], tmp_path / "out")
    first = run(asked)
    again = run(asked)
    assert (again.steps, again.steps_skipped) == (0, first.steps)


def test_a_folder_of_another_replay_is_refused_unless_forced(tmp_path: Path) -> None:
    files = [write(tmp_path, history())]
    run(request(files, tmp_path / "out"))
    other = request(files, tmp_path / "out", length_us=DAY_US)
    with pytest.raises(OtherReplayError, match="another step"):
        run(other)
    (tmp_path / "out" / "notes.txt").write_text("mine")
    forced = Request(**{**vars(other), "force": True})
    run(forced)
    run(request(files, tmp_path / "fresh", length_us=DAY_US))
    assert contents(tmp_path / "out") == {**contents(tmp_path / "fresh"), "notes.txt": b"mine"}


def test_changed_input_is_another_replay(tmp_path: Path) -> None:
    log = history()
    run(request([write(tmp_path, log)], tmp_path / "out"))
    with pytest.raises(OtherReplayError, match="input"):
        run(request([write(tmp_path, log[:-1])], tmp_path / "out"))


def test_openmetrics_keeps_families_and_label_sets_together(tmp_path: Path) -> None:
    run(request([write(tmp_path, history())], tmp_path / "out", form=Form.OPENMETRICS, replay_id='my "own"'))
    (path, *_) = sorted((tmp_path / "out").glob("*.om"))
    text = path.read_text()
    lines = text.splitlines()
    assert lines[-1] == "# EOF"
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families))
    assert "deskpulse_open_tickets" in families
    assert "deskpulse_first_response_p90" in families
    sets = [key for key, _ in groupby(map(label_set, (line for line in lines if line[0] != "#")))]
    assert len(sets) == len(set(sets)), "samples of a label set are together"
    assert all(r'replay="my \"own\""' in line for line in lines if line[0] != "#")
    # moment by moment: the parser takes a histogram's second timestamp for a repetition
    times = sorted({line.rsplit(" ", 1)[1] for line in lines if line[0] != "#"})
    for time in times[:3]:
        some = [line for line in lines if line[0] == "#" or line.endswith(f" {time}")]
        parsed = {family.name: family for family in text_string_to_metric_families("\n".join(some) + "\n")}  # type: ignore[no-untyped-call]
        assert parsed["deskpulse_first_response_seconds"].type == "gaugehistogram"
    assert len(times) > 5


def label_set(line: str) -> str:
    """Family and labels of a sample, without the parts of a histogram."""
    name, rest = line.split("{", 1)
    for part in ("_bucket", "_gcount", "_gsum"):
        name = name.removesuffix(part)
    return name + rest.rsplit("}", 1)[0].partition(',le="')[0]


def test_rejected_events_are_counted_once(tmp_path: Path) -> None:
    path = write(tmp_path, history())
    with Path(path).open("ab") as file:
        file.write(b'{"broken\n[]\n')
    outcome = run(request([path], tmp_path / "out.jsonl"))
    assert sum(outcome.rejected.values()) == 2


def test_a_history_without_events_gives_an_empty_output(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_bytes(b"")
    outcome = run(request([str(tmp_path / "empty.jsonl")], tmp_path / "out.jsonl"))
    assert outcome == Outcome()
    assert (tmp_path / "out.jsonl").read_bytes() == b""


def command(arguments: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, check=False, timeout=120, **options)


def test_the_command_reads_a_pipe_and_writes_to_one(tmp_path: Path) -> None:
    path = write(tmp_path, history())
    options = ["--step", "1d", "--by", "total", "--metric", "open_tickets", "--format", "csv"]
    from_file = command([path, *options])
    from_pipe = command(["-", *options], input=Path(path).read_bytes())
    assert from_file.returncode == 0, from_file.stderr
    assert from_file.stdout == from_pipe.stdout
    assert from_file.stdout.startswith(b"time,metric,labels,value\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--step", "soon"], b"write 30s, 5m, 1h or 1d"),
        (["--metric", "open_ticket"], b"did you mean open_tickets?"),
        (["--by", "moon"], b"use a label that the policy gives"),
        (["--window", "2h"], b"use one of 1h, 24h, 7d, 30d, all"),
        (["--format", "xml"], b"use jsonl, csv, openmetrics"),
        (["--from", "yesterday"], b"--from"),
    ],
)
def test_a_wrong_option_ends_with_a_sentence(tmp_path: Path, arguments: list[str], sentence: bytes) -> None:
    ended = command([write(tmp_path, history(tickets=1)), *arguments])
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_command_leaves_no_temporary_file(tmp_path: Path, number: signal.Signals) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    path = write(tmp_path, history(tickets=2000, days=40)[::-1])
    out = tmp_path / "out"
    process = subprocess.Popen(
        [*COMMAND, path, "--step", "5m", "-o", str(out)],
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(temporary)},
    )
    try:
        while not (out / MANIFEST).exists() and process.poll() is None:
            pass
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    assert process.returncode == 130, errors
    assert b"goes on from the last complete day" in errors
    assert not list(temporary.iterdir())
    assert not list(out.glob(".*"))
