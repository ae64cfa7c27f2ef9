"""Pages of what was promised and how it was liked."""

from __future__ import annotations

from functools import partial

from rich.text import Text

from streams.top.blocks import Block, Tile, bars, grid
from streams.top.figures import Figures
from streams.top.layout import Trends, below, big, spelled
from streams.top.service import WINDOWS, Promise, Satisfaction, share_met
from streams.top.words import count, percent

#: what waits beyond its promise, and what is about to
_STATE_STYLES = {"breached": "red", "at risk": "yellow"}
_CLASS_STYLES = {"negative": "red", "neutral": "yellow", "detractor": "red", "passive": "yellow"}


def promises_page(figures: Figures, trends: Trends, width: int, height: int) -> Block:
    """Service levels: what breaks next, and how much was kept, target by target."""
    promises = figures.promises
    if not promises:
        return [
            Text("No promise has been counted yet.", style="bold"),
            Text("This page fills as soon as a ticket comes that a service level of the policy holds for."),
        ]
    shown = big(_promise_tiles(promises, trends), width, height - 3)
    rows: list[tuple[str, ...]] = [("promise", "24 h", "7 d", "30 d", "breached", "at risk", "running", "paused")]
    for one in promises[: max(1, height - len(shown) - 1)]:
        shares = (percent(one.attainment(window)) for window in WINDOWS[1:])
        clocks = (count(one.clocks.get(state, 0)) for state in ("breached", "at_risk", "running", "paused"))
        rows.append((f"{one.policy} {one.target.replace('_', ' ')}", *shares, *clocks))
    waiting = {
        state.replace("_", " "): sum(one.clocks.get(state, 0) for one in promises)
        for state in ("breached", "at_risk", "running", "paused")
    }
    broken = {
        f"{one.policy} {one.target.replace('_', ' ')}": one.outcomes["24h"][1]
        for one in sorted(promises, key=lambda one: -one.outcomes["24h"][1])
        if one.outcomes["24h"][1]
    }
    return below(
        [*shown, *grid(rows, width)],
        [
            lambda w, h: bars("Waiting now", waiting, w, h, lambda n: _STATE_STYLES.get(n, ""), ordered=True),
            partial(bars, "Broken in 24 h", broken),
        ],
        width,
        height,
    )


def _promise_tiles(promises: list[Promise], trends: Trends) -> list[Tile]:
    first = [one for one in promises if one.target == "first_response"]
    broken = {window: sum(one.outcomes[window][1] for one in promises) for window in WINDOWS}
    at_risk, breached = (sum(one.clocks.get(state, 0) for one in promises) for state in ("at_risk", "breached"))
    red, yellow = "bold red", "bold yellow"
    return [
        Tile("At risk", str(at_risk), "", "", trends["at_risk"].values, yellow if at_risk else "bold"),
        Tile("Breached, waiting", str(breached), "", "", trends["breached"].values, red if breached else "bold"),
        Tile("Broken, 1 h", str(broken["1h"]), "", f"24 h: {count(broken['24h'])}"),
        _share("Kept, 24 h", share_met(promises, "24h"), f"30 d: {percent(share_met(promises, '30d'))}"),
        _share("First response, 24 h", share_met(first, "24h"), f"30 d: {percent(share_met(first, '30d'))}"),
        Tile("Promises running", str(sum(one.clocks.get("running", 0) for one in promises))),
    ]


def _share(title: str, share: float | None, detail: str = "") -> Tile:
    if share is None:
        return Tile(title, "-", "", detail)
    return Tile(title, "100" if share == 1 else f"{100 * share:.1f}", "%", detail)


def satisfaction_page(figures: Figures, trends: Trends, width: int, height: int) -> Block:
    """CSAT, NPS, effort and complaints."""
    found = figures.satisfaction
    if not any(found.answers.values()) and not any(found.complaints["30d"].values()) and not found.open_complaints:
        return [
            Text("No survey was answered and nobody has complained yet.", style="bold"),
            Text("This page fills with ratings of tickets, answers of the CRM, and complaints."),
        ]
    shown = big(_satisfaction_tiles(found, trends), width, height - 3)
    rows: list[tuple[str, ...]] = [
        ("last", "CSAT", "NPS", "CES", "answers", "response rate", "complaints", "escalated", "resolved")
    ]
    for window in WINDOWS[1:]:
        flows = found.complaints[window]
        rows.append(
            (
                spelled(window),
                percent(found.csat[window]),
                _points(found.nps[window]),
                percent(found.ces[window]),
                count(found.answers[window]),
                percent(found.response_rate[window]),
                *(count(flows.get(flow, 0)) for flow in ("opened", "escalated", "resolved")),
            )
        )

    def classes(title: str, values: dict[str, int], w: int, h: int) -> Block:
        return bars(title, values, w, h, lambda name: _CLASS_STYLES.get(name, ""), ordered=True)

    return below(
        [*shown, *grid(rows, width)],
        [
            partial(classes, "CSAT, 30 days", found.csat_classes),
            partial(classes, "NPS, 30 days", found.nps_classes),
            partial(bars, "Open complaints", found.open_complaints),
        ],
        width,
        height,
    )


def _satisfaction_tiles(found: Satisfaction, trends: Trends) -> list[Tile]:
    day, month = found.complaints["24h"], found.complaints["30d"]
    complaints = sum(found.open_complaints.values())
    return [
        _share("CSAT, 7 days", found.csat["7d"], f"30 d: {percent(found.csat['30d'])}"),
        Tile("NPS, 30 days", _points(found.nps["30d"]), "", f"{count(sum(found.nps_classes.values()))} answers"),
        _share("CES, 30 days", found.ces["30d"], "score of its scale"),
        Tile("Open complaints", str(complaints), "", "", trends["open_complaints"].values),
        Tile("Complaints, 24 h", str(day.get("opened", 0)), "", f"30 d: {count(month.get('opened', 0))}"),
        Tile("Escalated, 24 h", str(day.get("escalated", 0)), "", f"30 d: {count(month.get('escalated', 0))}"),
    ]


def _points(share: float | None) -> str:
    return "-" if share is None else f"{round(100 * share):+d}" if round(100 * share) else "0"
