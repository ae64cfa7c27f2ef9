"""OpenMetrics 1.0 text with timestamps, for `promtool tsdb create-blocks-from openmetrics`.

The format wants all samples of a family together, within it all samples of a label set, and those by time
(OpenMetrics 1.0, "Overall Structure": families and metrics must not be interleaved) - the opposite of the order
in which a replay finds them. So samples are sorted before they are written, on disk where they are many.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from metrics_core.catalog import FAMILIES
from metrics_core.series import Histogram
from metrics_core.times import SECOND_US
from metrics_core.view import View
from streams.replay.choice import HISTORY_START, Choice
from streams.replay.external_sort import RUN_BYTES, ExternalSort
from streams.serving.exposition import PREFIX
from streams.serving.rendering import LE, go_float

_NUMBER_BYTES = 2
_TIME_BYTES = 8
_LENGTH_BYTES = 4


class OpenMetricsSheet:
    """Takes views in any number, writes the text when finished; every sample is labelled ``replay``."""

    def __init__(self, file: BinaryIO, choice: Choice, replay_id: str, *, run_bytes: int = RUN_BYTES) -> None:
        self._file, self._choice = file, choice
        self._replay = f'replay="{_escape(replay_id)}"'
        self._sort = ExternalSort(run_bytes=run_bytes)
        self._heads = list(_heads(choice))
        self._numbers = {name: number for number, (name, _, _) in enumerate(self._heads)}
        #: (family, label names, label values) -> the text between the braces
        self._labels: dict[tuple[str, tuple[str, ...], tuple[str, ...]], str] = {}

    def add(self, view: View) -> None:
        """Take the samples of a view, at its time."""
        time_us = view.time_us
        for name, table in self._choice.shown(view).tables.items():
            if name in self._choice.series:
                names = table.series.labels
                for values, value in table.rows.items():
                    if isinstance(value, Histogram):
                        self._add_histogram(time_us, name, self._text(name, names, values), value)
                    else:
                        self._add(time_us, name, "", self._text(name, names, values), value)
        if view.start_us and self._choice.has_history_start:
            self._add(time_us, HISTORY_START, "", self._replay, view.start_us / SECOND_US)
        for derived in self._choice.derived:
            vector = derived.evaluate(view, self._choice.extra)
            for values, number in vector.rows.items():
                self._add(time_us, derived.id, "", self._text(derived.id, vector.names, values), number)

    def finish(self) -> None:
        """Write everything."""
        last = -1
        for item in self._sort.merged():
            number = int.from_bytes(item[:_NUMBER_BYTES], "big")
            if number != last:
                name, kind, text = self._heads[number]
                self._file.write(f"# TYPE {PREFIX}{name} {kind}\n# HELP {PREFIX}{name} {_escape(text)}\n".encode())
                last = number
            length = int.from_bytes(item[-_LENGTH_BYTES:], "big")
            self._file.write(item[-_LENGTH_BYTES - length : -_LENGTH_BYTES])
        self._file.write(b"# EOF\n")
        self.clear()

    def clear(self) -> None:
        """Remove temporary files."""
        self._sort.clear()

    def _add_histogram(self, time_us: int, name: str, labels: str, value: Histogram) -> None:
        part = 0
        for part, (edge, count) in enumerate(zip(LE, value.cumulative(), strict=True)):
            self._add(time_us, name, "_bucket", labels, count, part=part, more=f',le="{edge}"')
        self._add(time_us, name, "_gcount", labels, value.count, part=part + 1)
        self._add(time_us, name, "_gsum", labels, value.sum_us / SECOND_US, part=part + 2)

    def _add(
        self,
        time_us: int,
        name: str,
        suffix: str,
        labels: str,
        value: int | float,
        *,
        part: int = 0,
        more: str = "",
    ) -> None:
        line = f"{PREFIX}{name}{suffix}{{{labels}{more}}} {go_float(value)} {time_us // SECOND_US}\n".encode()
        # a label text is never the beginning of another one, so what follows it does not mix them
        key = self._numbers[name].to_bytes(_NUMBER_BYTES, "big") + labels.encode() + b"\0"
        place = time_us.to_bytes(_TIME_BYTES, "big") + bytes((part,))
        self._sort.add(key + place + line + len(line).to_bytes(_LENGTH_BYTES, "big"))

    def _text(self, name: str, names: tuple[str, ...], values: tuple[str, ...]) -> str:
        found = self._labels.get((name, names, values))
        if found is None:
            pairs = sorted(zip(names, values, strict=True))
            inner = [f'{label}="{_escape(value)}"' for label, value in pairs]
            found = self._labels[name, names, values] = ",".join([*inner, self._replay])
        return found


def _heads(choice: Choice) -> Iterator[tuple[str, str, str]]:
    """Name, type and help of everything chosen, in the order it is written."""
    for family in FAMILIES:
        for series in family.series:
            if series.name in choice.series:
                yield series.name, "gaugehistogram" if series.kind == "histogram" else "gauge", series.help
    if choice.has_history_start:
        yield HISTORY_START, "gauge", "Since when events are complete, seconds since the epoch."
    for derived in choice.derived:
        yield derived.id, "gauge", derived.question


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
