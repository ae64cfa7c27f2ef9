"""What an alert is tried with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from exposition import Exposition

Change = Callable[[Exposition], None]


@dataclass(frozen=True)
class Scenario:
    """``fires``: what workers that are well show when it should fire, from minute ``since`` on; ``borders``:
    what they show when it just should not. ``labels`` are those of its row."""

    alert: str
    fires: Change
    borders: tuple[Change, ...]
    summary: str
    description: str
    labels: dict[str, str] = field(default_factory=dict)
    since: int = 0


def but(fires: Change, change: Change) -> Change:
    """What fires, and then something else."""

    def both(shown: Exposition) -> None:
        fires(shown)
        change(shown)

    return both
