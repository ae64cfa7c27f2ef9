"""A worker that says how old records are at each stage of their way: fetched, taken up by an agent, counted.

Started by freshness.py in place of ``deskpulse``. The oldest record of a batch stands for all of it. What it said
last is in its log: stage -> age in ms -> records, and what a snapshot costs and how far one is from the next.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections import Counter
from typing import Any

from streams.engine import snapshot, table
from streams.engine.batch import Batch
from streams.transport import BatchThread

#: begins a line of the log
MARK = "ages: "
SAY_S = 1.0


class Stages:
    """Counts ages by stage; a line a second."""

    def __init__(self) -> None:
        self._ages: dict[str, Counter[int]] = {}
        self._next_s = time.monotonic() + SAY_S
        self._lock = threading.Lock()

    def observe(self, stage: str, batch: Batch) -> None:
        """So old is a batch at this stage."""
        if batch.records:
            self.count(stage, time.time() * 1e3 - batch.records[0].timestamp, len(batch.records))

    def count(self, stage: str, milliseconds: float, records: int = 1) -> None:
        """Count ``records`` at an age."""
        with self._lock:
            self._ages.setdefault(stage, Counter())[round(milliseconds)] += records

    def say(self) -> None:
        """Everything counted so far, once a second."""
        if time.monotonic() >= self._next_s:
            self._next_s = time.monotonic() + SAY_S
            with self._lock:
                print(MARK + json.dumps(self._ages), file=sys.stderr, flush=True)


def install(stages: Stages) -> None:
    """Every batch is looked at from now on, and every snapshot."""
    fetch, process, take = BatchThread._fetch_records, table.CheckpointedTable.process, snapshot.take_snapshot
    taken_s = time.monotonic()

    async def fetched(self: Any, *args: Any, **options: Any) -> Any:
        found = await fetch(self, *args, **options)
        for batch in found.values():
            if isinstance(batch, Batch):
                stages.observe("fetched", batch)
        return found

    async def processed(self: Any, batch: Batch) -> None:
        stages.observe("taken", batch)
        await process(self, batch)
        stages.observe("counted", batch)

    async def snapped(*args: Any) -> Any:
        nonlocal taken_s
        began_s = time.monotonic()
        taken = await take(*args)
        ended_s = time.monotonic()
        stages.count("snapshot_every", (ended_s - taken_s) * 1e3)
        stages.count("snapshot_takes", (ended_s - began_s) * 1e3)
        stages.count("snapshot_processor", taken.busy_s * 1e3)
        taken_s = ended_s
        stages.say()
        return taken

    BatchThread._fetch_records = fetched  # type: ignore[method-assign]
    table.CheckpointedTable.process = processed  # type: ignore[method-assign]
    vars(table)["take_snapshot"] = snapped


if __name__ == "__main__":
    from streams.cli.main import main

    install(Stages())
    main()
