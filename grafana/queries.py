"""Queries of panels, made from the catalog: a board's choices are applied to the definition that rules have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from metrics_core.catalog import FAMILIES, all_series, series_of
from metrics_core.derived import DERIVED
from metrics_core.derived.formulas import Formula, OlderThan, Quantile, Term, parts_of
from metrics_core.derived.rules import RULE_PREFIX, TOPICS, RuleSet
from metrics_core.policy import Policy
from metrics_core.series import Series

#: what a second value of a panel is compared with: the same weekday, so that a Monday meets a Monday
WEEK: Final = "1w"
_READS = Term | Quantile | OlderThan

#: matchers for the variables of boards: of several values, of one
MANY: Final = '=~"${}"'
ONE: Final = '="${}"'
MATCHERS: Final[Mapping[str, str]] = {
    **{label: MANY.replace("{}", label) for label in ("group", "channel", "priority", "currency")},
    **{label: ONE.replace("{}", label) for label in ("window", "clock")},
}


@dataclass(frozen=True)
class Query:
    """One query of a panel. ``shows``: series (without prefix) and derived metrics that it puts before the
    reader; ``legend``: how a row is called, with ``{{label}}`` for its labels."""

    expr: str
    shows: tuple[str, ...] = ()
    legend: str = ""

    def named(self, legend: str) -> Query:
        """The same with a legend."""
        return replace(self, legend=legend)

    def since(self) -> Query:
        """How long ago the moment is that the query gives, in seconds."""
        return replace(self, expr=f"time() - (\n{_indented(self.expr)}\n)")

    def over(self, divisor: float) -> Query:
        """The same, divided."""
        return replace(self, expr=f"(\n{_indented(self.expr)}\n) / {divisor!r}")


@dataclass(frozen=True)
class Queries:
    """Queries of a board that offers variables for ``labels``; what is ``pinned`` is not left to them."""

    policy: Policy = field(default_factory=Policy)
    labels: tuple[str, ...] = ()
    topics: Mapping[str, str] = field(default_factory=lambda: TOPICS)
    pinned: Mapping[str, str] = field(default_factory=dict)
    offset: str = ""

    def pin(self, **values: str) -> Queries:
        """The same, with labels fixed to a value whatever the variables say."""
        return replace(self, pinned={**self.pinned, **values})

    def of(self, *labels: str) -> Queries:
        """The same, for a board with variables for these labels."""
        return replace(self, labels=labels)

    @property
    def week_ago(self) -> Queries:
        """The same as of a week before."""
        return replace(self, offset=WEEK)

    def metric(self, name: str, *by: str) -> Query:
        """A derived metric, by its own labels and ``by``: as recorded where no choice bears on it, else computed
        from its series by the same formula."""
        (metric,) = (one for one in DERIVED if one.id == name)
        carried = {label for series in self._read(metric.formula) for label in series}
        names = tuple(dict.fromkeys((*metric.by, *by)))
        if (self._chosen.keys() & carried) <= set(metric.by) and set(names) == set(metric.by):
            return Query(self._recorded(name, metric.by), (name,), self._legend(names))
        return Query(self._rules.guarded(metric.formula, names), (name,), self._legend(names))

    def series(self, name: str, *by: str, **where: str) -> Query:
        """A series summed by some labels (timestamps: the least), guarded as rules are; of the window before only
        where ``period`` says so. One number is 0 where there is nothing to add up."""
        series = self._series_of(name)
        if "period" in series.labels:
            where = {"period": "now", **where}
        zero = not by and series.merge == "sum" and not series.at_start
        return Query(self._rules.guarded(Term(name, where), by, zero=zero), (name,), self._legend(by))

    def observed(self, name: str, *by: str) -> Query:
        """How many durations a histogram holds."""
        return Query(self._rules.guarded(Term(name, part="gcount"), by), (name,), self._legend(by))

    def buckets(self, name: str) -> Query:
        """The buckets of a histogram, for a heat map, where its count may be shown."""
        carried = self._series_of(name).labels
        inner = ",".join(f"{label}{how}" for label, how in sorted(self._chosen.items()) if label in carried)
        shown = _indented(self.observed(name).expr)
        expr = f"sum by (le) (deskpulse_{name}_bucket{{{inner}}})\nand on () (\n{shown}\n)"
        return Query(expr, (name,), "{{le}}")

    def formula(self, formula: Formula, *by: str, shows: Sequence[str]) -> Query:
        """A formula that a board needs and the catalog does not have."""
        return Query(self._rules.guarded(formula, by), tuple(shows))

    def _legend(self, by: Sequence[str]) -> str:
        """The labels that tell rows apart: what one value is chosen of need not be said."""
        one = {label for label, matcher in self._chosen.items() if matcher.startswith('="')}
        return ", ".join(f"{{{{{label}}}}}" for label in by if label not in one)

    @property
    def _chosen(self) -> dict[str, str]:
        chosen = {label: MATCHERS[label] for label in self.labels}
        return chosen | {label: f'="{value}"' for label, value in self.pinned.items()}

    @property
    def _rules(self) -> RuleSet:
        return RuleSet(self.topics, self.policy, chosen=self._chosen, offset=self.offset)

    def _recorded(self, name: str, by: Sequence[str]) -> str:
        inner = ",".join(f"{label}{self._chosen[label]}" for label in sorted(by) if label in self._chosen)
        selected = f"{RULE_PREFIX}{name}{{{inner}}}" if inner else RULE_PREFIX + name
        return f"{selected} offset {self.offset}" if self.offset else selected

    def _series_of(self, name: str) -> Series:
        (series,) = (one for one in all_series(self.policy) if one.name == name)
        return series

    def _read(self, formula: Formula) -> list[tuple[str, ...]]:
        return [self._series_of(part.series).labels for part in parts_of(formula) if isinstance(part, _READS)]


def about(names: Sequence[str], policy: Policy) -> str:
    """What the catalog says of series and derived metrics: what is counted, and what is easily read wrong."""
    said: list[str] = []
    for name in names:
        for metric in DERIVED:
            if metric.id == name:
                said += [metric.question, metric.traps]
        for family in FAMILIES:
            for series in series_of(family, policy):
                if series.name == name:
                    said += [series.help, family.traps]
    return "\n\n".join(dict.fromkeys(text for text in said if text))


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))
