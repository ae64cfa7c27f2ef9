"""The catalog as one plain document: every series and every derived metric with all that is said about it.

The command line prints it, the generated page renders it. Its keys are stable: other programs read the JSON.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from metrics_core.catalog import FAMILIES, series_of
from metrics_core.derived import DERIVED, REPORTED
from metrics_core.derived.promql import PREFIX
from metrics_core.derived.rules import RULE_PREFIX
from metrics_core.derived.wording import added_labels, series_names, text
from metrics_core.families.base import PERIODS, Family
from metrics_core.policy import WINDOWS, Policy
from metrics_core.series import Series


class ListedSeries(msgspec.Struct, frozen=True):
    """One series. ``labels``: label -> its values where they are closed, else None. ``unit`` of a value, or of
    what a histogram observes; ``merge``: how workers combine."""

    name: str
    family: str
    kind: Literal["gauge", "gaugehistogram"]
    unit: str
    labels: dict[str, tuple[str, ...] | None]
    windows: tuple[str, ...]
    periods: tuple[str, ...]
    merge: str
    help: str


class ListedFamily(msgspec.Struct, frozen=True):
    """What the series of one family have in common."""

    id: str
    question: str
    events: tuple[str, ...]
    traps: str


class ListedDerived(msgspec.Struct, frozen=True):
    """One derived metric; ``rule`` is the recorded series, None where only reports and replays have it;
    ``families`` and ``events`` are those of its terms."""

    id: str
    rule: str | None
    formula: str
    unit: str
    labels: tuple[str, ...]
    series: tuple[str, ...]
    families: tuple[str, ...]
    events: tuple[str, ...]
    question: str
    traps: str


class Listing(msgspec.Struct, frozen=True):
    """The whole catalog, in its own order."""

    families: tuple[ListedFamily, ...]
    series: tuple[ListedSeries, ...]
    derived: tuple[ListedDerived, ...]

    def of(self, *, family: str = "", name: str = "") -> Listing:
        """What belongs to a family, by its id, and has ``name`` in its name."""
        series = tuple(one for one in self.series if family in ("", one.family) and name in one.name)
        return Listing(
            families=tuple(one for one in self.families if any(one.id == s.family for s in series)),
            series=series,
            derived=tuple(one for one in self.derived if (not family or family in one.families) and name in one.id),
        )


def listing(policy: Policy) -> Listing:
    """The catalog with the labels that a policy gives it."""
    family_of = {series.name: family for family in FAMILIES for series in family.series}
    derived = []
    for one in REPORTED:
        names = series_names(one.formula)
        families = tuple(dict.fromkeys(family_of[name].id for name in names))
        events = dict.fromkeys(event for name in names for event in family_of[name].events)
        derived.append(
            ListedDerived(
                id=one.id,
                rule=RULE_PREFIX + one.id if one in DERIVED else None,
                formula=text(one.formula),
                unit=one.unit,
                labels=(*one.by, *added_labels(one.formula)),
                series=tuple(PREFIX + name for name in names),
                families=families,
                events=tuple(events),
                question=one.question,
                traps=one.traps,
            )
        )
    return Listing(
        families=tuple(ListedFamily(one.id, one.question, one.events, one.traps) for one in FAMILIES),
        series=tuple(_listed(family, series) for family in FAMILIES for series in series_of(family, policy)),
        derived=tuple(derived),
    )


def _listed(family: Family, series: Series) -> ListedSeries:
    windows = {"window": WINDOWS} if "window" in series.labels else {}
    closed = {**windows, **series.enums}
    return ListedSeries(
        name=PREFIX + series.name,
        family=family.id,
        kind="gauge" if series.kind == "gauge" else "gaugehistogram",
        unit=_unit(series),
        labels={label: closed.get(label) for label in series.labels},
        windows=WINDOWS if windows else (),
        periods=PERIODS if "period" in series.labels else (),
        merge=series.merge,
        help=series.help,
    )


def _unit(series: Series) -> str:
    if series.name.endswith("_timestamp_seconds"):
        return "seconds since the epoch"
    if series.kind == "histogram" or series.leaves_as == "seconds":
        return "seconds"
    if series.leaves_as == "major_units":
        return "money"
    return "score" if series.name.endswith("_score_sum") else "count"
