"""What lies on a source topic: keys, partitions, clocks and label values, from a sample of its newest records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from metrics_core.decode import decode
from metrics_core.events import Event
from metrics_core.intake import FUTURE_US
from metrics_core.partitioner import partition_for
from metrics_core.policy import Policy
from metrics_core.records import Record
from metrics_core.rejects import Refused
from metrics_core.times import MINUTE_US, parse_rfc3339
from streams.doctor.findings import Finding, ok, problem, warning
from streams.engine.ports import SourcePartition
from streams.log_reader import LogReader

#: newest offsets looked at, a partition
SAMPLE_OFFSETS = 500
#: clocks that are kept in step are closer than this
CLOCKS_APART_S = 5.0
#: label values that a suggestion names
SUGGESTED_VALUES = 20


@dataclass
class Sample:
    """Counts over the sampled records of one topic. Times in milliseconds since the epoch, 0 = none."""

    topic: str
    records: int = 0
    keyless: int = 0
    misplaced: int = 0
    other_key: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    newest_ms: int = 0
    #: by how much an event's time lies after its record's, at most
    ahead_us: int = 0
    values: dict[str, Counter[str]] = field(default_factory=dict)


async def take_sample(log: LogReader, topic: str, labels: frozenset[str]) -> Sample:
    """Read the newest records of every partition; ``labels`` are the fields whose values are counted."""
    sample = Sample(topic)
    sources = log.partitions(topic)
    bounds = await log.bounds(sources)
    for source in sources:
        start, end = bounds[source]
        async for records in log.read(source, max(start, end - SAMPLE_OFFSETS), end):
            for record in records:
                _look_at(sample, source, record, len(sources), labels)
    return sample


def _look_at(
    sample: Sample, source: SourcePartition, record: Record, partitions: int, labels: frozenset[str]
) -> None:
    if record.value is None:
        return
    sample.records += 1
    sample.newest_ms = max(sample.newest_ms, record.timestamp)
    key = record.key
    if key is None:
        sample.keyless += 1
    elif partition_for(key, partitions) != source.partition:
        sample.misplaced += 1
    try:
        event = decode(record.value, record.headers)
        time_us = parse_rfc3339(event.time)
    except Refused as refused:
        sample.rejected[refused.reason] += 1
        return
    except ValueError:
        sample.rejected["bad_time"] += 1
        return
    if key is not None and key != event.subject.encode():
        sample.other_key += 1
    if record.timestamp >= 0:
        sample.ahead_us = max(sample.ahead_us, time_us - record.timestamp * 1000)
    _count_labels(sample, event, labels)


def _count_labels(sample: Sample, event: Event, labels: frozenset[str]) -> None:
    data = msgspec.structs.asdict(event.data) if isinstance(event.data, msgspec.Struct) else {}
    for name in labels & data.keys():
        value = data[name]
        if isinstance(value, str) and value:
            sample.values.setdefault(name, Counter())[value] += 1


def sample_findings(sample: Sample, *, now_ms: int, appended_by: str) -> Iterator[Finding]:
    """Keys, partitions, usability and clocks. ``appended_by``: whose clock the records' times are."""
    check = f"records of {sample.topic}"
    if not sample.records:
        yield ok(check, "there are none yet, so keys, clocks and labels were not looked at")
        return
    of = f"of {sample.records:,} sampled"
    wrong = list(_key_findings(check, sample, of))
    if sample.rejected:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sample.rejected.most_common())
        wrong.append(
            warning(
                check, f"{sum(sample.rejected.values()):,} {of} cannot be used ({reasons})", "mend their producer"
            )
        )
    yield from wrong or [ok(check, f"{sample.records:,} sampled: keyed, in their places, usable")]
    yield from _clock_findings(sample, now_ms, appended_by)


def _key_findings(check: str, sample: Sample, of: str) -> Iterator[Finding]:
    if sample.keyless:
        yield problem(
            check,
            f"{sample.keyless:,} {of} have no key and are rejected",
            "let the producer use the event's subject as key",
        )
    if sample.other_key:
        yield problem(
            check,
            f"{sample.other_key:,} {of} have a key that is not their subject and are rejected",
            "let the producer use the event's subject as key",
        )
    if sample.misplaced:
        yield problem(
            check,
            f"{sample.misplaced:,} {of} lie on another partition than murmur2 of their key gives",
            "set the producer's partitioner to murmur2 (murmur2_random in librdkafka); was the topic grown, copy it"
            " with `deskpulse topics repartition`",
        )


def _clock_findings(sample: Sample, now_ms: int, appended_by: str) -> Iterator[Finding]:
    check = f"clocks of {sample.topic}"
    ahead_s = (sample.newest_ms - now_ms) / 1000
    event_ahead_s = sample.ahead_us / 1e6
    if ahead_s > CLOCKS_APART_S:
        yield warning(
            check,
            f"the newest record is {ahead_s:.0f} s ahead of this machine's clock ({appended_by} stamped it)",
            "synchronise the clocks (NTP)",
        )
    if sample.ahead_us > FUTURE_US:
        yield problem(
            check,
            f"an event's time is {event_ahead_s:.0f} s after its record's, and over {FUTURE_US // MINUTE_US} min it"
            " is rejected",
            "mend the clock, or the time zone, of what makes the events",
        )
    elif event_ahead_s > CLOCKS_APART_S:
        yield warning(
            check,
            f"an event's time is {event_ahead_s:.0f} s after its record's",
            "synchronise the clock of what makes the events",
        )
    if ahead_s <= CLOCKS_APART_S and event_ahead_s <= CLOCKS_APART_S:
        yield ok(check, f"nothing is ahead; the newest record is {max(0.0, -ahead_s):,.0f} s old")


def label_findings(values: Mapping[str, Counter[str]], policy: Policy) -> Iterator[Finding]:
    """Labels with more values than are shown, and which to list so that the important ones are."""
    check = "label bounds"
    wrong = False
    for label, counts in sorted(values.items()):
        listed = policy.label_values.get(label, ())
        limit = max(policy.label_limit, len(listed))
        distinct = len(counts.keys() | set(listed))
        if distinct <= limit:
            continue
        wrong = True
        total = sum(counts.values())
        top = counts.most_common(SUGGESTED_VALUES)
        share = sum(count for _, count in top) / total
        named = ", ".join(msgspec.json.encode(value).decode() for value, _ in top)
        yield warning(
            check,
            f"{label} has {distinct:,} values in the sample and {limit} are shown, the rest as `other`",
            f"list those that matter; the {len(top)} most frequent are {share:.0%} of it:"
            f" [policy.label_values] {label} = [{named}]",
        )
    if values and not wrong:
        widest = max(values, key=lambda label: len(values[label]))
        yield ok(
            check,
            f"at most {len(values[widest]):,} values of a label ({widest}), {policy.label_limit} can be shown",
        )
