"""The topics: policies, sizes, copies and retention, against what this application needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streams.doctor.cluster import BROKERS_FOR_COPIES
from streams.doctor.findings import Finding, Level, ok, problem, warning
from streams.engine.kafka_changelog import BATCH_BYTES
from streams.settings import Settings
from streams.topics import HOUR_MS, Described, Topic, findings_of

#: a batch's header and the framing of its request
OVERHEAD_BYTES = 1024


def topic_findings(
    described: Sequence[tuple[Topic, Described | None]], settings: Settings, *, brokers: int, downtime_ms: int
) -> Iterator[Finding]:
    """What is wrong with each topic; one line that all is well where nothing is.

    ``downtime_ms``: the longest pause of all workers that shall lose nothing; sources should keep twice that.
    """
    for wanted, found in described:
        check = f"topic {wanted.name}"
        if found is None:
            yield problem(check, "it does not exist", "run `deskpulse topics create`")
            continue
        wrong = [
            *_of_every_topic(check, wanted, found, downtime_ms),
            *_of_role(check, wanted, found, settings),
            *_copies(check, found, brokers),
        ]
        yield from wrong or [ok(check, _summary(wanted, found))]


def _of_every_topic(check: str, wanted: Topic, found: Described, downtime_ms: int) -> Iterator[Finding]:
    for one in findings_of(wanted, found, retention_least_ms=2 * downtime_ms):
        what, _, advice = one.message.rpartition(": ")
        level = Level.PROBLEM if one.level == "error" else Level.WARNING
        yield Finding(level, check, what or one.message, advice if what else "")
    if found.configs.get("unclean.leader.election.enable") == "true":
        yield warning(
            check,
            "unclean.leader.election.enable is true, so records that were acknowledged may vanish",
            "set it to false",
        )


def _of_role(check: str, wanted: Topic, found: Described, settings: Settings) -> Iterator[Finding]:
    if wanted.role == "source":
        if found.partitions != settings.partitions:
            yield warning(
                check,
                f"it has {found.partitions} partitions and {settings.partitions} are configured",
                "the topic decides: set DESKPULSE_PARTITIONS to its number, or use `deskpulse topics repartition`",
            )
        kept_bytes = int(found.configs.get("retention.bytes", "-1"))
        if kept_bytes >= 0:
            yield warning(
                check,
                f"retention.bytes is {kept_bytes}, so how long records stay depends on the traffic",
                "set it to -1 and rely on retention.ms",
            )
        return
    largest = int(found.configs.get("max.message.bytes", "1048588"))
    least = BATCH_BYTES + OVERHEAD_BYTES
    if largest < least:
        yield problem(
            check,
            f"max.message.bytes is {largest} and a checkpoint writes batches of {BATCH_BYTES}",
            f"set it to at least {least}",
        )


def _copies(check: str, found: Described, brokers: int) -> Iterator[Finding]:
    if found.replication < BROKERS_FOR_COPIES <= brokers:
        yield warning(
            check,
            f"it has {found.replication} replica{'s' * (found.replication > 1)} on a cluster of {brokers} brokers",
            "reassign it to three, with min.insync.replicas 2",
        )


def _summary(wanted: Topic, found: Described) -> str:
    retention_ms = int(found.configs.get("retention.ms", "-1"))
    kept = "for ever" if retention_ms < 0 else f"for {retention_ms / HOUR_MS:g} h"
    how = "compacted" if wanted.role == "changelog" else f"kept {kept}"
    copies = "1 replica" if found.replication == 1 else f"{found.replication} replicas"
    return f"{found.partitions} partitions, {copies}, {how}"
