"""The forms a replay is written in: JSON lines, CSV, OpenMetrics."""

from __future__ import annotations

import csv
import io
import json
from enum import StrEnum
from typing import BinaryIO, Protocol

import msgspec

from metrics_core.times import format_us
from metrics_core.view import Table, View
from streams.replay.choice import Choice
from streams.replay.openmetrics import OpenMetricsSheet
from streams.report import Row, chosen_rows

CSV_COLUMNS = ("time", "metric", "labels", "value")


class Form(StrEnum):
    """How a replay is written; the value is the format's name, ``suffix`` how its files end."""

    JSONL = "jsonl"
    CSV = "csv"
    OPENMETRICS = "openmetrics"

    @property
    def suffix(self) -> str:
        """The end of a file's name."""
        return ".om" if self is Form.OPENMETRICS else f".{self.value}"


class Sheet(Protocol):
    """One output being written; ``finish`` must come last, ``clear`` frees what it holds, finished or not."""

    def add(self, view: View) -> None:
        """Write what was chosen of a view; views come in order of time."""

    def finish(self) -> None:
        """Write what is still held back."""

    def clear(self) -> None:
        """Remove temporary files."""


def open_sheet(form: Form, file: BinaryIO, choice: Choice, replay_id: str) -> Sheet:
    """A sheet of a form on an open file."""
    if form is Form.OPENMETRICS:
        return OpenMetricsSheet(file, choice, replay_id)
    return _JsonLines(file, choice) if form is Form.JSONL else _Csv(file, choice)


class ChosenRows:
    """Rows of views that follow each other; those of an unchanged view are only given their time."""

    def __init__(self, choice: Choice) -> None:
        self._choice = choice
        self._tables: dict[str, Table] = {}
        self._rows: list[Row] = []

    def of(self, view: View) -> list[Row]:
        """The rows of a view; they are valid until the next call."""
        if view.tables is self._tables:
            time = format_us(view.time_us)
            for row in self._rows:
                row["time"] = time
        else:
            self._tables, self._rows = view.tables, list(chosen_rows(view, self._choice))
        return self._rows


class _JsonLines:
    def __init__(self, file: BinaryIO, choice: Choice) -> None:
        self._file, self._rows = file, ChosenRows(choice)
        self._encode = msgspec.json.Encoder().encode

    def add(self, view: View) -> None:
        encode = self._encode
        self._file.writelines(encode(row) + b"\n" for row in self._rows.of(view))

    def finish(self) -> None:
        pass

    def clear(self) -> None:
        pass


class _Csv:
    def __init__(self, file: BinaryIO, choice: Choice) -> None:
        self._file, self._rows = file, ChosenRows(choice)
        self._write([CSV_COLUMNS])

    def add(self, view: View) -> None:
        self._write(
            (row["time"], row["metric"], json.dumps(row["labels"], sort_keys=True), row["value"])
            for row in self._rows.of(view)
        )

    def finish(self) -> None:
        pass

    def clear(self) -> None:
        pass

    def _write(self, rows: object) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
        self._file.write(text.getvalue().encode())
