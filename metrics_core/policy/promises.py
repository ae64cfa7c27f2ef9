"""What the newest version of a policy promises, as one number each, for boards and alerts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from metrics_core.policy.policy import Policy

#: where nothing is promised: nobody should wait longer for a first answer, or for a solution
_DAY_S: Final = 86_400
_WEEK_S: Final = 604_800


@dataclass(frozen=True)
class Promises:
    """Targets of the newest policy version, in seconds."""

    #: channel -> first response
    first_response_s: Mapping[str, int]
    #: the most patient of all first responses
    longest_s: int
    #: the longest that a customer may wait for any answer
    oldest_unanswered_s: int
    #: what nine of ten resolutions keep to, and whose clock it is meant by
    resolution_p90_s: int
    resolution_clock: str


def promises(policy: Policy) -> Promises:
    """What the newest version promises, and the goals that follow from it; where several service levels hold for a
    channel, the first."""
    goals, levels = policy.goals, policy.newest.sla
    by_channel: dict[str, int] = {}
    for level in levels:
        for channel in level.channels:
            if level.first_response_s is not None:
                by_channel.setdefault(channel, level.first_response_s)
    longest_s = max((one.first_response_s for one in levels if one.first_response_s is not None), default=_DAY_S)
    slowest = max(
        ((one.resolution_s, one.calendar is not None) for one in levels if one.resolution_s is not None),
        default=(_WEEK_S, False),
    )
    return Promises(
        first_response_s=by_channel,
        longest_s=longest_s,
        # the first answer is promised, later ones need not be: a customer who writes again waits as long once more
        oldest_unanswered_s=goals.oldest_unanswered_s or 2 * longest_s,
        resolution_p90_s=goals.resolution_p90_s or slowest[0],
        resolution_clock="business" if goals.resolution_p90_s is None and slowest[1] else "calendar",
    )
