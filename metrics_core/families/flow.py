"""Flow: every transition of tickets, so that the backlog's change can be explained.

open(t) = open(t - w) + created + seeded + reopened + restored - resolved - (merged, deleted, spam while open)
"""

from metrics_core import facts
from metrics_core.families.base import Family
from metrics_core.series import Series

_CODES = {
    "created": facts.CREATED,
    "seeded": facts.SEEDED,
    "resolved": facts.RESOLVED,
    "reopened": facts.REOPENED,
    "escalated": facts.ESCALATED,
    "one_touch": facts.ONE_TOUCH,
    "merged": facts.MERGED,
    "deleted": facts.DELETED,
    "spam": facts.SPAM,
    "restored": facts.RESTORED,
}

FAMILY = Family(
    id="flow",
    question="Is more coming in than going out?",
    traps=(
        "Transitions, not tickets: one that is reopened twice counts twice. A late event or a reopen takes "
        "one_touch back, so a window's count may fall with no time passing. Merged, deleted and spam count "
        "tickets in any status, so a balance of the backlog needs those that were open. one_touch and resolved "
        "are not the same cohort as created. A gauge: never rate() or increase() it."
    ),
    events=(
        "helpdesk.ticket.created",
        "helpdesk.ticket.snapshot",
        "helpdesk.ticket.status_changed",
        "helpdesk.ticket.escalated",
        "helpdesk.ticket.message",
        "helpdesk.ticket.merged",
        "helpdesk.ticket.deleted",
        "helpdesk.ticket.marked_spam",
        "helpdesk.ticket.restored",
    ),
    series=(
        Series(
            "tickets",
            "gauge",
            ("window", "flow"),
            "Transitions of tickets in the window. one_touch: resolved with one public agent reply, no reopen and "
            "no pause; taken back by a reopen.",
            enums={"flow": tuple(_CODES)},
        ),
    ),
    counts={code: ("tickets", {"flow": flow}) for flow, code in _CODES.items()},
)
