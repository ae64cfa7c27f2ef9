"""The process of an engine: supervised, so that it never outlives the race, and measured from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import psutil

from streams import supervisor

SAMPLE_S = 0.05
START_TIMEOUT_S = 10.0
#: workers end by themselves or are killed: nothing is measured any more
GRACE_S = "0"


class Sample(NamedTuple):
    """What the process has used by a moment, and how much memory it holds."""

    time_s: float
    cpu_s: float
    memory_bytes: int


class EngineProcess:
    """A command under a supervisor; a context manager that kills it. ``environment`` is what it gets beside ours;
    what it writes goes into a log in ``folder``, which is removed at the end."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.folder, self._log = folder, folder / "log"
        self._command, self._environment = command, environment
        self._samples: list[Sample] = []
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._ended = threading.Event()

    def __enter__(self) -> EngineProcess:
        arguments = [str(os.getpid()), GRACE_S, str(self.folder)]
        with self._log.open("wb") as log:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", supervisor.__file__, *arguments, *self._command],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **self._environment},
            )
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        self._supervisor.stdin.write(b"start\n")
        self._supervisor.stdin.flush()
        word, pid = self._supervisor.stdout.readline().split()
        assert word == b"started", word
        threading.Thread(target=self._measure, args=(int(pid),), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        assert self._supervisor is not None
        assert self._supervisor.stdin is not None
        assert self._supervisor.stdout is not None
        self._supervisor.stdin.close()
        self._supervisor.wait()
        self._supervisor.stdout.close()

    @property
    def has_ended(self) -> bool:
        """Whether there is nothing left to measure."""
        return self._ended.is_set()

    @property
    def last_words(self) -> str:
        """The end of its log, on one line."""
        said = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return said[-1].strip() if said else "it said nothing"

    def cpu_between_s(self, begin_s: float, end_s: float) -> float:
        """CPU seconds used between two moments of the clock."""
        return self._cpu_at_s(end_s) - self._cpu_at_s(begin_s)

    @property
    def memory_most_bytes(self) -> int:
        """The most memory that was resident."""
        return max((sample.memory_bytes for sample in self._samples), default=0)

    def _cpu_at_s(self, time_s: float) -> float:
        """Between two samples, in proportion."""
        samples = self._samples
        at = bisect_left(samples, time_s, key=lambda sample: sample.time_s)
        if at in (0, len(samples)):
            return samples[min(at, len(samples) - 1)].cpu_s
        before, after = samples[at - 1], samples[at]
        share = (time_s - before.time_s) / (after.time_s - before.time_s)
        return before.cpu_s + share * (after.cpu_s - before.cpu_s)

    def _measure(self, pid: int) -> None:
        try:
            process = psutil.Process(pid)
            while not self._ended.is_set():
                with process.oneshot():
                    used, memory = process.cpu_times(), process.memory_info()
                    if process.status() == psutil.STATUS_ZOMBIE:
                        break
                self._samples.append(Sample(time.time(), used.user + used.system, memory.rss))
                self._ended.wait(SAMPLE_S)
        except psutil.NoSuchProcess:
            pass
        finally:
            self._ended.set()
