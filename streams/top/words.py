"""Numbers in the words and marks of the screen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

_SPARKS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉"
_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "m"), (1.0, "s"))
#: a duration is told in the larger unit from this many of them on, so that it keeps two digits
_SWITCH = 2.0


def duration_parts(duration_s: float | None) -> tuple[str, str]:
    """(figure, unit) of a duration, two digits where they tell something: ("4.2", "m"); "-" for none."""
    if duration_s is None:
        return "-", ""
    for size, unit in _UNITS:
        if duration_s >= size * _SWITCH or size == 1.0:
            count = duration_s / size
            whole = size == 1.0 or count >= 9.95
            return (f"{count:.0f}" if whole else f"{count:.1f}"), unit
    raise AssertionError("seconds take every duration")


def duration(duration_s: float | None) -> str:
    """A duration in a few characters: "4.2 m"; "-" for none."""
    figure, unit = duration_parts(duration_s)
    return f"{figure} {unit}".strip()


def count(number: float) -> str:
    """A whole number with thousands marked."""
    return f"{number:,.0f}"


def signed(number: int) -> str:
    """A difference with its sign."""
    return f"+{number}" if number > 0 else str(number)


def per_second(rate: float | None) -> str:
    """A rate of events; unknown before the second poll."""
    if rate is None:
        return "- events/s"
    return f"{rate:,.1f} events/s" if 0 < rate < 10 else f"{rate:,.0f} events/s"


def percent(share: float | None) -> str:
    """A share with one decimal."""
    return "-" if share is None else f"{100 * share:.1f} %"


def clock(moment_s: float, now_s: float, zone: tzinfo | None) -> str:
    """Time of day in ``zone`` (None: the viewer's), with the date where it is not today's."""
    moment, today = (datetime.fromtimestamp(at, zone) for at in (moment_s, now_s))
    return f"{moment:%H:%M:%S}" if moment.date() == today.date() else f"{moment:%Y-%m-%d %H:%M:%S}"


def spark(values: Sequence[float], columns: int) -> str:
    """The last ``columns`` values as a line of bars between their least and their most."""
    shown = values[-columns:] if columns > 0 else []
    if not shown:
        return ""
    low, high = min(shown), max(shown)
    # a change of less than a tenth is no trend: it must not fill the height
    span = max(high - low, abs(high) / 10) or 1.0
    return "".join(_SPARKS[round((value - low) / span * (len(_SPARKS) - 1))] for value in shown)


def bar(share: float, columns: int) -> str:
    """A horizontal bar of ``share`` (0 to 1) of the columns, to an eighth of a column."""
    eighths = round(max(0.0, min(1.0, share)) * columns * 8)
    if share > 0:
        eighths = max(eighths, 1)
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")
