"""Times as the audit reads and writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_RFC3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d+))?([Zz]|[+-]\d{2}:\d{2})",
    re.ASCII,
)


class RefusedError(Exception):
    """This input is no event that the monitor accepts; the text says why."""


def time_us(text: object) -> int:
    """Microseconds since the epoch of an RFC 3339 time; digits beyond microseconds are cut."""
    if not isinstance(text, str):
        raise RefusedError("a time is not a string")
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise RefusedError(f"no RFC 3339 time: {text}")
    day, clock, fraction, offset = match.groups()
    zone = "+00:00" if offset in "Zz" else offset
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{zone}")
    except ValueError as error:
        raise RefusedError(f"no such time: {text}") from error
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    return (moment - EPOCH) // timedelta(microseconds=1) + micros


def time_text(value_us: int) -> str:
    """RFC 3339 in UTC, with a fraction only where there is one."""
    moment = EPOCH + timedelta(microseconds=value_us)
    return moment.isoformat().replace("+00:00", "Z")
