"""`deskpulse topics repartition` on a real broker: the same records, once, whatever happens on the way."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from operated_desk import PARTITIONS, Desk, Written, event, wire

from metrics_core.build import build
from metrics_core.partitioner import partition_for
from metrics_core.records import Record
from metrics_core.shard import Shard
from metrics_core.times import parse_rfc3339
from streams.connect import client_arguments
from streams.log_reader import LogReader
from streams.produce import TopicWriter
from streams.repartition import repartition
from streams.report import series_rows
from streams.settings import ConfigurationError, Settings

pytestmark = pytest.mark.broker

#: several transactions, so that there is something to kill in the middle of
MANY = 24_000
NEW = 5
AS_OF_US = parse_rfc3339("2026-03-03T00:00:00Z")


async def records_of(settings: Settings, topic: str) -> dict[int, list[Record]]:
    """Committed records by partition."""
    found: dict[int, list[Record]] = {}
    async with LogReader(settings) as log:
        for source in log.partitions(topic):
            start, end = (await log.bounds([source]))[source]
            found[source.partition] = [r async for records in log.read(source, start, end) for r in records]
    return found


def contents(records: dict[int, list[Record]]) -> Counter[Any]:
    """What a copy must keep of each record."""
    return Counter((r.key, r.value, r.timestamp, tuple(r.headers)) for of_one in records.values() for r in of_one)


def tickets(count: int) -> list[Written]:
    """Each ticket is created, answered and resolved; some records cannot be used."""
    records = []
    for number in range(count):
        ticket = f"T-{number // 3}"
        kind, fields = (
            ("created", {"channel": "chat"}),
            ("message", {"actor": "agent"}),
            ("status_changed", {"to": "resolved"}),
        )[number % 3]
        one = event(f"e{number}", ticket, time=f"2026-03-02T{number % 3 + 10}:{number % 60:02d}:00Z")
        value = wire({**one, "type": f"helpdesk.ticket.{kind}", "data": fields})
        headers = (("trace", b"%d" % number), ("empty", None))
        records.append(Written(ticket.encode(), b"no json" if number % 50 == 0 else value, headers=headers))
    return records


def report(settings: Settings, records: dict[int, list[Record]]) -> list[dict[str, Any]]:
    """Every series as workers with so many partitions come to it, added up over partitions."""
    frozen = []
    for partition, of_one in records.items():
        shard = Shard(
            settings.core_policy, topic="t", kind="helpdesk", partition=partition, partitions=len(records)
        )
        shard.apply(of_one)
        assert not shard.counters.rejected["wrong_partition"]
        frozen.append(shard.freeze(AS_OF_US))
    return list(series_rows(build(frozen, settings.core_policy)))


async def fill(settings: Settings, count: int) -> None:
    """So many records, as fast as it goes."""
    async with TopicWriter(client_arguments(settings)) as writer:
        for one in tickets(count):
            await writer.write(settings.helpdesk_topic, one.key, one.value, int(time.time() * 1000))
        await writer.flush()


def copy(desk: Desk, target: str, *options: str) -> subprocess.CompletedProcess[str]:
    return desk.deskpulse("topics", "repartition", desk.settings.helpdesk_topic, target, *options)


def test_a_copy_holds_the_same_records_and_counts_the_same(desk: Desk, topic_name: Callable[..., str]) -> None:
    target = topic_name("copy")
    desk.write(*tickets(240))
    done = copy(desk, target, "--partitions", str(NEW))
    assert done.returncode == 0, done.stderr
    assert f"{target} has {NEW} partitions and holds what {desk.settings.helpdesk_topic} held" in done.stdout
    assert f'set helpdesk_topic = "{target}" and another app_id' in done.stdout
    before = asyncio.run(records_of(desk.settings, desk.settings.helpdesk_topic))
    after = asyncio.run(records_of(desk.settings, target))
    assert (len(before), len(after)) == (PARTITIONS, NEW)
    assert contents(after) == contents(before)
    for partition, records in after.items():
        assert {partition_for(record.key or b"", NEW) for record in records} <= {partition}
    assert report(desk.settings, after) == report(desk.settings, before)
    assert any(row["value"] for row in report(desk.settings, after))


def test_a_second_run_copies_only_what_has_arrived_since(desk: Desk, topic_name: Callable[..., str]) -> None:
    target = topic_name("copy")
    desk.write(*tickets(60))
    assert copy(desk, target, "--partitions", "1").returncode == 0
    again = copy(desk, target)
    assert again.returncode == 0, again.stderr
    assert again.stdout.count(": 0 records copied") == PARTITIONS
    desk.write(Written(b"T-late", wire(event("late", "T-late"))))
    assert ": 1 records copied" in copy(desk, target, "--partitions", "1").stdout
    before = asyncio.run(records_of(desk.settings, desk.settings.helpdesk_topic))
    assert contents(asyncio.run(records_of(desk.settings, target))) == contents(before)


def test_a_copy_that_is_killed_goes_on_without_repeating_anything(
    desk: Desk, topic_name: Callable[..., str]
) -> None:
    target = topic_name("copy")
    asyncio.run(fill(desk.settings, MANY))
    killed = subprocess.Popen(
        [
            *(sys.executable, "-m", "streams.cli.main", "topics", "repartition"),
            *(desk.settings.helpdesk_topic, target),
            *("--partitions", str(NEW), "--brokers", str(desk.settings.brokers)),
        ],
        cwd=desk.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while killed.poll() is None and not asyncio.run(something_of(desk.settings, target)):
            assert time.monotonic() < deadline
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    done = copy(desk, target)
    assert done.returncode == 0, done.stderr
    before = asyncio.run(records_of(desk.settings, desk.settings.helpdesk_topic))
    assert sum(map(len, before.values())) == MANY
    assert contents(asyncio.run(records_of(desk.settings, target))) == contents(before)


async def something_of(settings: Settings, topic: str) -> bool:
    """Whether a topic is there and holds anything."""
    async with LogReader(settings) as log:
        if not log.has(topic):
            return False
        bounds = await log.bounds(log.partitions(topic))
        return any(one.end for one in bounds.values())


class Stopped(Exception):  # noqa: N818 - named for what happened
    """Raised in the middle."""


async def test_a_transaction_that_was_under_way_is_copied_by_the_next_run(
    desk: Desk, topic_name: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    target = topic_name("copy")
    await fill(desk.settings, 3000)
    with monkeypatch.context() as patched:

        async def stop(_self: Any, _offsets: Any, _group: str) -> None:
            raise Stopped

        patched.setattr("aiokafka.AIOKafkaProducer.send_offsets_to_transaction", stop)
        with pytest.raises(Stopped):
            await repartition(desk.settings, desk.settings.helpdesk_topic, target, NEW)
    assert sum(map(len, (await records_of(desk.settings, target)).values())) == 0
    done = await repartition(desk.settings, desk.settings.helpdesk_topic, target, None)
    assert sum(done.records.values()) == 3000
    before = await records_of(desk.settings, desk.settings.helpdesk_topic)
    assert contents(await records_of(desk.settings, target)) == contents(before)


def test_what_retention_took_between_two_runs_is_named(desk: Desk, topic_name: Callable[..., str]) -> None:
    target = topic_name("copy")
    desk.write(*(Written(b"T-1", b"1", 1) for _ in range(3)))
    assert copy(desk, target, "--partitions", "2").returncode == 0
    desk.write(*(Written(b"T-1", b"2", 1) for _ in range(4)))
    desk.delete_records(1)
    done = copy(desk, target)
    assert done.returncode == 1
    assert done.stderr == f"{desk.settings.helpdesk_topic}[1]: offsets 3 to 7 were gone before they were copied\n"


@pytest.mark.parametrize(
    ("target", "options", "said"),
    [
        ("{new}", (), "{new} does not exist: say with --partitions"),
        ("{helpdesk}", (), "{helpdesk} cannot be copied to"),
        ("{rejected}", (), "{rejected} cannot be copied to"),
        ("{crm}", ("--partitions", "7"), "{crm} exists with 3 partitions"),
    ],
)
async def test_what_cannot_be_copied_to_is_one_sentence(
    desk: Desk, topic_name: Callable[..., str], target: str, options: Sequence[str], said: str
) -> None:
    settings = desk.settings
    names = {
        "new": topic_name("new"),
        "helpdesk": settings.helpdesk_topic,
        "rejected": settings.rejected_topic,
        "crm": settings.crm_topic,
    }
    wanted = int(options[1]) if options else None
    with pytest.raises(ConfigurationError) as error:
        await repartition(settings, settings.helpdesk_topic, target.format(**names), wanted)
    assert str(error.value).startswith(said.format(**names))


async def test_a_topic_with_records_of_another_origin_is_not_copied_into_unasked(desk: Desk) -> None:
    settings = desk.settings
    await desk.write_now(Written(b"T-1", wire(event("e1", "T-1"))))
    with pytest.raises(ConfigurationError, match="--again"):
        await repartition(settings, settings.crm_topic, settings.helpdesk_topic, None)
    done = await repartition(settings, settings.crm_topic, settings.helpdesk_topic, None, again=True)
    assert sum(done.records.values()) == 0
