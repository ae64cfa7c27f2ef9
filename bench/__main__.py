"""Runs every benchmark, each in a process of its own: `make bench`, or `python -m bench NAME...` for some.

With ``--write FILE`` the figures also go into a page, with the machine they were measured on: between its marks
where a page has them, else the page is made anew.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

#: modules of this folder that measure nothing by themselves
NOT_BENCHES = {
    *("__init__", "__main__", "bare_loop", "figure", "open_desk", "probed_worker", "resident", "staged_worker"),
    "workload",
}

PAGE = """# Benchmarks

`make bench` measures all of this; each figure stands beside something measured in the same run, because machines
differ and change speed. Only ratios should be compared with those of another machine.

{figures}
"""
FIGURES = """Measured on {day}: {machine}.

| bench | value | unit | beside it | compared with | ratio |
|---|---:|---|---:|---|---:|
{rows}"""
#: what lies between them is written anew
BEGIN, END = "<!-- figures: begin -->\n", "<!-- figures: end -->\n"


def main() -> int:
    """The worst exit status of all."""
    known = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in NOT_BENCHES)
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(known)} (default: all)")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write a page with the figures")
    asked, options = parser.parse_known_args()
    if options and len(asked.names) != 1:
        parser.error(f"{options[0]} is an option of one benchmark: name that one alone")
    unknown = [name for name in asked.names if name not in known]
    if unknown:
        parser.error(f"no benchmark {unknown[0]}: there are {', '.join(known)}")
    worst, figures, load = 0, [], os.getloadavg()[1]
    for name in asked.names or known:
        status, lines = _run(name, options)
        worst = max(worst, status)
        figures += lines
    if asked.write and not worst:
        asked.write.write_text(_page(asked.write, _figures(figures, load)), encoding="utf-8")
    return worst


def _run(name: str, options: list[str]) -> tuple[int, list[dict[str, Any]]]:
    with subprocess.Popen(
        [sys.executable, "-m", f"bench.{name}", *options], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(json.loads(line))
        return process.wait(), lines


def _page(path: Path, figures: str) -> str:
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}{figures}\n{end}{after}" if end else PAGE.format(figures=figures)


def _figures(figures: list[dict[str, Any]], load: float) -> str:
    rows = [
        f"| {f['bench']} | {_number(f['value'])} | {f['unit']} | {_number(f['baseline'])} "
        f"| {f.get('compared_with', '')} | {f['ratio']:.3g} |"
        for f in figures
    ]
    machine = (
        f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, CPython {platform.python_version()}"
        f"; the load in the five minutes before was {load:.1f}"
    )
    return FIGURES.format(day=datetime.now(tz=UTC).date(), machine=machine, rows="\n".join(rows))


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.3g}"


if __name__ == "__main__":
    sys.exit(main())
