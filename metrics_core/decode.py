"""Bytes to events: what a record's value must look like, and the reason where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Union

import msgspec

from metrics_core.events import EVENT_CLASSES, Event
from metrics_core.rejects import Reason, Refused

#: largest value that is read; Kafka's own default limit of a record
MAX_VALUE_BYTES = 1 << 20

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(
    Union[tuple(EVENT_CLASSES.values())]  # noqa: UP007 - a union made at run time
)
_encode = msgspec.json.encode


#: decodes structured JSON; raises one of DECODE_ERRORS, for which ``refusal`` has the reason
decode_structured = _decoder.decode
DECODE_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode(value: bytes, headers: Sequence[tuple[str, bytes | None]] = ()) -> Event:
    """The event in a Kafka value: structured JSON, or binary mode (attributes in ``ce_`` headers).

    Source: CloudEvents Kafka protocol binding 1.0, section 3. Raises Refused with the reason.
    """
    if len(value) > MAX_VALUE_BYTES:
        raise Refused(Reason.TOO_LARGE, f"{len(value)} bytes; at most {MAX_VALUE_BYTES} are read")
    if headers:
        value = _structured(value, headers)
    try:
        event = decode_structured(value)
        if not value.isascii():
            value.decode()  # fields that are skipped are not checked by the decoder
    except DECODE_ERRORS as error:
        raise refusal(value, error) from None
    return event


def refusal(value: bytes, error: Exception) -> Refused:
    """Why a value could not be decoded."""
    if isinstance(error, msgspec.ValidationError):
        return _invalid(str(error))
    if isinstance(error, RecursionError):
        return Refused(Reason.TOO_DEEP, "nested too deeply")
    try:
        value.decode()
    except UnicodeDecodeError as not_utf8:
        return Refused(Reason.INVALID_UTF8, str(not_utf8))
    return Refused(Reason.INVALID_JSON, str(error))


def _invalid(message: str) -> Refused:
    """The reason behind a validation message of msgspec (its wording is pinned by tests)."""
    if "missing required field" in message:
        return Refused(Reason.MISSING_FIELD, message)
    if message.endswith("`$.type`") and message.startswith("Invalid value"):
        return Refused(Reason.UNKNOWN_TYPE, message)
    if message.endswith("`$.specversion`"):
        return Refused(Reason.UNSUPPORTED_VERSION, message)
    if message.startswith("Invalid enum value") or " of length " in message:
        return Refused(Reason.INVALID_VALUE, message)
    return Refused(Reason.WRONG_TYPE, message)


def _structured(value: bytes, headers: Sequence[tuple[str, bytes | None]]) -> bytes:
    """The structured form of a binary-mode record; ``value`` itself where it is not one."""
    attributes: dict[str, Any] = {}
    for name, content in headers:
        if name.startswith("ce_") and content is not None:  # Kafka allows null: no such attribute
            try:
                attributes[name[3:]] = content.decode()
            except UnicodeDecodeError as error:
                raise Refused(Reason.INVALID_UTF8, f"header {name}: {error}") from None
    if "specversion" not in attributes:
        return value
    try:
        # read as one JSON value before it is copied in: it could close the object and add attributes of its own
        attributes["data"] = msgspec.json.decode(value, type=msgspec.Raw) if value else {}
    except DECODE_ERRORS as error:
        raise refusal(value, error) from None
    return _encode(attributes)
