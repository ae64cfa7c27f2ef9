"""Scratch folders of embedded brokers; those whose owner died without a trace are swept at the next start."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

_PREFIX = "deskpulse-broker-"
_LOCK = "owner.lock"
_PID = "broker.pid"
# between mkdir and flock a folder of a living owner looks like one of a dead owner
_GRACE_S = 60.0


class ScratchFolder:
    """A temporary folder that is locked while somebody lives who will remove it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock_fd = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self.lock_fd, fcntl.LOCK_EX)

    @classmethod
    def create(cls) -> ScratchFolder:
        """A new one, after sweeping those of dead owners."""
        root = Path(tempfile.gettempdir())
        sweep(root)
        return cls(Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root)))

    def hand_over(self) -> None:
        """Leave the lock to the process that inherited it."""
        os.close(self.lock_fd)
        self.lock_fd = -1

    def note_broker(self, pid: int) -> None:
        """Remember which process writes here."""
        (self.path / _PID).write_text(str(pid), encoding="ascii")

    def remove(self) -> None:
        """Remove it, whoever holds the lock."""
        if self.lock_fd >= 0:
            self.hand_over()
        shutil.rmtree(self.path, ignore_errors=True)


def sweep(root: Path) -> None:
    """Remove our folders under ``root`` that nobody holds, and end the brokers that still write to them."""
    for path in root.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if path.stat().st_uid != os.getuid() or time.time() - path.stat().st_mtime < _GRACE_S:
                continue
            fd = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises while the owner lives
                _end_broker(path)
                shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(fd)


def _end_broker(path: Path) -> None:
    """Only where the supervisor was killed too, and not on Linux, where the kernel then ends the broker."""
    with contextlib.suppress(OSError, ValueError):
        pid = int((path / _PID).read_text(encoding="ascii"))
        listing = subprocess.run(
            ["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
        )
        if str(path) in listing.stdout:  # the number may meanwhile belong to another process
            os.kill(pid, signal.SIGKILL)
