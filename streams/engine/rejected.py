"""What a reject looks like on its topic: written by checkpoints, read by `deskpulse rejected`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from metrics_core.rejects import Reject
from streams.engine.ports import SourcePartition

#: Most bytes of the original value that are kept: a reject must fit any broker's limit and show what it was.
MAX_VALUE_BYTES = 64 * 1024
#: Most bytes of the original headers that are kept; CloudEvents attributes take a few hundred.
MAX_HEADERS_BYTES = 16 * 1024
#: A detail is one line for a person.
MAX_DETAIL_CHARS = 500
#: Before the name of a header that the record had itself: binary mode keeps an event's attributes there.
ORIGINAL = "original."

Headers = list[tuple[str, bytes | None]]
RejectedRecord = tuple[bytes | None, bytes | None, Headers]


def rejected_record(source: SourcePartition, reject: Reject) -> RejectedRecord:
    """Key, value and headers. The record's own headers follow ours, under ORIGINAL.

    A value over MAX_VALUE_BYTES is cut, headers over MAX_HEADERS_BYTES are left out (``headers_cut``); then size
    and SHA-256 of the whole value go along, so that the record can be found again and known for the same.
    """
    value = reject.value
    headers: Headers = [
        ("reason", reject.reason.encode()),
        ("detail", reject.detail[:MAX_DETAIL_CHARS].encode()),
        ("topic", source.topic.encode()),
        ("partition", b"%d" % source.partition),
        ("offset", b"%d" % reject.offset),
        ("timestamp", b"%d" % reject.timestamp),
    ]
    is_long = value is not None and len(value) > MAX_VALUE_BYTES
    are_many = headers_bytes(reject.headers) > MAX_HEADERS_BYTES
    if is_long or are_many:
        whole = value or b""
        headers.append(("size", b"%d" % len(whole)))
        headers.append(("sha256", hashlib.sha256(whole).hexdigest().encode()))
    if value is not None:
        value = value[:MAX_VALUE_BYTES]
    if are_many:
        headers.append(("headers_cut", b"1"))
    else:
        headers += [(ORIGINAL + name, content) for name, content in reject.headers]
    return reject.key, value, headers


def headers_bytes(headers: Sequence[tuple[str, bytes | None]]) -> int:
    """What headers take, about."""
    return sum(len(name) + len(content or b"") for name, content in headers)
