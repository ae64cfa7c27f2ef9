"""Customers and churn: who is with us, who came, who left, and who brings others."""

from __future__ import annotations

from grafana.board import Board
from grafana.panels import (
    COUNT,
    GREEN,
    ORANGE,
    RATIO,
    RED,
    Panel,
    Sized,
    bars,
    compared,
    graph,
    grid,
    number,
)
from grafana.queries import Queries
from streams.alerting import places


def board(queries: Queries) -> Board:
    """Not by group or channel: a customer has none."""
    asked = queries.of("window")
    made = Board(
        places.CUSTOMERS, "Customers and churn", "Customers, subscriptions, leads and invitations.", asked,
        since="now-30d", refresh="5m",
    )  # fmt: skip
    made.header()
    made.add(*_now(asked))
    made.row("Churn")
    made.add(*_churn(asked))
    made.row("Who came and who left")
    made.add(*_changes(asked))
    made.row("Growth")
    made.add(*_growth(asked))
    return made


def _now(asked: Queries) -> list[Sized]:
    return [
        number(Panel(10, "Customers", (asked.series("customers", "state"),), COUNT), width=8),
        number(Panel(
            11, "Gone quiet", compared(asked, lambda q: q.metric("inactive_share")), RATIO, decimals=1,
        )),
        number(Panel(12, "Subscriptions", compared(asked, lambda q: q.series("subscriptions")), COUNT)),
    ]  # fmt: skip


def _churn(asked: Queries) -> list[Sized]:
    goals = asked.policy.goals
    rates = ("customer_churn", "customer_churn_cohort", "subscription_churn", "subscription_churn_cohort")
    names = {
        "customer_churn": "customers", "customer_churn_cohort": "customers of the start",
        "subscription_churn": "subscriptions", "subscription_churn_cohort": "subscriptions of the start",
    }  # fmt: skip
    goal = f"The line is {goals.churn:.0%}, a goal for 30 days."
    start = [
        ("customers at the start", asked.series("customers_at_start", "window")),
        ("of these gone", asked.series("customers_lost_of_start", "window")),
        ("subscriptions at the start", asked.series("subscriptions_at_start", "window")),
        ("of these ended", asked.series("subscriptions_lost_of_start", "window")),
    ]
    return [
        graph(Panel(
            places.CHURN.panel, "Churn", tuple(asked.metric(name).named(names[name]) for name in rates), RATIO,
            goal, steps=((goals.churn, RED),), decimals=1,
        )),
        number(Panel(
            21, "Kept", compared(asked, lambda q: q.metric("retention")), RATIO, base=RED,
            steps=((0.9, ORANGE), (0.95, GREEN)), decimals=1,
        ), height=8),
        number(Panel(
            22, "Better than before", (asked.metric("churn_reduction"),), RATIO, "Above 0: fewer are lost.", RED,
            ((0, GREEN),), decimals=1,
        ), height=8),
        bars(Panel(
            23, "What the rates are made of", tuple(query.named(name) for name, query in start), COUNT, least=0,
        ), width=4),
    ]  # fmt: skip


def _changes(asked: Queries) -> list[Sized]:
    return [
        graph(Panel(
            30, "Customers won and lost", (asked.series("customer_changes", "window", "change"),), COUNT,
        )),
        graph(Panel(
            31, "Subscriptions started and cancelled",
            (asked.series("subscription_changes", "window", "change"),), COUNT,
        )),
        bars(Panel(
            32, "New customers by origin",
            (asked.series("customer_changes", "window", "origin", change="new"),), COUNT, least=0,
        ), width=6),
        grid(Panel(
            33, "Segments",
            (
                asked.series("customers", "segment", state="active").named("Active"),
                asked.series("customers", "segment", state="inactive").named("Quiet"),
                asked.series("customers", "segment", state="churned").named("Gone"),
                asked.series("customer_changes", "window", "segment", change="new").named("New"),
                asked.series("customer_changes", "window", "segment", change="lost").named("Lost"),
            ),
            COUNT, no_value="-",
        ), rows=("segment",), width=12),
        bars(Panel(34, "Subscriptions by plan", (asked.series("subscriptions", "plan"),), COUNT, least=0), width=6),
    ]  # fmt: skip


def _growth(asked: Queries) -> list[Sized]:
    rates = (("won of qualified", "conversion"), ("sold after service", "conversion_after_service"))
    return [
        bars(Panel(40, "Leads by stage", (asked.series("leads", "window", "stage"),), COUNT, least=0), width=6),
        bars(Panel(
            41, "Leads by origin", (asked.series("leads", "window", "origin", stage="created"),), COUNT, least=0,
        ), width=6),
        graph(Panel(42, "Conversion", tuple(asked.metric(name).named(said) for said, name in rates), RATIO)),
        number(Panel(
            43, "Growth unpaid for", compared(asked, lambda q: q.metric("organic_growth")), RATIO, decimals=1,
        ), width=6),
        number(Panel(
            44, "Leads by referral for each customer", compared(asked, lambda q: q.metric("referral_rate")), RATIO,
            decimals=1,
        ), width=6),
        number(Panel(
            45, "Others that a customer brings", compared(asked, lambda q: q.metric("viral_coefficient")), "none",
            decimals=3,
        ), width=6),
        number(Panel(46, "Invitations", (asked.series("invites", "window", "state"),), COUNT), width=6),
    ]  # fmt: skip
