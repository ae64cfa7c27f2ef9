"""Rejects: events that cannot be used, each with its reason and its place."""

from __future__ import annotations

import enum

import msgspec


class Reason(enum.StrEnum):
    """Why an event was rejected; the value of the ``reason`` label and header."""

    INVALID_UTF8 = "invalid_utf8"
    INVALID_JSON = "invalid_json"
    TOO_DEEP = "too_deep"
    TOO_LARGE = "too_large"
    WRONG_TYPE = "wrong_type"
    MISSING_FIELD = "missing_field"
    INVALID_VALUE = "invalid_value"
    UNKNOWN_TYPE = "unknown_type"
    UNSUPPORTED_VERSION = "unsupported_version"
    BAD_TIME = "bad_time"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    FUTURE = "future"
    TOO_LATE = "too_late"
    BEYOND_HISTORY = "beyond_history"
    WRONG_KEY = "wrong_key"
    WRONG_PARTITION = "wrong_partition"
    WRONG_TOPIC = "wrong_topic"
    FOREIGN_TENANT = "foreign_tenant"
    INTERNAL_ERROR = "internal_error"


class Reject(msgspec.Struct, gc=False):
    """A record that was not counted: the reason, one line of detail, and the record as it came."""

    reason: str
    detail: str
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int
    headers: tuple[tuple[str, bytes | None], ...] = ()


class Refused(Exception):  # noqa: N818 - a verdict on an event, not an error of ours
    """Raised inside decoding only; the shard turns it into a Reject."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
