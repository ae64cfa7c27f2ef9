"""The live state of one partition: the rows of its changelog as of its newest fence.

The changelog goes on being written, and compacted, while it is read. Rows and their fence are one transaction and
the fence is its last record, so the rows before a fence are exactly those of finished checkpoints. Compaction takes
a row only where a newer one lies further on; so the log is read on until little has come since the last look, and
what a newer row took is read with that one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from streams.engine.fence import FENCE_KEY, Fence, decode_fence
from streams.engine.ports import SourcePartition
from streams.log_reader import LogReader

#: what may come between two looks at the end, and how often it is looked; a worker writes a checkpoint a second
FEW_RECORDS = 20_000
MOST_LOOKS = 5


@dataclass
class LiveState:
    """Rows of a partition by their keys, and the fence that they stand for (None: nothing was ever saved)."""

    rows: dict[bytes, bytes] = field(default_factory=dict)
    fence: Fence | None = None


async def read_live_state(log: LogReader, changelog: SourcePartition) -> LiveState:
    """The rows of a changelog partition up to its newest fence.

    Raises UnreadableFence where this version cannot read a fence, and what LogReader raises.
    """
    state = LiveState()
    waiting: list[tuple[bytes, bytes | None]] = []
    position = (await log.bounds([changelog]))[changelog].start
    for _ in range(MOST_LOOKS):
        end = (await log.bounds([changelog]))[changelog].end
        came = end - position
        async for records in log.read(changelog, position, end):
            for record in records:
                if record.key == FENCE_KEY:
                    state.fence = decode_fence(record.value)
                    _apply(state.rows, waiting)
                    waiting.clear()
                elif record.key is not None and not record.key.startswith(b"\x00"):
                    waiting.append((record.key, record.value))
        position = end
        if came <= FEW_RECORDS:
            break
    return state


def _apply(rows: dict[bytes, bytes], changes: list[tuple[bytes, bytes | None]]) -> None:
    for key, value in changes:
        if value is None:
            rows.pop(key, None)
        else:
            rows[key] = value
