"""Figures of money that can be checked by hand."""

from __future__ import annotations

import pytest
from company import Company, subjects

LEDGER = "ledger/main"


def paid(company: Company, day: float, customer: str, amount: str, category: str, currency: str = "EUR") -> None:
    company.tell(
        day, "crm.payment.received", customer, amount=amount, currency=currency, category=category, order=f"{day}"
    )


def spent(company: Company, day: float, amount: str, category: str, currency: str = "EUR") -> None:
    company.tell(day, "crm.spend.recorded", LEDGER, amount=amount, currency=currency, category=category)


def two_weeks_of_winning_customers() -> Company:
    """As of day 15: 4 new customers for 2,000 in the week before, 5 for 1,500.50 in the last."""
    company = Company().tell(0.5, "crm.customer.created", "c/first")
    spent(company, 0.5, "1", "service")
    company.many(3, "crm.customer.created", subjects("before", 4))
    spent(company, 4, "1200", "sales")
    spent(company, 4, "800", "marketing")
    company.many(10, "crm.customer.created", subjects("now", 5))
    spent(company, 11, "600", "sales")
    spent(company, 11, "950.50", "marketing")
    spent(company, 12, "-50.00", "marketing")  # a credit note
    spent(company, 12, "300", "service")  # wins nobody
    spent(company, 12, "100", "sales", "USD")
    return company


def test_a_customer_costs_what_sales_and_marketing_spend_on_it() -> None:
    company = two_weeks_of_winning_customers()
    # (600 + 950.50 - 50) / 5
    assert company.derived(15, "cac", "7d", "EUR") == pytest.approx(300.1, rel=1e-12)
    assert company.derived(15, "cac", "7d", "USD") == 20  # 100 / 5: currencies are never mixed


def test_customers_cost_less_than_the_week_before() -> None:
    company = two_weeks_of_winning_customers()
    # (1,200 + 800) / 4 - 300.10
    assert company.derived(15, "cac_reduction", "7d", "EUR") == pytest.approx(199.9, rel=1e-12)
    assert company.derived(15, "cac_reduction", "30d", "EUR") is None, "nobody knows the month before"


def test_a_week_without_new_customers_has_no_cost_of_one() -> None:
    company = Company()
    spent(company, 1, "100", "sales")
    assert company.derived(2, "cac", "7d", "EUR") is None


def test_customers_that_cost_nothing_cost_nothing() -> None:
    company = Company().many(1, "crm.customer.created", subjects("c", 3))
    spent(company, 1, "10", "service")
    assert company.derived(2, "cac", "7d", "EUR") == 0


def a_week_of_revenue() -> Company:
    """1,000 in all, and as much again in another currency for one category."""
    company = Company()
    for amount, category in (
        ("600", "subscription"),
        ("200", "new_sale"),
        ("50", "service_fee"),
        ("30", "value_added"),
        ("20", "supplementary"),
        ("60", "cross_sell"),
        ("40", "up_sell"),
    ):
        paid(company, 1, f"c/{category}", amount, category)
    paid(company, 1, "c/us", "1000", "value_added", "USD")
    return company


@pytest.mark.parametrize(
    ("metric", "by_hand"),
    [
        ("service_share", 0.1),  # (50 + 30 + 20) / 1,000
        ("value_added_share", 0.03),  # 30 / 1,000
        ("cross_up_sell_share", 0.1),  # (60 + 40) / 1,000
    ],
)
def test_shares_of_revenue(metric: str, by_hand: float) -> None:
    assert a_week_of_revenue().derived(2, metric, "7d", "EUR") == pytest.approx(by_hand, rel=1e-12)
    assert a_week_of_revenue().derived(2, "value_added_share", "7d", "USD") == 1


def test_innovation_comes_back_as_half_of_itself() -> None:
    company = Company().tell(0.5, "crm.customer.created", "c/1")
    paid(company, 4, "c/1", "1000", "repeat")
    paid(company, 10, "c/1", "1600", "repeat")
    spent(company, 11, "400", "innovation")
    spent(company, 11, "999", "sales")
    assert company.derived(15, "revenue_growth", "7d", "EUR") == 600  # 1,600 - 1,000
    assert company.derived(15, "innovation_roi", "7d", "EUR") == 0.5  # (600 - 400) / 400
    spent(company, 11, "50", "innovation", "USD")
    assert company.derived(15, "innovation_roi", "7d", "USD") == -1  # (0 - 50) / 50


def test_a_return_is_withheld_while_growth_is_not_known() -> None:
    company = Company().tell(0.5, "crm.customer.created", "c/1")
    spent(company, 1, "400", "innovation")
    assert company.derived(2, "innovation_roi", "7d", "EUR") is None


def test_net_cash_is_what_operating_leaves() -> None:
    company = Company()
    for amount, kind in (("500", "operating"), ("120", "investment"), ("80.50", "working_capital")):
        company.tell(1, "finance.cash_flow.recorded", LEDGER, amount=amount, currency="EUR", kind=kind)
    assert company.derived(2, "net_cash", "7d", "EUR") == 299.5  # 500 - 120 - 80.50
    company.tell(1.5, "finance.cash_flow.recorded", LEDGER, amount="-700.25", currency="EUR", kind="operating")
    company.tell(1.5, "finance.cash_flow.recorded", LEDGER, amount="-20", currency="EUR", kind="working_capital")
    # (500 - 700.25) - 120 - (80.50 - 20)
    assert company.derived(2, "net_cash", "7d", "EUR") == -380.75


def test_a_buyer_is_worth_orders_over_a_lifetime() -> None:
    company = Company()
    # in the 30 days before day 366: 300 for 4 orders of 2 buyers
    company.many(0, "crm.customer.created", ["c/a", "c/b"])
    paid(company, 0, "c/a", "10", "new_sale")
    for order in ("x", "y"):
        company.tell(
            350, "crm.payment.received", "c/b", amount="75", currency="EUR", category="new_sale", order=order
        )
    paid(company, 360, "c/a", "100", "repeat")
    paid(company, 365.25, "c/a", "50", "repeat")
    assert company.derived(366, "aov", "30d", "EUR") == 75  # 300 / 4
    # 4 / 2 orders a buyer in 30 / 365.25 of a year
    assert company.derived(366, "purchase_frequency", "30d", "EUR") == pytest.approx(24.35, rel=1e-12)
    # one buyer stayed for a year, one for no time
    assert company.derived(366, "lifetime") == pytest.approx(0.5, rel=1e-12)
    # 75 x 24.35 x 0.5
    assert company.derived(366, "clv", "30d", "EUR") == pytest.approx(913.125, rel=1e-12)
