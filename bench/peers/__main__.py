"""The race: deskpulse and other stream engines do the same job, in rounds, on one broker: `make bench-peers`.

Each run is a JSON line; the table at the end has medians. A result that differs from the batch computation, or a
run that does not end, does not count; an engine that this machine cannot run is named with the reason.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.peers.engines import ENGINES, Command, Engine
from bench.peers.installation import MissingPeerError
from bench.peers.page import page, table
from bench.peers.race import Course, FailedRunError, Run, prepare, run
from bench.peers.results import Results
from streams.broker import EmbeddedKafka
from streams.settings import load_settings

EVENTS = 1_000_000
ROUNDS = 3
TIMEOUT_S = 600.0
#: as much as the broker of the other benchmarks has
BROKER_HEAP_MB = 1024
DIFFERENCES_SHOWN = 3


def main() -> int:
    """0 where every engine that can run here was right."""
    asked = _parse()
    engines = [engine for engine in ENGINES if not asked.names or engine.name in asked.names]
    results = Results(asked.events)
    commands = _install(engines, results)
    with EmbeddedKafka(cache_dir=load_settings().cache_dir, heap_mb=BROKER_HEAP_MB) as kafka:
        kafka.start()
        courses = {
            one_in: asyncio.run(prepare(kafka.bootstrap, asked.events // one_in, f"course-{one_in}"))
            for one_in in {engine.one_in for engine in engines if engine.name in commands}
        }
        for number in range(asked.rounds):
            # another one begins each round: whoever runs after a pause of the machine has it better
            for engine in [*engines[number:], *engines[:number]]:
                if engine.name in commands:
                    _run(engine, commands[engine.name], courses[engine.one_in], results, number, asked.timeout_s)
    print("\n".join(table(results)))
    if asked.write:
        asked.write.write_text(page(results), encoding="utf-8")
    return int(bool(results.failures))


def _parse() -> argparse.Namespace:
    known = [engine.name for engine in ENGINES]
    parser = argparse.ArgumentParser(prog="python -m bench.peers", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(known)} (default: all)")
    parser.add_argument("--events", type=int, default=EVENTS, help=f"how many (default: {EVENTS:,})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"runs of each engine (default: {ROUNDS})")
    parser.add_argument("--timeout-s", type=float, default=TIMEOUT_S, help="longest that one run may take")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write a page with the results")
    asked = parser.parse_args()
    for name in asked.names:
        if name not in known:
            parser.error(f"no engine {name}: there are {', '.join(known)}")
    return asked


def _install(engines: list[Engine], results: Results) -> Mapping[str, Command]:
    """The command of each engine that this machine can run."""
    commands = {}
    for engine in engines:
        try:
            commands[engine.name] = engine.command()
        except MissingPeerError as error:
            results.missing[engine.name] = str(error)
            _say(engine, missing=str(error))
    return commands


def _run(engine: Engine, command: Command, course: Course, results: Results, number: int, timeout_s: float) -> None:
    try:
        done: Run = run(engine, command, course, timeout_s)
    except FailedRunError as error:
        results.failures.append(f"{engine.name}: {error}")
        _say(engine, round=number, failed=str(error))
        return
    if done.differences:
        shown = "; ".join(done.differences[:DIFFERENCES_SHOWN])
        results.failures.append(f"{engine.name}: {len(done.differences)} wrong results: {shown}")
        _say(engine, round=number, wrong=len(done.differences), differences=shown)
        return
    results.add(number, done)
    _say(
        engine,
        round=number,
        events=done.events,
        seconds=round(done.seconds, 3),
        events_per_s=round(done.events_per_s),
        cpu_us_per_event=round(done.cpu_us_per_event, 2),
        memory_mb=round(done.memory_bytes / 2**20),
    )


def _say(engine: Engine, **said: object) -> None:
    print(json.dumps({"engine": engine.name, **said}), flush=True)


if __name__ == "__main__":
    sys.exit(main())
