"""A worker started for somebody never outlives them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from streams.demo.worker_process import WorkerProcess
from streams.settings import ConfigurationError, load_settings

OWNER = """
import sys, time
from streams.demo.worker_process import WorkerProcess
from streams.settings import load_settings
with WorkerProcess(load_settings(brokers="127.0.0.1:1", origin="earliest")) as worker:
    print(worker.supervisor_pid, flush=True)
    time.sleep(600)
"""


def gone(pid: int, within_s: float) -> bool:
    """Whether a process ends in time."""
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        if not psutil.pid_exists(pid):
            return True
        time.sleep(0.1)
    return False


def test_it_ends_when_its_owner_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True) as owner:
        try:
            assert owner.stdout is not None
            supervisor = int(owner.stdout.readline())
            os.kill(owner.pid, signal.SIGKILL)
        finally:
            owner.kill()
    assert gone(supervisor, 40.0)


def test_one_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.demo.worker_process._READY_TIMEOUT_S", 20.0)
    settings = load_settings(brokers="127.0.0.1:1", origin="earliest")
    with (
        WorkerProcess(settings) as worker,
        pytest.raises(ConfigurationError, match="the worker is not ready"),
    ):
        worker.wait_ready()
