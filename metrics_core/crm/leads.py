"""The state machine of a lead: each stage counts once, with the origin known at that time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from metrics_core import changelog
from metrics_core import facts as f
from metrics_core.facts import LABEL_SHIFT, Facts
from metrics_core.labels import NONE
from metrics_core.rows import Kind, Row, Step

ORIGINS = ("organic", "campaign", "referral", "service_contact")
#: moves are (stage's number, origin or None)
STAGES = ("created", "qualified", "won", "lost")
CODES = (f.LEAD_CREATED, f.LEAD_QUALIFIED, f.LEAD_WON, f.LEAD_LOST)
_CREATED, _, _WON, _LOST = (1 << stage for stage in range(4))


class Lead(Row, array_like=True, gc=False):
    """A lead's row: a bit per stage seen, and its origin."""

    seen: int = 0
    origin: str = NONE


def _reach(stage: int, intern: Callable[[tuple[str, ...]], int]) -> Step[Lead]:
    code = CODES[stage]

    def step(state: Lead, time_us: int, move: Any, out: Facts) -> None:
        state.origin = move[1] or state.origin
        if not state.seen & 1 << stage:
            state.seen |= 1 << stage
            out.counts.append((intern((state.origin,)) << LABEL_SHIFT | code, time_us, 1))

    return step


def lead_kind(intern: Callable[[tuple[str, ...]], int]) -> Kind[Lead]:
    """Leads as a kind of subject: closed once won or lost, known once created."""
    return Kind(
        name="leads",
        prefix=changelog.LEAD,
        new=lambda source, _time_us: Lead(source=source),
        unpack=msgspec.msgpack.Decoder(Lead).decode,
        steps=[_reach(stage, intern) for stage in range(len(STAGES))],
        standing=lambda _row: None,
        change=lambda _old, _new: None,
        is_closed=lambda row: bool(row.seen & (_WON | _LOST)),
        is_known=lambda row: bool(row.seen & _CREATED),
    )
