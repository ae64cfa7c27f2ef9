"""From what an event says of a ticket's labels to the number of them all."""

from __future__ import annotations

from collections.abc import Callable

from metrics_core.labels import NONE, OTHER

#: answers that Relabel remembers: bounds memory where labels never repeat
_MOST_ANSWERS = 10_000


class Relabel:
    """Resolves a change of some label fields against a label number; the shard's label table behind it. ``roster``:
    the agents that the label ``agent`` names; without one nobody is named."""

    def __init__(
        self, intern: Callable[[tuple[str, ...]], int], values: list[tuple[str, ...]], roster: frozenset[str]
    ) -> None:
        self.intern, self.values = intern, values
        self._roster = roster
        #: answers so far: few tickets bring labels that no other brought
        self._answers: dict[tuple[int, tuple[str | None, ...] | None, str | None], int] = {}

    def __call__(self, label: int, changes: tuple[str | None, ...] | None, assigned: str | None) -> int:
        """The label number after ``changes`` (channel, group, priority; None = unchanged) and a new assignee."""
        if changes is None and (assigned is None or not self._roster):
            return label
        agent = None
        if assigned is not None and self._roster:
            agent = (assigned if assigned in self._roster else OTHER) if assigned else NONE
        asked = label, None if changes is None else tuple(changes), agent  # a history gives lists
        answer = self._answers.get(asked)
        if answer is None:
            if len(self._answers) >= _MOST_ANSWERS:
                self._answers.clear()
            answer = self._answers[asked] = self._resolve(label, changes, agent)
        return answer

    def _resolve(self, label: int, changes: tuple[str | None, ...] | None, agent: str | None) -> int:
        *now, before = self.values[label]
        if changes is not None:
            now = [old if new is None else new for old, new in zip(now, changes, strict=True)]
        return self.intern((*now, before if agent is None else agent))
