"""Building a view: facts and state of several shards become the rows of every series."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from metrics_core.catalog import FAMILIES, series_of
from metrics_core.facts import CELL_MASK, CODE_MASK, CODE_SHIFT, LABEL_SHIFT, SUM
from metrics_core.families.base import Family
from metrics_core.labels import NONE
from metrics_core.policy import WINDOWS, Policy
from metrics_core.series import Histogram, Series
from metrics_core.view import Frozen, LabelValues, Table, View, history_start_us

_COUNT, _CELLS, _SUM = range(3)


class _Projection:
    """How the rows of one fact code, or of one kind of state row, get their label values."""

    def __init__(self, table: Table, fixed: dict[str, str], layout: tuple[str, ...]) -> None:
        self.table = table
        names = table.series.labels
        self._template = [fixed.get(name, "") for name in names]
        self._window_at = names.index("window") if "window" in names else -1
        self._picks = [(at, layout.index(name)) for at, name in enumerate(names) if name in layout]

    def labels(self, window: str, subject: LabelValues) -> LabelValues:
        row = self._template.copy()
        if self._window_at >= 0:
            row[self._window_at] = window
        for at, pick in self._picks:
            row[at] = subject[pick]
        return tuple(row)


def build(frozen: Sequence[Frozen], policy: Policy, windows: Sequence[str] = WINDOWS) -> View:
    """The view of shards frozen at one moment. Pure: may run in a thread. ``windows`` may include ``all``."""
    tables = {series.name: Table(series) for family in FAMILIES for series in series_of(family, policy)}
    by_code = _projections(tables)
    for shard in frozen:
        for window in windows:
            if window in shard.windows:
                _add_facts(shard, window, by_code)
        for family in FAMILIES:
            _add_state(shard, family, tables)
    for table in tables.values():
        _show_zeros(table, windows)
    return View(max((shard.time_us for shard in frozen), default=0), history_start_us(frozen), tables)


def _projections(tables: dict[str, Table]) -> list[tuple[int, _Projection] | None]:
    by_code: list[tuple[int, _Projection] | None] = [None] * (CODE_MASK + 1)
    for family in FAMILIES:
        for code, (name, fixed) in family.counts.items():
            by_code[code >> CODE_SHIFT] = _COUNT, _Projection(tables[name], fixed, family.layout)
        for code, (name, fixed) in family.durations.items():
            projection = _Projection(tables[name], fixed, family.layout)
            by_code[code >> CODE_SHIFT] = _CELLS, projection
            by_code[code + SUM >> CODE_SHIFT] = _SUM, projection
    return by_code


def _add_facts(shard: Frozen, window: str, by_code: list[tuple[int, _Projection] | None]) -> None:
    labels = shard.labels
    cached: dict[int, tuple[int, Table, LabelValues]] = {}
    for key, n in shard.windows[window].items():
        label_code = key >> CODE_SHIFT
        found = cached.get(label_code)
        if found is None:
            bound = by_code[label_code & CODE_MASK]
            assert bound is not None, f"fact code {label_code & CODE_MASK} belongs to no family"
            part, projection = bound
            row = projection.labels(window, labels[label_code >> LABEL_SHIFT - CODE_SHIFT])
            found = cached[label_code] = part, projection.table, row
        part, table, row = found
        if part == _COUNT:
            table.add(row, n)
        elif part == _SUM:
            table.histogram(row).sum_us += n
        elif shard.fine:
            table.histogram(row).observe_cell(key & CELL_MASK, n)
        else:
            table.histogram(row).counts[key & CELL_MASK] += n


def _add_state(shard: Frozen, family: Family, tables: dict[str, Table]) -> None:
    if family.state is None:
        return
    for name, own, label, value in family.state(shard):
        table = tables[name]
        row = _Projection(table, own, family.layout).labels("", shard.labels[label])
        if isinstance(value, Histogram):
            table.histogram(row).add(value)
        else:
            table.add(row, value)


def _show_zeros(table: Table, windows: Sequence[str]) -> None:
    """A label set seen in any window is shown in every window and with every value of closed labels; a series
    nobody fed yet is shown once, so that an alert on nothing can fire. Histograms and timestamps may be absent."""
    series = table.series
    if series.kind == "histogram" or series.merge == "min":
        return
    closed = dict(series.enums, window=tuple(windows))
    open_at = [at for at, name in enumerate(series.labels) if name not in closed]
    seen = {tuple(row[at] for at in open_at) for row in table.rows} or {(NONE,) * len(open_at)}
    for values in seen:
        given = dict(zip((series.labels[at] for at in open_at), values, strict=True))
        for row in product(*_choices(series, closed, given)):
            table.rows.setdefault(row, 0)


def _choices(series: Series, closed: dict[str, tuple[str, ...]], given: dict[str, str]) -> list[tuple[str, ...]]:
    return [closed[name] if name in closed else (given[name],) for name in series.labels]
