"""What happens to what Kafka keeps: transactional ids are forgotten, changelogs compacted, sources cut."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from chaos_act import ALL, Act, Outcome, Stage, last_words, leave, total_of
from fault_harness import PARTITIONS, Worker
from fault_verdict import KINDS, Kind, Source, fences_of, read_all, read_source

from streams.connect import client_arguments
from streams.engine.fence import Fence
from streams.settings import Settings
from streams.topics import changelog_name, plan

# -- transactional ids ----------------------------------------------------------------------------------------

EXPIRY_S = 10.0
FORGETFUL = {
    "transactional.id.expiration.ms": str(int(EXPIRY_S * 1000)),
    "transaction.remove.expired.transaction.cleanup.interval.ms": "500",
    "producer.id.expiration.ms": str(int(EXPIRY_S * 1000)),
    "producer.id.expiration.check.interval.ms": "500",
}


def expired_ids(stage: Stage, times: int) -> Outcome:
    """Nothing arrives until the broker has forgotten who owns the changelogs; then events come again."""
    with stage.broker(FORGETFUL) as kafka, stage.act("expired", kafka.bootstrap) as act:
        with act.traffic():
            workers = act.open("only")
        for _ in range(times):
            time.sleep(1.3 * EXPIRY_S)
            with act.traffic():
                act.back(workers, time.time())
        failed = int(total_of(workers[0], "deskpulse_checkpoints_failed_total"))
        assert failed, "no transactional id had expired"
        return act.close(workers, times, f"{failed} checkpoints were refused, their partitions recovered in place")


# -- compaction -----------------------------------------------------------------------------------------------

RESTLESS = {"log.cleaner.backoff.ms": "100"}
#: Kafka's least segment is 1 MiB, hence segments by time
AGGRESSIVE = {
    "min.cleanable.dirty.ratio": "0.01",
    "segment.ms": "300",
    "delete.retention.ms": "0",
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "300",
}


def compaction(stage: Stage, times: int) -> Outcome:
    """The changelogs are compacted without rest, tombstones and markers go at once, and workers are killed."""
    with stage.broker(RESTLESS) as kafka, stage.act("compaction", kafka.bootstrap) as act:
        asyncio.run(_compact_without_rest(act.settings))
        with act.traffic():
            workers = act.open("only")
            for _ in range(times):
                time.sleep(act.chance.uniform(2.0, 4.0))
                workers[0].kill()
                killed_s = time.time()
                workers = act.start("only")
                act.back(workers, killed_s)
        outcome = act.close(workers, times)
        kept, written = asyncio.run(_kept(act.settings))
        assert kept < written / 2, "the changelogs were not compacted"
        outcome.note = f"of {written:,} changelog offsets {kept:,} records were left"
        return outcome


async def _compact_without_rest(settings: Settings) -> None:
    admin = AIOKafkaAdminClient(**client_arguments(settings))
    await admin.start()
    try:
        # AlterConfigs replaces all that was set, so that what a changelog needs is given again
        for topic in plan(settings):
            if topic.role == "changelog":
                configs = {**topic.configs, **AGGRESSIVE}
                [answer] = await admin.alter_configs(
                    [ConfigResource(ConfigResourceType.TOPIC, topic.name, configs)]
                )
                assert answer.resources[0][0] == 0, answer
    finally:
        await admin.close()


async def _kept(settings: Settings) -> tuple[int, int]:
    """(records, offsets) of both changelogs."""
    kept = written = 0
    async with AIOKafkaConsumer(**client_arguments(settings)) as consumer:
        for source in (settings.helpdesk_topic, settings.crm_topic):
            changelog = changelog_name(settings, source)
            ends = await consumer.end_offsets(
                [TopicPartition(changelog, partition) for partition in range(settings.partitions)]
            )
            written += sum(ends.values())
            kept += sum(map(len, (await read_all(settings, changelog)).values()))
    return kept, written


# -- retention ------------------------------------------------------------------------------------------------

PAUSE_S = 2.0


def retention(stage: Stage, times: int) -> Outcome:
    """While the worker is down the helpdesk's source loses records that were not counted."""
    with stage.act("retention") as act:
        seen: dict[tuple[Kind, int], dict[int, Any]] = {
            (kind, partition): {} for kind in KINDS for partition in range(PARTITIONS)
        }
        with act.traffic():
            workers = act.open("only")
            for _ in range(times):
                time.sleep(1.0)
                workers[0].kill()
                time.sleep(PAUSE_S)
                cuts = _cut_past_the_fences(act.settings, seen)
                _assert_refused(act, cuts)
                again_s = time.time()
                workers = act.start("only", accept_loss=range(PARTITIONS))
                act.back(workers, again_s)
                said = workers[0].log.read_text().count("loss accepted")
                assert said == PARTITIONS, last_words(workers[0])
                accepted = total_of(workers[0], "deskpulse_accepted_losses")
                assert accepted == PARTITIONS * len(act.back_s)
        outcome = act.close(workers, times, read=lambda settings, kind: _counted(read_source(settings, kind), seen))
        fences = _fences(read_source(act.settings, "helpdesk"))
        lost = sum(loss.to_offset - loss.from_offset for fence in fences.values() for loss in fence.losses)
        assert [fence.losses_count for fence in fences.values()] == [times] * PARTITIONS
        outcome.note = (
            f"refused {times * PARTITIONS} partitions with the offsets in a sentence; with --accept-loss it went"
            f" on, and {lost:,} lost records are named in the fences"
        )
        return outcome


