"""Rejected records sent again to where they came from: original key, value and headers.

A repeat of what was counted meanwhile changes nothing, for events are known by their identity; so a redrive may
be stopped and run again. The record's time is that of the redrive, as of any producer that sends again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from metrics_core.partitioner import partition_for
from streams.connect import client_arguments
from streams.engine.ports import Headers
from streams.log_reader import LogReader
from streams.rejected.reading import Choice, Rejection, Seen, rejections
from streams.settings import Settings
from streams.topics import RECORD_MAX_BYTES

#: records handed to the client and not yet acknowledged
IN_FLIGHT = 500


@dataclass(frozen=True)
class Sent:
    """One record as it was (or, in a dry run, would be) sent again."""

    rejection: Rejection
    partition: int


@dataclass
class Redriven:
    """What a redrive has done. ``lost``: cut rejects whose whole record the source does not hold any more."""

    sent: int = 0
    repeated: int = 0
    foreign: int = 0
    elsewhere: int = 0
    lost: list[tuple[Rejection, str]] = field(default_factory=list)


async def redrive(
    settings: Settings,
    choice: Choice,
    *,
    dry_run: bool,
    limit: int = 0,
    on_sent: Callable[[Sent], None] = lambda _sent: None,
    sources: Collection[str] = (),
) -> Redriven:
    """Send the chosen rejects again, each record once however often it was rejected; ``limit`` 0 = all.

    Only records of ``sources`` are sent: several applications may share a topic of rejected events. Raises
    ConfigurationError or KafkaError; what was sent until then was sent.
    """
    done, seen = Redriven(), Seen()
    known: set[bytes] = set()
    async with LogReader(settings) as log:
        # the topic is read up to its end of now: what is rejected again meanwhile must not be sent again
        cut: list[Rejection] = []
        async with _Sender(settings, log, dry_run, on_sent, done) as sender:
            async for one in rejections(log, settings.rejected_topic, choice, seen):
                if sources and one.source.topic not in sources:
                    done.elsewhere += 1
                elif (digest := _content_of(one)) in known:
                    done.repeated += 1
                elif limit and len(known) >= limit:
                    break
                else:
                    known.add(digest)
                    if one.is_cut:
                        cut.append(one)
                    else:
                        await sender.send(one, one.value, one.headers)
            # in the source's order, so that its log is read in one direction
            for one in sorted(cut, key=lambda one: (one.source, one.offset)):
                await _send_whole(log, sender, one, done)
    done.foreign = seen.foreign
    return done


def _content_of(one: Rejection) -> bytes:
    """What makes two rejects the same record: topic, key, value and headers; the hash stands in for a cut value."""
    digest = hashlib.sha256()
    parts = [one.source.topic.encode(), one.key or b"", one.value or b"", one.sha256.encode()]
    for name, content in one.headers:
        parts += [name.encode(), content or b""]
    for part in (b"" if one.key is None else b"k", *parts):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


async def _send_whole(log: LogReader, sender: _Sender, one: Rejection, done: Redriven) -> None:
    if not log.has(one.source.topic):
        done.lost.append((one, f"topic {one.source.topic} does not exist any more"))
        return
    record = await log.record_at(one.source, one.offset)
    if record is None:
        done.lost.append((one, "the source does not hold this offset any more"))
    elif hashlib.sha256(record.value or b"").hexdigest() != one.sha256 or record.key != one.key:
        done.lost.append((one, "the source holds another record at this offset: the topic was created anew"))
    else:
        await sender.send(one, record.value, record.headers)


class _Sender:
    """Sends records to the partition of their key; sends nothing in a dry run."""

    def __init__(
        self,
        settings: Settings,
        log: LogReader,
        dry_run: bool,
        on_sent: Callable[[Sent], None],
        done: Redriven,
    ) -> None:
        self._log, self._on_sent, self._done = log, on_sent, done
        self._arguments = client_arguments(settings)
        self._dry_run = dry_run
        self._producer: Any = None
        self._waiting: list[tuple[Awaitable[Any], Sent]] = []

    async def __aenter__(self) -> _Sender:
        if not self._dry_run:
            self._producer = AIOKafkaProducer(
                **self._arguments,
                client_id="deskpulse-redrive",
                enable_idempotence=True,
                compression_type="lz4",
                max_request_size=RECORD_MAX_BYTES,
            )
            try:
                await self._producer.start()
            except BaseException:
                await self._producer.stop()
                raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                await self._settle()
        finally:
            if self._producer is not None:
                await self._producer.stop()

    async def send(self, one: Rejection, value: bytes | None, headers: Headers) -> None:
        """Send to the source topic by murmur2 of the key; a record without a key goes where it was."""
        partitions = len(self._log.partitions(one.source.topic))
        at = one.source.partition % partitions if one.key is None else partition_for(one.key, partitions)
        sent = Sent(one, at)
        if self._producer is None:
            self._tell(sent)
            return
        delivery = await self._producer.send(
            one.source.topic, value=value, key=one.key, partition=at, headers=list(headers)
        )
        self._waiting.append((delivery, sent))
        if len(self._waiting) >= IN_FLIGHT:
            await self._settle()

    async def _settle(self) -> None:
        waiting, self._waiting = self._waiting, []
        outcomes = await asyncio.gather(*(delivery for delivery, _ in waiting), return_exceptions=True)
        failed: KafkaError | None = None
        for outcome, (_, sent) in zip(outcomes, waiting, strict=True):
            if isinstance(outcome, KafkaError):
                failed = outcome
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                self._tell(sent)
        if failed is not None:
            raise failed

    def _tell(self, sent: Sent) -> None:
        self._done.sent += 1
        self._on_sent(sent)
