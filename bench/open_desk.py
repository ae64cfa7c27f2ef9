"""A desk with as many open tickets as wanted: rows of simulated open tickets, under other subjects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from bench.workload import helpdesk_events
from metrics_core import changelog
from metrics_core.partitioner import partition_for
from metrics_core.policy import Policy
from metrics_core.records import FileRecord
from metrics_core.shard import Shard
from streams.simulate import Emission

#: enough for some hundred open tickets of all kinds
EVENTS = 60_000
CHUNK = 1_000

Row = tuple[bytes, bytes]


def counted(policy: Policy, events: Sequence[Emission]) -> Shard:
    """A shard to which these events were applied."""
    shard = Shard(policy, topic="helpdesk.events", kind="helpdesk")
    for begin in range(0, len(events), CHUNK):
        shard.apply(
            [
                FileRecord(one.value, begin + at, key=one.key, timestamp=one.arrival_us // 1000)
                for at, one in enumerate(events[begin : begin + CHUNK])
            ]
        )
    return shard


class OpenDesk:
    """What is needed to make rows of open tickets: ``shared`` rows that every partition has (labels, panes, the
    clock), and the rows of some hundred tickets."""

    def __init__(self, policy: Policy) -> None:
        self.shard = counted(policy, helpdesk_events(EVENTS))
        rows = [(key, value) for key, value in self.shard.drain() if value is not None]
        self.shared = [(key, value) for key, value in rows if key[:1] != changelog.TICKET]
        tickets = self.shard.tickets
        self._open = [
            value
            for key, value in rows
            if key[:1] == changelog.TICKET and not tickets.kind.is_closed(tickets.kind.unpack(value))
        ]

    def source(self, number: int) -> str:
        """Who sends the events of the ticket ``copy-<number>``."""
        source: str = self.shard.tickets.kind.unpack(self._open[number % len(self._open)]).source
        return source

    @property
    def clock_us(self) -> int:
        """The newest event of the desk."""
        return self.shard.clock_us

    def tickets(self, most: int) -> Iterator[Row]:
        """Rows of open tickets, each of its own subject."""
        some = self._open
        for number in range(most):
            yield b"%ccopy-%d" % (changelog.TICKET, number), some[number % len(some)]

    def of_partition(self, tickets: int, partition: int, partitions: int) -> Sequence[Row]:
        """The rows of the desk with ``tickets`` of them in all, as far as they belong to a partition."""
        mine = (row for row in self.tickets(tickets) if partition_for(row[0][1:], partitions) == partition)
        return [*self.shared, *mine]

    def loaded(self, tickets: int, policy: Policy, *, panes: bool = True) -> Shard:
        """One shard with so many open tickets; without ``panes`` nothing has been counted."""
        shard = Shard(policy, topic="helpdesk.events", kind="helpdesk")
        for row in self.shared:
            if panes or row[0][:1] != changelog.PANE:
                shard.load(*row)
        for row in islice(self.tickets(tickets), tickets):
            shard.load(*row)
        shard.finish_load()
        return shard
