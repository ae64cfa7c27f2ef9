"""core_apply: events/s through the core on one core, decoding included, against decoding with orjson alone.

``core_apply`` counts all that there is: service levels, complaints, surveys, and durations by a business calendar
for every ticket. ``core_apply_bare`` leaves out what a policy may leave out: service levels and calendars. Both are
measured as they come, and in the pure form where C was compiled.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Sequence

import orjson

from bench.figure import figure
from bench.workload import helpdesk_events
from metrics_core import native
from metrics_core.policy import Policy, Version
from metrics_core.policy.calendars import CalendarSpec
from metrics_core.policy.version import Hours
from metrics_core.records import FileRecord, Record
from metrics_core.shard import Shard

EVENTS = 200_000
ROUNDS = 5
CHUNK = 1000
WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
OFFICE = CalendarSpec(zone="Europe/Berlin", hours=dict.fromkeys(WORKDAYS, ("09:00-12:00", "13:00-18:00")))
POLICIES = {
    "core_apply": Policy(versions=(Version(calendars={"office": OFFICE}, hours=(Hours(calendar="office"),)),)),
    "core_apply_bare": Policy(versions=(Version(sla=()),)),
}
#: what is added to a name -> whether C counts, where it was compiled
FORMS = {"": True, "_pure": False} if native.AVAILABLE else {"": False}


def main() -> None:
    """Rounds of decode-only and apply in turn, so that a machine that changes speed changes all alike."""
    records = [
        FileRecord(event.value, offset, key=event.key, timestamp=event.arrival_us // 1000)
        for offset, event in enumerate(helpdesk_events(EVENTS))
    ]
    # the worker does the same: what lives long is not looked at again
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    decode: list[float] = []
    apply: dict[str, list[float]] = {name + form: [] for name in POLICIES for form in FORMS}
    fetched = as_fetched(records)
    for _ in range(ROUNDS):
        start_s = time.process_time()
        for record in records:
            orjson.loads(record.value)  # type: ignore[arg-type]
        decode.append(len(records) / (time.process_time() - start_s))
        for name, policy in POLICIES.items():
            for form, is_compiled in FORMS.items():
                given = fetched if is_compiled else records
                apply[name + form].append(len(records) / seconds(policy, given, is_compiled))
    for name, rates in apply.items():
        baseline = statistics.median(decode)
        figure(name, statistics.median(rates), "events/s", baseline, "orjson.loads of the same values")


def as_fetched(records: Sequence[FileRecord]) -> Sequence[Record]:
    """As a worker is given them."""
    if not native.AVAILABLE:
        return records
    from metrics_core.native.records import RecordBlock

    return RecordBlock(records)


def seconds(policy: Policy, records: Sequence[Record], is_compiled: bool) -> float:
    """Processor time of one pass over the records, in seconds."""
    shard = Shard(policy, topic="helpdesk.events", native=is_compiled)
    start_s = time.process_time()
    for begin in range(0, len(records), CHUNK):
        shard.apply(records[begin : begin + CHUNK])
    return time.process_time() - start_s


if __name__ == "__main__":
    main()
