"""Recording rules: every derived metric as ``deskpulse:<id>``, withheld unless the workers make up the whole.

What workers expose adds up to the truth only where each partition is part of exactly one of their latest scrapes.
While partitions move, one scrape may still show what another shows already, or nobody does. So every rule carries
a guard, and carries it inside its own expression: one query sees one state of the database, whereas a rule recorded
just before may have seen the scrape before the one that the next rule sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from metrics_core.catalog import FAMILIES, series_of
from metrics_core.derived import DERIVED, Derived
from metrics_core.derived.formulas import (
    Change,
    Formula,
    Labels,
    OlderThan,
    Product,
    Quantile,
    Ratio,
    Scaled,
    Term,
    parts_of,
)
from metrics_core.derived.promql import PREFIX, Renderer, conjunction, or_zero, selector
from metrics_core.policy import Policy
from metrics_core.series import Series

#: what a recorded series is called: this and the id of the derived metric
RULE_PREFIX: Final = "deskpulse:"
#: kind of topic -> its name, unless the deployment names it otherwise
TOPICS: Final[Mapping[str, str]] = {"helpdesk": "helpdesk.events", "crm": "crm.events"}
#: a few scrapes of five seconds; windows move by the minute
INTERVAL: Final = "15s"

_NOTICE = """\
# Generated from the metrics catalog by `make generate`: do not edit.
#
# Each derived metric by its output labels. A rule gives no value, rather than a wrong one, while the workers that
# are scraped do not show every partition of the topics it counts exactly once, or run under different policies.
"""
_READY = f"{PREFIX}partition_ready"
_FRESH = f"{PREFIX}partition_fresh"
_PARTITIONS = f"{PREFIX}topic_partitions"
_POLICY = f"{PREFIX}metric_spec_info"


def recording_rules(
    topics: Mapping[str, str] = TOPICS, policy: Policy | None = None, derived: Sequence[Derived] = DERIVED
) -> str:
    """The rule file, for topics of these names (kind -> name) and series with the policy's labels."""
    rules = RuleSet(topics, policy or Policy())
    groups: dict[str, list[tuple[str, str]]] = {"deskpulse-complete": [("complete", complete_rule())]}
    for metric in derived:
        name = "-".join(("deskpulse", *sorted(rules.kinds(metric.formula))))
        groups.setdefault(name, []).append((metric.id, rules.expression(metric)))
    lines = [_NOTICE + "groups:"]
    for group, members in groups.items():
        lines += [f"  - name: {group}", f"    interval: {INTERVAL}", "    rules:"]
        for name, expression in members:
            lines += [f"      - record: {RULE_PREFIX}{name}", "        expr: |-"]
            lines += [f"          {line}" for line in expression.split("\n")]
    return "\n".join(lines) + "\n"


