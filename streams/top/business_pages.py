"""Pages of people and money."""

from __future__ import annotations

from functools import partial

from rich.text import Text

from streams.top.blocks import Block, Tile, bars, grid
from streams.top.business import WINDOWS, Money, Team
from streams.top.figures import Figures
from streams.top.layout import Trends, below, big, short, spelled
from streams.top.words import count, percent


def team_page(figures: Figures, trends: Trends, width: int, height: int) -> Block:
    """Who is there, and who came and went."""
    team = figures.team
    if not any(team.statuses.values()) and not team.employed:
        return [
            Text("No agent has been heard of yet.", style="bold"),
            Text("This page fills with helpdesk.agent events: joined, left, status_changed, snapshot."),
        ]
    shown = big(_team_tiles(figures, trends), width, height - 3)
    rows: list[tuple[str, ...]] = [("last", "joined", "left", "at start", "turnover", "resolved", "an agent")]
    employed = sum(team.employed.values())
    for window in WINDOWS[1:]:
        changes, start = team.changes[window], team.at_start[window]
        resolved = figures.support.resolved[window]
        rows.append(
            (
                spelled(window),
                *(count(changes.get(change, 0)) for change in ("joined", "left")),
                "-" if start is None else count(start),
                percent(changes.get("left", 0) / start if start else None),
                count(resolved),
                f"{resolved / employed:.1f}" if employed else "-",
            )
        )
    return below(
        [*shown, *grid(rows, width)],
        [
            partial(bars, "Online by group", team.by_group.get("online", {})),
            partial(bars, "Away by group", team.by_group.get("away", {})),
            partial(bars, "Employed by group", team.employed),
        ],
        width,
        height,
    )


def _team_tiles(figures: Figures, trends: Trends) -> list[Tile]:
    team, support = figures.team, figures.support
    online, employed = team.statuses.get("online", 0), sum(team.employed.values())
    return [
        Tile("Online", str(online), "", "", trends["online"].values),
        Tile("Away", str(team.statuses.get("away", 0))),
        Tile("Offline", str(team.statuses.get("offline", 0))),
        Tile("Open an agent online", f"{support.open_tickets / online:.1f}" if online else "-"),
        Tile("Employed", str(employed), "", _came_and_went(team)),
        Tile("Resolved an agent, 24 h", f"{support.resolved['24h'] / employed:.1f}" if employed else "-"),
    ]


def _came_and_went(team: Team) -> str:
    changes = team.changes["30d"]
    return f"30 d: {changes.get('joined', 0)} joined, {changes.get('left', 0)} left"


def money_page(figures: Figures, trends: Trends, width: int, height: int) -> Block:
    """Revenue, what customers cost to win, spending and cash; currencies are never added."""
    if not figures.money:
        return [
            Text("No money has moved yet.", style="bold"),
            Text("This page fills with payments, spending and cash flow in the CRM topic."),
        ]
    first = figures.money[0]
    shown = big(_money_tiles(first), width, height - 3)
    rows: list[tuple[str, ...]] = [("last", "revenue", "spend", "CAC", "net cash", "orders", "an order")]
    for one in figures.money:
        for window in WINDOWS[1:]:
            cac, orders = one.cac[window], one.orders[window]
            rows.append(
                (
                    f"{one.currency} {spelled(window)}",
                    f"{one.revenue[window]:,.2f}",
                    f"{one.spend[window]:,.2f}",
                    "-" if cac is None else f"{cac:,.2f}",
                    f"{one.net_cash[window]:,.2f}",
                    count(orders),
                    f"{one.revenue[window] / orders:,.2f}" if orders else "-",
                )
            )
    return below(
        [*shown, *grid(rows[: max(2, height - len(shown))], width)],
        [
            partial(bars, f"Spend, 30 days, {first.currency}", _whole(first.spend_by_category)),
            partial(bars, f"Revenue, 30 days, {first.currency}", _whole(first.revenue_by_category)),
        ],
        width,
        height,
    )


def _whole(amounts: dict[str, float]) -> dict[str, int]:
    return {name: round(amount) for name, amount in amounts.items()}


def _money_tiles(money: Money) -> list[Tile]:
    currency, cac = money.currency, money.cac["30d"]
    return [
        _amount(f"Revenue {currency}, 30 d", money.revenue["30d"], f"24 h: {money.revenue['24h']:,.2f}"),
        _amount(f"Spend {currency}, 30 d", money.spend["30d"], f"24 h: {money.spend['24h']:,.2f}"),
        _amount(f"Net cash {currency}, 30 d", money.net_cash["30d"], f"24 h: {money.net_cash['24h']:,.2f}"),
        _amount(f"CAC {currency}, 30 d", cac, "a new customer"),
        Tile("Orders, 30 d", str(money.orders["30d"]), "", f"24 h: {count(money.orders['24h'])}"),
        _amount(f"Revenue {currency}, 7 d", money.revenue["7d"]),
    ]


def _amount(title: str, amount: float | None, detail: str = "") -> Tile:
    if amount is None:
        return Tile(title, "-")
    figure, unit = short(amount)
    return Tile(title, figure, unit, detail)
