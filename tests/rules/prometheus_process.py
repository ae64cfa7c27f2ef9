"""A real Prometheus: started on a folder of its own, asked over HTTP, stopped by its pid."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debian_programs import PROMETHEUS, running

Labels = frozenset[tuple[str, str]]


@dataclass
class Prometheus:
    """A running one."""

    url: str

    def query(self, expression: str, time_s: float | None = None) -> dict[Labels, float]:
        """Rows of an instant query: labels without the name -> value."""
        form = {"query": expression} | ({"time": str(time_s)} if time_s is not None else {})
        said = self.ask("query", form)
        return {
            frozenset((name, value) for name, value in row["metric"].items() if name != "__name__"): float(
                row["value"][1]
            )
            for row in said["result"]
        }

    def ask(self, path: str, form: dict[str, str] | None = None) -> Any:
        """What the API says under /api/v1/."""
        body = urllib.parse.urlencode(form).encode() if form else None
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}", data=body, timeout=30) as answer:
                return json.loads(answer.read())["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{form or path}: {error.read().decode()}") from error


@contextlib.contextmanager
def running_prometheus(folder: Path, config: str, port: int) -> Iterator[Prometheus]:
    """Prometheus with this configuration over ``folder``/tsdb, which may hold blocks already."""
    file = folder / "prometheus.yml"
    file.write_text(config)
    arguments = (
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        "--storage.tsdb.retention.time=10y",
    )
    with running(PROMETHEUS, arguments, folder, port) as url:
        yield Prometheus(url)
