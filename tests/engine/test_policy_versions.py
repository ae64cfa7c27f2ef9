"""What was counted under a policy stays: a used version never changes, a new one begins after it."""

from __future__ import annotations

from typing import Any

import pytest
from memory_world import SOURCE, LogRow, MemoryWorld, desk, fence_row

from metrics_core.policy import Policy
from metrics_core.times import format_us
from streams.engine.policy_marks import PolicyMarks, VersionMark, marks_of
from streams.engine.refusal import PolicyRefused

CLOCK_US = 1_000_000
ONE, TWO = VersionMark("one", 0), VersionMark("two", CLOCK_US + 1)
USED = {"1": {"digits": "one", "effective_us": 0}}


def counted(versions: dict[str, Any] | None = None, *, clock_us: int = CLOCK_US) -> LogRow:
    return fence_row(clock_us=clock_us, policy={"base": "base", "versions": versions or USED})


def configured(*versions: VersionMark, base: str = "base") -> PolicyMarks:
    return PolicyMarks(base, dict(enumerate(versions, 1)))


def world_with(row: LogRow) -> MemoryWorld:
    world = MemoryWorld()
    world.logs[SOURCE].rows.append(row)
    return world


async def refusal(row: LogRow, policy: PolicyMarks) -> str:
    """The sentence that ends the worker; the partition was never served, and its changelog is as it was."""
    world = world_with(row)
    made = desk(world, policy=policy)
    await made.assign(SOURCE)
    await made.until(lambda: made.member.crashed)
    assert isinstance(made.member.crashed, PolicyRefused)
    assert made.table.fetchable() == set()
    assert world.logs[SOURCE].rows == [row]
    await made.table.shutdown()
    return made.member.crashed.sentence


async def accepted(row: LogRow, policy: PolicyMarks) -> list[PolicyMarks]:
    """What the fences say the partition is counted under, from the one it began with on."""
    world = world_with(row)
    made = desk(world, policy=policy)
    await made.assign(SOURCE)
    await made.ready(SOURCE)
    await made.table.shutdown()
    assert made.member.crashed is None
    return [fence.policy for fence in world.fences()]


async def test_a_changed_version_that_was_used_ends_the_worker_and_names_the_way_out() -> None:
    said = await refusal(counted(), configured(VersionMark("other", 0)))
    assert "policy version 1 was changed after it had been used" in said
    assert f"put the change under version 2 with an effective_from after {format_us(CLOCK_US)}" in said


async def test_a_used_version_cannot_be_moved_to_another_moment() -> None:
    used = {**USED, "2": {"digits": "two", "effective_us": CLOCK_US}}
    said = await refusal(counted(used), configured(ONE, VersionMark("moved", CLOCK_US + 9)))
    assert "policy version 2 was changed" in said
    assert "under version 3" in said


async def test_a_changed_base_ends_the_worker_and_says_what_is_in_it() -> None:
    said = await refusal(counted(), configured(ONE, base="another"))
    assert "tenant, policy.horizon_days, policy.history_events, policy.roster" in said


async def test_a_used_version_that_is_not_configured_any_more_ends_the_worker() -> None:
    used = {**USED, "2": {"digits": "two", "effective_us": CLOCK_US}}
    said = await refusal(counted(used), configured(ONE))
    assert "policy version 2 was used" in said
    assert "under version 3" in said


@pytest.mark.parametrize("effective_us", [CLOCK_US, CLOCK_US - 1])
async def test_a_new_version_that_would_reach_into_what_was_counted_ends_the_worker(effective_us: int) -> None:
    said = await refusal(counted(), configured(ONE, VersionMark("two", effective_us)))
    assert f"policy version 2 would take effect at {format_us(effective_us)}" in said
    assert f"give it an effective_from after {format_us(CLOCK_US)}" in said


async def test_a_new_version_after_all_that_was_counted_is_accepted_and_written() -> None:
    policy = configured(ONE, TWO)
    assert await accepted(counted(), policy) == [configured(ONE), policy]


async def test_a_version_that_is_only_announced_may_be_changed() -> None:
    announced = {**USED, "2": {"digits": "two", "effective_us": CLOCK_US + 1}}
    policy = configured(ONE, VersionMark("thought better of", CLOCK_US + 5))
    assert (await accepted(counted(announced), policy))[-1] == policy


async def test_a_version_that_is_only_announced_may_be_dropped() -> None:
    announced = {**USED, "2": {"digits": "two", "effective_us": CLOCK_US + 1}}
    assert (await accepted(counted(announced), configured(ONE)))[-1] == configured(ONE)


async def test_a_partition_that_has_counted_nothing_takes_any_policy() -> None:
    policy = configured(VersionMark("other", 0), base="another")
    assert (await accepted(counted(clock_us=0), policy))[-1] == policy


async def test_the_same_policy_writes_nothing_on_its_own() -> None:
    assert await accepted(counted(), configured(ONE)) == [configured(ONE)]


def policy_of(*versions: dict[str, Any], **base: Any) -> Policy:
    return Policy.parse({**base, "versions": list(versions)})


def test_marks_tell_versions_apart_and_leave_out_how_numbers_are_shown() -> None:
    later = {"version": 2, "effective_from": "2026-03-01T00:00:00Z", "idle_days": 30}
    one = marks_of(policy_of({"idle_days": 60}))
    two = marks_of(policy_of({"idle_days": 60}, later, label_limit=7, gauge_labels=["group"]))
    assert one.base == two.base
    assert one.versions[1] == two.versions[1] != two.versions[2]
    assert one.base != marks_of(policy_of({"idle_days": 60}, horizon_days=80)).base
    assert format_us(two.versions[2].effective_us).startswith("2026-03-01T00:00:00")
