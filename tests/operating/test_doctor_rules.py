"""What the doctor says of clusters, groups, topics and samples that no test broker can be."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from metrics_core.policy import Policy
from streams.doctor.cluster import Cluster, cluster_findings, group_findings
from streams.doctor.findings import Finding, Level
from streams.doctor.protocol import Group, Member
from streams.doctor.run import worst_of
from streams.doctor.sample import Sample, label_findings, sample_findings
from streams.doctor.topics import topic_findings
from streams.settings import load_settings
from streams.topics import Described, plan

SETTINGS = load_settings(brokers="one:9092,two:9092")
LIMITS = {
    "transaction.max.timeout.ms": "900000",
    "transactional.id.expiration.ms": "604800000",
    "socket.request.max.bytes": "104857600",
    "group.min.session.timeout.ms": "6000",
    "group.max.session.timeout.ms": "1800000",
}
HOUR_MS = 3_600_000


def cluster(brokers: int = 3, **limits: str) -> Cluster:
    named = {name.replace("_", "."): value for name, value in limits.items()}
    return Cluster(
        brokers={number: f"b{number}:9092" for number in range(brokers)},
        releases=dict.fromkeys(range(brokers), "4.3"),
        configs={number: {**LIMITS, **named} for number in range(brokers)},
        group=Group("Empty"),
    )


def said(findings: list[Finding], least: Level = Level.WARNING) -> list[str]:
    """Level and beginning of what is not well."""
    return [f"{one.level} {one.found}" for one in findings if one.level is not Level.OK or least is Level.OK]


def test_a_cluster_as_it_should_be_has_nothing_to_say() -> None:
    findings = list(cluster_findings(cluster(), SETTINGS))
    assert worst_of(findings) is Level.OK
    assert "3 answer, Apache Kafka 4.3" in [one.found for one in findings]


@pytest.mark.parametrize(
    ("limits", "level", "begins"),
    [
        ({"transaction_max_timeout_ms": "10000"}, "problem", "transaction.max.timeout.ms is 10000"),
        ({"transactional_id_expiration_ms": "60000"}, "warning", "transactional.id.expiration.ms is 60000"),
        ({"socket_request_max_bytes": "100000"}, "problem", "socket.request.max.bytes is 100000"),
        ({"group_max_session_timeout_ms": "20000"}, "problem", "session_timeout_s is 30 and the brokers allow"),
        ({"auto_create_topics_enable": "true"}, "warning", "auto.create.topics.enable is on"),
    ],
)
def test_a_limit_of_the_brokers_that_cannot_work_is_named(limits: dict[str, str], level: str, begins: str) -> None:
    (only,) = said(list(cluster_findings(cluster(**limits), SETTINGS)))
    assert only.startswith(f"{level} {begins}")


def test_a_broker_that_does_not_answer_is_a_problem() -> None:
    away = cluster()
    away.releases[1] = None
    del away.configs[1]
    assert said(list(cluster_findings(away, SETTINGS))) == [
        "problem b1:9092 is part of the cluster and does not answer"
    ]


def test_transactions_with_one_copy_on_three_brokers_are_a_warning() -> None:
    poor = cluster()
    poor.topics["__transaction_state"] = {"partitions": [{"replicas": [1], "leader": 1}]}
    assert [one[:30] for one in said(list(cluster_findings(poor, SETTINGS)))] == ["warning it has 1 replicas, so "]


def test_one_configured_address_of_several_brokers_is_a_warning() -> None:
    one = SETTINGS.model_copy(update={"brokers": "one:9092"})
    assert said(list(cluster_findings(cluster(), one)))[0].startswith("warning one address is configured")
    assert said(list(cluster_findings(cluster(brokers=1), one))) == []


def test_configuration_that_may_not_be_read_is_said_and_nothing_is_guessed() -> None:
    secret = cluster()
    secret.configs = {number: {} for number in secret.configs}
    assert said(list(cluster_findings(secret, SETTINGS))) == [
        "warning this user may not read the brokers' configuration"
    ]


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        (None, ["warning deskpulse cannot be described"]),
        (Group("Dead"), []),
        (Group("Stable", (Member("", "/10.0.0.1"),)), []),
        (Group("Stable", (Member("a", "/10.0.0.1"), Member("b", "/10.0.0.2"))), []),
        (Group("PreparingRebalance", (Member("a", "/10.0.0.1"),)), ["warning deskpulse is in state"]),
        (
            Group("Stable", (Member("a", "/10.0.0.1"), Member("", "/10.0.0.2"))),
            ["problem 2 workers run and 1 of them (10.0.0.2) have no instance_id"],
        ),
    ],
)
def test_who_is_in_the_group_is_judged(group: Group | None, expected: list[str]) -> None:
    found = said(list(group_findings(group, {}, SETTINGS)))
    assert len(found) == len(expected)
    assert all(one.startswith(begins) for one, begins in zip(found, expected, strict=True))


def test_more_workers_than_partitions_are_a_warning() -> None:
    members = tuple(Member(f"w{number}", "/10.0.0.1") for number in range(3))
    topics: dict[str, Any] = {"helpdesk.events": {"partitions": [{}]}, "crm.events": {"partitions": [{}]}}
    (only,) = said(list(group_findings(Group("Stable", members), topics, SETTINGS)))
    assert only.startswith("warning 3 workers share 2 partitions")


def described(role: str, **changes: Any) -> list[Finding]:
    """Findings for one topic of the plan, as it should be but for some changes; configs are added."""
    wanted = next(topic for topic in plan(SETTINGS) if topic.role == role)
    configs = {**wanted.configs, **changes.pop("configs", {})}
    found = replace(Described(wanted.name, "id", wanted.partitions, wanted.replication, 0, configs), **changes)
    return list(topic_findings([(wanted, found)], SETTINGS, brokers=1, downtime_ms=24 * HOUR_MS))


@pytest.mark.parametrize(
    ("role", "changes", "begins"),
    [
        (
            "source",
            {"configs": {"cleanup.policy": "compact"}},
            "problem cleanup.policy is compact and loses events",
        ),
        ("source", {"configs": {"retention.ms": str(HOUR_MS)}}, "warning retention.ms is 3600000"),
        ("source", {"configs": {"retention.bytes": "1000"}}, "warning retention.bytes is 1000"),
        ("source", {"partitions": 5}, "warning it has 5 partitions and 8 are configured"),
        ("source", {"leaderless": 1}, "problem 1 of 8 partitions have no leader"),
        (
            "changelog",
            {"configs": {"cleanup.policy": "compact,delete"}},
            "problem cleanup.policy is compact,delete",
        ),
        ("changelog", {"configs": {"max.message.bytes": "1000"}}, "problem max.message.bytes is 1000"),
        ("changelog", {"partitions": 5}, "problem it has 5 partitions and its source 8"),
        ("rejected", {"configs": {"max.message.bytes": "1000"}}, "problem max.message.bytes is 1000"),
        (
            "changelog",
            {"configs": {"unclean.leader.election.enable": "true"}},
            "warning unclean.leader.election.enable is true",
        ),
    ],
)
def test_a_topic_that_loses_something_is_named(role: str, changes: dict[str, Any], begins: str) -> None:
    (only,) = said(described(role, **changes))
    assert only.startswith(begins)


@pytest.mark.parametrize("role", ["source", "changelog", "rejected"])
def test_a_topic_as_it_should_be_is_one_line(role: str) -> None:
    (only,) = described(role)
    assert only.level is Level.OK


def test_one_replica_on_three_brokers_is_a_warning() -> None:
    wanted = plan(SETTINGS)[0]
    found = Described(wanted.name, "id", wanted.partitions, 1, 0, wanted.configs)
    (only,) = said(list(topic_findings([(wanted, found)], SETTINGS, brokers=3, downtime_ms=HOUR_MS)))
    assert only == "warning it has 1 replica on a cluster of 3 brokers"


def test_clocks_that_are_ahead_are_named_with_whose_they_are() -> None:
    now_ms = 1_000_000_000
    ahead = Sample("t", records=1, newest_ms=now_ms + 60_000, ahead_us=601_000_000)
    found = said(list(sample_findings(ahead, now_ms=now_ms, appended_by="a broker")))
    assert found[0].startswith(
        "warning the newest record is 60 s ahead of this machine's clock (a broker stamped it)"
    )
    assert found[1].startswith("problem an event's time is 601 s after its record's")
    level = Sample("t", records=1, newest_ms=now_ms - 7000, ahead_us=-1)
    assert said(list(sample_findings(level, now_ms=now_ms, appended_by="a broker"))) == []


def test_a_label_with_too_many_values_gets_a_list_that_can_be_pasted() -> None:
    values = {"group": Counter({f"g{number}": 100 - number for number in range(60)}), "channel": Counter("ab")}
    (only,) = label_findings(values, Policy.parse({"label_limit": 30}))
    assert only.level is Level.WARNING
    assert only.found.startswith("group has 60 values in the sample and 30 are shown")
    assert '[policy.label_values] group = ["g0", "g1", ' in only.advice


def test_labels_within_their_bounds_are_fine() -> None:
    (only,) = label_findings({"channel": Counter("ab")}, Policy())
    assert (only.level, only.found) == (Level.OK, "at most 2 values of a label (channel), 100 can be shown")
