"""Figures of people and money: agents, revenue, spending, cash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from streams.top.samples import Samples

WINDOWS = ("1h", "24h", "7d", "30d")
NAMES = frozenset(
    (
        *("agents", "agents_employed", "agent_changes", "agents_at_start"),
        *("revenue", "orders", "spend", "cash_flow"),
    )
)
#: what customers cost to win
_ACQUISITION = ("sales", "marketing")


@dataclass(frozen=True)
class Team:
    """Agents; counts."""

    #: status -> agents
    statuses: dict[str, int]
    #: group -> agents, those of each status
    by_group: dict[str, dict[str, int]]
    employed: dict[str, int]
    #: window -> change -> agents
    changes: dict[str, dict[str, int]]
    #: window -> employed as of its start, None before the history reaches it
    at_start: dict[str, int | None]


@dataclass(frozen=True)
class Money:
    """One currency, in major units; dictionaries by window unless said otherwise."""

    currency: str
    revenue: dict[str, float]
    orders: dict[str, int]
    spend: dict[str, float]
    #: cost of winning a customer, None where none was won or nothing spent
    cac: dict[str, float | None]
    net_cash: dict[str, float]
    #: category -> amount of 30 days
    spend_by_category: dict[str, float]
    revenue_by_category: dict[str, float]


def team_of(samples: Samples) -> Team:
    """Agents by status and group."""
    groups: dict[str, dict[str, int]] = {}
    for labels, value in samples.select("agents"):
        if value > 0:
            by_group = groups.setdefault(labels.get("status", ""), {})
            by_group[labels.get("group", "")] = by_group.get(labels.get("group", ""), 0) + int(value)
    starts = {w: [value for _, value in samples.select("agents_at_start", window=w)] for w in WINDOWS}
    return Team(
        statuses=_whole(samples.by("status", "agents")),
        by_group={status: _largest(by_group) for status, by_group in groups.items()},
        employed=_largest(_whole(samples.by("group", "agents_employed"))),
        changes={w: _whole(samples.by("change", "agent_changes", window=w)) for w in WINDOWS},
        at_start={w: int(sum(values)) if values else None for w, values in starts.items()},
    )


def money_of(samples: Samples) -> list[Money]:
    """A currency each, the one with most revenue and spending in 30 days first."""
    sizes: dict[str, float] = {}
    for name, match in (("revenue", {"period": "now"}), ("spend", {"period": "now"}), ("cash_flow", {})):
        for currency, value in samples.by("currency", name, window="30d", **match).items():
            if currency not in ("", "none"):
                sizes[currency] = sizes.get(currency, 0.0) + abs(value)
    shown = [currency for currency, size in sizes.items() if size > 0]
    return [_money(samples, currency) for currency in sorted(shown, key=lambda c: (-sizes[c], c))]


def _money(samples: Samples, currency: str) -> Money:
    spend = {w: samples.by("category", "spend", window=w, period="now", currency=currency) for w in WINDOWS}
    cash = {w: samples.by("kind", "cash_flow", window=w, currency=currency) for w in WINDOWS}
    return Money(
        currency,
        revenue={w: samples.total("revenue", window=w, period="now", currency=currency) for w in WINDOWS},
        orders={w: int(samples.total("orders", window=w, currency=currency)) for w in WINDOWS},
        spend={w: sum(by.values()) for w, by in spend.items()},
        cac={w: _cac(samples, w, by) for w, by in spend.items()},
        net_cash={w: _net(by) for w, by in cash.items()},
        spend_by_category=_positive(spend["30d"]),
        revenue_by_category=_positive(
            samples.by("category", "revenue", window="30d", period="now", currency=currency)
        ),
    )


def _cac(samples: Samples, window: str, spend: Mapping[str, float]) -> float | None:
    won = samples.total("customer_changes", window=window, period="now", change="new")
    cost = sum(spend.get(category, 0.0) for category in _ACQUISITION)
    return cost / won if won > 0 and cost else None


def _net(cash: Mapping[str, float]) -> float:
    return cash.get("operating", 0.0) - cash.get("investment", 0.0) - cash.get("working_capital", 0.0)


def _whole(values: Mapping[str, float]) -> dict[str, int]:
    return {name: int(value) for name, value in values.items()}


def _largest(values: Mapping[str, int]) -> dict[str, int]:
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    return {name: value for name, value in ordered if value > 0}


def _positive(values: Mapping[str, float]) -> dict[str, float]:
    ordered = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    return {name: value for name, value in ordered if value > 0}
