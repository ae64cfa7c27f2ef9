"""Memory and processor time of a worker, as Linux counts them."""

from __future__ import annotations

import os
from pathlib import Path

from streams.demo.worker_process import WorkerProcess


def resident_bytes(worker: WorkerProcess) -> int:
    """What is resident of the worker (not of the process that watches it), in bytes."""
    status = (_process(worker) / "status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def processor_s(worker: WorkerProcess) -> float:
    """Processor time that the worker has taken so far, in seconds."""
    fields = (_process(worker) / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
    # utime and stime, proc_pid_stat(5)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _process(worker: WorkerProcess) -> Path:
    watcher = worker.supervisor_pid
    return Path("/proc") / Path(f"/proc/{watcher}/task/{watcher}/children").read_text(encoding="ascii").split()[0]
