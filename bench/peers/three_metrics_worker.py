"""A worker that counts what the peers count and nothing else: ``python -m bench.peers.three_metrics_worker``.

The worker is the product's, under the same settings; its shards pass over the events and facts that backlog, first
response and resolution are not made of, as the peers' jobs do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec import structs

from metrics_core import facts
from metrics_core.events import EVENT_CLASSES, Event
from metrics_core.facts import CODE_MASK, CODE_SHIFT
from metrics_core.rows import Move
from metrics_core.shard import Shard
from metrics_core.subjects import Subjects
from metrics_core.tickets import machine
from metrics_core.tickets.machine import Ticket
from streams.app import build_app, run_app
from streams.engine.ports import SourcePartition
from streams.logging import configure_logging
from streams.settings import load_settings
from streams.topics import ensure_topics

_UNUSED_EVENTS = ("helpdesk.ticket.escalated", "helpdesk.ticket.rated")
_AGENT_REPLY = machine.MESSAGE + 2 * machine.AGENT + 1
_USED_MOVES = frozenset((_AGENT_REPLY, *range(machine.STATUS, machine.STATUS + 6), machine.CREATE, machine.UPDATE))
_USED_CODES = frozenset((facts.FIRST_RESPONSE, facts.RESOLUTION_ALL, facts.RESOLUTION_FULL, facts.RESOLUTION_EVERY))
_UNUSED_DURATIONS = frozenset((facts.REPLY_WAIT >> CODE_SHIFT, facts.REPLY_WAIT_BUSINESS >> CODE_SHIFT))


class ThreeMetricsShard(Shard):
    """What it shows of the three metrics is what a shard of everything shows; other series stay empty."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._handlers = handlers = self._intake.handlers
        for cls, handler in handlers.items():
            if handler is not None and handler[0] is not self.tickets:
                handlers[cls] = None
        if EVENT_CLASSES["helpdesk.ticket.created"] not in handlers:
            return  # the topic of customers
        for name in _UNUSED_EVENTS:
            handlers[EVENT_CLASSES[name]] = None
        self._only("helpdesk.ticket.message", lambda move: move == _AGENT_REPLY)
        # a change of labels moves the ticket; an assignee, a tag or a category does not
        self._only("helpdesk.ticket.updated", lambda move: type(move) is tuple and move[1] is not None)
        if self._intake.lane is not None:
            self._intake.lane.only(_USED_MOVES, _USED_CODES)

    def _only(self, event_type: str, is_used: Callable[[Move], bool]) -> None:
        handler = self._handlers[EVENT_CLASSES[event_type]]
        assert handler is not None
        subjects, move_of = handler
        self._handlers[EVENT_CLASSES[event_type]] = _Some(subjects, is_used), move_of  # type: ignore[assignment]

    def _count(self) -> None:
        self._facts.counts.clear()
        self._facts.durations[:] = [
            fact for fact in self._facts.durations if fact[0] >> CODE_SHIFT & CODE_MASK not in _UNUSED_DURATIONS
        ]
        super()._count()


class _Some:
    """Subjects that hear of some moves only."""

    def __init__(self, subjects: Subjects[Ticket], is_used: Callable[[Move], bool]) -> None:
        self._apply, self._is_used = subjects.apply, is_used

    def apply(self, event: Event, time_us: int, move: Move, clock_us: int) -> None:
        if self._is_used(move):
            self._apply(event, time_us, move, clock_us)


def main() -> None:
    """Run until SIGTERM, as ``deskpulse worker`` does."""
    settings = load_settings()
    configure_logging(settings)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(ensure_topics(settings))

    # nothing is promised: the peers' jobs keep no clocks of service levels
    given = settings.core_policy
    policy = structs.replace(given, versions=tuple(structs.replace(one, sla=()) for one in given.versions))

    def new_shard(source: SourcePartition, partitions: int) -> Shard:
        kind = "helpdesk" if source.topic == settings.helpdesk_topic else "crm"
        return ThreeMetricsShard(
            policy,
            counters=app.table.status.counters[source.topic],
            topic=source.topic,
            kind=kind,
            partition=source.partition,
            partitions=partitions,
            native=settings.native,
        )

    app = build_app(settings, new_shard)
    run_app(app, settings, loop)


if __name__ == "__main__":
    main()
