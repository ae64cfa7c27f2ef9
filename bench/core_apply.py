"""core_apply: events/s through the core on one core, decoding included, against decoding with orjson alone."""

from __future__ import annotations

import gc
import statistics
import time

import orjson

from bench.figure import figure
from bench.workload import helpdesk_events
from metrics_core.policy import Policy
from metrics_core.records import FileRecord
from metrics_core.shard import Shard

EVENTS = 200_000
ROUNDS = 5
CHUNK = 1000


def main() -> None:
    """Rounds of decode-only and apply in turn, so that a machine that changes speed changes both."""
    records = [
        FileRecord(event.value, offset, key=event.key, timestamp=event.arrival_us // 1000)
        for offset, event in enumerate(helpdesk_events(EVENTS))
    ]
    # the worker does the same: what lives long is not looked at again
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    decode, apply = [], []
    for _ in range(ROUNDS):
        start_s = time.process_time()
        for record in records:
            orjson.loads(record.value)  # type: ignore[arg-type]
        decode.append(len(records) / (time.process_time() - start_s))
        shard = Shard(Policy(), topic="helpdesk.events")
        start_s = time.process_time()
        for begin in range(0, len(records), CHUNK):
            shard.apply(records[begin : begin + CHUNK])
        apply.append(len(records) / (time.process_time() - start_s))
    figure(
        "core_apply",
        statistics.median(apply),
        "events/s",
        statistics.median(decode),
        "orjson.loads of the same values",
    )


if __name__ == "__main__":
    main()
