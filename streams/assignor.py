"""Which worker gets which partitions: as even in each topic as in all, and as few moved as that allows.

aiokafka's sticky assignor evens out the number of partitions, whatever topics they are of: the second of two
workers gets all partitions of one topic, and where one topic carries most of the traffic nothing is gained. Here
every topic is shared evenly, and what does not divide evenly goes to those who have least. Name and wire format are
the sticky assignor's, so that workers of both kinds can be in one group while they are replaced one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

#: (topic, partition) -> member that had it last
Owners = Mapping[TopicPartition, str]


class EvenInEachTopic(StickyPartitionAssignor):  # type: ignore[misc]  # aiokafka is untyped
    """The leader's share-out; what members say of themselves is the sticky assignor's."""

    @classmethod
    def assign(cls, cluster: Any, members: Mapping[str, Any]) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Member -> its partitions, given the cluster's metadata and the members'."""
        told = {member: cls.parse_member_metadata(metadata) for member, metadata in members.items()}
        owners: dict[TopicPartition, str] = {}
        # the newest generation wins: a worker that was away remembers what others have by now
        for member, _ in sorted(told.items(), key=lambda one: (one[1].generation, one[0])):
            owners.update(dict.fromkeys(told[member].partitions, member))
        subscribers: dict[str, list[str]] = {}
        for member in sorted(told):
            for topic in told[member].subscription:
                subscribers.setdefault(topic, []).append(member)
        shares: dict[str, dict[str, list[int]]] = {member: {} for member in told}
        for topic, sharing in sorted(subscribers.items()):
            having = {member: sum(map(len, shares[member].values())) for member in sharing}
            partitions = sorted(cluster.partitions_for_topic(topic) or ())
            for member, share in _shared(topic, partitions, having, owners).items():
                if share:
                    shares[member][topic] = sorted(share)
        return {
            member: ConsumerProtocolMemberAssignment(cls.version, sorted(share.items()), b"")
            for member, share in shares.items()
        }


def _shared(
    topic: str, partitions: Sequence[int], having: Mapping[str, int], owners: Owners
) -> dict[str, list[int]]:
    """Member -> its share of one topic; ``having``: how many partitions of other topics each has already."""
    kept: dict[str, list[int]] = {member: [] for member in having}
    free: list[int] = []
    for partition in partitions:
        kept.get(owners.get(TopicPartition(topic, partition), ""), free).append(partition)
    quotas = _quotas(len(partitions), kept, having)
    for member, share in kept.items():
        free += share[quotas[member] :]
        del share[quotas[member] :]
    left = iter(sorted(free))
    for member, share in kept.items():
        share += [partition for _, partition in zip(range(quotas[member] - len(share)), left, strict=False)]
    return kept


def _quotas(count: int, kept: Mapping[str, Sequence[int]], having: Mapping[str, int]) -> dict[str, int]:
    """How many each gets: the one more that some get goes to those who have least, then to those who had most."""
    each, more = divmod(count, len(kept))
    order = sorted(kept, key=lambda member: (having[member], -len(kept[member]), member))
    return {member: each + (at < more) for at, member in enumerate(order)}
