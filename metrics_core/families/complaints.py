"""Complaints: how many come, are solved and escalate, and what stands open."""

from collections.abc import Iterator

from metrics_core import facts
from metrics_core.families.base import TICKET_LABELS, Family, StateRow, types
from metrics_core.series import Series
from metrics_core.view import Frozen

_FLOWS = {
    "opened": facts.COMPLAINT_OPENED,
    "resolved": facts.COMPLAINT_RESOLVED,
    "escalated": facts.COMPLAINT_ESCALATED,
}


def _state(frozen: Frozen) -> Iterator[StateRow]:
    for label, tickets in frozen.open_complaints.items():
        yield "open_complaints", {}, label, tickets


FAMILY = Family(
    id="complaints",
    question="What do customers complain about, and does it get out of hand?",
    traps=(
        "Opened when a ticket becomes a complaint, which may be long after its creation; never compare it with "
        "created. Escalated counts distinct tickets, resolved each resolution. What makes a complaint (its "
        "field, a category, a tag) is the policy's: another policy version counts from its moment on, and takes "
        "nothing back."
    ),
    events=types(
        "helpdesk.ticket", "created", "updated", "status_changed", "escalated", "snapshot", "merged", "deleted",
        "marked_spam", "restored",
    ),
    series=(
        Series(
            "complaints",
            "gauge",
            ("window", "flow", "category"),
            "Transitions of complaints in the window. opened: a ticket became a complaint, at its creation or "
            "later; resolved: each resolution of one; escalated: distinct tickets.",
            enums={"flow": tuple(_FLOWS)},
        ),
        Series(
            "open_complaints", "gauge", ("category",),
            "Open tickets that are complaints, by their current labels and category.",
        ),
    ),
    counts={code: ("complaints", {"flow": flow}) for flow, code in _FLOWS.items()},
    state=_state,
    layout=(*TICKET_LABELS, "category"),
)  # fmt: skip
