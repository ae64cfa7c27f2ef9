"""Resolution: creation to a change to resolved or closed of an unresolved ticket."""

from metrics_core import facts
from metrics_core.families.base import Family
from metrics_core.series import Series

_NAME = "resolution_seconds"

FAMILY = Family(
    id="resolution",
    question="How long until a customer's problem is solved?",
    series=(
        Series(
            _NAME,
            "histogram",
            ("window", "clock", "resolution"),
            "Creation to resolution, of resolutions in the window: the first of a ticket; full, the last one, "
            "taken back by a reopen; every one, kept.",
            enums={"clock": ("calendar",), "resolution": ("first", "full", "every")},
        ),
    ),
    durations={
        facts.RESOLUTION_FIRST: (_NAME, {"clock": "calendar", "resolution": "first"}),
        facts.RESOLUTION_FULL: (_NAME, {"clock": "calendar", "resolution": "full"}),
        facts.RESOLUTION_EVERY: (_NAME, {"clock": "calendar", "resolution": "every"}),
    },
)
