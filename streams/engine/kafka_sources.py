"""Source topics and group membership, through Faust's consumer and its thread."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError

from streams.engine.kafka_probe import KafkaProbe, available
from streams.engine.ports import Bounds, SourcePartition, Standing, TopicIdentity
from streams.engine.recovery import Superseded

if TYPE_CHECKING:
    from streams.transport import BatchConsumer

log = structlog.get_logger("deskpulse.worker")
T = TypeVar("T")

SEEK_TIMEOUT_S = 30.0
#: A heartbeat that takes longer says nothing about membership.
HEARTBEAT_TIMEOUT_S = 5.0


class KafkaSources:
    """SourceLog and Membership of a running Faust app."""

    def __init__(self, app: Any, probe: KafkaProbe) -> None:
        self._app = app
        self._probe = probe

    @property
    def _consumer(self) -> BatchConsumer:
        consumer: BatchConsumer = self._app.consumer
        return consumer

    async def bounds(self, source: SourcePartition) -> Bounds:
        return await self._probe.bounds(TopicPartition(*source))

    async def identity(self, topic: str) -> TopicIdentity:
        return await self._probe.identity(topic)

    async def seek(self, offsets: dict[SourcePartition, int]) -> None:
        """Go on fetching at these offsets; Superseded where a partition is not assigned any more."""
        try:
            await available(self._consumer.seek_batches(offsets), SEEK_TIMEOUT_S)
        except IllegalStateError as error:
            raise Superseded(str(error)) from error

    def fetched(self, source: SourcePartition) -> int | None:
        return self._consumer.fetched(source)

    def position(self, source: SourcePartition) -> int | None:
        state = self._consumer.partition_state(source)
        return state.position if state is not None and state.has_valid_position else None

    def end(self, source: SourcePartition) -> int | None:
        state = self._consumer.partition_state(source)
        return state.lso if state is not None else None

    async def standing(self) -> Standing:
        """One heartbeat, in the consumer's thread: its answer is the coordinator's, not our memory's."""
        try:
            return await asyncio.wait_for(self._in_thread(self._heartbeat()), HEARTBEAT_TIMEOUT_S)
        except Exception:
            return Standing.UNKNOWN

    async def _heartbeat(self) -> Standing:
        coordinator = self._consumer.coordinator
        if not coordinator.member_id:
            return Standing.FORMER
        if await coordinator._do_heartbeat():
            return Standing.MEMBER
        return Standing.UNKNOWN if coordinator.member_id else Standing.FORMER

    async def _in_thread(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(coroutine, self._consumer.thread_loop))

    def crash(self, error: BaseException) -> None:
        log.critical("worker leaves", error=str(error) or repr(error))
        task = asyncio.get_running_loop().create_task(self._app.crash(error))
        self._crashing = task
