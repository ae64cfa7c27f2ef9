"""The pages, and two of them: the helpdesk and the customers. Figures in, lines out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rich.text import Text

from streams.top.blocks import Block, Tile, bars, beside, columns_of, grid
from streams.top.business_pages import money_page, team_page
from streams.top.figures import AGE_NAMES, WINDOWS, Customers, Figures, Spread, Support
from streams.top.layout import Trends, big, short, spelled
from streams.top.service_pages import promises_page, satisfaction_page
from streams.top.trend import Trend
from streams.top.words import count, duration, duration_parts, percent, signed

#: from this width on, the table has first response for every window
WIDE_TABLE_COLUMNS = 110
#: the oldest tickets are told apart by colour: they are what a lead asks about first
_AGE_STYLES = {"over 1 d": "yellow", "3 to 7 d": "yellow", "over 3 d": "yellow", "over 7 d": "red"}


@dataclass(frozen=True)
class Page:
    """A page: the key that shows it, its name, and its body for a width and height."""

    key: str
    title: str
    body: Callable[[Figures, Trends, int, int], Block]


def trend_values(figures: Figures) -> dict[str, float | None]:
    """What is remembered from poll to poll for the sparklines."""
    support, customers = figures.support, figures.customers
    return {
        "first_response_p50": support.first_response["1h"].p50_s,
        "first_response_p90": support.first_response["1h"].p90_s,
        "resolution_p50": support.resolution["24h"].p50_s,
        "open": support.open_tickets,
        "unanswered": support.unanswered,
        "oldest": support.oldest_unanswered_s,
        "net": support.created["1h"] - support.resolved["1h"],
        "active": customers.states.get("active"),
        "at_risk": sum(one.clocks.get("at_risk", 0) for one in figures.promises),
        "breached": sum(one.clocks.get("breached", 0) for one in figures.promises),
        "open_complaints": sum(figures.satisfaction.open_complaints.values()),
        "online": figures.team.statuses.get("online"),
    }


def support_page(figures: Figures, trends: Trends, width: int, height: int) -> Block:
    """First response, backlog and waiting, in sizes that the room allows."""
    support = figures.support
    shown = big(_support_tiles(support, trends), width, height - 3)
    table = _support_table(support, width, rows=5 if height - len(shown) > 14 else 3)
    left = height - len(shown) - len(table)
    block = [*shown, *table]
    if left >= 7:
        block.append(Text())
        left -= 1
    if left >= 3:
        block += _backlog(support, width, left)
    return block[:height]


def _support_tiles(support: Support, trends: Trends) -> list[Tile]:
    hour, day = support.first_response["1h"], support.first_response["24h"]
    net = support.created["1h"] - support.resolved["1h"]
    intake = f"{count(support.created['1h'])} in, {count(support.resolved['1h'])} out"
    unassigned = f"{count(support.unassigned)} unassigned"
    return [
        _spread_tile("First response p50, 1 h", hour.p50_s, day.p50_s, trends["first_response_p50"]),
        _spread_tile("First response p90, 1 h", hour.p90_s, day.p90_s, trends["first_response_p90"]),
        Tile("Oldest unanswered", *duration_parts(support.oldest_unanswered_s), "", trends["oldest"].values),
        Tile("Open tickets", str(support.open_tickets), "", unassigned, trends["open"].values),
        Tile("Unanswered tickets", str(support.unanswered), "", "", trends["unanswered"].values),
        Tile(
            "Backlog change, 1 h",
            signed(net),
            detail=intake,
            trend=trends["net"].values,
            style="bold yellow" if net > 0 else "bold",
        ),
    ]


def _spread_tile(title: str, hour_s: float | None, day_s: float | None, trend: Trend) -> Tile:
    return Tile(title, *duration_parts(hour_s), f"24 h: {duration(day_s)}", trend.values)


def _support_table(support: Support, width: int, rows: int) -> Block:
    wide = width >= WIDE_TABLE_COLUMNS
    response = ("first response p50", "p90") if wide else ()
    table = [("last", "created", "resolved", *response, "resolution p50", "p90", "customer msgs", "agent msgs")]
    for window in WINDOWS[: rows - 1]:
        messages = support.messages[window]
        table.append(
            (
                spelled(window),
                count(support.created[window]),
                count(support.resolved[window]),
                *(_spread(support.first_response[window]) if wide else ()),
                *_spread(support.resolution[window]),
                count(messages.get("customer", 0)),
                count(messages.get("agent", 0)),
            )
        )
    return grid(table, width)


def _spread(found: Spread) -> tuple[str, str]:
    return duration(found.p50_s), duration(found.p90_s)


def _backlog(support: Support, width: int, rows: int) -> Block:
    ages = _merged(dict(zip(AGE_NAMES, support.ages, strict=True)), rows - 1)
    widths = columns_of(width, 3)
    return beside(
        [
            bars("Open by group", support.open_by_group, widths[0], rows),
            bars("Open by channel", support.open_by_channel, widths[1], rows),
            bars("Age of open tickets", ages, widths[2], rows, lambda n: _AGE_STYLES.get(n, ""), ordered=True),
        ],
        widths,
    )


def _merged(ages: Mapping[str, int], bars_shown: int) -> dict[str, int]:
    """The distribution in no more bars than there is room for; its old end is never left out."""
    merged: defaultdict[str, int] = defaultdict(int)
    for name, value in ages.items():
        young = name in ("under 1 h", "1 to 4 h", "4 to 8 h")
        if bars_shown < 7 and young:
            name = "under 8 h"
        if bars_shown < 5 and name in ("3 to 7 d", "over 7 d"):
            name = "over 3 d"
        if bars_shown < 4 and name in ("1 to 3 d", "over 3 d"):
            name = "over 1 d"
        merged[name] += value
    return dict(merged)


def customers_page(figures: Figures, trends: Trends, width: int, height: int) -> Block:
    """Customers, churn and recurring revenue."""
    customers = figures.customers
    if not customers.states and not customers.subscriptions and not customers.mrr:
        return [
            Text("No customer has been counted yet.", style="bold"),
            Text("This page fills as soon as events arrive in the CRM topic."),
        ]
    shown = big(_customer_tiles(customers, trends), width, height - 3)
    rows: list[tuple[str, ...]] = [("last", "new", "lost", "reactivated", "churn")]
    for window in WINDOWS[1:]:
        changes = customers.changes[window]
        cells = (count(changes.get(change, 0)) for change in ("new", "lost", "reactivated"))
        churn = percent(customers.churn[window])
        rows.append((spelled(window), *cells, churn))
    block = [*shown, *grid(rows, width)]
    left = height - len(block)
    if left >= 4:
        widths = columns_of(width, 2)
        plans = bars("Subscriptions by plan", customers.subscriptions, widths[0], left - 1)
        block += [Text(), *beside([plans, _revenue(customers)], widths)]
    return block[:height]


def _customer_tiles(customers: Customers, trends: Trends) -> list[Tile]:
    month = customers.changes["30d"]
    churn = customers.churn["30d"]
    currency, mrr = max(customers.mrr.items(), key=lambda item: item[1], default=("", 0.0))
    figure, unit = short(mrr)
    return [
        Tile("Active customers", str(customers.states.get("active", 0)), "", "", trends["active"].values),
        Tile("New, 30 days", str(month.get("new", 0))),
        Tile("Lost, 30 days", str(month.get("lost", 0))),
        Tile("Churn, 30 days", "-" if churn is None else f"{100 * churn:.1f}", "" if churn is None else "%"),
        Tile("Subscriptions", str(sum(customers.subscriptions.values()))),
        Tile(f"MRR {currency}".strip(), figure, unit, "recurring revenue a month"),
    ]


def _revenue(customers: Customers) -> Block:
    block = [Text("Recurring revenue a month", style="bold")]
    for currency, amount in sorted(customers.mrr.items()):
        changed = {change: value for (change, of), value in customers.mrr_changes["30d"].items() if of == currency}
        gained = sum(changed.get(change, 0.0) for change in ("new", "expansion", "reactivation"))
        lost = sum(changed.get(change, 0.0) for change in ("contraction", "churn"))
        line = f"{currency} {amount:,.2f}   30 days: +{gained:,.2f} -{abs(lost):,.2f}"
        block.append(Text(line))
    return block


PAGES: tuple[Page, ...] = (
    Page("1", "support", support_page),
    Page("2", "promises", promises_page),
    Page("3", "satisfaction", satisfaction_page),
    Page("4", "team", team_page),
    Page("5", "customers", customers_page),
    Page("6", "money", money_page),
)
