"""Invites: how many others customers invite, and how many of those come."""

from metrics_core import facts
from metrics_core.families.base import Family, types
from metrics_core.ledgers import INVITE_STATES
from metrics_core.series import Series

FAMILY = Family(
    id="invites",
    question="Do customers bring others along?",
    traps=(
        "Sent and accepted count each in its own window, and are not matched: more may be accepted than sent. "
        "It counts events, not people: one invited twice was sent two."
    ),
    events=types("crm.invite", *INVITE_STATES),
    series=(
        Series(
            "invites",
            "gauge",
            ("window", "state"),
            "Invitations sent, and invitations accepted, in the window: each event counts once, in its own window.",
            enums={"state": INVITE_STATES},
        ),
    ),
    counts={
        facts.INVITES_SENT: ("invites", {"state": "sent"}),
        facts.INVITES_ACCEPTED: ("invites", {"state": "accepted"}),
    },
    per="none",
    layout=(),
)
