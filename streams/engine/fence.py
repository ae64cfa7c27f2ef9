"""The fence row: which source offsets the rows of a changelog partition stand for.

A changelog partition holds the rows of one shard and, in the same transactions, its fence. The rows are a
function of the source's offsets [origin, next); recovery loads them and goes on at ``next``.
"""

from __future__ import annotations

import msgspec

from streams.engine.policy_marks import PolicyMarks

#: Keys that begin with a zero byte belong to the engine; a shard never writes one.
FENCE_KEY = b"\x00fence"
#: The format that we write, and the oldest one that we still read.
FORMAT = 2
OLDEST_FORMAT = 2
#: Bump where events would be counted or rows read differently: old rows are refused and rebuilt from the source.
CORE_VERSION = 2
#: Losses kept in the fence; older ones are only counted.
MAX_LOSSES = 32


class Loss(msgspec.Struct, frozen=True, rename={"from_offset": "from", "to_offset": "to"}):
    """Source offsets that were skipped because an operator accepted it; ``reason`` is the refusal's name."""

    from_offset: int
    to_offset: int
    reason: str


class Fence(msgspec.Struct, frozen=True, kw_only=True):
    """One checkpoint of one partition. Offsets are source offsets, times microseconds since the epoch."""

    format: int = FORMAT
    min_reader: int = OLDEST_FORMAT
    core_version: int
    #: what the rows were counted under
    policy: PolicyMarks
    topic_id: str
    partitions: int
    origin: int
    next: int
    clock_us: int
    #: rises with every accepted loss; only then may ``next`` fall
    losses_count: int = 0
    losses: tuple[Loss, ...] = ()

    def follows(self, earlier: Fence) -> bool:
        """Whether a log may hold this fence after ``earlier``: offsets never fall without an accepted loss."""
        return self.losses_count > earlier.losses_count or (
            self.losses_count == earlier.losses_count and self.next >= earlier.next
        )

    def with_loss(self, loss: Loss, *, topic_id: str) -> Fence:
        """The fence after an operator accepted ``loss``: go on at its ``to_offset``."""
        return msgspec.structs.replace(
            self,
            next=loss.to_offset,
            topic_id=topic_id,
            losses_count=self.losses_count + 1,
            losses=(*self.losses, loss)[-MAX_LOSSES:],
        )


class _Versions(msgspec.Struct):
    """The part of a fence that every format keeps, so that a newer one is refused and not misread."""

    format: int
    min_reader: int


_decode = msgspec.json.Decoder(Fence).decode
_decode_versions = msgspec.json.Decoder(_Versions).decode


class UnreadableFence(Exception):  # noqa: N818 - named for what happened
    """A fence of a format that this program cannot read; carries ``format`` (0 where unknown)."""

    def __init__(self, format_: int) -> None:
        super().__init__(f"fence of format {format_}")
        self.format = format_


def encode_fence(fence: Fence) -> bytes:
    """JSON, so that a console consumer shows what a partition stands for."""
    return msgspec.json.encode(fence)


def decode_fence(value: bytes | None) -> Fence:
    """Read a fence row; raises UnreadableFence for a format from the future or bytes that are no fence."""
    try:
        versions = _decode_versions(value or b"")
        if versions.min_reader > FORMAT or versions.format < OLDEST_FORMAT:
            raise UnreadableFence(versions.format)
        return _decode(value or b"")
    except msgspec.MsgspecError as error:
        raise UnreadableFence(0) from error
