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
- every value of the view that a worker would load from the changelog with that process, and with the batch
  computation (`streams/audit`), which shares no code with the core;
- the records on `events.rejected`: each event that cannot be used is there exactly once;
- the fences of the checkpoints: they never fall.

A difference is one row, value or record that is not the same. There must be none, whatever was done.
`python tests/chaos NAME --write docs/reliability.md` runs one scenario anew and replaces its row;
`DESKPULSE_FAULT_SEED` repeats a run's chances.

Run on: {machine}, shared with other work; {partitions} partitions, {rate:.0f} events/s, a session timeout
of {session:g} s, checkpoints every {checkpoint:g} s.

| scenario | fault | times | workers | events | rows, values | differences | back again, median | worst | run on |
|---|---|---:|---:|---:|---:|---:|---:|---:|---|
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


def page(outcomes: dict[str, Outcome], *, rate: float, before: str = "") -> str:
    """The page after a run; scenarios that were not run keep their lines of the page before."""
    rows, notes = _lines(before, "| `"), _lines(before, "- `")
    for name, outcome in outcomes.items():
        rows[name] = row(name, outcome)
        notes[name] = f"- `{name}`: {outcome.note}." if outcome.note else ""
    known = [name for name in SCENARIOS if name in rows]
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, CPython {platform.python_version()}"
    )
    return PAGE.format(
        kafka=KAFKA_VERSION,
        machine=machine,
        partitions=ALL,
        rate=rate,
        session=SESSION_TIMEOUT_S,
        checkpoint=CHECKPOINT_INTERVAL_S,
        rows="\n".join(rows[name] for name in known),
        notes="\n".join(notes[name] for name in known if notes.get(name)),
    )


def _lines(text: str, mark: str) -> dict[str, str]:
    """Lines about scenarios, by the name that follows the mark."""
    found = (line for line in text.splitlines() if line.startswith(mark))
    return {line.removeprefix(mark).partition("`")[0]: line for line in found}


def row(name: str, outcome: Outcome) -> str:
    """One line of the table."""
    verdict, ratios = outcome.verdict, [back_s / outcome.start_s for back_s in outcome.back_s]
    median, worst = (f"{of(ratios):.2f}" if ratios else "" for of in (statistics.median, max))
    return (
        f"| `{name}` | {SCENARIOS[name].fault} | {outcome.times} | {outcome.workers} | {verdict.events:,}"
        f" | {verdict.rows + verdict.values:,} | {len(verdict.differences)} | {median} | {worst} |"
        f" {datetime.now(tz=UTC).date()} |"
    )
