"""What numbers are held against: promises from the policy, and goals that it does not name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from metrics_core.policy import Policy
from streams.settings import Settings

#: share of promises to keep; what is left over is the error budget
ATTAINMENT: Final = 0.9
#: share of the answers that are positive
CSAT: Final = 0.8
#: above it the backlog grows
INFLOW: Final = 1.0
#: at the present pace, how long the backlog may last
DAYS_TO_CLEAR: Final = 2.0
#: share of the complaints that may get out of hand
ESCALATION: Final = 0.1
#: share of the customers that may be lost in 30 days
CHURN: Final = 0.05
#: most series that one worker exposes
SERIES: Final[int] = Settings.model_fields["series_budget"].default


@dataclass(frozen=True)
class Promises:
    """Targets of the newest policy version, in seconds."""

    #: channel -> first response
    first_response_s: Mapping[str, int]
    #: the most patient of all first responses
    longest_s: int
    #: the most patient resolution, None where none is promised
    resolution_s: int | None


def promises(policy: Policy) -> Promises:
    """What the newest version of the policy promises; where several hold for a channel, the first."""
    by_channel: dict[str, int] = {}
    for level in policy.newest.sla:
        for channel in level.channels:
            if level.first_response_s is not None:
                by_channel.setdefault(channel, level.first_response_s)
    every = [level.first_response_s for level in policy.newest.sla if level.first_response_s is not None]
    resolutions = [level.resolution_s for level in policy.newest.sla if level.resolution_s is not None]
    # a day where nothing is promised: nobody should wait longer
    return Promises(by_channel, max(every, default=86_400), max(resolutions, default=None))
