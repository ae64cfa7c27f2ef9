"""Spend, invitations and cash flow: what only adds up, each counted once."""

from __future__ import annotations

import random

import pytest
from company import Company, apply, restarted, view

from metrics_core.rejects import Reason
from metrics_core.shard import Shard

SPEND, CASH = "crm.spend.recorded", "finance.cash_flow.recorded"
SENT, ACCEPTED = "crm.invite.sent", "crm.invite.accepted"


def spent(company: Company, day: float, *, currency: str = "EUR", **labels: str) -> float | None:
    given = {"window": "7d", "period": "now", "currency": currency, **labels}
    return company.total(day, "spend", **given)


def test_spending_adds_up_by_category_and_never_across_currencies() -> None:
    company = Company()
    for amount, currency, category in (
        ("0.10", "EUR", "sales"), ("0.20", "eur", "sales"), ("7", "EUR", "innovation"), ("3.50", "USD", "sales"),
    ):  # fmt: skip
        company.tell(1, SPEND, "ledger/main", amount=amount, currency=currency, category=category)
    assert spent(company, 2, category="sales") == 0.3
    assert spent(company, 2, category="innovation") == 7
    assert spent(company, 2, currency="USD") == 3.5


@pytest.mark.parametrize(("currency", "amount", "shown"), [("JPY", "1500", 1500), ("KWD", "1.234", 1.234)])
def test_each_currency_has_its_own_digits(currency: str, amount: str, shown: float) -> None:
    company = Company().tell(1, SPEND, "ledger", amount=amount, currency=currency, category="sales")
    assert spent(company, 2, currency=currency) == shown


def test_a_credit_note_takes_spending_back() -> None:
    company = Company().tell(1, SPEND, "ledger", amount="100", currency="EUR", category="marketing")
    company.tell(2, SPEND, "ledger", amount="-25.50", currency="EUR", category="marketing")
    assert spent(company, 3) == 74.5


@pytest.mark.parametrize("amount", ["--1", "- 1", "1.005", "-", "1e3", "nan", "-1" + "0" * 13])
def test_an_amount_that_is_not_exact_is_refused(amount: str) -> None:
    shard = Company().tell(1, SPEND, "ledger", amount=amount, currency="EUR", category="sales").shard()
    assert [reject.reason for reject in shard.take_rejects()] == [Reason.INVALID_VALUE]


def test_the_window_before_is_shown_once_the_books_reach_it() -> None:
    company = Company().tell(0, "crm.customer.created", "c/1")
    company.tell(1, SPEND, "ledger", amount="10", currency="EUR", category="sales")
    company.tell(10, SPEND, "ledger", amount="4", currency="EUR", category="sales")
    assert spent(company, 14, period="before") is None, "the customers' history is not that of the books"
    assert spent(company, 15, period="before") == 10
    assert spent(company, 15) == 4


def test_cash_flows_both_ways() -> None:
    company = Company().tell(1, CASH, "ledger", amount="100", currency="EUR", kind="operating")
    company.tell(2, CASH, "ledger", amount="-150.25", currency="EUR", kind="operating")
    company.tell(2, CASH, "ledger", amount="30", currency="EUR", kind="investment")
    assert company.total(3, "cash_flow", window="7d", kind="operating", currency="EUR") == -50.25
    assert company.total(3, "cash_flow", window="7d", kind="investment", currency="EUR") == 30
    assert company.total(3, "cash_flow", window="7d", kind="working_capital", currency="EUR") == 0


def test_every_invitation_counts_and_a_repeat_does_not() -> None:
    company = Company()
    for one in range(3):
        company.tell(1 + one, SENT, "c/1", id=f"i{one}")
    company.tell(2, SENT, "c/1", id="i1").tell(5, ACCEPTED, "c/1").tell(6, ACCEPTED, "c/2")
    assert company.total(7, "invites", window="7d", state="sent") == 3
    assert company.total(7, "invites", window="7d", state="accepted") == 2
    assert company.total(7, "invites", window="24h", state="accepted") == 1


def test_the_books_show_zeros_before_anything_is_booked() -> None:
    company = Company()
    assert company.total(1, "cash_flow", window="1h", kind="operating", currency="none") == 0
    assert company.total(1, "invites", window="30d", state="sent") == 0
    assert company.total(1, "spend", window="30d", period="now", category="sales", currency="none") == 0


def test_a_repeat_changes_nothing_and_the_first_in_the_log_wins_a_conflict() -> None:
    company = Company()
    for day, amount in ((1, "10"), (1, "10"), (1, "20"), (3, "10")):
        company.tell(day, SPEND, "ledger", id="x", amount=amount, currency="EUR", category="sales")
    shard = company.shard()
    assert spent(company, 4) == 10
    assert (shard.counters.duplicates, shard.counters.conflicts) == (1, 2), "another time is another content"


def a_busy_ledger() -> list[bytes]:
    """Far more bookings than one row remembers one by one, in cents that tell them apart."""
    company = Company()
    for number in range(2000):
        company.tell(
            number / 100, SPEND, "ledger/main", amount=f"{number}.01", currency="EUR", category="marketing"
        )
        if number % 7 == 0:
            company.tell(number / 100, CASH, "ledger/main", amount=f"-{number}.5", currency="USD", kind="operating")
    return company.lines


@pytest.mark.parametrize("seed", range(3))
def test_a_busy_ledger_counts_the_same_in_any_order_with_repeats_and_restarts(seed: int) -> None:
    lines = a_busy_ledger()
    in_order = Shard(Company().policy)
    apply(in_order, lines)
    rng = random.Random(seed)
    mixed = [*lines, *lines[::3]]
    rng.shuffle(mixed)
    shard, changelog = Shard(in_order.policy), dict[bytes, bytes]()
    while mixed:
        batch = rng.randrange(1, 900)
        apply(shard, mixed[:batch])
        mixed = mixed[batch:]
        rejected, repeats = shard.counters.rejected, shard.counters.duplicates
        shard = restarted(shard, changelog)
        shard.counters.duplicates = repeats
        assert not rejected
    assert shard.counters.duplicates == len(lines[::3])
    for day in (7, 15.03, 21):
        assert view(shard, day).tables == view(in_order, day).tables


def test_rows_of_the_books_go_with_the_horizon() -> None:
    company = Company()
    for day in range(80):
        company.tell(day, SPEND, "ledger", amount="1", currency="EUR", category="sales").tell(day, SENT, "c/1")
    shard, changelog = Shard(company.policy), dict[bytes, bytes]()
    for line in company.lines:
        apply(shard, [line])
        shard = restarted(shard, changelog)
    assert [reject.reason for reject in shard.take_rejects()] == []
    kept = [key for key in changelog if key[:1] == b"g"]
    assert len(kept) <= 71, "a row lives for the horizon of 70 days"
    apply(shard, Company().tell(200, "crm.customer.created", "c/9").lines)
    shard = restarted(shard, changelog)
    assert [key for key in changelog if key[:1] in b"gi"] == []
    late = Company().tell(3, SPEND, "ledger", amount="1", currency="EUR", category="sales")
    apply(shard, late.lines)
    assert [reject.reason for reject in shard.take_rejects()] == [Reason.TOO_LATE]


def test_the_books_make_no_orphans() -> None:
    assert Company().tell(1, SENT, "c/1").shard().orphan_tickets == 0
