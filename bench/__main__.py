"""Runs every benchmark, each in a process of its own: `make bench`, or `python -m bench NAME...` for some."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

#: modules of this folder that measure nothing by themselves
NOT_BENCHES = {"__init__", "__main__", "figure", "workload"}


def main() -> int:
    """The worst exit status of all."""
    known = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in NOT_BENCHES)
    asked = sys.argv[1:] or known
    for name in asked:
        if name not in known:
            print(f"no benchmark {name}: there are {', '.join(known)}", file=sys.stderr)
            return 2
    return max(subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode for name in asked)


if __name__ == "__main__":
    sys.exit(main())
