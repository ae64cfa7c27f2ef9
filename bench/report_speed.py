"""report_speed: seconds of `deskpulse report` on a million events, against decoding the lines with msgspec alone.

The file holds copies of the history named by DESKPULSE_BENCH_FILE (or of simulated traffic) under other ids and
subjects. Also: a replay of that file, in order and shuffled, and the memory that each takes at its peak.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

import msgspec

from bench.figure import figure
from bench.workload import FILE_VARIABLE, helpdesk_events
from streams.event_files import EventFiles

EVENTS = 1_000_000
#: events copied at most once: simulated traffic takes a while to make
DISTINCT_EVENTS = 170_000
COUNT_VARIABLE = "DESKPULSE_BENCH_EVENTS"
#: the command, and its own peak at last: what the kernel says of a child includes the parent it was forked from
MEASURED = """
import atexit, pathlib, re, sys
from streams.cli.main import main
status = pathlib.Path("/proc/self/status")
atexit.register(lambda: print(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1], file=sys.stderr))
main()
"""


def main() -> None:
    """The report, then both replays."""
    events = int(os.environ.get(COUNT_VARIABLE, EVENTS))
    with tempfile.TemporaryDirectory() as folder:
        in_order, shuffled = Path(folder) / "events.jsonl", Path(folder) / "shuffled.jsonl"
        lines = list(islice(_copies(), events))
        lines.sort(key=_time)
        in_order.write_bytes(b"\n".join(lines) + b"\n")
        random.Random(7).shuffle(lines)
        shuffled.write_bytes(b"\n".join(lines) + b"\n")
        del lines
        baseline_s = _decode_s(in_order)
        against = "msgspec.json.decode of the same lines"
        replay = ["--step", "1d", "--by", "total", "--window", "24h", "--metric", "open_tickets"]
        replay += ["--format", "csv", "-o", str(Path(folder) / "out.csv")]
        for bench, arguments in (
            ("report", ["report", str(in_order)]),
            ("replay", ["replay", str(in_order), *replay]),
            ("replay_sorted_on_disk", ["replay", str(shuffled), *replay]),
        ):
            seconds, peak_mb = _run(arguments)
            figure(f"{bench}_seconds", seconds, "s", baseline_s, against)
            figure(f"{bench}_peak_memory", peak_mb, "MB", in_order.stat().st_size / 1e6, "the size of the file")


def _copies() -> Iterator[bytes]:
    name = os.environ.get(FILE_VARIABLE)
    lines = list(EventFiles([name])) if name else [event.value for event in helpdesk_events(DISTINCT_EVENTS)]
    decode, encode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode, msgspec.json.Encoder().encode
    for copy in count():
        for line in lines:
            fields = decode(line)
            for part in ("id", "subject"):
                fields[part] = msgspec.Raw(bytes(fields[part])[:-1] + f'.{copy}"'.encode())
            yield encode(fields)


def _time(line: bytes) -> bytes:
    at = line.index(b'"time":"') + 8
    return line[at : at + 20]


def _decode_s(path: Path) -> float:
    decode = msgspec.json.Decoder().decode
    start_s = time.perf_counter()
    with path.open("rb") as file:
        for line in file:
            decode(line)
    return time.perf_counter() - start_s


def _run(arguments: list[str]) -> tuple[float, float]:
    """Seconds, and MB of memory at the peak."""
    start_s = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-c", MEASURED, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    return time.perf_counter() - start_s, int(ended.stderr.splitlines()[-1]) / 1000


if __name__ == "__main__":
    main()
