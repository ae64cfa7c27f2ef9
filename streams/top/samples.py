"""Samples of an exposition, and the few PromQL operations that the view needs."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise

from prometheus_client.parser import text_string_to_metric_families

PREFIX = "deskpulse_"


class Samples:
    """Samples by series name without prefix; several workers' samples simply add up."""

    def __init__(self) -> None:
        self._by_name: defaultdict[str, list[tuple[dict[str, str], float]]] = defaultdict(list)

    @classmethod
    def parse(cls, texts: Iterable[str], names: Collection[str]) -> Samples:
        """Samples of ``names`` (``_bucket`` and the like spelled out) from Prometheus text of each worker.

        The rest is skipped unparsed: prometheus_client's parser takes some 10 us a line, and an exposition
        may have 50,000. Raises ValueError for text that is no exposition.
        """
        wanted = frozenset(PREFIX + name for name in names)
        samples = cls()
        for text in texts:
            if "# TYPE" not in text:
                raise ValueError("not a Prometheus exposition")
            kept = "\n".join(line for line in text.split("\n") if _name(line) in wanted)
            for family in text_string_to_metric_families(kept + "\n"):
                for sample in family.samples:
                    name = sample.name.removeprefix(PREFIX)
                    samples._by_name[name].append((sample.labels, sample.value))
        return samples

    def select(self, name: str, **match: str) -> Iterator[tuple[dict[str, str], float]]:
        """(labels, value) of every sample of ``name`` with these label values."""
        for labels, value in self._by_name.get(name, ()):
            if all(labels.get(label) == wanted for label, wanted in match.items()):
                yield labels, value

    def has(self, name: str) -> bool:
        """Whether there is any sample of ``name``."""
        return bool(self._by_name.get(name))

    def total(self, name: str, **match: str) -> float:
        """Sum, 0 where there is nothing."""
        return sum(value for _, value in self.select(name, **match))

    def least(self, name: str) -> float | None:
        """Minimum, None where there is nothing."""
        return min((value for _, value in self.select(name)), default=None)

    def most(self, name: str) -> float | None:
        """Maximum, None where there is nothing."""
        return max((value for _, value in self.select(name)), default=None)

    def by(self, label: str, name: str, **match: str) -> dict[str, float]:
        """Sums by the values of ``label``."""
        sums: defaultdict[str, float] = defaultdict(float)
        for labels, value in self.select(name, **match):
            sums[labels.get(label, "")] += value
        return dict(sums)

    def buckets(self, name: str, **match: str) -> list[tuple[float, float]]:
        """(upper edge in seconds, cumulative count) of a histogram, summed over all other labels."""
        sums = self.by("le", f"{name}_bucket", **match)
        return sorted((float(edge), count) for edge, count in sums.items())


def _name(line: str) -> str:
    return line.partition("{")[0].partition(" ")[0]


def histogram_quantile(q: float, buckets: list[tuple[float, float]]) -> float | None:
    """Quantile in seconds the way Prometheus' histogram_quantile takes it from cumulative buckets: linear within
    the bucket, the last finite edge for what lies beyond it. None without observations."""
    if len(buckets) < 2 or buckets[-1][0] != math.inf or buckets[-1][1] <= 0:
        return None
    rank = q * buckets[-1][1]
    low, below = 0.0, 0.0
    for high, count in buckets[:-1]:
        if count >= rank:
            inside = count - below
            return low + (high - low) * ((rank - below) / inside if inside > 0 else 1.0)
        low, below = high, max(below, count)
    return low


def between(buckets: list[tuple[float, float]], edges: Iterable[float]) -> list[int]:
    """Counts between the given edges (each one an edge of the histogram), below the first and above the last."""
    at = dict(buckets)
    marks = [0.0, *(at.get(edge, 0.0) for edge in edges), at.get(math.inf, 0.0)]
    return [max(0, round(high - low)) for low, high in pairwise(marks)]
