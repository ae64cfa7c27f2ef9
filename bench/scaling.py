"""scaling: what an event, a checkpoint, a snapshot and a scrape cost with 10 thousand to 2 million open tickets in
one partition, and with one window against four.

Each figure stands beside the same with 10 thousand open tickets (or with the four windows), measured in turns with
it, because machines change speed: the ratio should stay near 1. Half of the events are traffic of new tickets, half
are messages on the open ones. Processor time throughout; a checkpoint is what the event loop does of it (packing
rows).
"""

from __future__ import annotations

import gc
import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice

import msgspec

from bench.figure import figure
from bench.open_desk import OpenDesk
from bench.workload import SEED
from metrics_core.build import build
from metrics_core.panes import WINDOW_SPANS_US
from metrics_core.policy import Policy
from metrics_core.records import FileRecord
from metrics_core.shard import Shard
from metrics_core.times import DAY_US, format_us
from streams.serving.folding import Folding
from streams.serving.rendering import Lines
from streams.simulate import Traffic

SIZES = (10_000, 100_000, 1_000_000, 2_000_000)
#: the largest of them that is measured
MOST_VARIABLE = "DESKPULSE_BENCH_TICKETS"
#: of a round: ten checkpoints of a thousand events each
ROUND_EVENTS, CHECKPOINT_EVENTS = 10_000, 1_000
ROUNDS = 5
#: so many that a checkpoint covers a few minutes, and with them few panes, as a busy worker's does
TICKETS_PER_DAY = 50_000
SERIES_BUDGET = 50_000


@dataclass
class Costs:
    """One shard, and what its rounds cost."""

    shard: Shard
    tickets: int
    rates: list[float] = field(default_factory=list)
    checkpoints_s: list[float] = field(default_factory=list)
    snapshots_s: list[float] = field(default_factory=list)
    scrapes_s: list[float] = field(default_factory=list)


def main() -> None:
    """By open tickets, then by windows."""
    policy = Policy()
    desk = OpenDesk(policy)
    most = int(os.environ.get(MOST_VARIABLE, SIZES[-1]))
    sizes = [size for size in SIZES if size <= most]
    shards = [Costs(desk.loaded(size, policy), size) for size in sizes]
    _measure(desk, policy, shards)
    for costs in shards[1:]:
        _say(f"{costs.tickets // 1000}k_tickets", costs, shards[0], f"with {sizes[0]:,} open tickets")
    del shards[1:]
    gc.unfreeze()
    gc.collect()
    for windows in (("1h",), ("30d",)):
        with _only(windows):
            few = Costs(desk.loaded(SIZES[0], policy, panes=False), SIZES[0])
        all_four = Costs(desk.loaded(SIZES[0], policy, panes=False), SIZES[0])
        _measure(desk, policy, [few, all_four], scrape=False)
        _say(f"window_{windows[0]}", few, all_four, "with four windows")


def _measure(desk: OpenDesk, policy: Policy, shards: list[Costs], *, scrape: bool = True) -> None:
    # the worker does the same: what lives long is not looked at again
    gc.freeze()
    gc.set_threshold(20_000, 5, 1000)
    for number in range(ROUNDS):
        for costs in shards:
            records = _records(desk, costs.tickets, number)
            _round(costs, records)
            if scrape:
                costs.snapshots_s.append(_frozen_s(costs.shard))
                costs.scrapes_s.append(_timed(lambda: _scraped(costs.shard, policy)))  # noqa: B023 - called at once


def _round(costs: Costs, records: list[FileRecord]) -> None:
    applied_s = 0.0
    for begin in range(0, len(records), CHECKPOINT_EVENTS):
        some = records[begin : begin + CHECKPOINT_EVENTS]
        applied_s += _timed(lambda: costs.shard.apply(some))  # noqa: B023 - called at once
        costs.checkpoints_s.append(_timed(lambda: _drained(costs.shard)))
    costs.rates.append(len(records) / applied_s)


def _say(name: str, costs: Costs, beside: Costs, compared_with: str) -> None:
    for what, unit, scale, of in (
        ("events", "events/s", 1.0, "rates"),
        ("checkpoint", "ms", 1e3, "checkpoints_s"),
        ("snapshot", "ms", 1e3, "snapshots_s"),
        ("scrape", "ms", 1e3, "scrapes_s"),
    ):
        if measured := getattr(costs, of):
            value, baseline = (scale * statistics.median(one) for one in (measured, getattr(beside, of)))
            figure(f"scaling_{what}_{name}", value, unit, baseline, compared_with)


def _timed(work: Callable[[], object]) -> float:
    start_s = time.process_time()
    work()
    return time.process_time() - start_s


def _frozen_s(shard: Shard) -> float:
    """Of one snapshot as a worker takes many: the windows are where they were a moment ago."""
    time_us = shard.clock_us + 1
    for _ in shard.prepare(time_us):
        pass
    return _timed(lambda: shard.freeze(time_us))


def _drained(shard: Shard) -> None:
    for _ in shard.drain():
        pass


def _scraped(shard: Shard, policy: Policy) -> None:
    view = build([shard.freeze(shard.clock_us + 1)], policy)
    folding = Folding(policy, SERIES_BUDGET)
    tables = [table for _, table in sorted(view.tables.items())]
    folded = folding.fold([(table.series, table.rows) for table in tables], ready=True)
    families = folding.with_zeros(folded, [table.withheld for table in tables], ready=True)
    Lines().render(families, openmetrics=False)


def _records(desk: OpenDesk, tickets: int, number: int) -> list[FileRecord]:
    """A round's events: new tickets, and messages on those that are open, in turns."""
    start_us = desk.clock_us + number * DAY_US
    half = ROUND_EVENTS // 2
    traffic = Traffic(SEED + number, start_us, TICKETS_PER_DAY, crm=False, bad_events=False)
    chance = random.Random(number)
    records = []
    for at, new in enumerate(islice(traffic.until(start_us + 30 * DAY_US), half)):
        ticket = chance.randrange(tickets)
        subject = f"copy-{ticket}"
        message = {
            "specversion": "1.0",
            "id": f"{number}-{at}",
            "source": desk.source(ticket),
            "type": "helpdesk.ticket.message",
            "subject": subject,
            "time": format_us(new.arrival_us),
            "data": {"actor": chance.choice(("customer", "agent")), "public": True},
        }
        records.append(FileRecord(new.value, 2 * at, key=new.key, timestamp=new.arrival_us // 1000))
        records.append(FileRecord(msgspec.json.encode(message), 2 * at + 1, key=subject.encode(), timestamp=-1))
    return records


@contextmanager
def _only(windows: tuple[str, ...]) -> Iterator[None]:
    """As if there were no other windows, for shards that are made meanwhile."""
    every = dict(WINDOW_SPANS_US)
    for window in every.keys() - set(windows):
        del WINDOW_SPANS_US[window]
    try:
        yield
    finally:
        WINDOW_SPANS_US.clear()
        WINDOW_SPANS_US.update(every)


if __name__ == "__main__":
    main()
