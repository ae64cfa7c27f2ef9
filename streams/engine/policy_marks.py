"""Policy marks: what a partition was counted under, so that a changed policy is noticed before it counts.

Counts are not taken back when the policy changes. So what has been in force stays as it is, and what is new
begins after everything that was counted; anything else would mix two meanings in one number.
"""

from __future__ import annotations

import msgspec

from metrics_core.policy import Policy


class VersionMark(msgspec.Struct, frozen=True):
    """One version: digits that change with it, and since when it is in force (us; 0 = since ever)."""

    digits: str
    effective_us: int


class PolicyMarks(msgspec.Struct, frozen=True):
    """A policy: digits of what holds for good, and its versions by number."""

    base: str
    versions: dict[int, VersionMark]

    @property
    def next_number(self) -> int:
        """The number of a version to come."""
        return max(self.versions) + 1


def marks_of(policy: Policy) -> PolicyMarks:
    """The marks of a policy as it is configured."""
    marks = policy.marks
    return PolicyMarks(
        marks["base"],
        {one.version: VersionMark(marks[str(one.version)], one.effective_us) for one in policy.versions},
    )
