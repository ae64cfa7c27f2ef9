"""``python tests/chaos [SCENARIO...]``: faults on real workers and brokers, each compared with the batch.

With ``--write FILE`` the table of what was run goes into a page, where it replaces the rows of the same names.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import signal
import sys
import time
import traceback
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "faults")]

from chaos_act import Outcome, Stage  # noqa: E402 - found by the line above
from chaos_page import page, row  # noqa: E402
from chaos_scenarios import SCENARIOS  # noqa: E402

from streams.broker import EmbeddedKafka  # noqa: E402
from streams.settings import load_settings  # noqa: E402

RATE = 300.0


def main() -> int:
    """1 where anything differs or a scenario could not be finished."""
    parser = argparse.ArgumentParser(prog="python tests/chaos", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="SCENARIO", help=f"one of {', '.join(SCENARIOS)} (default: all)"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="do everything so many times as often (default 1)")
    parser.add_argument("--rate", type=float, default=RATE, help=f"events per second (default {RATE:.0f})")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write a page with the table")
    asked = parser.parse_args()
    if unknown := [name for name in asked.names if name not in SCENARIOS]:
        parser.error(f"no scenario {unknown[0]}: there are {', '.join(SCENARIOS)}")
    # whoever ends this ends in order: workers are stopped by the blocks that started them
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # its producer and its readers say what every fault does to them
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    seed = int(os.environ.get("DESKPULSE_FAULT_SEED", time.time_ns() % 1_000_000_007))
    print(f"DESKPULSE_FAULT_SEED={seed}", flush=True)
    outcomes, failed = _run(asked.names or list(SCENARIOS), asked.rate, asked.scale, seed)
    if asked.write and outcomes:
        before = asked.write.read_text(encoding="utf-8") if asked.write.exists() else ""
        asked.write.write_text(page(outcomes, rate=asked.rate, before=before), encoding="utf-8")
    differing = [name for name, outcome in outcomes.items() if outcome.verdict.differences]
    for name in differing:
        print(f"{name}: {outcomes[name].verdict.differences[0]}")
    if failed or differing:
        print(f"not finished: {failed or 'none'}; with differences: {differing or 'none'}")
    return 1 if failed or differing else 0


def _run(names: list[str], rate: float, scale: float, seed: int) -> tuple[dict[str, Outcome], list[str]]:
    """What became of each scenario, and the names of those that could not be finished."""
    outcomes: dict[str, Outcome] = {}
    failed: list[str] = []
    cache_dir = load_settings().cache_dir
    for name in names:
        scenario = SCENARIOS[name]
        # a broker for each: what one scenario leaves in the log is not the next one's load
        with EmbeddedKafka(cache_dir=cache_dir) as kafka:

            def start(kafka: EmbeddedKafka = kafka) -> EmbeddedKafka:
                kafka.start()
                return kafka

            stage = Stage(cache_dir, random.Random(f"{seed} {name}"), rate, start)
            try:
                outcomes[name] = scenario.run(stage, max(1, round(scenario.times * scale)))
                print(row(name, outcomes[name]), flush=True)
            except Exception:
                failed.append(name)
                print(f"{name} was not finished:\n{traceback.format_exc()}", flush=True)
    return outcomes, failed


if __name__ == "__main__":
    sys.exit(main())
