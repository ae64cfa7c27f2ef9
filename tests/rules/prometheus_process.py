"""A real Prometheus: started on a folder of its own, asked over HTTP, stopped by its pid."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

#: it starts in about a second; a busy machine takes several times that
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0

Labels = frozenset[tuple[str, str]]


def program(name: str) -> str:
    """Path of a program of Debian's package prometheus; .ci/run installs it."""
    found = shutil.which(name)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(f"{name} is missing: install Debian's package prometheus, as .ci/run does")
        pytest.skip(f"{name} is not installed")
    return found


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run promtool."""
    return subprocess.run([program("promtool"), *arguments], capture_output=True, text=True)


@dataclass
class Prometheus:
    """A running one."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

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

    def wait_ready(self) -> None:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while True:
            assert self.process.poll() is None, f"prometheus ended:\n{self.log.read_text()[-4000:]}"
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/-/ready", timeout=2):
                return
            assert time.monotonic() < deadline, f"prometheus is not ready:\n{self.log.read_text()[-4000:]}"
            time.sleep(0.1)


@contextlib.contextmanager
def running_prometheus(folder: Path, config: str, port: int) -> Iterator[Prometheus]:
    """Prometheus with this configuration over ``folder``/tsdb, which may hold blocks already."""
    file, log = folder / "prometheus.yml", folder / "prometheus.log"
    file.write_text(config)
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [
                program("prometheus"),
                f"--config.file={file}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                "--storage.tsdb.retention.time=10y",
                f"--web.listen-address=127.0.0.1:{port}",
                "--log.level=warn",
            ],
            cwd=folder,
            stdout=stream,
            stderr=stream,
        )
    try:
        prometheus = Prometheus(process, f"http://127.0.0.1:{port}", log)
        prometheus.wait_ready()
        yield prometheus
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
