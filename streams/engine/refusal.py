"""Refusals: why a partition is not counted, in one sentence that says what to do.

A refused partition stays not ready, so no rule or board mistakes the rest for the whole. What an operator may
accept as a loss is skipped with ``--accept-loss PARTITION`` and is recorded in the fence.
"""

from __future__ import annotations

from streams.engine.fence import CORE_VERSION, FORMAT, Fence, Loss
from streams.engine.ports import Bounds, SourcePartition, TopicIdentity


class Refused(Exception):  # noqa: N818 - named for what happened
    """A partition that must not be counted; ``name`` is stable, the message is one sentence."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name
        self.sentence = sentence


def no_origin(source: SourcePartition) -> Refused:
    """A new application must say where it begins: guessing would lose or invent history."""
    return Refused(
        "no_origin",
        f"{source} has no state yet: start the worker with --origin earliest to count everything the topic"
        " holds, or with --origin latest to begin now",
    )


def rows_without_fence(source: SourcePartition, changelog: str) -> Refused:
    return Refused(
        "rows_without_fence",
        f"{changelog}[{source.partition}] holds rows but no fence, so it was not written by this program or was"
        " cut: delete the topic to rebuild it from the source, or choose another app_id",
    )


def fences_fall(source: SourcePartition, changelog: str, earlier: Fence, later: Fence) -> Refused:
    return Refused(
        "fences_fall",
        f"{changelog}[{source.partition}] goes back from offset {earlier.next} to {later.next}: two writers"
        " were at work, delete the topic to rebuild it from the source",
    )


def unreadable(source: SourcePartition, changelog: str, format_: int) -> Refused:
    return Refused(
        "format",
        f"{changelog}[{source.partition}] was written in format {format_} and this version reads up to {FORMAT}:"
        " start the newer version again, or delete the topic to rebuild it from the source",
    )


def unknown_rows(source: SourcePartition, changelog: str, error: Exception) -> Refused:
    return Refused(
        "rows",
        f"{changelog}[{source.partition}] holds a row that this version cannot read ({error}): start the version"
        " that wrote it, or delete the topic to rebuild it from the source",
    )


def poisoned(source: SourcePartition, culprits: int) -> Refused:
    return Refused(
        "poisoned",
        f"{source} holds {culprits} records that make this version fail: go back to the version before, and"
        " report the errors in the log",
    )


def check_meaning(source: SourcePartition, changelog: str, fence: Fence, policy_hash: str) -> None:
    """Raise Refused where the rows mean something else than what this worker would write."""
    if fence.core_version != CORE_VERSION:
        raise Refused(
            "core_version",
            f"{changelog}[{source.partition}] was counted by core version {fence.core_version} and this is"
            f" {CORE_VERSION}: choose another app_id with --origin earliest to rebuild it from the source",
        )
    if fence.policy != policy_hash:
        raise Refused(
            "policy",
            f"{changelog}[{source.partition}] was counted under policy {fence.policy} and the settings now say"
            f" {policy_hash}: restore the policy, or choose another app_id with --origin earliest to count anew",
        )


def check_source(
    source: SourcePartition, fence: Fence, identity: TopicIdentity, bounds: Bounds, *, accept_loss: bool
) -> Fence:
    """The fence to go on from, with the loss where one was accepted; raises Refused."""
    if fence.partitions != identity.partitions:
        raise Refused(
            "partitions",
            f"{source.topic} has {identity.partitions} partitions and its state was counted with"
            f" {fence.partitions}, so keys have moved: copy the events to a new topic of the size you want and"
            " start another app_id on it with --origin earliest",
        )
    accept = f"start the worker with --accept-loss {source.partition}"
    if fence.topic_id != identity.topic_id:
        name, to_offset = "topic_id", bounds.start
        sentence = (
            f"{source.topic} is not the topic that was counted (it was deleted and created again): {accept} to"
            " go on with what it holds now, or choose another app_id"
        )
    elif fence.next < bounds.start:
        name, to_offset = "truncated", bounds.start
        sentence = (
            f"{source} begins at offset {bounds.start} but offsets from {fence.next} on were not counted yet"
            f" (retention was shorter than the pause): {accept} to go on without them, or choose another app_id"
        )
    elif fence.next > bounds.end:
        name, to_offset = "rewound", bounds.end
        sentence = (
            f"{source} ends at offset {bounds.end} but {fence.next} were counted (the log lost its end): {accept}"
            " to go on from the end, or choose another app_id with --origin earliest to count anew"
        )
    else:
        return fence
    if not accept_loss:
        raise Refused(name, sentence)
    return fence.with_loss(Loss(fence.next, to_offset, name), topic_id=identity.topic_id)
