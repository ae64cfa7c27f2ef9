"""The results as a table and as a page."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from datetime import UTC, datetime

from bench.peers.engines import ENGINES, MEASURE, Engine
from bench.peers.results import Results

_PAGE = """# Beside other engines

Written by `make bench-peers`. Each engine does the same job on the same broker (Apache Kafka, one node), one after
the other, in {rounds}; the figures are medians. Measured on {day}: {machine}.

| engine | after a crash | events/s until durable | ratio | CPU us/event | ratio | memory MB |
|---|---|---:|---:|---:|---:|---:|
{rows}
{notes}
Ratios are to {measure}, in the same round.

## The job

{events:,} events of simulated helpdesk traffic over some three weeks, in {partitions} partitions. Of them, each
engine keeps:

- the backlog: how many tickets of each group are open;
- first responses: creation to the first public message of an agent, by hour, group and priority - how many, their
  sum, a histogram;
- resolutions: creation to each change from open to resolved or closed, by the same.

A ticket that moves to another group is open there from then on. Every result is compared with a batch computation
of the same events, and one that differs in anything does not count.

What only deskpulse does is left out of the events: late and repeated ones, merged and deleted tickets, tickets
older than the topic. That it could is part of its figures: it keeps each ticket's past to put a late event in its
place, knows repeats, and counts four windows that move with time. It runs twice: counting these three metrics alone
(and keeping no clocks of promises, as nobody else does), and counting all there are. Its common case is compiled,
as the others' hot paths are (Java, Rust, C++); what it makes as Python alone, `core_apply_pure` in
[benchmarks.md](benchmarks.md) says.

## What is measured

Seconds run from an engine's first event until everything is durable: the group's offsets are committed, which each
engine does after its state; or the last snapshot of Bytewax is on disk; or the last checkpoint of deskpulse is
committed. CPU is user and system time of the engine's process over the same stretch, so that the start of a Java
runtime is not in it but its compiler is. Memory is the most that was resident.

A commit, checkpoint or snapshot is due each second everywhere; records are compressed with lz4, batches and fetches
are large, and the cache of Kafka Streams, where it is used (with RocksDB always), has 128 MB. The sources of every
job lie in `bench/peers/`, all versions pinned.
"""

_HEAD = (
    "| engine | after a crash | events/s until durable | ratio | CPU us/event | ratio | memory MB |",
    "|---|---|---:|---:|---:|---:|---:|",
)


def table(results: Results) -> list[str]:
    """Lines of a Markdown table with a row for every engine, the fastest first, and one for each failure."""
    ran = [engine for engine in ENGINES if results.runs[engine.name]]
    ran.sort(key=lambda engine: -(results.median(engine.name, lambda run: run.events_per_s) or 0))
    rows = [_row(results, engine) for engine in ran]
    rows += [
        f"| {engine.title} | {engine.guarantee} | missing: {results.missing[engine.name]} |||||"
        for engine in ENGINES
        if engine.name in results.missing
    ]
    return [*_HEAD, *rows, *(f"does not count: {failure}" for failure in results.failures)]


def page(results: Results) -> str:
    """The page that ``--write`` writes."""
    from bench.peers.race import PARTITIONS

    titles = {engine.name: engine.title for engine in ENGINES}
    lines = table(results)
    rows = [line for line in lines if line.startswith("|")]
    failures = [f"{line[0].upper()}{line[1:]}." for line in lines if not line.startswith("|")]
    return _PAGE.format(
        rounds="one round" if results.rounds == 1 else f"{results.rounds} rounds",
        day=datetime.now(tz=UTC).date(),
        machine=f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, CPython "
        f"{platform.python_version()}",
        events=results.events,
        partitions=PARTITIONS,
        measure=titles[MEASURE],
        rows="\n".join(rows[len(_HEAD) :]),
        notes="".join(f"\n{note}\n" for note in [*_slow(), *failures]),
    )


def _slow() -> Iterator[str]:
    for engine in ENGINES:
        if engine.one_in > 1:
            yield f"{engine.title}: a desk of a {engine.one_in}th of the size, for the sake of time."


def _row(results: Results, engine: Engine) -> str:
    speed = results.median(engine.name, lambda run: run.events_per_s)
    cpu = results.median(engine.name, lambda run: run.cpu_us_per_event)
    memory = results.median(engine.name, lambda run: run.memory_bytes)
    assert speed is not None
    assert cpu is not None
    assert memory is not None
    speed_ratio = results.ratio(engine.name, lambda run: run.events_per_s)
    cpu_ratio = results.ratio(engine.name, lambda run: run.cpu_us_per_event)
    cells = (f"{speed:,.0f}", _times(speed_ratio), f"{cpu:.1f}", _times(cpu_ratio), f"{memory / 2**20:,.0f}")
    return f"| {engine.title} | {engine.guarantee} | {' | '.join(cells)} |"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"
