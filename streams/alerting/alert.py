"""The shape of an alert, and the expressions that alerts are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, Literal

from metrics_core.derived.formulas import Formula, Labels
from metrics_core.derived.promql import PREFIX, indented, selector
from metrics_core.derived.rules import RULE_PREFIX, TOPICS, RuleSet, fresh_topic, one_policy, whole_topic
from metrics_core.grid import EDGES_S
from metrics_core.policy import Policy
from metrics_core.policy.promises import Promises, promises
from streams.alerting.places import Place
from streams.serving.rendering import LE
from streams.settings import Settings

#: page: somebody is called; ticket: somebody looks in office hours; none: for machines
Severity = Literal["page", "ticket", "none"]
#: support on-call, support lead, whoever runs the monitor
Team = Literal["oncall", "support", "platform"]
#: business: about the desk, silent while its numbers cannot be trusted; monitor: about the monitor itself
Scope = Literal["business", "monitor"]

MINUTE_S: Final = 60
HOUR_S: Final = 3_600
DAY_S: Final = 86_400
#: A rebalance withholds values for seconds to a minute: an alert that resolved meanwhile would call anew. Longer
#: for tickets, which nobody waits for and which would otherwise come and go about their threshold.
KEEP_PAGE_S: Final = 10 * MINUTE_S
KEEP_TICKET_S: Final = 30 * MINUTE_S
KEEP_MONITOR_S: Final = 5 * MINUTE_S

#: labels that numbers of the desk are broken down by
_BREAKDOWN: Final = ("group", "channel")
#: lines of a break-down
_MOST_ROWS: Final = 5


@dataclass(frozen=True)
class Alert:
    """An alert. Texts for people: ``summary`` and ``detail`` are templates of Prometheus, where `$value` and
    `$labels` are known; ``fires`` and ``goal`` say for the catalogue when it fires and where that is set; ``why``
    stands above the rule."""

    name: str
    expr: str
    severity: Severity
    team: Team
    scope: Scope
    summary: str
    #: what is counted and what is not
    counts: str
    fires: str
    goal: str
    why: str
    place: Place
    for_s: int = 0
    keep_s: int = 0
    #: where the number comes from, one line a row: see ``Terms.breakdown``
    detail: str = ""
    #: what to choose on the board: variable -> value
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def runbook(self) -> str:
        """Its page, below the repository's own address."""
        return f"docs/runbooks/{self.name}.md"

    @property
    def labels(self) -> dict[str, str]:
        """What it is routed by."""
        return {"scope": self.scope, "severity": self.severity, "team": self.team}

    @property
    def annotations(self) -> dict[str, str]:
        """What it says, as templates; links are relative to Grafana's and the repository's addresses."""
        chosen = "".join(f"&var-{name}={value}" for name, value in self.variables.items())
        return {
            "summary": self.summary,
            "description": self.counts + self.detail,
            "dashboard": self.place.path + chosen,
            "runbook": self.runbook,
        }