class RuleSet:
    """Expressions of rules for topics of given names. Boards render the same for ``chosen`` labels and as of
    ``offset`` ago: see Renderer."""

    def __init__(
        self,
        topics: Mapping[str, str],
        policy: Policy,
        *,
        chosen: Mapping[str, str] | None = None,
        offset: str = "",
    ) -> None:
        self._topics = topics
        self._offset = offset
        self._series: dict[str, Series] = {}
        self._kinds: dict[str, frozenset[str]] = {}
        for family in FAMILIES:
            for series in series_of(family, policy):
                self._series[series.name] = series
                self._kinds[series.name] = family.topics
        self._renderer = Renderer(self._series, chosen=chosen, offset=offset)

    def expression(self, metric: Derived) -> str:
        """The guarded query of a derived metric."""
        return self.guarded(metric.formula, metric.by)

    def guarded(self, formula: Formula, by: Labels, *, zero: bool = False) -> str:
        """The query of a formula by some labels, without a value unless the workers make up the whole. ``zero``:
        of a whole that has no such rows, 0."""
        value = self._renderer.render(formula, by)
        if zero:
            value = or_zero(value)
        for kind in sorted(self.kinds(formula)):
            value = conjunction(value, whole_topic(self._topics[kind], self._offset), ())
        for condition in dict.fromkeys(self._known_pasts(formula)):
            value = conjunction(value, condition, ("window",))
        return conjunction(value, one_policy(self._offset), ()).text

    def sum(self, formula: Formula, by: Labels = ()) -> str:
        """The query of a formula by some labels without a guard, for conditions that stand beside one."""
        return self._renderer.render(formula, by).text

    def kinds(self, formula: Formula) -> frozenset[str]:
        """Kinds of topics whose events a formula counts."""
        return frozenset(kind for part in parts_of(formula) for kind in self._kinds.get(_series_of(part), ()))

    def _known_pasts(self, formula: Formula) -> Iterator[str]:
        """What must be there for a window whose past a formula needs: a term that is withheld must not pass for one
        that is missing, which counts as 0.

        What stood at a window's start is known as soon as one worker shows it: before its own history a worker adds
        0. Of what happened in the window before, a worker withholds its part until its own history reaches it;
        where another's reaches further, the sum would lack that part, so all that have a history must show it.
        """
        certain = _always_there(formula)
        for term in parts_of(formula):
            if not isinstance(term, Term):
                continue
            series = self._series[term.series]
            period = {"period": (term.where["period"],)} if "period" in series.labels else {}
            shown = selector(PREFIX + term.series, period, self._offset)
            if series.at_start:
                if term not in certain:
                    yield f"count by (window) ({shown})"
            elif period.get("period") == ("before",):
                since = selector(f"{PREFIX}history_start_timestamp_seconds", {}, self._offset)
                if series.history:
                    kind = {"subject": (series.history,)}
                    since = selector(f"{PREFIX}subject_history_start_timestamp_seconds", kind, self._offset)
                yield (
                    f"count by (window) (count by (window, job, instance) ({shown}))\n"
                    f"== on () group_left () count({since})"
                )


def whole_topic(topic: str, offset: str = "") -> str:
    """One row where every partition of the topic is in the latest scrape of exactly one worker."""
    ready, partitions = (selector(name, {"topic": (topic,)}, offset) for name in (_READY, _PARTITIONS))
    return f"count(sum by (partition) ({ready}) == 1)\n== min({partitions})\n== max({partitions})"


def fresh_topic(topic: str) -> str:
    """One row where no partition of the topic is behind in the latest scrapes."""
    return f"min({selector(_FRESH, {'topic': (topic,)})}) == 1"


def policies(offset: str = "") -> str:
    """A row for each version and policy that workers count under: how many do."""
    return f"count by (version, policy) ({selector(_POLICY, {}, offset)})"


def one_policy(offset: str = "") -> str:
    """One row where all workers that are scraped count alike."""
    return f"count({policies(offset)}) == 1"


def complete_rule() -> str:
    """The same for every topic, as 1 or 0, for boards and alerts."""
    return (
        "0 * (\n"
        f"  count by (topic) (sum by (topic, partition) ({_READY}) == 1)\n"
        f"  == min by (topic) ({_PARTITIONS})\n"
        f"  == max by (topic) ({_PARTITIONS})\n"
        "  and on () (\n"
        f"    {one_policy()}\n"
        "  )\n"
        ") + 1\n"
        f"or 0 * max by (topic) ({_PARTITIONS})"
    )


def _always_there(formula: Formula) -> list[Term]:
    """Terms without which a formula has no value."""
    match formula:
        case Term():
            return [formula]
        case Ratio():
            return _always_there(formula.denominator)
        case Product():
            return _always_there(formula.left) + _always_there(formula.right)
        case Change():
            return _always_there(formula.now) + _always_there(formula.before)
        case Scaled():
            return _always_there(formula.formula)
    return []


def _series_of(part: Formula) -> str:
    return part.series if isinstance(part, Term | Quantile | OlderThan) else ""
