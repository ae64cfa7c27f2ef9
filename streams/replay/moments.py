"""Walking through a history: the view at every step, as of that step's time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from metrics_core.build import build
from metrics_core.records import FileRecord
from metrics_core.view import Frozen, View
from streams.replay.choice import Choice
from streams.replay.chosen_shard import ChosenShard
from streams.replay.event_order import Timed
from streams.replay.steps import Steps
from streams.report import pack_rows

#: events applied at once, where no step comes between
_CHUNK = 1000
#: rows decoded at once, before they are packed
_PACK_ROWS = 50_000


class Moments:
    """The views of a choice at some steps, from events in order.

    ``is_wanted`` is asked with a step's time before its view is built; the events count either way. ``events``
    counts those applied, ``rejected`` what the state did not accept. Where nothing has changed since the view
    before, the next one has the same ``tables``, the very same object.
    """

    def __init__(
        self, choice: Choice, steps: Steps, is_wanted: Callable[[int], bool] = lambda time_us: True
    ) -> None:
        self._choice, self._steps, self._is_wanted = choice, steps, is_wanted
        self._shard = ChosenShard(choice)
        self._policy, self._families = choice.view_policy, choice.families
        self._last: tuple[Frozen, View] | None = None
        self.events = 0

    @property
    def rejected(self) -> Counter[str]:
        """Events that the state did not accept, by reason."""
        return Counter(self._shard.counters.rejected)

    def views(self, events: Iterable[Timed]) -> Iterator[View]:
        """A view per wanted step; events at or after the last step are not looked at."""
        step_us, last_us = self._steps.first_us, self._steps.last_us
        length_us = self._steps.length_us
        chunk: list[FileRecord] = []
        for number, (time_us, line) in enumerate(events):
            if time_us >= step_us:
                if step_us > last_us:
                    break
                self._apply(chunk)
                chunk = []
                while time_us >= step_us <= last_us:
                    yield from self._view(step_us)
                    step_us += length_us
                if step_us > last_us:
                    return
            chunk.append(FileRecord(line, number))
            if len(chunk) >= _CHUNK:
                self._apply(chunk)
                chunk = []
        self._apply(chunk)
        while step_us <= last_us:
            yield from self._view(step_us)
            step_us += length_us

    def _apply(self, chunk: list[FileRecord]) -> None:
        shard = self._shard
        shard.apply(chunk)
        shard.take_rejects()
        self.events += len(chunk)
        if shard.dirty_rows > _PACK_ROWS:
            pack_rows(shard)

    def _view(self, time_us: int) -> Iterator[View]:
        if not self._is_wanted(time_us):
            return
        frozen = self._shard.freeze(time_us)
        if self._last is not None and self._is_unchanged(self._last[0], frozen):
            view = replace(self._last[1], time_us=time_us)
        else:
            view = build([frozen], self._policy, self._choice.windows, self._families)
        self._last = frozen, view
        yield view

    def _is_unchanged(self, before: Frozen, now: Frozen) -> bool:
        """Whether both make the same rows. What is withheld depends on the time itself."""
        return not self._choice.is_withheld_by_time and replace(now, time_us=before.time_us) == before
