"""The page that a run of all scenarios writes."""

from __future__ import annotations

import os
import platform
import statistics
from datetime import UTC, datetime

from chaos_act import ALL, Outcome
from chaos_scenarios import SCENARIOS
from fault_harness import CHECKPOINT_INTERVAL_S, SESSION_TIMEOUT_S

from streams.broker.checksums import KAFKA_VERSION

PAGE = """# Reliability

`make chaos` does all of this to real workers and a real Apache Kafka {kafka}, while simulated events flow to
both source topics: late ones, repeated ones, some that cannot be used. Then it compares what is left behind:

- every row of every changelog with the rows of one process that read the same events at once, without any
  fault;
- every value of the view that a worker would load from the changelog with that process, and those of the
  helpdesk with the batch computation (`streams/audit`), which shares no code with the core;
- the records on `events.rejected`: each event that cannot be used is there exactly once;
- the fences of the checkpoints: they never fall.

A difference is one row, value or record that is not the same. There must be none, whatever was done. `python
tests/chaos NAME` runs one scenario; `DESKPULSE_FAULT_SEED` repeats a run's chances.

Run on {day}: {machine}; {partitions} partitions, {rate:.0f} events/s, a session timeout of {session:g} s,
checkpoints every {checkpoint:g} s; {share}; seed {seed}.

| scenario | fault | times | workers | events | rows and values | differences | back again, median | worst |
|---|---|---:|---:|---:|---:|---:|---:|---:|
{rows}

**Back again** is how long it took from the end of the fault until every partition was shown by exactly one
worker and had been made durable since, as a multiple of the start of a worker on the same machine under the
same traffic. Where a place in the group is left empty, the session timeout comes first; it is the price of
static membership, under which a restart within that time moves nothing. For a killed worker the fault ends with
its death, and the time includes the start of the next one.

{notes}

While partitions are away their series are withheld, and every recorded metric with them: a number is either
whole or absent.
"""


def page(outcomes: dict[str, Outcome], *, rate: float, scale: float, seed: int) -> str:
    """The table of a run."""
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, CPython {platform.python_version()}"
    )
    return PAGE.format(
        kafka=KAFKA_VERSION,
        day=datetime.now(tz=UTC).date(),
        machine=machine,
        partitions=ALL,
        rate=rate,
        session=SESSION_TIMEOUT_S,
        checkpoint=CHECKPOINT_INTERVAL_S,
        share="every scenario with its full count" if scale == 1 else f"counts scaled by {scale:g}",
        seed=seed,
        rows="\n".join(row(name, outcome) for name, outcome in outcomes.items()),
        notes="\n".join(f"- `{name}`: {outcome.note}." for name, outcome in outcomes.items() if outcome.note),
    )


def row(name: str, outcome: Outcome) -> str:
    """One line of the table."""
    verdict, ratios = outcome.verdict, [back_s / outcome.start_s for back_s in outcome.back_s]
    median, worst = (f"{of(ratios):.2f}" if ratios else "" for of in (statistics.median, max))
    return (
        f"| `{name}` | {SCENARIOS[name].fault} | {outcome.times} | {outcome.workers} | {verdict.events:,}"
        f" | {verdict.rows + verdict.values:,} | {len(verdict.differences)} | {median} | {worst} |"
    )
