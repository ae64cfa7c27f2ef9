"""What came of the race so far."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.peers.engines import MEASURE
from bench.peers.race import Run

Figure = Callable[[Run], float]


@dataclass
class Results:
    """Runs that were right, by engine and round; the others by why they do not count."""

    events: int
    runs: defaultdict[str, dict[int, Run]] = field(default_factory=lambda: defaultdict(dict))
    #: name of the engine -> why this machine cannot run it
    missing: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, number: int, run: Run) -> None:
        """A run of a round that ended with the right result."""
        self.runs[run.engine][number] = run

    def median(self, engine: str, figure: Figure) -> float | None:
        """Over the rounds; None where there is none."""
        runs = self.runs[engine].values()
        return statistics.median(figure(run) for run in runs) if runs else None

    def ratio(self, engine: str, figure: Figure) -> float | None:
        """To the measure's figure of the same round, the median over rounds: a machine that changes speed changes
        both."""
        measure = self.runs[MEASURE]
        both = [
            figure(run) / figure(measure[number]) for number, run in self.runs[engine].items() if number in measure
        ]
        return statistics.median(both) if both else None

    @property
    def rounds(self) -> int:
        """How many rounds left a result."""
        return len({number for runs in self.runs.values() for number in runs})
