"""Resolution: creation to a change to resolved or closed of an unresolved ticket."""

from metrics_core import facts
from metrics_core.families.base import CLOCKS, Family
from metrics_core.series import Series

_NAME = "resolution_seconds"
_KINDS = ("first", "full", "every")


def _durations() -> dict[int, tuple[str, tuple[dict[str, str], ...]]]:
    codes = {
        "calendar": (facts.RESOLUTION_FIRST, facts.RESOLUTION_FULL, facts.RESOLUTION_EVERY, facts.RESOLUTION_ALL),
        "business": (
            facts.RESOLUTION_FIRST_BUSINESS,
            facts.RESOLUTION_FULL_BUSINESS,
            facts.RESOLUTION_EVERY_BUSINESS,
            facts.RESOLUTION_ALL_BUSINESS,
        ),
    }
    bound = {}
    for clock, (*each, every_kind) in codes.items():
        rows = tuple({"clock": clock, "resolution": kind} for kind in _KINDS)
        bound[every_kind] = (_NAME, rows)
        bound.update({code: (_NAME, (row,)) for code, row in zip(each, rows, strict=True)})
    return bound


FAMILY = Family(
    id="resolution",
    question="How long until a customer's problem is solved?",
    traps=(
        "Three numbers of one kind: first and every stay counted, full is taken back by a reopen and comes "
        "again with the next resolution, so sum over resolution makes no sense. Closed after resolved is no "
        "second one. Of resolutions in the window, whenever the tickets were created; old cases that are solved "
        "today raise it. Presets differ in whether merged, deleted and spam tickets leave it. A gauge: never "
        "rate() it."
    ),
    events=(
        "helpdesk.ticket.created",
        "helpdesk.ticket.status_changed",
        "helpdesk.ticket.snapshot",
    ),
    series=(
        Series(
            _NAME,
            "histogram",
            ("window", "clock", "resolution"),
            "Creation to resolution, of resolutions in the window: the first of a ticket; full, the last one, "
            "taken back by a reopen; every one, kept.",
            enums={"clock": CLOCKS, "resolution": _KINDS},
        ),
    ),
    durations=_durations(),
)
