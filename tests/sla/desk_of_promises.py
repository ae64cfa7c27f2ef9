"""A desk with one service level, or those told, and what became of its promises."""

from __future__ import annotations

from typing import Any

from desk_story import ONE_DAY, Desk

from metrics_core.policy import Policy, Version
from metrics_core.policy.version import SlaPolicy

#: ten minutes to the first response, half an hour to the next, an hour to the resolution
GOLD = SlaPolicy(name="gold", first_response_s=600, next_reply_s=1800, resolution_s=3600)


def promised(*levels: SlaPolicy, **version: Any) -> Desk:
    """A desk under these service levels, GOLD where none is told."""
    return Desk(Policy(versions=(Version(sla=levels or (GOLD,), **version),)))


def outcomes(desk: Desk, at: float = ONE_DAY, window: str = "24h", **labels: Any) -> dict[str, float]:
    """``met first_response`` and so on -> how many, where there are any."""
    return _sums(desk, "sla_outcomes", ("outcome", "target"), at, window=window, **labels)


def clocks(desk: Desk, at: float, **labels: Any) -> dict[str, float]:
    """``running resolution`` and so on -> how many, where there are any."""
    return _sums(desk, "sla_clocks", ("state", "target"), at, **labels)


def _sums(desk: Desk, series: str, names: tuple[str, str], at: float, **labels: Any) -> dict[str, float]:
    table = desk.view(at).tables[series]
    found: dict[str, float] = {}
    for values, value in table.rows.items():
        row = dict(zip(table.series.labels, values, strict=True))
        if labels.items() <= row.items() and value:
            key = " ".join(row[name] for name in names)
            found[key] = found.get(key, 0) + value
    return found
