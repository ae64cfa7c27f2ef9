"""A worker that says how long it kept its event loop busy in one step: the longest of each second, in its log.

Faust fetches in a thread with a loop of its own, which neither counts nor answers: its steps are not timed.

Started by loop_block.py in place of ``deskpulse``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from typing import Any

#: begins a line of the log
MARK = "longest step: "


class Probe:
    """Times every step of the event loop, and keeps the longest of the second."""

    def __init__(self) -> None:
        self._run = asyncio.Handle._run
        self._wall_s = self._processor_s = 0.0
        self._what = ""
        self._next_s = time.time() + 1.0

    def install(self) -> None:
        """Every step of the main thread's loops is timed from now on."""
        run = self._run

        def timed(handle: Any) -> None:
            if threading.current_thread() is not threading.main_thread():
                run(handle)
                return
            wall_s, processor_s = time.perf_counter(), time.thread_time()
            run(handle)
            processor_s = time.thread_time() - processor_s
            wall_s = time.perf_counter() - wall_s
            self._wall_s = max(self._wall_s, wall_s)
            if processor_s > self._processor_s:
                self._processor_s, self._what = processor_s, repr(handle)
            if time.time() >= self._next_s:
                self._say()

        asyncio.Handle._run = timed  # type: ignore[assignment,method-assign]

    def _say(self) -> None:
        self._next_s = time.time() + 1.0
        line = {
            "time_s": time.time(),
            "wall_s": round(self._wall_s, 6),
            "processor_s": round(self._processor_s, 6),
            "what": self._what[:300],
        }
        self._wall_s = self._processor_s = 0.0
        print(MARK + json.dumps(line), file=sys.stderr, flush=True)


if __name__ == "__main__":
    from streams.cli.main import main

    Probe().install()
    main()
