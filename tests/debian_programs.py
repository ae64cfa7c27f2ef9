"""Programs of Debian packages that tests need: found, run, or started and stopped by their pid."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

#: they start in about a second; a busy machine takes several times that
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Program:
    """A program and the package that has it, which .ci/run installs."""

    name: str
    package: str
    #: what Debian calls it, where that is not its name upstream
    otherwise: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Where it is. Without it a test is skipped, but fails where CI is set."""
        for name in (self.name, *self.otherwise):
            if found := shutil.which(name):
                return found
        message = f"{self.name} is missing: install Debian's package {self.package}, as .ci/run does"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


PROMETHEUS = Program("prometheus", "prometheus")
PROMTOOL = Program("promtool", "prometheus")
ALERTMANAGER = Program("alertmanager", "prometheus-alertmanager", otherwise=("prometheus-alertmanager",))
AMTOOL = Program("amtool", "prometheus-alertmanager")


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run promtool."""
    return subprocess.run([PROMTOOL.path, *arguments], capture_output=True, text=True)


def amtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run amtool."""
    return subprocess.run([AMTOOL.path, *arguments], capture_output=True, text=True)


@contextlib.contextmanager
def running(program: Program, arguments: Sequence[str], folder: Path, port: int) -> Iterator[str]:
    """The program as a server of HTTP in ``folder``, where its log lies too; gives its address once it is ready."""
    log, url = folder / f"{program.name}.log", f"http://127.0.0.1:{port}"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [program.path, *arguments, f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"],
            cwd=folder,
            stdout=stream,
            stderr=stream,
        )
    try:
        _wait_ready(process, program, url, log)
        yield url
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_ready(process: subprocess.Popen[bytes], program: Program, url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while True:
        assert process.poll() is None, f"{program.name} ended:\n{log.read_text()[-4000:]}"
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/-/ready", timeout=2):
            return
        assert time.monotonic() < deadline, f"{program.name} is not ready:\n{log.read_text()[-4000:]}"
        time.sleep(0.1)
