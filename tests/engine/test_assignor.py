"""Partitions are shared out evenly in each topic, and stay where they are as far as that allows."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from aiokafka import TopicPartition

from streams.assignor import EvenInEachTopic

Shares = Mapping[str, frozenset[TopicPartition]]


class Cluster:
    """Topics and how many partitions each has."""

    def __init__(self, **topics: int) -> None:
        self._topics = topics

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        count = self._topics.get(topic)
        return None if count is None else set(range(count))


def shared(cluster: Cluster, before: Mapping[str, frozenset[TopicPartition] | None], generation: int = 1) -> Shares:
    members = {
        member: EvenInEachTopic._metadata(
            ["crm", "helpdesk"], None if owned is None else sorted(owned), generation if owned else -1
        )
        for member, owned in before.items()
    }
    assigned: Mapping[str, Any] = EvenInEachTopic.assign(cluster, members)
    return {member: frozenset(TopicPartition(*tp) for tp in one.partitions()) for member, one in assigned.items()}


def of_topic(shares: Shares, topic: str) -> list[int]:
    return sorted(sum(tp.topic == topic for tp in share) for share in shares.values())


def moved(before: Shares, after: Shares) -> int:
    """Partitions that have another owner than before."""
    return sum(len(after[member] - owned) for member, owned in before.items() if member in after)


def test_a_second_worker_gets_half_of_each_topic() -> None:
    cluster = Cluster(crm=8, helpdesk=8)
    alone = shared(cluster, {"a": None})
    both = shared(cluster, {**alone, "b": None})
    assert of_topic(both, "crm") == of_topic(both, "helpdesk") == [4, 4]


def test_what_a_worker_leaves_behind_is_all_that_moves() -> None:
    cluster = Cluster(crm=12, helpdesk=12)
    four = shared(cluster, dict.fromkeys("abcd"))
    three = shared(cluster, {member: four[member] for member in "abc"})
    assert moved(four, three) == len(four["d"]) == 6


def test_nothing_moves_where_nobody_comes_or_goes() -> None:
    cluster = Cluster(crm=7, helpdesk=9)
    shares = shared(cluster, dict.fromkeys("abcde"))
    assert shared(cluster, shares) == shares


def test_the_newest_generation_says_who_owned_a_partition() -> None:
    cluster = Cluster(crm=1, helpdesk=1)
    members = {
        member: EvenInEachTopic._metadata(["crm", "helpdesk"], [TopicPartition("crm", 0)], generation)
        for member, generation in (("a", 4), ("b", 5))
    }
    assigned = EvenInEachTopic.assign(cluster, members)
    assert assigned["b"].partitions() == [TopicPartition("crm", 0)]


def test_a_topic_that_nobody_knows_is_shared_out_to_nobody() -> None:
    assert shared(Cluster(crm=2), {"a": None}) == {"a": {TopicPartition("crm", 0), TopicPartition("crm", 1)}}


@pytest.mark.parametrize("seed", range(20))
def test_over_any_joins_and_leaves_each_topic_stays_even_and_each_partition_has_one_owner(seed: int) -> None:
    chance = random.Random(seed)
    sizes = {"crm": chance.randint(1, 30), "helpdesk": chance.randint(1, 30)}
    every = {TopicPartition(topic, number) for topic, count in sizes.items() for number in range(count)}
    cluster, shares = Cluster(**sizes), dict[str, frozenset[TopicPartition]]()
    for number in range(12):
        members: dict[str, frozenset[TopicPartition] | None] = dict(shares)
        if len(members) > 1 and chance.random() < 0.4:
            del members[chance.choice(sorted(members))]
        else:
            members[f"worker-{number}"] = None
        shares = dict(shared(cluster, members, generation=number + 1))
        assert sum(len(share) for share in shares.values()) == len(every)
        assert frozenset().union(*shares.values()) == every
        for counts in (of_topic(shares, "crm"), of_topic(shares, "helpdesk"), sorted(map(len, shares.values()))):
            assert counts[-1] - counts[0] <= 1
