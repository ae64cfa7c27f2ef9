"""`deskpulse doctor` on a real broker: well as created, and each way of being broken found."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from aiokafka.admin import NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from operated_desk import PARTITIONS, Desk, Written, event, wire

from metrics_core.partitioner import partition_for
from metrics_core.times import format_us
from streams.demo.worker_process import WorkerProcess
from streams.settings import Settings
from streams.topics import admin_client, changelog_name, ensure_topics

pytestmark = pytest.mark.broker


def findings(desk: Desk, *options: str, status: int = 0) -> dict[str, list[str]]:
    """What the command says: check -> "level found" of each of its lines."""
    done = desk.deskpulse("doctor", "--json", *options)
    assert done.returncode == status, done.stdout + done.stderr
    out: dict[str, list[str]] = {}
    for one in json.loads(done.stdout):
        out.setdefault(one["check"], []).append(f"{one['level']} {one['found']}")
    return out


def alter(settings: Settings, topic: str, configs: dict[str, str]) -> None:
    async def now() -> None:
        async with admin_client(settings) as admin:
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs)])

    asyncio.run(now())


def now_text(ahead_s: float = 0) -> str:
    return format_us(int((time.time() + ahead_s) * 1e6))


def test_what_was_just_created_is_well(desk: Desk) -> None:
    key = b"T-1"
    desk.write(Written(key, wire(event("e1", "T-1", time=now_text()))))
    done = desk.deskpulse("doctor")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == "0 problems, 0 warnings", done.stdout
    for line in (
        "ok      brokers: 1 answers, Apache Kafka 4.",
        "ok      consumer group: ",
        "ok      transactions: ",
    ):
        assert line in done.stdout
    assert f"ok      records of {desk.settings.helpdesk_topic}: 1 sampled" in done.stdout


def test_broken_topics_are_problems_with_what_to_do(desk: Desk) -> None:
    settings = desk.settings
    changelog = changelog_name(settings, settings.helpdesk_topic)
    alter(settings, settings.crm_topic, {"cleanup.policy": "compact"})
    alter(settings, changelog, {"cleanup.policy": "delete"})
    alter(settings, settings.helpdesk_topic, {"retention.ms": "3600000"})
    deadline = time.monotonic() + 30
    while True:
        done = desk.deskpulse("doctor")
        expected = (
            f"problem topic {settings.crm_topic}: cleanup.policy is compact and loses events: set it to delete",
            f"problem topic {changelog}: cleanup.policy is delete and loses state: set it to compact",
            f"warning topic {settings.helpdesk_topic}: retention.ms is 3600000: ",
        )
        # the controller answers before the broker has heard of the change
        if done.returncode == 1 and all(line in done.stdout for line in expected):
            return
        assert time.monotonic() < deadline, done.stdout


def test_a_tolerated_downtime_of_its_own_is_asked_of_the_retention(desk: Desk) -> None:
    check = f"topic {desk.settings.helpdesk_topic}"
    assert findings(desk, "--downtime-h", "80")[check] == ["ok 3 partitions, 1 replica, kept for 168 h"]
    assert findings(desk, "--downtime-h", "90")[check] == ["warning retention.ms is 604800000"]


def test_missing_topics_and_wrong_partition_counts_are_problems(desk: Desk, topic_name: Callable[..., str]) -> None:
    settings = desk.settings.model_copy(update={"app_id": topic_name("other"), "crm_topic": topic_name("gone")})
    other = Desk(settings, desk.folder)

    async def create() -> None:
        async with admin_client(settings) as admin:
            await admin.create_topics([NewTopic(changelog_name(settings, settings.helpdesk_topic), 2, 1)])

    asyncio.run(create())
    found = findings(other, status=1)
    assert found[f"topic {settings.crm_topic}"] == ["problem it does not exist"]
    wrong = found[f"topic {changelog_name(settings, settings.helpdesk_topic)}"]
    assert "problem it has 2 partitions and its source 3" in wrong


def test_what_lies_on_a_topic_is_looked_at(desk: Desk) -> None:
    misplaced = (partition_for(b"T-2", PARTITIONS) + 1) % PARTITIONS
    desk.write(
        Written(None, wire(event("e1", "T-1", time=now_text())), 0),
        Written(b"T-2", wire(event("e2", "T-2", time=now_text())), misplaced),
        Written(b"T-3", wire(event("e3", "T-4", time=now_text(ahead_s=3600)))),
        Written(b"T-5", b"no json"),
    )
    found = findings(desk, status=1)
    assert [line.partition(",")[0] for line in found[f"records of {desk.settings.helpdesk_topic}"]] == [
        "problem 1 of 4 sampled have no key and are rejected",
        "problem 1 of 4 sampled have a key that is not their subject and are rejected",
        "problem 1 of 4 sampled lie on another partition than murmur2 of their key gives",
        "warning 1 of 4 sampled cannot be used (1 invalid_json)",
    ]
    (clock,) = found[f"clocks of {desk.settings.helpdesk_topic}"]
    assert clock.startswith("problem an event's time is 3")
    assert found[f"records of {desk.settings.crm_topic}"][0].startswith("ok there are none yet")


def test_labels_beyond_their_bounds_are_found_in_the_sample(desk: Desk) -> None:
    desk.write(
        *(
            Written(b"T-1", wire(event(f"e{number}", "T-1", time=now_text(), data={"channel": f"c{number}"})))
            for number in range(5)
        )
    )
    config = desk.folder / "deskpulse.toml"
    config.write_text("[policy]\nlabel_limit = 3\n", encoding="utf-8")
    assert findings(desk)["label bounds"] == [
        "warning channel has 5 values in the sample and 3 are shown, the rest as `other`"
    ]


def test_two_workers_without_an_instance_id_are_a_problem(desk: Desk) -> None:
    asyncio.run(ensure_topics(desk.settings))
    settings = desk.settings.model_copy(update={"origin": "earliest"})
    with WorkerProcess(settings) as one:
        one.wait_ready()
        assert findings(desk)["consumer group"] == [f"ok 1 worker, {settings.app_id} is stable"]
        with WorkerProcess(settings):
            deadline = time.monotonic() + 60
            while True:
                done = desk.deskpulse("doctor", "--json")
                group = [line for line in json.loads(done.stdout) if line["check"] == "consumer group"]
                if done.returncode == 1 and group[0]["found"].startswith("2 workers run and 2 of them"):
                    break
                assert time.monotonic() < deadline, group


def test_a_cluster_that_does_not_answer_is_a_problem_and_not_a_trace(desk: Desk) -> None:
    lines: list[dict[str, Any]]
    done = desk.deskpulse("doctor", "--json", "--brokers", "127.0.0.1:1")
    lines = json.loads(done.stdout)
    assert done.returncode == 1
    assert [line["check"] for line in lines if line["level"] == "problem"] == ["brokers"]
    assert lines[-1]["found"].startswith("no Kafka broker answers at 127.0.0.1:1")


def test_a_setting_that_cannot_work_is_a_problem_and_not_a_trace(desk: Desk) -> None:
    (desk.folder / "deskpulse.toml").write_text("partitions = 0\n", encoding="utf-8")
    plain = Desk(desk.settings.model_copy(update={"partitions": 8}), desk.folder)
    done = plain.deskpulse("doctor")
    assert done.returncode == 1
    assert done.stdout.startswith("problem configuration: setting partitions: ")
