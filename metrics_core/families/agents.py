"""Agents: who is employed, who is there now, who came and who left."""

from metrics_core import facts
from metrics_core.agents import STATUSES
from metrics_core.families.base import Family, types
from metrics_core.series import Series

_CHANGES = {"joined": facts.AGENT_JOINED, "left": facts.AGENT_LEFT}

FAMILY = Family(
    id="agents",
    question="Do we have the people, and do they stay?",
    traps=(
        "An agent that left is in no status. Employed are those that joined or stood in a snapshot; one who was "
        "only seen online is in agents and not in agents_employed. A transfer to another group is no joining. "
        "Status is the last one heard, however long ago. agents_at_start is withheld until the history reaches "
        "the window's start."
    ),
    events=types("helpdesk.agent", "joined", "left", "status_changed", "snapshot"),
    series=(
        Series(
            "agents",
            "gauge",
            ("status", "group"),
            "Agents by current status: all employed (offline where nothing else was heard), and those never hired "
            "whose status is known. One that left is in no status.",
            enums={"status": STATUSES},
        ),
        Series(
            "agents_employed",
            "gauge",
            ("group",),
            "Agents that joined or stood in a snapshot, and have not left.",
        ),
        Series(
            "agent_changes",
            "gauge",
            ("window", "change"),
            "Agents that joined (never those of a snapshot) and left in the window.",
            enums={"change": tuple(_CHANGES)},
        ),
        Series(
            "agents_at_start",
            "gauge",
            ("window",),
            "Agents employed as of the window's start; withheld until the history reaches it.",
            at_start=True,
            history="agents",
        ),
    ),
    counts={code: ("agent_changes", {"change": change}) for change, code in _CHANGES.items()},
    levels={facts.AGENTS: ("agents", {}), facts.AGENTS_EMPLOYED: ("agents_employed", {})},
    starts={facts.AGENTS_EMPLOYED: ("agents_at_start", {})},
    per="none",
    layout=("group", "status"),
)
