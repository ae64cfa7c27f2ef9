"""The events of the race: simulated traffic, each event once and in order.

deskpulse puts late events in their place, drops repeats, follows merges and reads snapshots of tickets that are
older than the topic. The jobs of the peers do none of that, so nothing of it is in the race.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import msgspec

from bench.workload import START_US
from metrics_core.times import DAY_US, parse_rfc3339
from streams.simulate import Emission, Traffic

SEED = 11
#: of simulated traffic, about; so that the events cover some three weeks whatever their number
EVENTS_PER_TICKET = 10.5
DAYS = 20
#: all of it must lie within the longest window, so that deskpulse shows every bit of it
DAYS_MOST = 29
#: more than is asked for: some tickets are left out, and the last hours, where late events are missing
SPARE_SHARE = 0.15
#: a ticket with one of these is left out with all its events
_LEFT_OUT = frozenset(
    f"helpdesk.ticket.{name}" for name in ("snapshot", "merged", "deleted", "marked_spam", "restored")
)


class _Envelope(msgspec.Struct):
    id: str
    type: str
    subject: str
    time: str


def race_events(count: int) -> list[Emission]:
    """``count`` events in the order in which they happened."""
    traffic = Traffic(SEED, START_US, max(1.0, count / EVENTS_PER_TICKET / DAYS), crm=False, bad_events=False)
    decode = msgspec.json.Decoder(_Envelope).decode
    made = islice(traffic.until(START_US + DAYS_MOST * DAY_US), int(count * (1 + SPARE_SHARE)))
    events = [(decode(event.value), event) for event in made]
    gone = {envelope.subject for envelope, _ in events if envelope.type in _LEFT_OUT}
    # the simulation numbers events as they happen; a repeat has the number of the first
    by_number = {_number(envelope): event for envelope, event in events if envelope.subject not in gone}
    kept = [by_number[number] for number in sorted(by_number)[:count]]
    if len(kept) < count:
        raise SystemExit(f"the simulation makes only {len(kept):,} events in {DAYS_MOST} days: lower --events")
    return kept


def decoded(events: list[Emission]) -> list[dict[str, Any]]:
    """The events as dicts, with ``time_us`` added."""
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    values = [decode(event.value) for event in events]
    for value in values:
        value["time_us"] = parse_rfc3339(value["time"])
    return values


def _number(envelope: _Envelope) -> int:
    return int(envelope.id.rpartition("-")[2])
