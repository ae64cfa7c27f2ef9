"""The command from outside: quick to start, mistakes in one sentence, reports in three formats."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from streams.cli.main import VERBS

#: what a verb must not load before it is needed: seconds of start
HEAVY = ("faust", "aiokafka", "aiohttp", "mode", "grafana_foundation_sdk")
#: prints which heavy packages a verb's help has loaded
PROBE = """
import sys
from streams.cli import main
sys.argv = ["deskpulse", {verb!r}, "--help"]
try:
    main.main()
except SystemExit as end:
    assert not end.code, end.code
print("LOADED", *[name for name in {heavy!r} if name in sys.modules])
"""

#: (metric, labels) -> value
Report = dict[tuple[str, frozenset[tuple[str, str]]], float]

EVENTS = (
    ("created", "T-1", "2026-03-02T10:00:00Z", {"channel": "chat", "group": "a"}),
    ("message", "T-1", "2026-03-02T10:05:00Z", {"actor": "agent"}),
    ("status_changed", "T-1", "2026-03-02T11:00:00Z", {"to": "resolved"}),
    ("created", "T-2", "2026-03-03T10:00:00Z", {"channel": "email", "group": "a"}),
)


def lines() -> str:
    return "".join(
        json.dumps(
            {
                "specversion": "1.0",
                "id": str(number),
                "source": "desk",
                "type": f"helpdesk.ticket.{kind}",
                "subject": subject,
                "time": time,
                "data": fields,
            }
        )
        + "\n"
        for number, (kind, subject, time, fields) in enumerate(EVENTS)
    )


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text(lines(), encoding="utf-8")
    return path


def deskpulse(
    *arguments: str | Path, folder: Path, given: str | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder without settings; the process ends here, by its time limit at the latest."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DESKPULSE_")}
    return subprocess.run(
        [sys.executable, "-m", "streams.cli.main", *map(str, arguments)],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "200", "NO_COLOR": "1", **variables},
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
    )


def rows(done: subprocess.CompletedProcess[str]) -> Report:
    assert done.returncode == 0, done.stderr
    return {(row["metric"], frozenset(row["labels"].items())): row["value"] for row in json.loads(done.stdout)}


def total(report: Report, metric: str, **labels: str) -> float:
    return sum(value for (name, given), value in report.items() if name == metric and labels.items() <= given)


# -- starting ---------------------------------------------------------------------------------------------


def test_the_command_lists_its_verbs(tmp_path: Path) -> None:
    done = deskpulse("--help", folder=tmp_path)
    assert done.returncode == 0
    assert all(verb in done.stdout for verb in VERBS)


def test_the_command_without_a_verb_shows_its_help(tmp_path: Path) -> None:
    done = deskpulse(folder=tmp_path)
    assert "Usage" in done.stdout + done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_and_loads_nothing_heavy_for_it(verb: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(verb=verb, heavy=HEAVY)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert f"Usage: deskpulse {verb}" in done.stdout
    assert done.stdout.splitlines()[-1].split() == ["LOADED"]


def test_an_unknown_verb_is_refused(tmp_path: Path) -> None:
    done = deskpulse("explode", folder=tmp_path)
    assert done.returncode == 2
    assert "explode" in done.stderr


def test_the_version_and_the_form_that_was_built_are_printed(tmp_path: Path) -> None:
    done = deskpulse("--version", folder=tmp_path)
    assert done.returncode == 0
    version, form = done.stdout.split()
    assert version[0].isdigit()
    assert form in ("(compiled)", "(pure)")


# -- configuration errors ---------------------------------------------------------------------------------


def assert_one_sentence(done: subprocess.CompletedProcess[str], *named: str) -> None:
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    [sentence] = done.stderr.strip().splitlines()
    assert sentence.startswith("deskpulse: ")
    for name in named:
        assert name in sentence


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("colour = 'red'", ["colour"]),
        ("clock_at = '2026-03-02T00:00:00Z'", ["clock_at", "fixed"]),
        ("clock = 'fixed'", ["clock_at"]),
        ("clock = 'fixed'\nclock_at = 'noon'", ["clock_at"]),
        ("clock = 'sundial'", ["clock"]),
        ("partitions = 0", ["partitions"]),
        ("http_port = 70000", ["http_port"]),
        ("sasl_mechanism = 'PLAIN'", ["sasl_username", "sasl_password"]),
        ("[policy]\npreset = 'nonsense'", ["policy.preset"]),
        ("[policy]\nmood = 1", ["policy", "mood"]),
        ("[policy]\nhorizon_days = 3", ["policy.horizon_days"]),
        ("partitions = ", ["deskpulse.toml"]),
    ],
)
def test_a_setting_that_cannot_work_is_one_sentence_and_exit_status_2(
    text: str, named: list[str], events: Path
) -> None:
    (events.parent / "deskpulse.toml").write_text(text, encoding="utf-8")
    assert_one_sentence(deskpulse("report", events, folder=events.parent), *named)


def test_a_variable_that_cannot_work_is_one_sentence(events: Path) -> None:
    done = deskpulse("report", events, folder=events.parent, DESKPULSE_PARTITIONS="many")
    assert_one_sentence(done, "partitions")


def test_a_settings_file_that_does_not_exist_is_one_sentence(events: Path) -> None:
    done = deskpulse("report", events, "--config", "nowhere.toml", folder=events.parent)
    assert_one_sentence(done, "nowhere.toml", "--config")


@pytest.mark.parametrize(
    ("verb", "address"),
    [
        *((["topics", "check"], address) for address in ("kafka", "kafka:", ":9092", "kafka:99999", "kafka:9092,")),
        (["topics", "create"], "kafka:port"),
        (["produce", "events.jsonl"], "kafka"),
        (["worker"], "kafka"),
    ],
)
def test_an_address_that_is_none_is_one_sentence(verb: list[str], address: str, events: Path) -> None:
    assert_one_sentence(deskpulse(*verb, "--brokers", address, folder=events.parent), "host:port")


@pytest.mark.parametrize("verb", [["worker"], ["produce", "events.jsonl"], ["topics", "list"]])
def test_no_broker_at_all_is_one_sentence(verb: list[str], events: Path) -> None:
    assert_one_sentence(deskpulse(*verb, folder=events.parent), "DESKPULSE_BROKERS")


@pytest.mark.parametrize("verb", [["report"], ["produce", "--brokers", "127.0.0.1:9"]])
def test_a_file_that_does_not_exist_is_one_sentence(verb: list[str], tmp_path: Path) -> None:
    assert_one_sentence(deskpulse(*verb, "nothing.jsonl", folder=tmp_path), "nothing.jsonl")


@pytest.mark.parametrize("cut", [slice(40), slice(2, None), slice(0, 30)])
def test_a_compressed_file_that_is_broken_is_one_sentence(cut: slice, tmp_path: Path) -> None:
    (tmp_path / "broken.gz").write_bytes(gzip.compress(lines().encode())[cut])
    assert_one_sentence(deskpulse("report", "broken.gz", folder=tmp_path), "broken.gz")


@pytest.mark.parametrize(
    ("option", "value"),
    [("--as-of", "noon"), ("--as-of", "2026-03-02T00:00:00"), ("--window", "2h"), ("--by", "mood")],
)
def test_a_question_that_cannot_be_answered_is_one_sentence(option: str, value: str, events: Path) -> None:
    assert_one_sentence(deskpulse("report", events, option, value, folder=events.parent), option)


# -- reports ----------------------------------------------------------------------------------------------


def test_a_report_in_json_has_a_row_per_value(events: Path) -> None:
    report = rows(deskpulse("report", events, "--format", "json", folder=events.parent))
    assert total(report, "tickets", window="all", flow="created") == 2
    assert total(report, "open_tickets") == 1
    assert total(report, "first_response_seconds_gsum", window="all") == 300
    assert total(report, "first_response_mean", window="all") == 300


def test_a_report_in_csv_says_the_same_as_the_one_in_json(events: Path) -> None:
    report = rows(deskpulse("report", events, "--format", "json", folder=events.parent))
    done = deskpulse("report", events, "--format", "csv", folder=events.parent)
    assert done.returncode == 0, done.stderr
    table = list(csv.DictReader(io.StringIO(done.stdout)))
    assert list(table[0]) == ["time", "metric", "labels", "value"]
    assert {
        (row["metric"], frozenset(json.loads(row["labels"]).items())): float(row["value"]) for row in table
    } == report


def test_a_report_for_people_is_a_table(events: Path) -> None:
    done = deskpulse("report", events, folder=events.parent)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stdout.splitlines()) > 10


def test_a_report_as_of_a_moment_counts_events_before_it(events: Path) -> None:
    done = deskpulse("report", events, "--as-of", "2026-03-02T11:00:00Z", "--format", "json", folder=events.parent)
    report = rows(done)
    assert total(report, "open_tickets") == 1
    assert total(report, "tickets", window="all", flow="resolved") == 0
    assert {row["time"] for row in json.loads(done.stdout)} == {"2026-03-02T11:00:00Z"}


def test_a_report_may_be_asked_in_any_offset(events: Path) -> None:
    asked = [
        deskpulse("report", events, "--as-of", moment, "--format", "json", folder=events.parent).stdout
        for moment in ("2026-03-02T11:00:00Z", "2026-03-02T13:00:00+02:00")
    ]
    assert asked[0] == asked[1]


def test_a_report_shows_only_the_windows_asked_for(events: Path) -> None:
    arguments = ("--window", "1h", "--window", "7d", "--as-of", "2026-03-03T10:30:00Z", "--format", "json")
    report = rows(deskpulse("report", events, *arguments, folder=events.parent))
    assert {dict(labels)["window"] for _, labels in report if "window" in dict(labels)} == {"1h", "7d"}
    assert total(report, "tickets", window="1h", flow="created") == 1
    assert total(report, "tickets", window="7d", flow="created") == 2


def test_a_derived_metric_may_be_broken_down_by_a_label(events: Path) -> None:
    report = rows(deskpulse("report", events, "--by", "channel", "--format", "json", folder=events.parent))
    assert total(report, "first_response_mean", window="all", channel="chat") == 300


def test_compressed_files_and_standard_input_give_the_same_report(events: Path) -> None:
    packed = events.with_suffix(".jsonl.gz")
    packed.write_bytes(gzip.compress(events.read_bytes()))
    plain = deskpulse("report", events, "--format", "json", folder=events.parent).stdout
    assert deskpulse("report", packed, "--format", "json", folder=events.parent).stdout == plain
    assert deskpulse("report", "-", "--format", "json", folder=events.parent, given=lines()).stdout == plain


def test_what_a_report_cannot_use_is_said_on_stderr_and_the_rest_counts(events: Path) -> None:
    with events.open("a", encoding="utf-8") as file:
        file.write("hello\n" + '{"specversion": "1.0"}\n')
    done = deskpulse("report", events, "--format", "json", folder=events.parent)
    assert "2 events rejected: 1 invalid_json, 1 missing_field" in done.stderr
    assert total(rows(done), "tickets", window="all", flow="created") == 2


def test_a_report_of_nothing_is_an_answer(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    done = deskpulse("report", "empty.jsonl", "--format", "json", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
