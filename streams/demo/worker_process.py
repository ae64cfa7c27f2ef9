"""A worker in a process of its own, which never outlives the one that started it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from streams import supervisor
from streams.settings import ConfigurationError, Settings

#: a start takes about two seconds; a busy machine several times that
_READY_TIMEOUT_S = 90.0
_STOP_GRACE_S = 15.0
_POLL_S = 0.2
#: what is shown of the log when the worker has failed
_LAST_LINES = 5


class WorkerProcess:
    """``deskpulse worker`` under a supervisor; a context manager that stops it. Its log lies in a scratch folder.

    ``settings`` must name the brokers; the worker serves at a free port of 127.0.0.1. ``module`` takes the
    arguments of ``deskpulse``.
    """

    def __init__(self, settings: Settings, module: str = "streams.cli.main") -> None:
        self._module = module
        self._folder = Path(tempfile.mkdtemp(prefix="deskpulse-worker-"))
        self.log = self._folder / "worker.log"
        self.url = f"http://127.0.0.1:{_free_port()}"
        self._settings = settings
        self._supervisor: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> WorkerProcess:
        command = [sys.executable, "-m", self._module, "worker", "--port", self.url.rpartition(":")[2]]
        arguments = [str(os.getpid()), str(_STOP_GRACE_S), str(self._folder)]
        with self.log.open("wb") as log:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", supervisor.__file__, *arguments, *command],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, **_environment(self._settings)},
            )
        assert self._supervisor.stdin is not None
        self._supervisor.stdin.write(b"start\n")
        self._supervisor.stdin.flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._supervisor is not None
        assert self._supervisor.stdin is not None
        self._supervisor.stdin.close()
        try:
            self._supervisor.wait(2 * _STOP_GRACE_S)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()
            self._supervisor.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def supervisor_pid(self) -> int:
        """The process between this one and the worker."""
        assert self._supervisor is not None, "not started"
        return self._supervisor.pid

    def wait_ready(self) -> None:
        """Return when the worker is ready; ConfigurationError with its last words when it will not be."""
        end_s = time.monotonic() + _READY_TIMEOUT_S
        said = "it does not answer"
        while time.monotonic() < end_s:
            readiness = self.readiness()
            if readiness.get("ready"):
                return
            said = str(readiness.get("message", said))
            time.sleep(_POLL_S)
        lines = self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:]
        raise ConfigurationError(f"the worker is not ready ({said}): " + " | ".join(lines))

    def readiness(self) -> dict[str, Any]:
        """What /readyz says, empty while nobody answers."""
        try:
            return dict(json.loads(_get(f"{self.url}/readyz")))
        except (OSError, ValueError):
            return {}

    def metrics(self) -> str:
        """The text of /metrics."""
        return _get(f"{self.url}/metrics").decode()


def _get(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own worker on loopback
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        return bytes(error.read())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(settings: Settings) -> dict[str, str]:
    """The settings that differ from their defaults, as the worker reads them."""
    changed = settings.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    return {
        f"DESKPULSE_{name.upper()}": value if isinstance(value, str) else json.dumps(value)
        for name, value in changed.items()
        if name != "http_port"
    }
