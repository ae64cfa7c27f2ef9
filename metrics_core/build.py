"""Building a view: facts and state of several shards become the rows of every series."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Literal

from metrics_core.catalog import FAMILIES, series_of
from metrics_core.facts import CELL_MASK, CODE_MASK, CODE_SHIFT, LABEL_SHIFT, SUM
from metrics_core.families.base import PERIODS, Family
from metrics_core.labels import NONE
from metrics_core.losses import losses_by_day
from metrics_core.money import major_units
from metrics_core.panes import WINDOW_SPANS_US, window_start_us
from metrics_core.policy import WINDOWS, Policy
from metrics_core.series import Histogram, Series
from metrics_core.times import SECOND_US
from metrics_core.view import Frozen, LabelValues, Table, View, history_start_us, starts_us

_COUNT, _CELLS, _SUM, _LEVEL = range(4)
_NOW, _BEFORE = PERIODS
#: the window whose end is nearest to the moment itself
_FINEST = "1h"


class _Projection:
    """How the rows of one fact code, or of one kind of state row, get their label values."""

    def __init__(self, table: Table, fixed: dict[str, str], layout: tuple[str, ...]) -> None:
        self.table = table
        names = table.series.labels
        self._template = [fixed.get(name, "") for name in names]
        self._window_at = names.index("window") if "window" in names else -1
        self._period_at = names.index("period") if "period" in names else -1
        self.has_period = self._period_at >= 0
        self._picks = [
            (at, layout.index(name)) for at, name in enumerate(names) if name in layout and name not in fixed
        ]

    def labels(self, window: str, subject: LabelValues, period: str = _NOW) -> LabelValues:
        row = self._template.copy()
        if self._window_at >= 0:
            row[self._window_at] = window
        if self.has_period:
            row[self._period_at] = period
        for at, pick in self._picks:
            row[at] = subject[pick]
        return tuple(row)


#: code's number -> projection
_ByCode = dict[int, _Projection]
#: by code's number: what its facts are, and where they are shown
_Bound = list[tuple[int, tuple[_Projection, ...]] | None]


def build(
    frozen: Sequence[Frozen],
    policy: Policy,
    windows: Sequence[str] = WINDOWS,
    families: Sequence[Family] = FAMILIES,
    *,
    zeros: bool = True,
) -> View:
    """The view of shards frozen at one moment. Pure: may run in a thread. ``windows`` may include ``all``; facts
    of families that are not named are passed over. Without ``zeros`` only what was counted has rows, for serving,
    which folds first and knows whether the worker is ready."""
    tables = {series.name: Table(series) for family in families for series in series_of(family, policy)}
    by_code = _projections(tables, families)
    levels, at_start = _levels(tables, families, "levels"), _levels(tables, families, "starts")
    time_us = max((shard.time_us for shard in frozen), default=0)
    start_us, starts = history_start_us(frozen), starts_us(frozen)
    _withhold(tables, windows, {"": start_us, **starts}, time_us)
    for shard in frozen:
        for window in windows:
            if window in shard.windows:
                _add_facts(shard, window, by_code)
        _add_before(shard, windows, by_code)
        if shard.levels:
            _add_levels(shard, windows, levels, at_start)
        for family in families:
            _add_state(shard, family, tables, windows)
    for table in tables.values():
        if table.series.leaves_as != "is":
            _leave(table)
        if table.withheld:
            time_part = _time_part(table.series)
            table.rows = {row: n for row, n in table.rows.items() if time_part(row) not in table.withheld}
        if zeros:
            _show_zeros(table, windows)
    return View(time_us, start_us, tables, starts, losses_by_day(frozen))


def _withhold(tables: Mapping[str, Table], windows: Sequence[str], starts: Mapping[str, int], time_us: int) -> None:
    """Name what the history does not reach yet: flows of a window that begins before it, levels as of a start that
    is not after its own (what stood before, a snapshot tells later). ``all`` has no window before it."""
    for window in windows:
        begins_us: dict[str, int] = {}
        if window in WINDOW_SPANS_US:
            now_us = window_start_us(window, time_us)
            begins_us = {_NOW: now_us, _BEFORE: now_us - WINDOW_SPANS_US[window][1]}
        for table in tables.values():
            series = table.series
            start_us = starts.get(series.history, 0)
            has_period = "period" in series.labels
            for period in PERIODS if has_period else (_NOW,) if series.at_start else ():
                begin_us = begins_us.get(period, 0) if start_us else 0
                is_known = begin_us > start_us if series.at_start else period == _NOW or begin_us >= start_us > 0
                if not is_known:
                    table.withheld.add((window, period) if has_period else (window,))


def _time_part(series: Series) -> Callable[[LabelValues], LabelValues]:
    at = [series.labels.index(name) for name in ("window", "period") if name in series.labels]
    return lambda row: tuple([row[i] for i in at])


def _leave(table: Table) -> None:
    """Units of inside become those of outside, once everything is summed."""
    series = table.series
    currency_at = series.labels.index("currency") if series.leaves_as == "major_units" else -1
    for row, exact in table.rows.items():
        assert isinstance(exact, int), "money and time are exact until they leave"
        # a millionth of a score is to its scale what a microsecond is to a second
        table.rows[row] = exact / SECOND_US if currency_at < 0 else major_units(exact, row[currency_at])


def _projections(tables: dict[str, Table], families: Sequence[Family]) -> _Bound:
    by_code: _Bound = [None] * (CODE_MASK + 1)
    for family in families:
        for code in (*family.levels, *family.starts):
            by_code[code >> CODE_SHIFT] = _LEVEL, ()
        for code, (name, fixed) in family.counts.items():
            by_code[code >> CODE_SHIFT] = _COUNT, (_Projection(tables[name], fixed, family.layout),)
        for code, (name, several) in family.durations.items():
            projections = tuple(_Projection(tables[name], fixed, family.layout) for fixed in several)
            by_code[code >> CODE_SHIFT] = _CELLS, projections
            by_code[code + SUM >> CODE_SHIFT] = _SUM, projections
    return by_code


def _levels(tables: Mapping[str, Table], families: Sequence[Family], which: Literal["levels", "starts"]) -> _ByCode:
    """Projections of the codes of levels."""
    return {
        code >> CODE_SHIFT: _Projection(tables[name], fixed, family.layout)
        for family in families
        for code, (name, fixed) in getattr(family, which).items()
    }


def _add_facts(shard: Frozen, window: str, by_code: _Bound) -> None:
    labels = shard.labels
    cached: dict[int, tuple[int, list[tuple[Table, LabelValues]]]] = {}
    for key, n in shard.windows[window].items():
        label_code = key >> CODE_SHIFT
        found = cached.get(label_code)
        if found is None:
            bound = by_code[label_code & CODE_MASK]
            if bound is None:
                continue
            part, projections = bound
            values = labels[label_code >> LABEL_SHIFT - CODE_SHIFT]
            rows = [(projection.table, projection.labels(window, values)) for projection in projections]
            found = cached[label_code] = part, rows
        part, rows = found  # of levels there are none: what they moved by is in _add_levels
        for table, row in rows:
            if part == _COUNT:
                table.add(row, n)
            elif part == _SUM:
                table.histogram(row).sum_us += n
            elif shard.fine:
                table.histogram(row).observe_cell(key & CELL_MASK, n)
            else:
                table.histogram(row).counts[key & CELL_MASK] += n


def _add_before(shard: Frozen, windows: Sequence[str], by_code: _Bound) -> None:
    """Facts of the window just before, of those series that show it."""
    for window in windows:
        for key, n in shard.before.get(window, {}).items():
            bound = by_code[key >> CODE_SHIFT & CODE_MASK]
            if bound is None:
                continue
            part, projections = bound
            if part == _COUNT and projections[0].has_period:
                projection = projections[0]
                projection.table.add(projection.labels(window, shard.labels[key >> LABEL_SHIFT], _BEFORE), n)


def _add_levels(shard: Frozen, windows: Sequence[str], levels: _ByCode, starts: _ByCode) -> None:
    """Levels as of now, and as of each window's start: now less what they moved by since."""
    nothing: dict[int, int] = {}
    _add_level(shard, levels, shard.levels[_FINEST], 1, "", _NOW)
    for window in windows:
        if window not in WINDOW_SPANS_US:
            continue
        moved, moved_before = shard.windows.get(window, nothing), shard.before.get(window, nothing)
        for period in PERIODS:
            _add_level(shard, starts, shard.levels[window], 1, window, period)
            _add_level(shard, starts, moved, -1, window, period)
        _add_level(shard, starts, moved_before, -1, window, _BEFORE)


