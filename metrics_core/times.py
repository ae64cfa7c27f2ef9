"""Event time: RFC 3339 text to and from integer microseconds since the epoch (UTC)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:)(\d\d)(?:\.(\d+))?(?:([Zz])|([+-])(\d\d):(\d\d))", re.ASCII
)
_fromisoformat = datetime.fromisoformat

# what nearly every producer writes is made of few parts: an hour as in "2026-01-01T00:", met again and again, a
# minute, a second, and milliseconds or none
_HOURS: dict[str, int] = {}
_MINUTES = {f"{minute:02}:": minute * MINUTE_US for minute in range(60)}
_SECONDS = {f"{second:02}": second * SECOND_US for second in range(60)}
_FRACTIONS = {"Z": 0, **{f".{ms:03}Z": ms * 1000 for ms in range(1000)}}
#: hours remembered; bounds memory
_MOST_HOURS = 10_000


def parse_rfc3339(text: str) -> int:
    """Microseconds since the epoch of an RFC 3339 date-time, any offset.

    Digits beyond microseconds are cut, never rounded. A leap second (``:60``, RFC 3339 section 5.7) is the
    second that follows. Raises ValueError for anything else, a time without offset included.
    """
    hour_us = _HOURS.get(text[:14])
    if hour_us is not None:
        minute_us, second_us = _MINUTES.get(text[14:17]), _SECONDS.get(text[17:19])
        fraction_us = _FRACTIONS.get(text[19:])
        if minute_us is not None and second_us is not None and fraction_us is not None:
            return hour_us + minute_us + second_us + fraction_us
    # "2026-01-01T00:00:00Z" with or without a fraction: a shape that the C parser takes (which alone would also
    # accept ISO 8601 forms outside RFC 3339) and whose digits it cuts.
    if (
        text[-1:] == "Z"
        and (len(text) == 20 or (text[19:20] == "." and len(text) > 21))
        and text[4] == text[7] == "-"
        and text[10] == "T"
        and text[13] == text[16] == ":"
        and text[11:13] != "24"  # midnight in ISO 8601, taken by newer parsers; no hour to remember
    ):
        try:
            since = _fromisoformat(text) - EPOCH
        except ValueError:
            pass
        else:
            time_us = (since.days * 86400 + since.seconds) * SECOND_US + since.microseconds
            if len(_HOURS) >= _MOST_HOURS:
                _HOURS.clear()
            _HOURS[text[:14]] = time_us - time_us % HOUR_US
            return time_us
    return _parse_slowly(text)


def _parse_slowly(text: str) -> int:
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f"not an RFC 3339 date-time: {text[:64]!r}")
    date, hours_minutes, seconds, fraction, _zulu, sign, offset_h, offset_m = match.groups()
    leap = seconds == "60"
    moment = _fromisoformat(f"{date}T{hours_minutes}{'59' if leap else seconds}+00:00")
    time_us = (moment - EPOCH) // _MICROSECOND + (SECOND_US if leap else 0)
    if fraction is not None:
        time_us += int(fraction[:6].ljust(6, "0"))
    if sign is not None:
        if int(offset_h) > 23 or int(offset_m) > 59:
            raise ValueError(f"no such offset: {text[:64]!r}")
        offset_us = int(offset_h) * HOUR_US + int(offset_m) * MINUTE_US
        time_us += -offset_us if sign == "+" else offset_us
    return time_us


#: times outside are a producer's mistake (an unset clock, seconds taken for years); within, sums of durations
#: fit 64 bits for as many as a pane will hold
EARLIEST_US = parse_rfc3339("1970-01-02T00:00:00Z")
LATEST_US = parse_rfc3339("2200-01-01T00:00:00Z")


def format_us(time_us: int) -> str:
    """RFC 3339 in UTC, with microseconds only where there are any."""
    moment = EPOCH + timedelta(microseconds=time_us)
    return moment.isoformat().replace("+00:00", "Z")
