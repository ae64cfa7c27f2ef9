"""The company behind the desk: customers, subscriptions and their prices; starts what else a CRM records."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

from metrics_core.times import DAY_US, HOUR_US, MINUTE_US
from streams.simulate.commerce import Commerce, money
from streams.simulate.leads import Leads
from streams.simulate.schedule import Inflow, Schedule, lognormal_us
from streams.simulate.surveys import Surveys
from streams.simulate.wire import Wire

SEGMENTS = ("consumer", "consumer", "consumer", "small_business", "small_business", "enterprise")
#: plans by segment and the monthly price of each, in minor units
PLANS = {
    "consumer": ("basic", "plus"),
    "small_business": ("plus", "pro"),
    "enterprise": ("pro", "scale"),
}
PRICES = {"basic": 1_900, "plus": 4_900, "pro": 14_900, "scale": 49_900}
PLAN_ORDER = tuple(PRICES)
SUBSCRIBED_SHARE = 0.7

#: shares of all customers a day
CHURN_PER_DAY = 0.0012
UPGRADE_PER_DAY = 0.0018
DOWNGRADE_PER_DAY = 0.0008
RETURN_PER_DAY = 0.012
#: former customers that may come back; older ones are forgotten
FORMER_MOST = 500
#: growth stops here, as a multiple of the customers at the start; nothing here may grow without end
GROWTH_MOST = 4

#: the price change: from the tenth day on at nine, and every 90 days; churn is raised for two weeks
PRICE_CHANGE_DAY = 9
PRICE_CHANGE_EVERY_DAYS = 90
PRICE_FACTOR_PERCENT = 112
PRICE_CHURN_FACTOR = 4.0
PRICE_CHURN_DAYS = 14
#: prices settle here, so that an endless run does not end in absurd amounts
MRR_MOST_MINOR = 500_000


class Customer:
    """A customer with at most one subscription; amounts in minor units of ``currency``."""

    __slots__ = ("currency", "mrr_minor", "orders", "place", "plan", "segment", "subject", "subscription")

    def __init__(self, subject: str, segment: str, currency: str) -> None:
        self.subject = subject
        self.segment = segment
        self.currency = currency
        self.plan = ""
        self.mrr_minor = 0
        self.subscription: str | None = None
        self.orders = 0
        self.place = -1


class Company:
    """All customers; every process of the CRM hangs here."""

    def __init__(
        self,
        schedule: Schedule,
        rng: random.Random,
        wire: Wire,
        prefix: str,
        customers: int,
        price_change_day: int = PRICE_CHANGE_DAY,
    ) -> None:
        self.schedule = schedule
        self.rng = rng
        self.wire = wire
        self.prefix = prefix
        self.customers: list[Customer] = []
        self._former: deque[Customer] = deque(maxlen=FORMER_MOST)
        self._at_start = customers
        self._numbered = 0
        self._subscriptions = 0
        self._raised_day = schedule.day(schedule.start_us) + price_change_day
        self.commerce = Commerce(self)
        self.leads = Leads(self)
        self.surveys = Surveys(self)

    def tell(self, kind: str, subject: str, data: dict[str, Any]) -> None:
        """Emit an event of now."""
        self.wire.emit(self.schedule.now_us, kind, subject, data)

    def some_customer(self) -> Customer:
        """Any customer."""
        return self.customers[int(self.rng.random() * len(self.customers))]

    def begin(self) -> None:
        """Tell who is a customer already, then start every process."""
        for _ in range(self._at_start):
            customer = self._enter()
            self.tell(
                "crm.customer.snapshot",
                customer.subject,
                {"segment": customer.segment, "origin": self.rng.choice(("organic", "referral", "paid"))},
            )
            if self.rng.random() < SUBSCRIBED_SHARE:
                self._subscribe(customer, "crm.subscription.snapshot")
                first_us = int(self.rng.random() * 30 * DAY_US)
                self.schedule.after(first_us, self.commerce.bill, customer, customer.subscription)
        for per_day, act in (
            (CHURN_PER_DAY, self._churn),
            (UPGRADE_PER_DAY, self._upgrade),
            (DOWNGRADE_PER_DAY, self._downgrade),
        ):
            self.recurring(per_day, act)
        Inflow(self.schedule, self.rng, lambda _: RETURN_PER_DAY * len(self._former), self._return)
        self.commerce.begin()
        self.leads.begin()
        self.surveys.begin()
        self.schedule.at(self.schedule.day_start_us(self._raised_day) + 9 * HOUR_US, self._raise_prices)

    def recurring(self, per_customer_day: float, act: Any) -> None:
        """Start a process whose rate follows the number of customers and the hour."""

        def rate(time_us: int) -> float:
            factor = self._churn_factor(time_us) if act == self._churn else 1.0
            return per_customer_day * factor * len(self.customers) * self.schedule.shape(time_us)

        Inflow(self.schedule, self.rng, rate, act)

    # -- coming and going -----------------------------------------------------------------------------------

    @property
    def full(self) -> bool:
        """Whether the market is saturated."""
        return len(self.customers) >= GROWTH_MOST * self._at_start

    def _enter(self, former: Customer | None = None) -> Customer:
        if former is None:
            self._numbered += 1
            currency = "EUR" if self.rng.random() < 0.7 else "USD"
            segment = self.rng.choice(SEGMENTS)
            former = Customer(f"{self.prefix}/customer/{self._numbered}", segment, currency)
        former.place = len(self.customers)
        self.customers.append(former)
        return former

    def win(self, origin: str, referred_by: str | None) -> Customer:
        """A new customer, who usually subscribes and always buys."""
        customer = self._enter()
        created: dict[str, Any] = {"segment": customer.segment, "origin": origin}
        if referred_by is not None:
            created["referred_by"] = referred_by
        self.tell("crm.customer.created", customer.subject, created)
        self.schedule.after(int(self.rng.uniform(1, 20) * MINUTE_US), self._settle_in, customer)
        return customer

    def _settle_in(self, customer: Customer) -> None:
        self.commerce.pay(customer, "new_sale", int(self.rng.lognormvariate(8.6, 0.6)))
        if self.rng.random() < SUBSCRIBED_SHARE:
            self._start_subscription(customer)

    def _start_subscription(self, customer: Customer) -> None:
        if customer.place < 0 or customer.subscription is not None:
            return
        self._subscribe(customer, "crm.subscription.started")
        self.commerce.bill(customer, customer.subscription)

    def _subscribe(self, customer: Customer, kind: str) -> None:
        self._subscriptions += 1
        customer.subscription = f"{self.prefix}-sub-{self._subscriptions}"
        customer.plan = self.rng.choice(PLANS[customer.segment])
        customer.mrr_minor = PRICES[customer.plan]
        self._tell_subscription(kind, customer)

    def _tell_subscription(self, kind: str, customer: Customer, reason: str | None = None) -> None:
        data: dict[str, Any] = {
            "subscription": customer.subscription,
            "mrr": money(customer.mrr_minor),
            "plan": customer.plan,
            "currency": customer.currency,
        }
        if reason is not None:
            data["reason"] = reason
        self.tell(kind, customer.subject, data)

    def _churn(self) -> None:
        if len(self.customers) * 4 < self._at_start:
            return
        customer, rng = self.some_customer(), self.rng
        factor = self._churn_factor(self.schedule.now_us)
        reason = "price" if rng.random() < 0.25 * factor else rng.choice(("service", "competitor", "no_need"))
        if customer.subscription is not None:
            cancelled = {"subscription": customer.subscription, "plan": customer.plan, "reason": reason}
            self.tell("crm.subscription.cancelled", customer.subject, cancelled)
            customer.subscription = None
            if rng.random() < 0.15:
                return
        self.tell("crm.customer.churned", customer.subject, {"reason": reason})
        last = self.customers.pop()
        if last is not customer:
            self.customers[customer.place] = last
            last.place = customer.place
        customer.place = -1
        self._former.append(customer)

    def _return(self) -> None:
        place = int(self.rng.random() * len(self._former))
        if not self._former or self.full:
            return
        customer = self._former[place]
        del self._former[place]
        self._enter(customer)
        self.tell("crm.customer.reactivated", customer.subject, {"reason": "offer"})
        self.schedule.after(lognormal_us(self.rng, 600.0, 0.8, 7200.0), self._start_subscription, customer)

    # -- prices ---------------------------------------------------------------------------------------------

    def _churn_factor(self, time_us: int) -> float:
        days = self.schedule.day(time_us) - self._raised_day
        if days < 0 or days % PRICE_CHANGE_EVERY_DAYS >= PRICE_CHURN_DAYS:
            return 1.0
        return PRICE_CHURN_FACTOR

    def _raise_prices(self) -> None:
        """Subscribers hear of the new price over the working day."""
        for customer in self.customers:
            if customer.subscription is not None and self.rng.random() < 0.6:
                delay_us = int(self.rng.random() * 8 * HOUR_US)
                self.schedule.after(delay_us, self._raise, customer, customer.subscription)
        self.schedule.after(PRICE_CHANGE_EVERY_DAYS * DAY_US, self._raise_prices)

    def _raise(self, customer: Customer, subscription: str) -> None:
        if customer.subscription != subscription or customer.mrr_minor > MRR_MOST_MINOR:
            return
        customer.mrr_minor = customer.mrr_minor * PRICE_FACTOR_PERCENT // 100
        self._tell_subscription("crm.subscription.changed", customer, "price_change")

    def _upgrade(self) -> None:
        self._move(1, "upgrade")

    def _downgrade(self) -> None:
        self._move(-1, "downgrade")

    def _move(self, steps: int, reason: str) -> None:
        customer = self.some_customer()
        if customer.subscription is None:
            return
        place = PLAN_ORDER.index(customer.plan) + steps
        if not 0 <= place < len(PLAN_ORDER):
            return
        customer.plan = PLAN_ORDER[place]
        customer.mrr_minor = PRICES[customer.plan]
        self._tell_subscription("crm.subscription.changed", customer, reason)
        if steps > 0:
            self.commerce.pay(customer, "up_sell", customer.mrr_minor)
