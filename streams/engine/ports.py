"""What the engine's protocol needs from the world: a source log, changelogs, membership and a clock.

The protocol (slot, checkpoint, recovery, supervisor, table) knows Kafka only through these interfaces, so a test
can stand in for all of it and crash it at every await.
"""

from __future__ import annotations

import enum
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

from metrics_core.records import Record
from metrics_core.rejects import Reject

T = TypeVar("T")


class SourcePartition(NamedTuple):
    """A partition of a source topic; equal to Faust's TP and aiokafka's TopicPartition."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.partition}]"


class TopicIdentity(NamedTuple):
    """What makes a topic the same topic: Kafka's topic id and the number of partitions."""

    topic_id: str
    partitions: int


class Row(Protocol):
    """One changelog record: a shard's row, its tombstone (value None), or a fence."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


#: headers of a record; Kafka allows null for a value
Headers = Sequence[tuple[str, bytes | None]]


class Frozen(Protocol):
    """What a shard's ``freeze`` returns; only the view looks inside."""


class ShardState(Protocol):
    """The core's state of one source partition (metrics_core.shard.Shard)."""

    @property
    def clock_us(self) -> int: ...
    @property
    def rejects_bytes(self) -> int: ...
    @property
    def dirty_rows(self) -> int: ...
    def apply(self, records: Sequence[Record], /) -> None: ...
    def take_rejects(self) -> list[Reject]: ...
    def drain(self) -> Iterator[tuple[bytes, bytes | None]]: ...
    def load_all(self, rows: Iterable[Row], /) -> None: ...
    def index_loaded(self) -> Iterator[None]:
        """After the last row: do most of ``finish_load`` ahead, in short steps."""

    def finish_load(self) -> None: ...
    def prepare(self, time_us: int, /) -> Iterator[None]:
        """Do most of ``freeze`` ahead, in short steps."""

    def freeze(self, time_us: int, /) -> Frozen: ...


#: builds an empty shard for a partition of a topic with that many partitions
ShardFactory = Callable[[SourcePartition, int], ShardState]


class Clock(Protocol):
    """Time, waiting and chance, so that none of them is reached for."""

    def monotonic(self) -> float: ...
    def processor_s(self) -> float:
        """Processor time of this thread; unlike a clock it stands still while others have the processor."""

    def now_us(self) -> int: ...
    async def sleep(self, seconds: float, /) -> None: ...
    async def wait_for(self, awaitable: Awaitable[T], timeout_s: float, /) -> T: ...
    def uniform(self, low: float, high: float, /) -> float: ...


class Unavailable(Exception):  # noqa: N818 - named for what happened
    """Kafka cannot be reached just now; trying again later is all there is to do."""


class Encoding(Protocol):
    """One checkpoint being encoded, before its transaction begins."""

    @property
    def size_bytes(self) -> int: ...
    def fill(self, rows: Iterator[tuple[bytes, bytes | None]], limit: int, /) -> int:
        """Take at most ``limit`` rows; fewer taken means that the iterator is exhausted."""

    def row(self, key: bytes, value: bytes | None, /) -> None: ...
    def reject(self, key: bytes | None, value: bytes | None, headers: Headers, /) -> None: ...


class ChangelogWriter(Protocol):
    """The one owner of a changelog partition: a producer whose InitProducerId fenced every earlier owner."""

    def encode(self) -> Encoding: ...
    async def commit(self, encoding: Encoding, /) -> None:
        """Write everything in one transaction. Any exception: the outcome is unknown, the writer is finished."""

    async def close(self) -> None: ...


class ChangelogReader(Protocol):
    """Reads a changelog partition, committed transactions only, from its start up to a high watermark."""

    async def rows(self) -> Sequence[Row] | None:
        """The next rows; an empty sequence where none came in time; None once the end is reached."""

    @property
    def position(self) -> int: ...
    async def close(self) -> None: ...


class Changelog(Protocol):
    """The changelogs of the sources, one topic a source topic, partition by partition."""

    transaction_timeout_s: float

    def topic(self, source: SourcePartition, /) -> str: ...
    async def open_writer(self, source: SourcePartition, /) -> ChangelogWriter: ...
    async def high_watermark(self, source: SourcePartition, /) -> int:
        """End of the log, read uncommitted: nothing written before the call lies behind it."""

    async def open_reader(self, source: SourcePartition, until: int, /) -> ChangelogReader: ...


class Bounds(NamedTuple):
    """Offsets of a source partition that can be read: [start, end)."""

    start: int
    end: int


class SourceLog(Protocol):
    """The source topics."""

    async def bounds(self, source: SourcePartition, /) -> Bounds: ...
    async def identity(self, topic: str, /) -> TopicIdentity: ...
    async def seek(self, offsets: dict[SourcePartition, int], /) -> None:
        """Go on fetching each partition at its offset."""

    def fetched(self, source: SourcePartition, /) -> int | None:
        """Up to where the partition was fetched; None while batches are on their way to the engine."""

    def position(self, source: SourcePartition, /) -> int | None:
        """Where the next fetch begins; past ``fetched`` where only control records came."""

    def end(self, source: SourcePartition, /) -> int | None:
        """The last stable offset, as of the last fetch."""


class Standing(enum.Enum):
    """What the group's coordinator says about this worker."""

    MEMBER = "member"
    FORMER = "former"
    UNKNOWN = "unknown"


class Membership(Protocol):
    """The consumer group, asked directly: a worker that was stopped for long does not know what it lost."""

    async def standing(self) -> Standing: ...
    def crash(self, error: BaseException, /) -> None:
        """Leave the group and end the worker."""
