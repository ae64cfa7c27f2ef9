"""Business calendars: zone, weekly hours and holidays; how much business time lies between two moments."""

from __future__ import annotations

import msgspec


class CalendarSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A calendar as it is configured."""

    zone: str = "UTC"
    #: weekday (mon to sun) -> intervals, as "09:00-17:30"; a day that is not named is free
    hours: dict[str, tuple[str, ...]] = {}
    #: public holidays of a country or one of its parts, as "DE" or "DE-BY"
    country: str | None = None
    #: further days off, as "2026-12-24"
    holidays: tuple[str, ...] = ()

    def check(self, name: str, path: str) -> None:
        """Raise PolicyError where a value cannot work."""


class Calendar:
    """A calendar to ask. Moments in microseconds since the epoch."""

    def __init__(self, spec: CalendarSpec) -> None:
        self._spec = spec

    def elapsed(self, start_us: int, end_us: int) -> int:
        """Business time in [start, end), in microseconds; 0 where the end is not after the start."""
        return max(0, end_us - start_us)

    def after(self, start_us: int, business_us: int) -> int:
        """The earliest moment by which so much business time has passed since ``start_us``."""
        return start_us + business_us
