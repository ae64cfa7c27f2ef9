"""A real Alertmanager: started on a folder of its own, asked and told over HTTP, stopped by its pid."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

#: it starts in about a second; a busy machine takes several times that
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
#: Debian's package names the program otherwise than upstream
NAMES = {"alertmanager": ("alertmanager", "prometheus-alertmanager"), "amtool": ("amtool",)}

Json = dict[str, Any]


def program(name: str) -> str:
    """Path of a program of Debian's package prometheus-alertmanager; .ci/run installs it."""
    for candidate in NAMES[name]:
        if found := shutil.which(candidate):
            return found
    message = f"{name} is missing: install Debian's package prometheus-alertmanager, as .ci/run does"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


def amtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run amtool."""
    return subprocess.run([program("amtool"), *arguments], capture_output=True, text=True)


@dataclass
class Alertmanager:
    """A running one."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

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

    def wait_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            assert self.process.poll() is None, f"alertmanager ended:\n{self.log.read_text()[-4000:]}"
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/-/ready", timeout=2):
                return
            assert time.monotonic() < deadline, f"alertmanager is not ready:\n{self.log.read_text()[-4000:]}"
            time.sleep(0.1)


@contextlib.contextmanager
def running_alertmanager(folder: Path, config: Path, port: int) -> Iterator[Alertmanager]:
    """Alertmanager with this configuration file; what it stores and logs lies in ``folder``."""
    log = folder / "alertmanager.log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [
                program("alertmanager"),
                f"--config.file={config}",
                f"--storage.path={folder / 'alertmanager'}",
                f"--web.listen-address=127.0.0.1:{port}",
                # alone: no gossip with others, and no port for it
                "--cluster.listen-address=",
                "--log.level=warn",
            ],
            cwd=folder,
            stdout=stream,
            stderr=stream,
        )
    try:
        alertmanager = Alertmanager(process, f"http://127.0.0.1:{port}", log)
        alertmanager.wait_ready()
        yield alertmanager
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