def _cut_past_the_fences(settings: Settings, seen: dict[tuple[Kind, int], dict[int, Any]]) -> dict[int, str]:
    """Remove records that were not counted; by partition, how the refusal must begin."""
    for kind in KINDS:
        source = read_source(settings, kind)
        for partition, records in source.records.items():
            seen[kind, partition].update((record.offset, record) for record in records)
        if kind == "helpdesk":
            nexts = {partition: fence.next for partition, fence in _fences(source).items()}
            cuts = {partition: (nexts[partition] + max(seen[kind, partition])) // 2 for partition in nexts}
    assert all(cuts[partition] > nexts[partition] for partition in cuts), (
        "nothing arrived while the worker was down"
    )
    asyncio.run(_delete(settings, cuts))
    return {
        partition: f"{settings.helpdesk_topic}[{partition}] begins at offset {cut} but offsets from"
        f" {nexts[partition]} on were not counted yet"
        for partition, cut in cuts.items()
    }


async def _delete(settings: Settings, cuts: dict[int, int]) -> None:
    admin = AIOKafkaAdminClient(**client_arguments(settings))
    await admin.start()
    try:
        await admin.delete_records(
            {
                TopicPartition(settings.helpdesk_topic, partition): RecordsToDelete(before_offset=offset)
                for partition, offset in cuts.items()
            }
        )
    finally:
        await admin.close()


def _assert_refused(act: Act, sentences: dict[int, str]) -> None:
    """A worker that was told nothing counts the CRM, and says of each helpdesk partition why not."""
    [worker] = act.start("only")
    worker.wait_ready(ALL - PARTITIONS)
    deadline = time.monotonic() + 60
    while total_of(worker, "deskpulse_partition_refused") < len(sentences):
        assert time.monotonic() < deadline, last_words(worker)
        time.sleep(0.2)
    status, state = _readyz(worker)
    assert (status, state["ready"]) == (503, False)
    reasons = {refusal["partition"]: refusal["reason"] for refusal in state["refused"]}
    assert reasons.keys() == sentences.keys()
    for partition, sentence in sentences.items():
        assert reasons[partition].startswith(sentence), (reasons[partition], sentence)
        assert f"--accept-loss {partition} " in reasons[partition]
    leave(worker)


def _readyz(worker: Worker) -> tuple[int, dict[str, Any]]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{worker.port}/readyz", timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as answer:
        return answer.code, json.load(answer)


def _fences(source: Source) -> dict[int, Fence]:
    """The last fence of each partition."""
    return {partition: fences_of(log)[-1] for partition, log in source.changelog.items()}


def _counted(source: Source, seen: dict[tuple[Kind, int], dict[int, Any]]) -> Source:
    """A source as it should have been counted: all that it ever held, without the losses that were accepted."""
    for partition, fence in _fences(source).items():
        held = {**seen[source.kind, partition], **{record.offset: record for record in source.records[partition]}}
        source.records[partition] = [
            held[offset]
            for offset in sorted(held)
            if not any(loss.from_offset <= offset < loss.to_offset for loss in fence.losses)
        ]
    return source
