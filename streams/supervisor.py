"""Keeps a child process from outliving its owner. Run as a program of its own; standard library only.

usage: supervisor.py OWNER_PID GRACE_S FOLDER COMMAND...

Reads ``start`` and ``stop`` from stdin, answers ``started PID`` and ``exited CODE`` on stdout. When stdin
ends or the owner is gone - a crash, kill -9, a closed terminal - it asks the child to stop, kills it after
GRACE_S seconds and removes FOLDER.

A pipe and the parent's pid work on Linux and macOS alike. PR_SET_PDEATHSIG would not do for the owner: it
fires when the *thread* that forked exits, see prctl(2). Here it guards the child against the death of this
process, which has a single thread.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from types import FrameType

POLL_S = 0.2
STOP_GRACE_S = 20.0
_PR_SET_PDEATHSIG = 1


class Child:
    """The one child of this process."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the child unless it runs."""
        if self.process is None:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
            say(f"started {self.process.pid}")

    def reap(self, wait_s: float | None = None) -> None:
        """Report the child's exit, if it has."""
        if self.process is None:
            return
        try:
            code = self.process.wait(wait_s) if wait_s is not None else self.process.poll()
        except subprocess.TimeoutExpired:
            return
        if code is not None:
            self.process = None
            say(f"exited {code}")

    def stop(self, grace_s: float) -> None:
        """Ask the child to stop, and kill it when it has not within the grace."""
        if self.process is not None and grace_s > 0:
            self.process.terminate()
            self.reap(grace_s)
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.reap()


def say(line: str) -> None:
    """Tell the owner; one that is gone does not listen."""
    try:
        os.write(1, f"{line}\n".encode())
    except OSError:
        return


def _die_with_parent() -> None:
    parent = os.getppid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def obey(owner_pid: int, child: Child) -> None:
    """Follow commands until stdin ends or the owner is gone."""
    waiting = b""
    while os.getppid() == owner_pid:
        child.reap()
        if not select.select([0], [], [], POLL_S)[0]:
            continue
        received = os.read(0, 4096)
        if not received:
            return
        *lines, waiting = (waiting + received).split(b"\n")
        for line in lines:
            if line == b"start":
                child.start()
            elif line == b"stop":
                child.stop(STOP_GRACE_S)


def main(argv: list[str]) -> None:
    """Supervise until the owner is done or gone."""
    owner_pid, grace_s, folder, command = int(argv[1]), float(argv[2]), argv[3], argv[4:]

    def leave(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    child = Child(command)
    try:
        obey(owner_pid, child)
    finally:
        child.stop(grace_s)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv)
