"""Refusals: why a partition is not counted, in one sentence that says what to do.

A refused partition stays not ready, so no rule or board mistakes the rest for the whole. What an operator may
accept as a loss is skipped with ``--accept-loss PARTITION`` and is recorded in the fence.
"""

from __future__ import annotations

from metrics_core.policy import BASE_SETTINGS
from metrics_core.times import format_us
from streams.engine.fence import CORE_VERSION, FORMAT, OLDEST_FORMAT, Fence, Loss
from streams.engine.policy_marks import PolicyMarks
from streams.engine.ports import Bounds, SourcePartition, TopicIdentity


class Refused(Exception):  # noqa: N818 - named for what happened
    """A partition that must not be counted; ``name`` is stable, the message is one sentence."""

    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.name = name
        self.sentence = sentence


class PolicyRefused(Refused):
    """The policy would count anew what was counted. No partition can be counted under it, so the worker ends."""

    def __init__(self, sentence: str) -> None:
        super().__init__("policy", sentence)


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
        f"{changelog}[{source.partition}] was written in format {format_} and this version reads"
        f" {OLDEST_FORMAT} to {FORMAT}: start the version that wrote it, or delete the topic to rebuild it from the"
        " source",
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


def check_core_version(source: SourcePartition, changelog: str, fence: Fence) -> None:
    """Raise Refused where the rows mean something else than what this worker would write."""
    if fence.core_version != CORE_VERSION:
        raise Refused(
            "core_version",
            f"{changelog}[{source.partition}] was counted by core version {fence.core_version} and this is"
            f" {CORE_VERSION}: choose another app_id with --origin earliest to rebuild it from the source",
        )


def check_policy(source: SourcePartition, counted: PolicyMarks, now: PolicyMarks, clock_us: int) -> None:
    """Raise PolicyRefused where going on under ``now`` would count otherwise what was counted up to ``clock_us``.

    A version is used once the clock has reached it; one that is only announced may still be changed or dropped.
    """
    if not clock_us:
        return
    if counted.base != now.base:
        raise PolicyRefused(
            f"the settings that hold for good ({_base_names()}) were changed after {source} had been counted"
            " under them: restore them, or choose another app_id with --origin earliest to count anew"
        )
    after = f"with an effective_from after {format_us(clock_us)}"
    for number, mark in sorted(counted.versions.items()):
        if mark.effective_us > clock_us:
            continue
        if number not in now.versions:
            raise PolicyRefused(
                f"policy version {number} was used to count {source} and is not configured any more: restore it,"
                f" and put what shall replace it under version {max(now.next_number, number + 1)} {after}"
            )
        if now.versions[number] != mark:
            raise PolicyRefused(
                f"policy version {number} was changed after it had been used to count {source}: restore it, and"
                f" put the change under version {now.next_number} {after}"
            )
    used = {number for number, mark in counted.versions.items() if mark.effective_us <= clock_us}
    for number, mark in sorted(now.versions.items()):
        if number not in used and mark.effective_us <= clock_us:
            raise PolicyRefused(
                f"policy version {number} would take effect at {format_us(mark.effective_us)}, within what was"
                f" counted of {source} already: give it {after.removeprefix('with ')}"
            )


def _base_names() -> str:
    # the tenant is a setting of its own, not a key of the policy
    return ", ".join(name if name == "tenant" else f"policy.{name}" for name in BASE_SETTINGS)


def check_source(
    source: SourcePartition, fence: Fence, identity: TopicIdentity, bounds: Bounds, *, accept_loss: bool
) -> Fence:
    """The fence to go on from, with the loss where one was accepted; raises Refused."""
    if fence.partitions != identity.partitions:
        raise Refused(
            "partitions",
            f"{source.topic} has {identity.partitions} partitions and its state was counted with"
            f" {fence.partitions}, so keys have moved: copy the events to a topic of the right size with"
            " `deskpulse topics repartition` and start another app_id on it with --origin earliest",
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
