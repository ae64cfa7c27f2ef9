"""A shard that keeps only what was asked for: other facts are dropped, other labels are not told apart."""

from __future__ import annotations

from dataclasses import replace

from metrics_core.ages import AgeIndex, Ages
from metrics_core.facts import CODE_MASK, CODE_SHIFT, Facts
from metrics_core.families.base import TICKET_LABELS
from metrics_core.labels import NONE
from metrics_core.open_tickets import ticket_kind
from metrics_core.panes import Counts, Panes
from metrics_core.shard import Shard
from metrics_core.tickets import Relabel
from streams.replay.choice import Choice


class ChosenShard(Shard):
    """The state behind a choice of metrics, of events up to ``until_us``; no row is ever retired.

    What it answers is what a shard of everything answers, for the series chosen.
    """

    def __init__(self, choice: Choice, *, until_us: int | None = None, fine: bool | None = None) -> None:
        super().__init__(choice.policy, until_us=until_us, retire=False)
        self.choice = choice
        self.panes = _ChosenPanes(choice, fine=choice.is_fine if fine is None else fine)
        kept = choice.kept_labels
        if kept is not None:
            relabel = _Folded(self.labels.intern, self.labels.values, kept)
            self.tickets.kind = replace(self.tickets.kind, steps=ticket_kind(relabel, self.open).steps)
        if not {"open_ticket_age_seconds", "oldest_open_timestamp_seconds"} & choice.needed_series:
            self.open.ages = _NoAges()


class _Folded(Relabel):
    """Labels that were not asked for stay unknown."""

    def __init__(self, intern: object, values: list[tuple[str, ...]], kept: tuple[str, ...]) -> None:
        super().__init__(intern, values)  # type: ignore[arg-type]
        self._dropped = tuple(name not in kept for name in TICKET_LABELS)

    def __call__(self, label: int, changes: tuple[str | None, ...]) -> int:
        return super().__call__(
            label, tuple([NONE if drop else new for new, drop in zip(changes, self._dropped, strict=True)])
        )


class _NoAges(AgeIndex):
    """Nobody asks for ages: none are kept."""

    def add(self, label: int, start_us: int) -> None:
        pass

    def remove(self, label: int, start_us: int) -> None:
        pass

    def ages(self, time_us: int) -> dict[int, Ages]:
        return {}


class _ChosenPanes(Panes):
    """Panes of the chosen facts; only the windows asked for are added up."""

    def __init__(self, choice: Choice, *, fine: bool) -> None:
        super().__init__(fine=fine, since_beginning="all" in choice.windows)
        self._windows = frozenset(choice.windows)
        self._asked = [any(name in self._windows for name in ring.windows) for ring in self.rings]
        codes = choice.codes
        self._is_dropped = [number not in codes for number in range(CODE_MASK + 1)]

    def add(self, facts: Facts) -> None:
        dropped = self._is_dropped
        if any(dropped):
            facts.counts[:] = [fact for fact in facts.counts if not dropped[fact[0] >> CODE_SHIFT & CODE_MASK]]
            facts.durations[:] = [
                fact for fact in facts.durations if not dropped[fact[0] >> CODE_SHIFT & CODE_MASK]
            ]
        super().add(facts)

    def totals(self, time_us: int) -> dict[str, Counts]:
        out: dict[str, Counts] = {}
        for ring, asked in zip(self.rings, self._asked, strict=True):
            if asked:
                ring.advance(time_us)
                out.update((name, counts) for name, counts in ring.totals(time_us) if name in self._windows)
        if self.all is not None:
            out["all"] = {key: n for key, n in self.all.items() if n}
        return out
