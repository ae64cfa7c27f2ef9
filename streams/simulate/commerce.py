"""Money: payments of every category, refunds, monthly bills, spending, cash flow."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING

from metrics_core.times import DAY_US, HOUR_US
from streams.simulate.schedule import lognormal_us

if TYPE_CHECKING:
    from streams.simulate.customers import Company, Customer

BILLING_US = 30 * DAY_US
#: (category, purchases per customer and day, median amount in minor units)
PURCHASES = (
    ("repeat", 0.009, 5_200),
    ("cross_sell", 0.0016, 3_400),
    ("value_added", 0.0014, 2_600),
    ("supplementary", 0.0009, 1_200),
    ("service_fee", 0.0022, 1_900),
    ("interest", 0.0003, 450),
    ("late_fee", 0.0006, 900),
)
#: categories that are no orders
CHARGES = ("interest", "late_fee", "subscription", "service_fee")
REFUNDED_SHARE = 0.025
#: spending per customer and day in minor units
SPENDING = (("sales", 22.0), ("marketing", 30.0), ("service", 38.0), ("innovation", 14.0))
INITIATIVES = ("assistant", "self_service", "mobile_app")


def money(minor: int) -> str:
    """A decimal string with two places, as connectors write amounts."""
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02d}"


class Commerce:
    """Everything that moves money."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._orders = 0

    def begin(self) -> None:
        """Start purchases and the daily books."""
        for category, per_day, median_minor in PURCHASES:
            self._company.recurring(per_day, partial(self._purchase, category, median_minor))
        schedule = self._company.schedule
        today = schedule.day(schedule.now_us)
        schedule.at(schedule.day_start_us(today + 1) - 5 * HOUR_US, self._close_books)

    def _purchase(self, category: str, median_minor: int) -> None:
        minor = int(median_minor * self._company.rng.lognormvariate(0.0, 0.6)) + 50
        self.pay(self._company.some_customer(), category, minor)

    def pay(self, customer: Customer, category: str, minor: int) -> None:
        """A payment of now; some are refunded days later, in part or whole."""
        company = self._company
        payment = {"amount": money(minor), "currency": customer.currency, "category": category}
        if category not in CHARGES:
            self._orders += 1
            customer.orders += 1
            payment["order"] = f"{company.prefix}-order-{self._orders}"
        company.tell("crm.payment.received", customer.subject, payment)
        rng = company.rng
        if rng.random() < REFUNDED_SHARE:
            share = 1.0 if rng.random() < 0.6 else rng.uniform(0.1, 0.9)
            refund = {**payment, "amount": money(max(1, int(minor * share)))}
            later_us = lognormal_us(rng, 2 * 86400.0, 0.8, 20 * 86400.0)
            company.schedule.after(later_us, company.tell, "crm.payment.refunded", customer.subject, refund)

    def bill(self, customer: Customer, subscription: str | None) -> None:
        """The monthly payment, for as long as the subscription lasts."""
        if subscription is None or customer.subscription != subscription:
            return
        self.pay(customer, "subscription", customer.mrr_minor)
        self._company.schedule.after(BILLING_US, self.bill, customer, subscription)

    def _close_books(self) -> None:
        """At seven in the evening: what was spent, and how cash moved."""
        company, rng = self._company, self._company.rng
        ledger = f"{company.prefix}/ledger/main"
        for category, per_customer in SPENDING:
            spend = {
                "amount": money(int(per_customer * len(company.customers) * rng.uniform(0.7, 1.3))),
                "currency": "EUR",
                "category": category,
            }
            if category == "innovation":
                spend["initiative"] = rng.choice(INITIATIVES)
            company.tell("crm.spend.recorded", ledger, spend)
        self._record_cash(rng, ledger)
        company.schedule.after(DAY_US, self._close_books)

    def _record_cash(self, rng: random.Random, ledger: str) -> None:
        company = self._company
        for kind, per_customer, share in (
            ("operating", 120.0, 1.0),
            ("investment", 90.0, 0.2),
            ("working_capital", 40.0, 0.3),
        ):
            if rng.random() < share:
                minor = int(per_customer * len(company.customers) * rng.gauss(1.0, 0.5))
                cash = {"amount": money(minor), "currency": "EUR", "kind": kind}
                company.tell("finance.cash_flow.recorded", ledger, cash)
