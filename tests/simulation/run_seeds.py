"""Run seeds of the simulation: ``run_seeds.py SEEDS``, a number or two with ``..`` between."""

from __future__ import annotations

import sys
import time
from collections import Counter

from sim_run import simulate


def main(argument: str) -> int:
    """Run the seeds; 1 where one failed. The first failures are shown with what led to them."""
    first, _, last = argument.partition("..")
    seeds = range(int(first), int(last) + 1) if last else range(int(first), int(first) + 1)
    started_s, failed, seen = time.perf_counter(), [], Counter[str]()
    for seed in seeds:
        result = simulate(seed)
        seen.update(result.seen)
        if result.failure is not None:
            failed.append(seed)
            if len(failed) <= 3:
                print(f"{result.trace}\nseed {seed}: {result.failure}\n")
        if len(seeds) == 1:
            print(f"seed {seed}: {result.steps} steps, {result.time_s:.1f} s, {result.commits} checkpoints, "
                  f"digest {result.digest:08x}")  # fmt: skip
    took_s = time.perf_counter() - started_s
    each_ms = took_s / len(seeds) * 1000
    print(f"{len(seeds)} seeds in {took_s:.1f} s, {each_ms:.0f} ms a seed, failed: {failed or 'none'}")
    for what, times in sorted(seen.items()):
        print(f"{times:8} {what}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
