"""Every kind of bad input has its reason, and does not touch what comes after it."""

from __future__ import annotations

import pytest
from bad_kinds import BAD_INPUTS, PARTITIONS, RECORD_TIME_MS, BadInput, home_of, line

from metrics_core.policy import Policy
from metrics_core.records import FileRecord
from metrics_core.rejects import Reason
from metrics_core.shard import Shard


def shard_at(partition: int) -> Shard:
    return Shard(Policy(), topic="helpdesk", kind="helpdesk", partition=partition, partitions=PARTITIONS)


def record_of(bad: BadInput, offset: int = 0) -> FileRecord:
    return FileRecord(bad.value, offset, bad.key, RECORD_TIME_MS, tuple(bad.headers))


def good_record(partition: int, offset: int = 1) -> FileRecord:
    subject = next(name for name in map("good/{}".format, range(100)) if home_of(name.encode()) == partition)
    return FileRecord(line(id=f"good-{offset}", subject=subject), offset, subject.encode(), RECORD_TIME_MS)


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name)
def test_bad_input_is_rejected_for_its_own_reason_and_the_next_event_counts(bad: BadInput) -> None:
    shard = shard_at(bad.at)
    shard.apply([record_of(bad), good_record(bad.at)])
    assert dict(shard.counters.rejected) == ({} if bad.reason is None else {bad.reason: 1})
    assert shard.counters.tombstones == (bad.reason is None)
    assert dict(shard.counters.processed) == {"helpdesk.ticket.message": 1}


@pytest.mark.parametrize("bad", [bad for bad in BAD_INPUTS if bad.reason], ids=lambda bad: bad.name)
def test_a_reject_carries_the_record_as_it_came_and_one_line_of_detail(bad: BadInput) -> None:
    shard = shard_at(bad.at)
    shard.apply([record_of(bad, offset=7)])
    [reject] = shard.take_rejects()
    assert (reject.offset, reject.key, reject.value, reject.timestamp) == (7, bad.key, bad.value, RECORD_TIME_MS)
    assert reject.detail
    assert "\n" not in reject.detail


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name)
def test_bad_input_leaves_no_trace_in_the_state(bad: BadInput) -> None:
    with_it, without = shard_at(bad.at), shard_at(bad.at)
    with_it.apply([record_of(bad), good_record(bad.at)])
    without.apply([good_record(bad.at)])
    assert list(with_it.drain()) == list(without.drain())


def test_rejects_are_handed_over_once() -> None:
    shard = shard_at(home_of(b"bad/1"))
    shard.apply([record_of(BAD_INPUTS[0])])
    assert shard.rejects_bytes > 0
    assert len(shard.take_rejects()) == 1
    assert shard.take_rejects() == []
    assert shard.rejects_bytes == 0


def test_every_reason_has_an_example() -> None:
    """What no single record can show is shown elsewhere: too late and beyond history in tests/core."""
    elsewhere = {Reason.TOO_LATE, Reason.BEYOND_HISTORY, Reason.INTERNAL_ERROR}
    assert {bad.reason for bad in BAD_INPUTS if bad.reason} == {str(reason) for reason in set(Reason) - elsewhere}


def test_a_file_has_no_record_time_so_nothing_in_it_is_from_the_future() -> None:
    shard = Shard(Policy())
    shard.apply([FileRecord(line(time="2150-01-01T00:00:00Z"), 0)])
    assert not shard.counters.rejected
