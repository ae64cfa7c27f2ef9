"""Which partition a key belongs to: murmur2, as Kafka's Java producer and aiokafka compute it.

Source: org.apache.kafka.common.utils.Utils.murmur2 and BuiltInPartitioner.partitionForKey (Apache Kafka).
"""

from __future__ import annotations

import struct
from functools import lru_cache

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


@lru_cache(maxsize=1024)
def _words(count: int) -> struct.Struct:
    """So many little-endian words; keys have few different lengths."""
    return struct.Struct(f"<{count}I")


def murmur2(key: bytes) -> int:
    """The unsigned 32-bit murmur2 hash of ``key`` with Kafka's seed."""
    length = len(key)
    h = _SEED ^ length
    words, rest = divmod(length, 4)
    for k in _words(words).unpack_from(key):
        k = k * _M & _MASK
        h = h * _M & _MASK ^ (k ^ k >> 24) * _M & _MASK
    if rest:
        h = (h ^ int.from_bytes(key[-rest:], "little")) * _M & _MASK
    h = (h ^ h >> 13) * _M & _MASK
    return h ^ h >> 15


def partition_for(key: bytes, partitions: int) -> int:
    """The partition (0 to ``partitions`` - 1) that a record with this key goes to."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
