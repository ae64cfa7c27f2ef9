"""Revenue and growth: what comes in, what it costs, what a customer is worth. By currency, never the sum."""

from __future__ import annotations

from grafana.board import Board
from grafana.panels import (
    AMOUNT,
    COUNT,
    GREEN,
    ORANGE,
    RATIO,
    RED,
    Panel,
    Sized,
    bars,
    graph,
    grid,
    money,
    number,
    past,
)
from grafana.queries import Queries, Query
from streams.alerting import places

_YEAR_S = 31_557_600


def board(queries: Queries) -> Board:
    """Everything by currency."""
    asked = queries.of("window", "currency")
    made = Board(
        places.REVENUE, "Revenue and growth", "Revenue, recurring revenue, what it costs and what is left.", asked,
        since="now-30d", refresh="5m",
    )  # fmt: skip
    made.header()
    made.add(*_now(asked))
    made.row("Revenue")
    made.add(*_revenue(asked))
    made.row("Recurring revenue")
    made.add(*_recurring(asked))
    made.row("What a customer is worth, and costs")
    made.add(*_worth(asked))
    made.row("Spending and cash")
    made.add(*_cash(asked))
    return made


def _in(id: int, title: str, *queries: Query, note: str = "") -> Panel:
    """A panel of amounts."""
    return Panel(id, title, queries, AMOUNT, note, names=money())


def _now(asked: Queries) -> list[Sized]:
    revenue = asked.series("revenue", "window", "currency")
    before = asked.week_ago.series("revenue", "window", "currency")
    recurring = asked.series("mrr", "currency")
    return [
        number(_in(10, "Revenue", revenue, past(before, "{{currency}}")), width=8),
        number(_in(11, "Recurring revenue", recurring), width=4),
        number(_in(12, "More than in the window before", asked.metric("revenue_growth")), width=4),
    ]


def _revenue(asked: Queries) -> list[Sized]:
    sold = [
        ("Orders", asked.series("orders", "window", "currency")),
        ("Buyers", asked.series("buyers", "window", "currency")),
        ("Twice or more", asked.series("repeat_buyers", "window", "currency")),
        ("An order's worth", asked.metric("aov")),
        ("Orders a buyer and year", asked.metric("purchase_frequency")),
    ]
    shares = (
        ("service", "service_share"), ("added value", "value_added_share"), ("cross and up sell",
        "cross_up_sell_share"),
    )  # fmt: skip
    return [
        graph(_in(
            20, "Revenue over time", asked.series("revenue", "window", "currency"),
            past(asked.week_ago.series("revenue", "window", "currency"), "{{currency}}"),
        )),
        bars(_in(21, "Revenue by category", asked.series("revenue", "window", "currency", "category")),
        width=12),
        grid(Panel(
            22, "Orders and buyers", tuple(query.named(name) for name, query in sold), AMOUNT, no_value="-",
        ), rows=("currency",), width=12, height=7),
        bars(Panel(
            23, "Where revenue comes from",
            tuple(asked.metric(name).named(f"{{{{currency}}}}, {said}") for said, name in shares), RATIO,
        ), width=12, height=7),
    ]  # fmt: skip


def _recurring(asked: Queries) -> list[Sized]:
    kept = (("kept", "grr"), ("kept, with growth", "nrr"))
    at_start = [
        ("At the start", asked.series("mrr_at_start", "window", "currency")),
        ("Now", asked.series("mrr", "currency")),
        ("Subscribed customers", asked.series("subscribed_customers", "currency")),
    ]
    return [
        graph(_in(30, "Recurring revenue by plan", asked.series("mrr", "currency", "plan")), stacked=True),
        bars(_in(
            31, "What moved it", asked.series("mrr_changes", "window", "currency", "change"),
            note="All amounts are positive: churn and contraction take away, the others add.",
        ), width=12),
        bars(Panel(
            32, "Recurring revenue kept",
            tuple(asked.metric(name).named(f"{{{{currency}}}}, {said}") for said, name in kept), RATIO, base=RED,
            steps=((0.9, ORANGE), (1, GREEN)), least=0,
        ), width=12, height=6),
        grid(Panel(
            33, "Start and now", tuple(query.named(name) for name, query in at_start), AMOUNT, no_value="-",
        ), rows=("currency",), width=12, height=6),
    ]  # fmt: skip


def _worth(asked: Queries) -> list[Sized]:
    lives = [
        (basis, asked.series("customer_lifetime_seconds_sum", "basis", basis=basis))
        for basis in ("purchase", "subscription")
    ]
    counted = asked.series("customer_lifetime_seconds_count", "basis")
    return [
        bars(_in(
            40, "A buyer's worth, and a subscriber's", asked.metric("clv").named("{{currency}}, buyer"),
            asked.metric("ltv").named("{{currency}}, subscriber"),
        )),
        bars(_in(
            41, "What a new customer costs", asked.metric("cac").named("{{currency}}, now"),
            asked.metric("cac_reduction").named("{{currency}}, less than before"),
        )),
        number(Panel(42, "How long buyers stay", (asked.metric("lifetime"),), "suffix: years", decimals=2),
        height=8),
        bars(Panel(
            43, "What lifetimes are made of",
            (
                *(query.over(_YEAR_S).named(f"years, {basis}") for basis, query in lives),
                counted.named("counted, {{basis}}"),
            ),
            COUNT, "Years of all together, and how many they are: the mean is their ratio.", least=0,
        ), width=4),
    ]  # fmt: skip


def _cash(asked: Queries) -> list[Sized]:
    return [
        bars(_in(50, "Spending", asked.series("spend", "window", "currency", "category"))),
        bars(_in(51, "Cash flow", asked.series("cash_flow", "window", "currency", "kind"))),
        number(_in(52, "Net cash", asked.metric("net_cash")), height=8),
        number(Panel(
            53, "What innovation brings back", (asked.metric("innovation_roi"),), RATIO,
            "Growth of the revenue less innovation spending, over the latter. Below 0 it is not earned back.",
            RED, ((0, GREEN),), decimals=0,
        ), height=8),
    ]  # fmt: skip
