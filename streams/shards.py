"""Shards of an application: what a worker counts with, and what a check of it counts with again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from metrics_core import native
from metrics_core.counters import Counters
from metrics_core.shard import Shard
from streams.engine.ports import SourcePartition
from streams.settings import Settings


def topic_kinds(settings: Settings) -> dict[str, Literal["helpdesk", "crm"]]:
    """Source topic -> which events belong on it."""
    return {settings.helpdesk_topic: "helpdesk", settings.crm_topic: "crm"}


def form_of(settings: Settings) -> Literal["compiled", "pure"]:
    """Which form counts here: the common case in C, or Python alone, where C is turned off or was not built."""
    return "compiled" if settings.native and native.AVAILABLE else "pure"


def shard_factory(settings: Settings, counters: Mapping[str, Counters]) -> Callable[[SourcePartition, int], Shard]:
    """A function that makes an empty shard of a partition, given how many partitions its topic has.

    ``counters`` by source topic; shards of one topic share them.
    """
    policy, kinds = settings.core_policy, topic_kinds(settings)
    until_us = settings.clock_at_us if settings.clock == "fixed" else None

    def new_shard(source: SourcePartition, partitions: int) -> Shard:
        return Shard(
            policy,
            counters=counters[source.topic],
            topic=source.topic,
            kind=kinds[source.topic],
            partition=source.partition,
            partitions=partitions,
            until_us=until_us,
            native=settings.native,
        )

    return new_shard
