"""The contract's derived metrics, all of them, each under its name and with its output labels."""

from __future__ import annotations

from metrics_core.derived import DERIVED

WINDOW, MONEY, CLOCK = ("window",), ("window", "currency"), ("window", "clock")
RESOLUTION = (*CLOCK, "resolution")

#: id -> output labels
CONTRACT = {
    "first_response_mean": CLOCK, "first_response_p50": CLOCK, "first_response_p90": CLOCK,
    "resolution_mean": RESOLUTION, "resolution_p50": RESOLUTION, "resolution_p90": RESOLUTION,
    "reply_wait_p50": CLOCK, "reply_wait_p90": CLOCK,
    "backlog": (), "channel_share": ("window", "channel"),
    "employee_productivity": WINDOW, "employee_turnover": WINDOW, "employee_retention": WINDOW,
    "conversion": WINDOW, "conversion_after_service": WINDOW, "referral_rate": WINDOW,
    "customer_churn": WINDOW, "subscription_churn": WINDOW, "customer_churn_cohort": WINDOW,
    "subscription_churn_cohort": WINDOW, "churn_reduction": WINDOW, "retention": WINDOW, "inactive_share": (),
    "cac": MONEY, "cac_reduction": MONEY,
    "service_share": MONEY, "value_added_share": MONEY, "cross_up_sell_share": MONEY,
    "aov": MONEY, "purchase_frequency": MONEY, "lifetime": (), "clv": MONEY, "ltv": ("currency",),
    "grr": MONEY, "nrr": MONEY, "revenue_growth": MONEY, "innovation_roi": MONEY,
    "viral_coefficient": WINDOW, "organic_growth": WINDOW, "net_cash": MONEY,
    "reopen_rate": WINDOW, "one_touch_rate": WINDOW, "days_to_clear": WINDOW, "inflow_ratio": WINDOW,
}  # fmt: skip
#: of surveys, service levels and complaints, whose output labels their own tests pin
ALSO = {
    "first_response_attainment", "sla_attainment", "csat", "satisfaction_improvement", "nps", "ces", "brand_score",
    "competitor_gap", "complaint_escalation_rate", "survey_response_rate",
}  # fmt: skip


def test_every_derived_metric_of_the_contract_is_defined() -> None:
    assert sorted({*CONTRACT, *ALSO} - {derived.id for derived in DERIVED}) == []


def test_every_derived_metric_has_the_labels_of_the_contract() -> None:
    found = {derived.id: derived.by for derived in DERIVED if derived.id in CONTRACT}
    assert found == CONTRACT


def test_no_two_derived_metrics_share_a_name() -> None:
    ids = [derived.id for derived in DERIVED]
    assert len(ids) == len(set(ids))