def _add_level(shard: Frozen, of: _ByCode, counts: Mapping[int, int], sign: int, window: str, period: str) -> None:
    for key, n in counts.items():
        projection = of.get(key >> CODE_SHIFT & CODE_MASK)
        if projection is not None and (period == _NOW or projection.has_period):
            projection.table.add(projection.labels(window, shard.labels[key >> LABEL_SHIFT], period), sign * n)


def _add_state(shard: Frozen, family: Family, tables: dict[str, Table], windows: Sequence[str]) -> None:
    if family.state is None:
        return
    projections: dict[tuple[str, ...], _Projection] = {}
    for name, own, label, value in family.state(shard):
        table, window = tables[name], own.get("window", "")
        if window and window not in windows:
            continue
        kind = (name, *own.values())
        projection = projections.get(kind)
        if projection is None:
            projection = projections[kind] = _Projection(table, own, family.layout)
        row = projection.labels(window, shard.labels[label])
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
    time_part = _time_part(series)
    seen = {tuple(row[at] for at in open_at) for row in table.rows} or {(NONE,) * len(open_at)}
    for values in seen:
        given = dict(zip((series.labels[at] for at in open_at), values, strict=True))
        for row in product(*_choices(series, closed, given)):
            if not table.withheld or time_part(row) not in table.withheld:
                table.rows.setdefault(row, 0)


def _choices(series: Series, closed: dict[str, tuple[str, ...]], given: dict[str, str]) -> list[tuple[str, ...]]:
    narrowed = {name: one.values(given[one.by]) for name, one in series.narrowed.items()}
    return [narrowed.get(name) or closed.get(name) or (given[name],) for name in series.labels]
