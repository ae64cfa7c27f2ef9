"""Leads: how many came, and how far they got."""

from metrics_core.crm.leads import CODES, ORIGINS, STAGES
from metrics_core.families.base import Family
from metrics_core.labels import NONE
from metrics_core.series import Series

FAMILY = Family(
    id="leads",
    question="Do first contacts become customers?",
    traps=(
        "Each stage counts in the window in which it was reached: those won this week need not be those created "
        "this week, and a share of two stages may exceed 1. A lead won without ever being qualified counts as "
        "won only. The origin is the one known at that moment."
    ),
    events=(
        "crm.lead.created",
        "crm.lead.qualified",
        "crm.lead.won",
        "crm.lead.lost",
    ),
    series=(
        Series(
            "leads",
            "gauge",
            ("window", "stage", "origin"),
            "Leads that reached a stage in the window; each stage of a lead counts once.",
            enums={"stage": STAGES, "origin": (*ORIGINS, NONE)},
        ),
    ),
    counts={code: ("leads", {"stage": stage}) for stage, code in zip(STAGES, CODES, strict=True)},
    per="none",
    layout=("origin",),
)
