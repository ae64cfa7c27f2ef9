"""Figures of customers, leads and invitations that can be checked by hand."""

from __future__ import annotations

import pytest
from company import Company, subjects

CREATED, CHURNED = "crm.customer.created", "crm.customer.churned"
SNAPSHOT = "crm.customer.snapshot"


def test_1_000_customers_with_300_new_and_1_200_at_the_end_are_90_percent_retained() -> None:
    company = Company().many(0.5, SNAPSHOT, subjects("c", 1000))
    company.many(10, CREATED, subjects("n", 300)).many(20, CHURNED, subjects("c", 100))
    assert company.total(31, "customers_at_start", window="30d", period="now") == 1000
    assert company.total(31, "customers", state="active") == 1200  # 1,000 + 300 - 100
    # (1,200 - 300 - 0) / 1,000
    assert company.derived(31, "retention", "30d") == 0.9


def test_who_comes_back_is_not_retained() -> None:
    company = Company().many(0.5, SNAPSHOT, subjects("c", 100)).many(10, CHURNED, subjects("c", 10))
    company.many(20, "crm.customer.reactivated", subjects("c", 4))
    # (94 at the end - 0 new - 4 back) / 100
    assert company.derived(31, "retention", "30d") == 0.9


def test_400_lost_of_2_000_are_a_churn_of_20_percent() -> None:
    company = Company().many(0.5, SNAPSHOT, subjects("c", 2000)).many(15, CHURNED, subjects("c", 400))
    assert company.derived(31, "customer_churn", "30d") == 0.2
    assert company.derived(31, "customer_churn_cohort", "30d") == 0.2


def test_the_cohort_leaves_out_those_who_came_and_went() -> None:
    company = Company().many(0.5, SNAPSHOT, subjects("c", 200)).many(5, CREATED, subjects("n", 50))
    company.many(15, CHURNED, subjects("c", 20)).many(16, CHURNED, subjects("n", 30))
    # lost (20 + 30) / 200; of those there at the start 20 / 200
    assert company.derived(31, "customer_churn", "30d") == 0.25
    assert company.derived(31, "customer_churn_cohort", "30d") == 0.1


def test_churn_falls_from_10_to_4_percent() -> None:
    company = Company().many(0.5, SNAPSHOT, subjects("c", 250)).many(3, CHURNED, subjects("c", 25))
    company.many(10, CHURNED, subjects("c", 9, start=100))
    # as of day 15: 25 / 250 in days 1 to 8, 9 / 225 in days 8 to 15; 0.1 - 0.04
    assert company.derived(15, "customer_churn", "7d") == 0.04
    assert company.derived(15, "churn_reduction", "7d") == pytest.approx(0.06, rel=1e-12)


def test_30_of_120_customers_have_gone_quiet() -> None:
    # the policy's idle period is 90 days
    company = Company().many(0, CREATED, subjects("quiet", 30)).many(50, CREATED, subjects("c", 90))
    assert company.derived(100, "inactive_share") == 0.25  # 30 / 120


def test_leads_become_customers() -> None:
    company = Company()
    for origin, created, qualified, won in (
        ("organic", 40, 10, 3),
        ("service_contact", 16, 8, 4),
        ("referral", 6, 2, 1),
    ):
        for stage, number in (("created", created), ("qualified", qualified), ("won", won)):
            company.many(1, f"crm.lead.{stage}", subjects(origin, number), origin=origin)
    company.many(1, CREATED, subjects("c", 48))
    assert company.derived(2, "conversion", "7d") == 0.4  # (3 + 4 + 1) / (10 + 8 + 2)
    assert company.derived(2, "conversion_after_service", "7d") == 0.25  # 4 / 16
    assert company.derived(2, "referral_rate", "7d") == 0.125  # 6 / 48


def test_a_customer_brings_a_quarter_of_another_along() -> None:
    company = Company().many(1, CREATED, subjects("c", 50))
    company.many(2, "crm.invite.sent", subjects("c", 30)).many(3, "crm.invite.accepted", subjects("c", 12))
    # 30 sent / 50 customers x 12 accepted / 30 sent
    assert company.derived(4, "viral_coefficient", "7d") == pytest.approx(0.24, rel=1e-12)
    assert company.derived(2, "viral_coefficient", "24h") is None, "nothing was sent: of nothing there is no rate"


def test_organic_growth_counts_who_came_by_themselves_or_by_others() -> None:
    company = Company().many(1, SNAPSHOT, subjects("c", 200))
    for origin, number in (("organic", 10), ("referral", 6), ("paid", 14)):
        company.many(10, CREATED, subjects(origin, number), origin=origin)
    company.many(10, CREATED, subjects("unknown", 5))
    assert company.derived(15, "organic_growth", "7d") == 0.08  # (10 + 6) / 200


def subscribers() -> Company:
    """Ten subscriptions of 100 a month at the start; one ends, one falls to 50, two rise to 200; one is new."""
    company = Company().tell(0, CREATED, "c/first")
    for customer in subjects("c", 10):
        company.tell(1, "crm.subscription.started", customer, subscription=customer, mrr="100", currency="EUR")
    company.tell(10, "crm.subscription.cancelled", "c/0", subscription="c/0")
    for customer, mrr in (("c/1", "50"), ("c/2", "200"), ("c/3", "200")):
        company.tell(11, "crm.subscription.changed", customer, subscription=customer, mrr=mrr, currency="EUR")
    return company.tell(12, "crm.subscription.started", "n/1", subscription="n/1", mrr="300", currency="EUR")


def test_retained_revenue_of_ten_subscriptions() -> None:
    company = subscribers()
    assert company.total(15, "mrr_at_start", window="7d", currency="EUR") == 1000
    assert company.derived(15, "grr", "7d", "EUR") == 0.85  # (1,000 - 50 - 100) / 1,000
    assert company.derived(15, "nrr", "7d", "EUR") == 1.05  # (1,000 - 50 - 100 + 200) / 1,000
    assert company.derived(15, "subscription_churn", "7d") == 0.1  # 1 / 10
    assert company.derived(15, "subscription_churn_cohort", "7d") == 0.1


def test_a_subscriber_is_worth_what_comes_in_over_a_subscriptions_life() -> None:
    month = 365.25 / 12
    company = Company()
    # two ended after 10 and 14 months: 12 on average; three bring 20 + 30 + 40 a month: 30 each
    for customer, mrr in (("a", "5"), ("b", "5"), ("c", "20"), ("d", "30"), ("e", "40")):
        company.tell(0, "crm.subscription.started", customer, subscription=customer, mrr=mrr, currency="EUR")
    for customer, months in (("a", 10), ("b", 14)):
        company.tell(months * month, "crm.subscription.cancelled", customer, subscription=customer)
    assert company.derived(430, "ltv", "EUR") == pytest.approx(360, rel=1e-12)  # 12 x 90 / 3
