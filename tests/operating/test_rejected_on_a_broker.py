"""`deskpulse rejected` on a real broker: what is shown, what is sent again, and what is lost."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import pytest
from operated_desk import PARTITIONS, Desk, Written, event, wire

from metrics_core.partitioner import partition_for
from streams.demo.worker_process import WorkerProcess
from streams.engine.rejected import MAX_VALUE_BYTES

pytestmark = pytest.mark.broker


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def misplaced(ticket: str) -> Written:
    """An event on a partition that its key does not belong on."""
    key = ticket.encode()
    return Written(key, wire(event(f"e-{ticket}", ticket)), (partition_for(key, PARTITIONS) + 1) % PARTITIONS)


def test_rejects_are_counted_by_reason_and_shown_with_what_can_be_read(desk: Desk) -> None:
    desk.write(Written(b"T-1", b"no json"), Written(b"T-2", wire(event("e2", "T-3"))), misplaced("T-4"))
    assert desk.reject() == {"invalid_json": 1, "wrong_key": 1, "wrong_partition": 1}
    shown = desk.deskpulse("rejected", "list")
    assert shown.returncode == 0, shown.stderr
    for text in ("wrong_key", "invalid_json", "helpdesk.ticket.created T-3 e2", "not readable"):
        assert text in shown.stdout
    by_reason = {row["reason"]: row for row in rows(desk.deskpulse("rejected", "list", "--json"))}
    assert by_reason["wrong_key"]["event"] == {
        "id": "e2",
        "source": "test",
        "subject": "T-3",
        "type": "helpdesk.ticket.created",
    }
    assert by_reason["invalid_json"]["value"] == "no json"
    assert by_reason["wrong_key"]["partition"] == partition_for(b"T-2", PARTITIONS)


def test_a_list_can_be_narrowed(desk: Desk) -> None:
    desk.write(Written(b"T-1", b"no json"), Written(b"T-2", b"[]"), misplaced("T-4"))
    desk.reject()

    def reasons(*options: str) -> list[str]:
        return [row["reason"] for row in rows(desk.deskpulse("rejected", "list", "--json", *options))]

    assert reasons("--reason", "wrong_partition") == ["wrong_partition"]
    assert len(reasons("--limit", "2")) == 2
    assert len(reasons("--since", "1h")) == 3
    assert reasons("--since", "2999-01-01T00:00:00Z") == []
    assert reasons("--topic", desk.settings.crm_topic) == []


def test_an_unknown_reason_is_one_sentence_that_names_the_known_ones(desk: Desk) -> None:
    done = desk.deskpulse("rejected", "list", "--reason", "nonsense")
    assert done.returncode == 2
    assert done.stderr.startswith("deskpulse: --reason nonsense: choose one of invalid_utf8, ")
    assert done.stderr.count("\n") == 1


def test_a_redrive_writes_the_record_as_it_was_to_the_partition_of_its_key(desk: Desk) -> None:
    attributes = {name: text for name, text in event("e9", "T-9").items() if name != "data"}
    binary = Written(
        b"T-9",
        b'{"channel": "email"}',
        (partition_for(b"T-9", PARTITIONS) + 1) % PARTITIONS,
        (*((f"ce_{name}", text.encode()) for name, text in attributes.items()), ("trace", None)),
    )
    desk.write(binary, misplaced("T-4"))
    assert desk.reject() == {"wrong_partition": 2}
    dry = desk.deskpulse("rejected", "redrive", "--reason", "wrong_partition", "--dry-run")
    assert "would send again: 2 wrong_partition" in dry.stderr
    assert len(desk.records()) == 2
    done = desk.deskpulse("rejected", "redrive", "--reason", "wrong_partition")
    assert (done.returncode, done.stderr) == (0, "sent again: 2 wrong_partition\n")
    assert len(done.stdout.splitlines()) == 2
    found = desk.records()
    assert len(found) == 4
    assert (partition_for(b"T-9", PARTITIONS), b"T-9", binary.value, binary.headers) in found
    assert [row["event"]["id"] for row in rows(desk.deskpulse("rejected", "list", "--json"))].count("e9") == 1


def test_what_was_rejected_twice_is_sent_once(desk: Desk) -> None:
    desk.write(misplaced("T-4"))
    desk.reject()
    desk.reject()
    done = desk.deskpulse("rejected", "redrive", "--reason", "wrong_partition")
    assert done.stderr == "sent again: 1 wrong_partition\n1 were rejected more than once and are sent once\n"
    assert len(desk.records()) == 2


def test_a_value_that_was_cut_is_read_again_from_its_source(desk: Desk) -> None:
    long = wire(event("e1", "T-1", data={"note": "x" * (MAX_VALUE_BYTES + 1000)}))
    desk.write(
        Written(b"T-1", long, (partition_for(b"T-1", PARTITIONS) + 1) % PARTITIONS), Written(b"T-2", b"filler")
    )
    desk.reject()
    listed = rows(desk.deskpulse("rejected", "list", "--json", "--reason", "wrong_partition"))
    assert [(row["cut"], row["size_bytes"], len(row["value"])) for row in listed] == [
        (True, len(long), MAX_VALUE_BYTES)
    ]
    done = desk.deskpulse("rejected", "redrive", "--reason", "wrong_partition")
    assert done.returncode == 0, done.stderr
    assert [(at, value) for at, key, value, _ in desk.records() if key == b"T-1"].count(
        (partition_for(b"T-1", PARTITIONS), long)
    ) == 1


def test_a_cut_value_that_the_source_does_not_hold_any_more_is_lost_and_the_status_says_so(desk: Desk) -> None:
    long = wire(event("e1", "T-1", data={"note": "x" * (MAX_VALUE_BYTES + 1000)}))
    at = (partition_for(b"T-1", PARTITIONS) + 1) % PARTITIONS
    desk.write(Written(b"T-1", long, at), misplaced("T-4"))
    desk.reject()
    desk.delete_records(at)
    done = desk.deskpulse("rejected", "redrive", "--reason", "wrong_partition")
    assert done.returncode == 1
    assert f"lost: {desk.settings.helpdesk_topic}[{at}] 0 (wrong_partition" in done.stderr
    assert "1 cannot be sent" in done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_a_cut_value_is_checked_against_its_hash(desk: Desk) -> None:
    long = wire(event("e1", "T-1", data={"note": "x" * (MAX_VALUE_BYTES + 1000)}))
    at = (partition_for(b"T-1", PARTITIONS) + 1) % PARTITIONS
    desk.write(Written(b"T-2", b"not this one", at), Written(b"T-1", long, at))
    desk.reject(offset_shift=-1)
    done = desk.deskpulse("rejected", "redrive", "--reason", "wrong_partition")
    assert done.returncode == 1
    assert "another record at this offset" in done.stderr
    assert len(desk.records()) == 2


def test_a_worker_counts_what_was_sent_again_once_however_often_it_is_sent(desk: Desk) -> None:
    desk.write(misplaced("T-4"))
    settings = desk.settings.model_copy(update={"origin": "earliest", "checkpoint_interval_s": 0.3})
    with WorkerProcess(settings) as worker:
        worker.wait_ready()
        wait_for(worker, "deskpulse_events_rejected_total", "wrong_partition", 1)
        wait_for_reject(desk)
        for _ in range(2):
            assert desk.deskpulse("rejected", "redrive", "--reason", "wrong_partition").returncode == 0
        wait_for(worker, "deskpulse_events_duplicate_total", "", 1)
        wait_for(worker, "deskpulse_events_processed_total", "helpdesk.ticket.created", 2)
        wait_for(worker, "deskpulse_open_tickets{", "", 1)


def wait_for_reject(desk: Desk) -> None:
    """Until the checkpoint that holds the reject has been written."""
    deadline = time.monotonic() + 60
    while not desk.deskpulse("rejected", "list", "--json").stdout:
        assert time.monotonic() < deadline


def wait_for(worker: WorkerProcess, series: str, label: str, value: float) -> None:
    """Until the worker shows a value, summed over the lines of a series with a label value."""
    deadline = time.monotonic() + 60
    while True:
        lines = [line for line in worker.metrics().splitlines() if line.startswith(series) and label in line]
        shown = sum(float(line.rpartition(" ")[2]) for line in lines)
        if shown == value:
            return
        assert time.monotonic() < deadline, lines
        time.sleep(0.2)
