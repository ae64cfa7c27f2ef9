"""Service levels: which promises run, are about to be broken or are broken, and how many were kept.

Met and breached are facts once an event has settled them; what has run past its deadline and waits for one is read
off the clocks (Frozen.clocks). Both together are true as of any moment.
"""

from collections.abc import Iterator

from metrics_core.facts import SLA_BREACHED, SLA_MET
from metrics_core.families.base import TICKET_LABELS, Family, StateRow, types
from metrics_core.policy.version import TARGETS
from metrics_core.series import Series
from metrics_core.tickets.clock_index import read_clock_key
from metrics_core.view import Frozen

_OUTCOMES = {"met": SLA_MET, "breached": SLA_BREACHED}
_STATES = ("running", "at_risk", "breached", "paused")


def _state(frozen: Frozen) -> Iterator[StateRow]:
    for key, clocks in frozen.clocks.by_key():
        label, policy_label, number = read_clock_key(key)
        policy, target = frozen.labels[policy_label][0], TARGETS[number]
        for state in _STATES:
            waiting = getattr(clocks, state)
            if waiting:
                yield "sla_clocks", {"policy": policy, "target": target, "state": state}, label, waiting
        for window, overdue in clocks.overdue.items():
            if overdue:
                own = {"window": window, "policy": policy, "target": target, "outcome": "breached"}
                yield "sla_outcomes", own, label, overdue


FAMILY = Family(
    id="sla",
    question="Do we keep what we promise, and which promise breaks next?",
    traps=(
        "The target in force when a clock began holds for it, whatever changes later. Breached counts at the "
        "deadline with no event arriving, and stays when the answer comes late. sla_clocks is what waits now "
        "and sla_outcomes what was decided: never add them. A reopen takes back a resolution that was met, so "
        "met may fall. Tickets that no service level holds for appear nowhere. Compare by policy and target, "
        "never over them."
    ),
    events=types(
        "helpdesk.ticket", "created", "message", "status_changed", "updated", "snapshot", "merged", "deleted",
        "marked_spam", "restored",
    ),
    series=(
        Series(
            "sla_clocks",
            "gauge",
            ("policy", "target", "state"),
            "Clocks of open tickets that wait, each in one state. at_risk: past the policy's share of the target, "
            "or with less than its minutes left; breached: past the deadline and still waiting.",
            enums={"target": TARGETS, "state": _STATES},
        ),
        Series(
            "sla_outcomes",
            "gauge",
            ("window", "policy", "target", "outcome"),
            "Promises met in the window, at the moment of keeping, and breached in it, at the deadline, answered "
            "or not. A reopen takes back a resolution that was met.",
            enums={"target": TARGETS, "outcome": tuple(_OUTCOMES)},
        ),
    ),
    counts={
        code: ("sla_outcomes", {"target": target, "outcome": outcome})
        for outcome, codes in _OUTCOMES.items()
        for target, code in zip(TARGETS, codes, strict=True)
    },
    state=_state,
    layout=(*TICKET_LABELS, "policy"),
)  # fmt: skip
