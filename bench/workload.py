"""What the benchmarks work on: simulated helpdesk traffic, or a file of canonical events."""

from __future__ import annotations

import os
from itertools import islice

from metrics_core.times import DAY_US, parse_rfc3339
from streams.event_files import EventFiles, read_envelope
from streams.simulate import Emission, Traffic

SEED = 7
START_US = parse_rfc3339("2026-01-05T00:00:00Z")
TICKETS_PER_DAY = 2_000
#: a file of canonical helpdesk events to use instead, .gz too
FILE_VARIABLE = "DESKPULSE_BENCH_FILE"


def helpdesk_events(most: int) -> list[Emission]:
    """Up to ``most`` helpdesk events in order of arrival."""
    name = os.environ.get(FILE_VARIABLE)
    if name:
        return [_emission(line) for line in islice(EventFiles([name]), most)]
    traffic = Traffic(SEED, START_US, TICKETS_PER_DAY, crm=False, bad_events=False)
    return list(islice(traffic.until(START_US + 3650 * DAY_US), most))


def _emission(line: bytes) -> Emission:
    envelope = read_envelope(line)
    if envelope is None or envelope.time_us is None:
        raise SystemExit(f"{FILE_VARIABLE} must hold canonical events: {line[:80]!r}")
    return Emission("helpdesk.events", str(envelope.subject).encode(), line, envelope.time_us)
