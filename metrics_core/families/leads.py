"""Leads: how many came, and how far they got."""

from metrics_core.crm.leads import CODES, ORIGINS, STAGES
from metrics_core.families.base import Family
from metrics_core.labels import NONE
from metrics_core.series import Series

FAMILY = Family(
    id="leads",
    question="Do first contacts become customers?",
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
