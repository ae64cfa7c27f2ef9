"""The same rows once more: a source partition replayed in log order through a fresh shard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from metrics_core.records import Record
from metrics_core.shard import Shard
from streams.engine.ports import SourcePartition

#: dirty rows are packed once there are so many, so that memory holds what a worker's would
DRAIN_ROWS = 50_000
#: records applied between two turns of the event loop, so that fetching goes on
CHUNK_RECORDS = 500
#: records that make the core fail; a worker gives up at as many
MOST_CULPRITS = 16


class SourceLog(Protocol):
    """What a replay reads (streams.log_reader.LogReader)."""

    def read(self, source: SourcePartition, start: int, end: int) -> AsyncIterator[Sequence[Record]]: ...


class Unreplayable(Exception):  # noqa: N818 - named for what happened
    """Too many records make this version fail; the message is one sentence."""


@dataclass
class Replayed:
    """What a replay came to: the shard, its rows, and offsets of records that made the core fail."""

    shard: Shard
    rows: dict[bytes, bytes] = field(default_factory=dict)
    records: int = 0
    culprits: list[int] = field(default_factory=list)


async def replay(
    log: SourceLog,
    source: SourcePartition,
    start: int,
    end: int,
    new_shard: Callable[[], Shard],
    on_records: Callable[[int], None] = lambda _records: None,
) -> Replayed:
    """Apply the records of [start, end) to a fresh shard and take its rows.

    A record that makes the core fail is left out, as a worker rejects it (``internal_error``): the shard is spoilt
    then, and all begins anew without the record. Raises Unreplayable, and what the log raises.
    """
    culprits: set[int] = set()
    careful: set[int] = set()
    while True:
        done = Replayed(new_shard(), culprits=sorted(culprits))
        done.shard.finish_load()  # a worker begins with a recovery, be it of nothing
        failed = await _apply_all(done, log.read(source, start, end), culprits, careful, on_records)
        if failed is None:
            return done
        if len(failed) > 1:
            careful.update(record.offset for record in failed)
            continue
        culprits.add(failed[0].offset)
        if len(culprits) > MOST_CULPRITS:
            raise Unreplayable(
                f"{source} holds over {MOST_CULPRITS} records that make this version fail: verify with the version"
                " that counted them"
            )


async def _apply_all(
    done: Replayed,
    fetches: AsyncIterator[Sequence[Record]],
    culprits: set[int],
    careful: set[int],
    on_records: Callable[[int], None],
) -> Sequence[Record] | None:
    """Apply everything; the records among which one made the core fail, None where all went well."""
    async for records in fetches:
        for chunk in _chunks(records, culprits, careful):
            try:
                done.shard.apply(chunk)
            except Exception:
                return chunk
            done.shard.take_rejects()
            done.records += len(chunk)
            if done.shard.dirty_rows > DRAIN_ROWS:
                _drain(done)
            await asyncio.sleep(0)
        on_records(len(records))
    _drain(done)
    return None


def _chunks(records: Sequence[Record], culprits: set[int], careful: set[int]) -> Iterator[Sequence[Record]]:
    """The records in chunks without the culprits; the careful ones one by one."""
    chunk: list[Record] = []
    for record in records:
        if record.offset in culprits:
            continue
        if chunk and (record.offset in careful or len(chunk) >= CHUNK_RECORDS):
            yield chunk
            chunk = []
        if record.offset in careful:
            yield [record]
        else:
            chunk.append(record)
    if chunk:
        yield chunk


def _drain(done: Replayed) -> None:
    for key, value in done.shard.drain():
        if value is None:
            done.rows.pop(key, None)
        else:
            done.rows[key] = value
