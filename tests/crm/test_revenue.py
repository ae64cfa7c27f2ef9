"""Money: what counts as revenue, as an order, as a buyer - and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from desk_of_customers import Story

from metrics_core.money import currency_of, exponent_of, major_units, minor_units, rescaled
from metrics_core.rejects import Reason, Refused


def pay(story: Story, day: float, amount: str = "10", subject: str = "c/1", **data: Any) -> Story:
    return story.tell(day, "payment.received", subject, **{"amount": amount, "currency": "EUR", **data})


def counts(story: Story, day: float, window: str = "7d") -> tuple[int, int, int]:
    orders, buyers, repeat = (
        story.total(day, series, window=window, currency="EUR") or 0
        for series in ("orders", "buyers", "repeat_buyers")
    )
    return orders, buyers, repeat


def test_a_refund_is_negative_revenue_at_its_own_time() -> None:
    story = pay(Story(), 1, "19.90", category="repeat")
    story.tell(9, "payment.refunded", amount="5.05", currency="EUR", category="repeat")
    assert story.total(10, "revenue", window="7d", period="now", category="repeat") == -5.05
    assert story.total(10, "revenue", window="30d", period="now", category="repeat") == 14.85
    assert story.total(17, "revenue", window="7d", period="before", category="repeat") == -5.05


def test_payments_of_one_order_are_one_order() -> None:
    story = pay(pay(pay(Story(), 1, order="a"), 2, order="a"), 3, order="b")
    assert counts(story, 4) == (2, 1, 1)


def test_an_order_lies_in_the_window_of_its_latest_payment() -> None:
    story = pay(pay(Story(), 1, order="a"), 10, order="a")
    assert counts(story, 5) == (1, 1, 0)
    assert counts(story, 11) == (1, 1, 0)
    assert counts(story, 20) == (0, 0, 0)


def test_a_payment_without_order_is_an_order() -> None:
    assert counts(pay(pay(Story(), 1), 1), 2) == (2, 1, 1)


def test_a_refund_takes_no_order_back() -> None:
    story = pay(Story(), 1, order="a").tell(2, "payment.refunded", amount="10", currency="EUR", order="a")
    assert counts(story, 3) == (1, 1, 0)


def test_interest_and_late_fees_are_revenue_but_no_orders() -> None:
    story = pay(pay(Story(), 1, category="interest"), 1, category="late_fee")
    assert counts(story, 2) == (0, 0, 0)
    assert story.total(2, "revenue", window="7d", period="now") == 20.0


def test_who_bought_twice_is_a_repeat_buyer_while_both_orders_are_in_the_window() -> None:
    story = pay(pay(Story(), 1), 6)
    assert counts(story, 7) == (2, 1, 1)
    assert counts(story, 9) == (1, 1, 0)


def test_currencies_are_never_summed() -> None:
    story = pay(pay(Story(), 1, "10"), 1, "1000", currency="jpy")
    assert story.total(2, "revenue", window="7d", period="now", currency="EUR") == 10.0
    assert story.total(2, "revenue", window="7d", period="now", currency="JPY") == 1000
    assert story.total(2, "buyers", window="7d", currency="JPY") == 1


def test_a_missing_category_is_none_and_an_unlisted_one_other() -> None:
    story = pay(pay(Story(), 1, "1"), 1, "2", category="tips")
    assert story.total(2, "revenue", window="7d", period="now", category="none") == 1.0
    assert story.total(2, "revenue", window="7d", period="now", category="other") == 2.0


def test_cents_add_up_exactly() -> None:
    story = Story()
    for _ in range(1000):
        pay(story, 1, "0.10")
    assert story.total(2, "revenue", window="7d", period="now") == 100.0


@pytest.mark.parametrize("amount", ["-1", "1e3", "NaN", "1,00", "", "0.001", "9" * 16, " 1", "٣"])
def test_an_amount_that_is_no_exact_sum_is_rejected(amount: str) -> None:
    shard = pay(Story(), 1, amount).shard(2)
    assert [reject.reason for reject in shard.take_rejects()] == [Reason.INVALID_VALUE]


def test_amounts_have_the_digits_of_their_currency() -> None:
    assert minor_units("12.50", exponent_of("EUR")) == 1250
    assert minor_units("12.5000", exponent_of("EUR")) == 1250
    assert minor_units(12, exponent_of("KWD")) == 12000
    assert major_units(12345, "KWD") == 12.345
    assert major_units(12345, "JPY") == 12345
    assert rescaled(minor_units("12.5", 4), "EUR") == 1250
    assert currency_of(" usd ") == "USD"
    with pytest.raises(Refused):
        minor_units("12.5", exponent_of("JPY"))


def test_growth_is_told_once_the_window_before_lies_in_the_history() -> None:
    story = pay(pay(Story(), 0, "100"), 8, "130")
    assert ("7d", "EUR") not in story.derived(13, "revenue_growth")
    assert story.derived(14, "revenue_growth")["7d", "EUR"] == 30.0


def test_value_of_a_buyer_is_order_value_times_frequency_times_lifetime() -> None:
    story = pay(pay(Story(), 0, "100"), 365.25, "50")
    assert story.derived(730.5, "aov")["all", "EUR"] == 75.0
    assert story.derived(730.5, "purchase_frequency")["all", "EUR"] == 1.0
    assert story.derived(730.5, "lifetime")[()] == pytest.approx(1.0)
    assert story.derived(730.5, "clv")["all", "EUR"] == pytest.approx(75.0)
