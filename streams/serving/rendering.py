"""Families as text: our own lines for the thousands of business series, prometheus_client for all else.

prometheus_client takes 77 ms (text) to 107 ms (OpenMetrics) of the interpreter for 10,000 series, time that
the event loop competes for. Nearly all of it goes into label sets, which hardly change from one scrape to the
next, so they are kept here. tests/serving proves the output equal, byte by byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeHistogramMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from metrics_core.grid import EDGES_S
from metrics_core.series import Histogram, Series
from metrics_core.times import SECOND_US
from streams.serving.exposition import PREFIX, SERIES_A_HISTOGRAM, Family, Key

go_float: Callable[[float], str] = floatToGoString
#: `le` as Go writes it ("30.0", "1.2096e+06"): Prometheus 3 normalises to that form (model/labels,
#: FormatOpenMetricsFloat), Prometheus 2 keeps what it reads, so only this form is the same series in both
LE: tuple[str, ...] = (*(go_float(edge) for edge in EDGES_S), "+Inf")
#: whole numbers below it are written without an exponent by Go and Python alike
_PLAIN = 1_000_000


class Fixed(Collector):
    """A collector of metric families that are already made."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        """The families as they were given."""
        return self._families


def registry_of(families: Iterable[Metric]) -> CollectorRegistry:
    """A registry of its own for ready-made families; the process-wide one stays out of it."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Fixed(families))
    return registry


def to_metrics(families: Iterable[Family]) -> Iterator[Metric]:
    """The same families in prometheus_client's terms."""
    for series, rows in families:
        if series.kind == "histogram":
            histogram = GaugeHistogramMetricFamily(PREFIX + series.name, series.help, labels=series.labels)
            for key, value in rows.items():
                assert isinstance(value, Histogram), series.name
                buckets = list(zip(LE, value.cumulative(), strict=True))
                histogram.add_metric(key, buckets, value.sum_us / SECOND_US)
            yield histogram
        else:
            gauge = GaugeMetricFamily(PREFIX + series.name, series.help, labels=series.labels)
            for key, value in rows.items():
                assert not isinstance(value, Histogram), series.name
                gauge.add_metric(key, value)
            yield gauge


class Lines:
    """Writes families and keeps the unchanging part of each line from one scrape to the next."""

    def __init__(self) -> None:
        self._gauges: dict[str, dict[Key, str]] = {}
        self._histograms: dict[str, dict[Key, tuple[str, ...]]] = {}

    def render(self, families: Sequence[Family], *, openmetrics: bool) -> str:
        """Prometheus text 0.0.4, or OpenMetrics without its closing `# EOF`."""
        out: list[str] = []
        for family in families:
            if family.series.kind == "histogram":
                self._histogram(family, out, openmetrics=openmetrics)
            else:
                self._gauge(family, out, openmetrics=openmetrics)
        return "".join(out)

    def _gauge(self, family: Family, out: list[str], *, openmetrics: bool) -> None:
        series = family.series
        rows: Mapping[Key, Any] = family.rows
        out.append(_head(series, "", "gauge", openmetrics=openmetrics))
        known = self._gauges.get(series.name, {})
        # only the lines of this scrape are kept, so that the cache stays within the series budget
        used: dict[Key, str] = {}
        for key, value in rows.items():
            line = known.get(key)
            if line is None:
                line = _line(series, "", key)
            used[key] = line
            if value.__class__ is int and 0 <= value < _PLAIN:
                out.append(f"{line}{value}.0\n")
            else:
                out.append(f"{line}{go_float(value)}\n")
        self._gauges[series.name] = used

    def _histogram(self, family: Family, out: list[str], *, openmetrics: bool) -> None:
        series, rows = family
        known = self._histograms.get(series.name, {})
        used: dict[Key, tuple[str, ...]] = {}
        counts: list[str] = []
        sums: list[str] = []
        kind = "gaugehistogram" if openmetrics else "histogram"
        out.append(_head(series, "", kind, openmetrics=openmetrics))
        for key, histogram in rows.items():
            assert isinstance(histogram, Histogram), series.name
            lines = known.get(key) or _histogram_lines(series, key)
            used[key] = lines
            buckets = histogram.cumulative()
            out.extend([f"{line}{_number(n)}\n" for line, n in zip(lines, buckets, strict=False)])
            counts.append(f"{lines[-2]}{_number(buckets[-1])}\n")
            sums.append(f"{lines[-1]}{go_float(histogram.sum_us / SECOND_US)}\n")
            if openmetrics:
                out.extend((counts.pop(), sums.pop()))
        if not openmetrics and rows:
            # text 0.0.4 knows no gaugehistogram: count and sum follow as gauges of their own
            out.extend((_head(series, "_gcount", "gauge", openmetrics=False), *counts))
            out.extend((_head(series, "_gsum", "gauge", openmetrics=False), *sums))
        self._histograms[series.name] = used


def _number(count: int) -> str:
    return f"{count}.0" if 0 <= count < _PLAIN else go_float(count)


def _head(series: Series, suffix: str, kind: str, *, openmetrics: bool) -> str:
    text = series.help.replace("\\", r"\\").replace("\n", r"\n")
    if openmetrics:
        text = text.replace('"', r"\"")
    name = PREFIX + series.name + suffix
    return f"# HELP {name} {text}\n# TYPE {name} {kind}\n"


def _histogram_lines(series: Series, key: Key) -> tuple[str, ...]:
    lines = [_line(series, "_bucket", key, le) for le in LE]
    lines += [_line(series, "_gcount", key), _line(series, "_gsum", key)]
    assert len(lines) == SERIES_A_HISTOGRAM
    return tuple(lines)


def _line(series: Series, suffix: str, key: Key, le: str | None = None) -> str:
    """Name and labels, up to the value; labels in alphabetical order as prometheus_client has them."""
    labels = dict(zip(series.labels, key, strict=True))
    if le is not None:
        labels["le"] = le
    inner = ",".join(f'{label}="{_escape(value)}"' for label, value in sorted(labels.items()))
    return f"{PREFIX}{series.name}{suffix}{{{inner}}} " if inner else f"{PREFIX}{series.name}{suffix} "


def _escape(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
