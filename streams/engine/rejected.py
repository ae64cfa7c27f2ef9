"""What a reject looks like on the topic of rejected events."""

from __future__ import annotations

import hashlib

from metrics_core.rejects import Reject
from streams.engine.ports import SourcePartition

#: Most bytes of the original value that are kept: a reject must fit any broker's limit and show what it was.
MAX_VALUE_BYTES = 64 * 1024
#: A detail is one line for a person.
MAX_DETAIL_CHARS = 500

RejectedRecord = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]


def rejected_record(source: SourcePartition, reject: Reject) -> RejectedRecord:
    """Key, value and headers; the value is cut to MAX_VALUE_BYTES, then size and SHA-256 of the whole go along."""
    value = reject.value
    headers = [
        ("reason", reject.reason.encode()),
        ("detail", reject.detail[:MAX_DETAIL_CHARS].encode()),
        ("topic", source.topic.encode()),
        ("partition", b"%d" % source.partition),
        ("offset", b"%d" % reject.offset),
        ("timestamp", b"%d" % reject.timestamp),
    ]
    if value is not None and len(value) > MAX_VALUE_BYTES:
        headers.append(("size", b"%d" % len(value)))
        headers.append(("sha256", hashlib.sha256(value).hexdigest().encode()))
        value = value[:MAX_VALUE_BYTES]
    return reject.key, value, headers