@dataclass(frozen=True)
class Terms:
    """What alerts of one deployment are made of: its policy, its topics (kind -> name) and its bounds."""

    policy: Policy = field(default_factory=Policy)
    topics: Mapping[str, str] = field(default_factory=lambda: TOPICS)
    #: most series that one worker exposes
    series_budget: int = Settings.model_fields["series_budget"].default

    @cached_property
    def promises(self) -> Promises:
        """Targets that follow from the service levels."""
        return promises(self.policy)

    @cached_property
    def rules(self) -> RuleSet:
        """Renders series of the policy."""
        return RuleSet(self.topics, self.policy)

    def sum(self, formula: Formula, by: Labels = ()) -> str:
        """A formula over all workers, to be guarded."""
        return self.rules.sum(formula, by)

    def guarded(self, conditions: Iterable[str], *kinds: str) -> str:
        """The first condition where all others hold too, and while the numbers of these kinds of topics are whole,
        fresh and counted alike."""
        first, *others = conditions
        guards = [guard for kind in kinds for guard in self._guards(self.topics[kind])]
        return "\n".join((first, *(f"and on () {enclosed(one)}" for one in (*others, *guards, one_policy()))))

    def _guards(self, topic: str) -> tuple[str, str]:
        return whole_topic(topic), fresh_topic(topic)

    def breakdown(self, title: str, formula: Formula) -> str:
        """Lines for a description: where most of a formula's number lies, by group and channel as far as the
        policy lets gauges carry them."""
        by = self._carried(self.policy.gauge_labels)
        return by_label(title, f"{self.sum(formula, by)} > 0", by)

    def longest(self, title: str, formula: Formula) -> str:
        """The same for how long ago the moments are that a formula gives."""
        by = self._carried(self.policy.gauge_labels)
        return by_label(title, f"time() - {self.sum(formula, by)}", by, "{{ .Value | humanizeDuration }}")

    def slower(self, title: str, series: str, where: Mapping[str, str], edge_s: int) -> str:
        """The same for how many durations of a histogram are longer than an edge."""
        by = self._carried(self.policy.histogram_labels)
        pins = {label: (value,) for label, value in where.items()}
        everything, buckets = (selector(f"{PREFIX}{series}_{part}", pins) for part in ("gcount", "bucket"))
        fast = f'{buckets.removesuffix("}")},le="{LE[EDGES_S.index(edge_s)]}"}}'
        names = ", ".join(by)
        query = f"sum by ({names}) ({everything}) - sum by ({names}) ({fast}) > 0"
        return by_label(title, query, by)

    def _carried(self, labels: tuple[str, ...]) -> Labels:
        return tuple(label for label in _BREAKDOWN if label in labels)


def recorded(metric: str, **where: str) -> str:
    """A recorded metric as one number; it is withheld where it is not known."""
    inner = ",".join(f'{label}="{value}"' for label, value in sorted(where.items()))
    return f"max({RULE_PREFIX}{metric}{{{inner}}})"


def rows(title: str, query: str, line: str) -> str:
    """Lines for a description: one for each row of a query, the largest first, below a title."""
    asked = f'query "sort_desc({_one_line(query)})"'
    return f"\n{title}:{{{{ range {asked} }}}}\n- {line}{{{{ end }}}}"


def largest(title: str, query: str, line: str) -> str:
    """The same for the largest few of many rows."""
    return rows(title, f"topk({_MOST_ROWS}, {query})", line)


def by_label(title: str, query: str, by: Labels, value: str = "{{ .Value }}") -> str:
    """The same, where a line names the labels that the query is by; nothing where it is by none."""
    if not by:
        return ""
    names = ", ".join(f"{{{{ .Labels.{label} }}}}" for label in by)
    return largest(title, query, f"{names}: {value}")


def one(query: str, shown: str = "humanize") -> str:
    """A template: the number that a query gives."""
    return f'{{{{ with query "{_one_line(query)}" }}}}{{{{ . | first | value | {shown} }}}}{{{{ end }}}}'


def of_topic(query: str, shown: str = "humanize") -> str:
    """A template: the number that a query gives for the topic of the alert, which stands as %s in it."""
    asked = _one_line(query).replace("%s", "%[1]s")
    return (
        f'{{{{ with printf "{asked}" $labels.topic | query }}}}{{{{ . | first | value | {shown} }}}}{{{{ end }}}}'
    )


def percent(share: float) -> str:
    """A share for people."""
    return f"{100 * share:.4g} %"


def lasting(seconds: int) -> str:
    """A duration for people."""
    for unit, length_s in (("days", DAY_S), ("hours", HOUR_S), ("minutes", MINUTE_S)):
        if seconds % length_s == 0 and seconds >= 2 * length_s:
            return f"{seconds // length_s} {unit}"
    return f"{seconds} seconds"


def duration(seconds: int) -> str:
    """As Prometheus writes durations."""
    return f"{seconds // 60}m" if seconds % 60 == 0 else f"{seconds}s"


def enclosed(expression: str) -> str:
    """An expression in brackets."""
    if "\n" not in expression:
        return f"({expression})"
    return f"(\n{indented(expression)}\n)"


def _one_line(query: str) -> str:
    joined = " ".join(line.strip() for line in query.split("\n"))
    return joined.replace("( ", "(").replace(" )", ")").replace('"', '\\"')
