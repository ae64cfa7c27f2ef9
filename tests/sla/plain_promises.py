"""What became of promises, worked out the plain way: a ticket's events in order, and for each promise every moment
at which something changes, from its beginning to the moment asked for. No index and no deadline is kept.

A promise is broken at the first moment D by which its time is used up while, after all events up to D, its clock
still runs. It is seen from D on (a question is asked as of a moment after D), on the labels of D, unless the ticket
is hidden at D.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from metrics_core.panes import WINDOW_SPANS_US, window_start_us

FIRST, NEXT, RESOLUTION = "first_response", "next_reply", "resolution"
RESOLVED = ("resolved", "closed")
HIDING = ("merged", "deleted", "marked_spam")
FOR_EVER = 1 << 62

Elapsed = Callable[[int, int], int]
Labels = tuple[str, str]


@dataclass
class Level:
    """A service level for tickets of one channel (None: any)."""

    name: str
    channel: str | None
    targets_us: dict[str, int]
    elapsed: Elapsed
    pauses: tuple[str, ...]
    risk_percent: int = 75


@dataclass
class Moment:
    """How a ticket stands from an event on."""

    at_us: int
    labels: Labels
    status: str
    hidden: bool


@dataclass
class Promise:
    """From ``begin_us``; each keeping with the moment at which it is taken back."""

    level: Level
    target: str
    begin_us: int
    kept: list[tuple[Moment, int]] = field(default_factory=list)
    dropped_us: int = FOR_EVER


@dataclass
class Story:
    moments: list[Moment] = field(default_factory=list)
    promises: list[Promise] = field(default_factory=list)

    def at(self, time_us: int) -> Moment:
        """How the ticket stands after all events up to a moment."""
        return [moment for moment in self.moments if moment.at_us <= time_us][-1]


def read_story(events: list[dict[str, Any]], levels: list[Level]) -> Story:
    """A ticket that begins with its creation; ``events`` in their order."""
    story = Story()
    labels, status, hidden = ("none", "none"), "new", False
    replied, waiting = False, False
    for event in events:
        at_us, kind, data = event["at_us"], event["kind"], event["data"]
        if kind in ("created", "updated"):
            labels = (data.get("channel", labels[0]), data.get("group", labels[1]))
        before = status
        if kind == "status_changed":
            status = data["to"]
        hidden = (hidden or kind in HIDING) and kind != "restored"
        story.moments.append(Moment(at_us, labels, status, hidden))
        level = next((one for one in levels if one.channel in (None, labels[0])), None)

        def begin(target: str, level: Level | None = level, at_us: int = at_us) -> None:
            if level is not None and target in level.targets_us:
                story.promises.append(Promise(level, target, at_us))

        if kind == "created":
            begin(FIRST)
            begin(RESOLUTION)
            waiting = True
        elif kind == "message" and data["actor"] == "agent":
            _keep(story, FIRST)
            _keep(story, NEXT)
            replied, waiting = True, False
        elif kind == "message" and not waiting:
            waiting = True
            if replied:
                begin(NEXT)
        elif kind == "status_changed" and status in RESOLVED and status != before:
            waiting = False
            if before not in RESOLVED:
                _keep(story, RESOLUTION)
                _drop(story, FIRST, at_us)
            _drop(story, NEXT, at_us)
        elif kind == "status_changed" and before in RESOLVED and status not in RESOLVED:
            for one in story.promises:
                if one.target == RESOLUTION:
                    one.kept[-1] = (one.kept[-1][0], at_us)
    return story


def _waiting_for(story: Story, target: str) -> Iterator[Promise]:
    for one in story.promises:
        if one.target == target and one.dropped_us == FOR_EVER and (not one.kept or one.kept[-1][1] < FOR_EVER):
            yield one


def _keep(story: Story, target: str) -> None:
    for one in _waiting_for(story, target):
        one.kept.append((story.moments[-1], FOR_EVER))


def _drop(story: Story, target: str, at_us: int) -> None:
    for one in _waiting_for(story, target):
        one.dropped_us = at_us


def _runs(story: Story, one: Promise, at_us: int) -> bool:
    """Whether its clock runs after all events up to a moment."""
    if (
        at_us < one.begin_us
        or at_us >= one.dropped_us
        or any(kept.at_us <= at_us < back_us for kept, back_us in one.kept)
    ):
        return False
    status = story.at(at_us).status
    return status not in RESOLVED and not (one.target == RESOLUTION and status in one.level.pauses)


def _used_up_us(story: Story, one: Promise, limit_us: int, until_us: int) -> int | None:
    """The first moment before ``until_us`` by which so much time is used and its clock runs; None: not yet."""
    edges = sorted({m.at_us for m in story.moments if one.begin_us <= m.at_us < until_us} | {until_us})
    used_us = 0
    for left_us, right_us in pairwise(edges):
        if not _runs(story, one, left_us):
            continue
        piece_us = one.level.elapsed(left_us, right_us)
        if used_us + piece_us >= limit_us:
            low, high = left_us, right_us  # the first moment in (low, high] with enough, by bisection
            while low < high:
                middle = (low + high) // 2
                if used_us + one.level.elapsed(left_us, middle) >= limit_us:
                    high = middle
                else:
                    low = middle + 1
            # used up with the piece: the event that ends it still comes in time
            if low < right_us or (right_us < until_us and _runs(story, one, right_us)):
                return low
        used_us += piece_us
    return None


def outcomes_and_clocks(
    stories: list[Story], time_us: int
) -> tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]:
    """As of a moment after all events: (window, policy, target, outcome, channel, group) -> how many, and (policy,
    target, state, channel, group) -> how many."""
    outcomes: Counter[tuple[str, ...]] = Counter()
    clocks: Counter[tuple[str, ...]] = Counter()
    for story in stories:
        for one in story.promises:
            limit_us = one.level.targets_us[one.target]
            broken_us = _used_up_us(story, one, limit_us, time_us)
            name = (one.level.name, one.target)
            if broken_us is not None:
                stood = story.at(broken_us)
                if not stood.hidden:
                    _in_windows(outcomes, broken_us, time_us, (*name, "breached", *stood.labels))
            kept = next((moment for moment, back_us in one.kept if back_us == FOR_EVER), None)
            if broken_us is None and kept is not None and not kept.hidden:
                _in_windows(outcomes, kept.at_us, time_us, (*name, "met", *kept.labels))
            now = story.moments[-1]
            if now.hidden or now.status in RESOLVED or one.dropped_us < FOR_EVER or kept is not None:
                continue
            clocks[*name, _state(story, one, broken_us, time_us), *now.labels] += 1
    return outcomes, clocks


def _state(story: Story, one: Promise, broken_us: int | None, time_us: int) -> str:
    if broken_us is not None:
        return "breached"
    if not _runs(story, one, story.moments[-1].at_us):
        return "paused"
    risk_us = one.level.targets_us[one.target] * one.level.risk_percent // 100
    return "running" if _used_up_us(story, one, risk_us, time_us) is None else "at_risk"


def _in_windows(outcomes: Counter[tuple[str, ...]], at_us: int, time_us: int, row: tuple[str, ...]) -> None:
    for window in WINDOW_SPANS_US:
        if at_us >= window_start_us(window, time_us):
            outcomes[window, *row] += 1
