"""A real Alertmanager: started on a folder of its own, asked and told over HTTP, stopped by its pid."""

from __future__ import annotations

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from debian_programs import ALERTMANAGER, running

Json = dict[str, Any]


@dataclass
class Alertmanager:
    """A running one."""

    url: str

    def alerts(self) -> list[Json]:
        """Every alert that it holds, silenced ones too, each with its `status`."""
        found: list[Json] = self._ask("alerts")
        return found

    def tell(self, alerts: Sequence[Mapping[str, Any]]) -> None:
        """Send alerts, as Prometheus does: `labels`, `annotations`, and `endsAt` once resolved."""
        self._ask("alerts", list(alerts))

    def _ask(self, path: str, body: object = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/api/v2/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                said = answer.read()
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()}") from error
        return json.loads(said) if said else None


@contextlib.contextmanager
def running_alertmanager(folder: Path, config: Path, port: int) -> Iterator[Alertmanager]:
    """Alertmanager with this configuration file; what it stores and logs lies in ``folder``."""
    arguments = (
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        # alone: no gossip with others, and no port for it
        "--cluster.listen-address=",
    )
    with running(ALERTMANAGER, arguments, folder, port) as url:
        yield Alertmanager(url)
