"""A shard that keeps only what was asked for: other facts are dropped, other labels are not told apart."""

from __future__ import annotations

from collections.abc import Callable

from metrics_core.ages import AgeIndex, Ages
from metrics_core.facts import CODE_MASK, CODE_SHIFT
from metrics_core.families.base import TICKET_LABELS
from metrics_core.labels import NONE
from metrics_core.shard import Shard
from metrics_core.tickets.preset_machine import ticket_steps
from metrics_core.tickets.relabel import Relabel
from metrics_core.tickets.rules import RuleBook
from streams.replay.choice import Choice
from streams.replay.row_file import RowFile

_AGES = {"open_ticket_age_seconds", "oldest_open_timestamp_seconds"}


class ChosenShard(Shard):
    """The state behind a choice of metrics, of events up to ``until_us``; no row is ever retired.

    What it answers is what a shard of everything answers, for the series chosen.
    """

    def __init__(self, choice: Choice, *, until_us: int | None = None, fine: bool | None = None) -> None:
        super().__init__(
            choice.policy,
            until_us=until_us,
            fine=choice.is_fine if fine is None else fine,
            since_beginning="all" in choice.windows,
            by_day=choice.is_by_day,
            retire=False,
            native=False,  # rows lie in a file here, and labels are folded: the lane knows neither
        )
        self.choice = choice
        for subjects in self._kinds.values():
            # it has what is used of a dict
            subjects.rest = RowFile()  # type: ignore[assignment]
        self.has_crm = choice.has_crm
        kept = choice.kept_labels
        if kept is not None:
            relabel = _Folded(self.labels.intern, self.labels.values, frozenset(choice.policy.roster), kept)
            steps = self.tickets.kind.steps
            # in place: whoever steps tickets holds this list
            assert isinstance(steps, list), "one list of steps a shard"
            steps[:] = ticket_steps(relabel, RuleBook(choice.policy, self.labels.values))
        if not _AGES & choice.needed_series:
            self.open.ages = _NoAges()
        codes = choice.unused_codes
        self._is_unused = [number in codes for number in range(CODE_MASK + 1)] if codes else None

    def _count(self) -> None:
        unused, facts = self._is_unused, self._facts
        if unused is not None:
            facts.counts[:] = [fact for fact in facts.counts if not unused[fact[0] >> CODE_SHIFT & CODE_MASK]]
            facts.durations[:] = [fact for fact in facts.durations if not unused[fact[0] >> CODE_SHIFT & CODE_MASK]]
        super()._count()


class _Folded(Relabel):
    """Labels that were not asked for stay unknown."""

    def __init__(
        self,
        intern: Callable[[tuple[str, ...]], int],
        values: list[tuple[str, ...]],
        roster: frozenset[str],
        kept: tuple[str, ...],
    ) -> None:
        *told, agent = (name in kept for name in TICKET_LABELS)
        super().__init__(intern, values, roster if agent else frozenset())
        self._kept = told

    def __call__(self, label: int, changes: tuple[str | None, ...] | None, assigned: str | None) -> int:
        if changes is not None:
            changes = tuple([new if keep else NONE for new, keep in zip(changes, self._kept, strict=True)])
        return super().__call__(label, changes, assigned)


class _NoAges(AgeIndex):
    """Nobody asks for ages: none are kept."""

    def add(self, label: int, start_us: int) -> None:
        pass

    def remove(self, label: int, start_us: int) -> None:
        pass

    def ages(self, time_us: int) -> dict[int, Ages]:
        return {}
