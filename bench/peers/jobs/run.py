"""One run of a job as its process sees it: what it was asked, and what it answers. Standard library only."""

from __future__ import annotations

import json
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

ASKED_POLL_S = 0.05

#: key and value of aggregates; those of one key add up
Aggregates = Iterable[tuple[str, Any]]


class Run:
    """Asked by PEER_* variables; the answer is a JSON file with the times, the count and every aggregate."""

    def __init__(self) -> None:
        asked = os.environ
        self.brokers = asked["PEER_BROKERS"]
        self.topic = asked["PEER_TOPIC"]
        self.partitions = int(asked["PEER_PARTITIONS"])
        #: the consumer group, and the beginning of the names of all topics that the engine makes
        self.app = asked["PEER_APP"]
        #: an empty folder for what the engine keeps on disk
        self.state = Path(asked["PEER_STATE"])
        self.expected = int(asked["PEER_EVENTS"])
        self._asked, self._answer = Path(asked["PEER_ASKED"]), Path(asked["PEER_ANSWER"])
        self.events = 0
        self._first_s = 0.0

    def count(self, events: int = 1) -> None:
        """Some events have come."""
        if not self.events:
            self._first_s = time.time()
        self.events += events

    def answer_when_asked(self, read: Callable[[], Aggregates]) -> None:
        """Once the race asks, in a thread: read the state out and end this process."""

        def wait() -> None:
            while not self._asked.exists():
                time.sleep(ASKED_POLL_S)
            try:
                self.answer(read())
            except BaseException:
                traceback.print_exc()
                os._exit(1)

        threading.Thread(target=wait, daemon=True).start()

    def answer(self, aggregates: Aggregates, *, durable_s: float = 0.0) -> NoReturn:
        """Write the answer and end at once; ``durable_s`` where the engine, not its group's offsets, says when."""
        answer = {
            "first_s": self._first_s,
            "durable_s": durable_s,
            "events": self.events,
            "aggregates": list(aggregates),
        }
        part = self._answer.with_suffix(".part")
        part.write_text(json.dumps(answer), encoding="utf-8")
        part.rename(self._answer)
        os._exit(0)  # an orderly end would take its time and measure nothing
