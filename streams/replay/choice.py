"""What is asked of a history: which metrics, over which windows, broken down by which labels."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import msgspec

from metrics_core.catalog import FAMILIES, series_of
from metrics_core.derived import REPORTED, Derived
from metrics_core.derived.formulas import OlderThan, Quantile, SumOfDays, Term, parts_of
from metrics_core.facts import CODE_SHIFT
from metrics_core.families.base import Family
from metrics_core.policy import WINDOWS, Policy
from metrics_core.policy.version import Group
from metrics_core.view import Table, View

#: the windows of reports and replays
REPORT_WINDOWS = (*WINDOWS, "all")
HISTORY_START = "history_start_timestamp_seconds"
#: in place of a label: no break-down at all
TOTAL = "total"


class ChoiceError(ValueError):
    """A metric, label or window that there is none of; the message is one sentence that says what to change."""


@dataclass(frozen=True)
class Choice:
    """A selection of series and derived metrics; ``choose`` makes one.

    ``by`` None shows series with all labels of the policy, otherwise with these alone (their own labels, such as
    window or status, always stay).
    """

    policy: Policy
    windows: tuple[str, ...]
    by: tuple[str, ...] | None
    series: frozenset[str]
    derived: tuple[Derived, ...]
    has_history_start: bool
    #: series that the derived metrics are made of; their labels
    _terms: frozenset[str] = field(default=frozenset())
    _derived_labels: tuple[str, ...] = ()

    @property
    def extra(self) -> tuple[str, ...]:
        """Labels that derived metrics are broken down by, beside their own."""
        return self.by or ()

    @property
    def needed_series(self) -> frozenset[str]:
        """Series that must be built: those asked for and the terms of derived metrics."""
        return self.series | self._terms

    @property
    def kept_labels(self) -> tuple[str, ...] | None:
        """Labels of subjects that matter; None = all that the policy gives."""
        if self.by is None:
            return None
        return tuple(dict.fromkeys((*self.by, *self._derived_labels, *self._judged_by)))

    @property
    def _judged_by(self) -> frozenset[str]:
        """Labels that say which calendar and which service level a ticket has."""
        groups: list[Group] = [hours for version in self.policy.versions for hours in version.hours]
        if any(name.startswith("sla_") for name in self.needed_series):
            groups += [level for version in self.policy.versions for level in version.sla]
        return frozenset(name for group in groups for name in group.labels)

    @property
    def view_policy(self) -> Policy:
        """The policy under which a view is built, so that nothing is broken down more than is asked."""
        kept = self.kept_labels
        return self.policy if kept is None else _labelled(self.policy, kept)

    @property
    def is_fine(self) -> bool:
        """Whether quantiles are asked for."""
        return any(isinstance(part, Quantile) for derived in self.derived for part in parts_of(derived.formula))

    @property
    def is_by_day(self) -> bool:
        """Whether anything is asked for that is made of days."""
        return any(isinstance(part, SumOfDays) for derived in self.derived for part in parts_of(derived.formula))

    @property
    def has_crm(self) -> bool:
        """Whether anything of the CRM topic is needed."""
        return any("crm" in family.topics and self._needs(family) for family in FAMILIES)

    @property
    def is_withheld_by_time(self) -> bool:
        """Whether a series is needed that shows values only once the history reaches back to them."""
        return any(
            series.name in self.needed_series and (series.at_start or "period" in series.labels)
            for family in self.families
            for series in family.series
        )

    @property
    def unused_codes(self) -> frozenset[int]:
        """Numbers of the codes of facts that feed nothing that is needed."""
        codes = set()
        for family in FAMILIES:
            for code, (name, _) in (*family.counts.items(), *family.durations.items()):
                if name not in self.needed_series:
                    codes.add(code >> CODE_SHIFT)
        return frozenset(codes)

    @property
    def families(self) -> tuple[Family, ...]:
        """Families that must be built."""
        return tuple(family for family in FAMILIES if self._needs(family))

    def _needs(self, family: Family) -> bool:
        return any(series.name in self.needed_series for series in family.series)

    def shown(self, view: View) -> View:
        """The view's series with just the labels asked for; derived metrics are evaluated on ``view`` itself."""
        if self.by is None or self.kept_labels == self.by:
            return view
        wanted = {
            series.name: series.labels
            for family in self.families
            for series in series_of(family, _labelled(self.policy, self.by))
        }
        tables = {name: _summed(table, wanted[name]) for name, table in view.tables.items()}
        return replace(view, tables=tables)


def choose(
    policy: Policy, *, metrics: Sequence[str] = (), by: Sequence[str] = (), windows: Sequence[str] = ()
) -> Choice:
    """The choice of these metrics (none: all) and windows (none: all), by labels (none: all; ``total``: no label).

    Raises ChoiceError.
    """
    for window in windows:
        if window not in REPORT_WINDOWS:
            raise ChoiceError(f"--window {window}: use one of {', '.join(REPORT_WINDOWS)}")
    of_subjects = (*policy.gauge_labels, *policy.histogram_labels)
    for label in by:
        if label not in (*of_subjects, TOTAL):
            names = ", ".join(dict.fromkeys((*of_subjects, TOTAL)))
            raise ChoiceError(f"--by {label}: use a label that the policy gives to series ({names})")
    all_series = {series.name for family in FAMILIES for series in family.series}
    known = {*all_series, HISTORY_START, *(derived.id for derived in REPORTED)}
    for metric in metrics:
        if metric not in known:
            close = difflib.get_close_matches(metric, known, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known))}"
            raise ChoiceError(f"--metric {metric}: no such metric; {hint}")
    asked = set(metrics) or known
    derived = tuple(derived for derived in REPORTED if derived.id in asked)
    parts = (part for each in derived for part in parts_of(each.formula))
    terms = {part.series for part in parts if isinstance(part, Term | Quantile | OlderThan)}
    return Choice(
        policy=policy,
        windows=tuple(window for window in REPORT_WINDOWS if window in windows) or REPORT_WINDOWS,
        by=tuple(dict.fromkeys(label for label in by if label != TOTAL)) if by else None,
        series=frozenset(asked & all_series),
        derived=derived,
        has_history_start=HISTORY_START in asked,
        _terms=frozenset(terms),
        _derived_labels=tuple(
            dict.fromkeys(label for each in derived for label in each.by if label in of_subjects)
        ),
    )


def _labelled(policy: Policy, labels: tuple[str, ...]) -> Policy:
    return msgspec.structs.replace(policy, gauge_labels=labels, histogram_labels=labels)


def _summed(table: Table, labels: tuple[str, ...]) -> Table:
    places = [table.series.labels.index(label) for label in labels]
    out = Table(msgspec.structs.replace(table.series, labels=labels))
    for values, value in table.rows.items():
        row = tuple([values[at] for at in places])
        if table.series.kind == "histogram":
            out.histogram(row).add(value)  # type: ignore[arg-type]
        else:
            out.add(row, value)  # type: ignore[arg-type]
    return out
