"""A shard: the state of one source partition, a function of the records applied to it in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

import msgspec

from metrics_core import changelog
from metrics_core import native as compiled
from metrics_core.catalog import codes_of_before
from metrics_core.counters import Counters
from metrics_core.crm.customer_base import CustomerBase
from metrics_core.facts import Facts
from metrics_core.families.base import TICKET_LABELS
from metrics_core.intake import Intake
from metrics_core.kinds import Common, Kinds
from metrics_core.labels import NONE, LabelTable
from metrics_core.losses import codes_by_day
from metrics_core.native.binding import bind_tickets
from metrics_core.panes import WINDOW_SPANS_US, Panes, window_start_us
from metrics_core.partitioner import partition_for
from metrics_core.policy import Policy
from metrics_core.records import Place, Record
from metrics_core.rejects import Reason, Refused, Reject
from metrics_core.tickets.machine import KNOWN
from metrics_core.tickets.open_tickets import OpenTickets
from metrics_core.times import DAY_US, LATEST_US
from metrics_core.view import CrmFrozen, Frozen

#: facts that may wait to be counted: bounds memory, and settling to a few ms at once
_WAITING_FACTS = 5_000


class TicketTimes(msgspec.Struct):
    """What is known of one ticket. Times in microseconds since the epoch, None = never; ``resolved_us`` is the
    last resolution of a ticket that is resolved now."""

    created_us: int | None
    first_response_us: int | None
    first_resolution_us: int | None
    resolved_us: int | None
    reopens: int
    status: int


class Shard:
    """State of one partition, or of files (``topic`` None: no check of keys and partitions).

    ``kind`` says which events belong here: ``helpdesk``, ``crm`` (finance too), None for all. ``until_us`` leaves
    out events at or after a moment. For reports: ``since_beginning`` adds the window ``all``, ``fine`` takes
    quantiles within 1 %, ``by_day`` keeps losses day by day, and ``retire`` False keeps every row, so that nothing
    is too late. ``native`` False: the pure form throughout, also where C was built.
    """

    def __init__(
        self,
        policy: Policy,
        *,
        counters: Counters | None = None,
        topic: str | None = None,
        kind: Literal["helpdesk", "crm"] | None = None,
        partition: int | None = None,
        partitions: int | None = None,
        until_us: int | None = None,
        fine: bool = False,
        since_beginning: bool = False,
        by_day: bool = False,
        retire: bool = True,
        native: bool = True,
    ) -> None:
        self.policy = policy
        self.counters = counters if counters is not None else Counters()
        self._partition, self._partitions = partition, partitions
        self.labels = LabelTable()
        unknown = self.labels.intern((NONE,) * len(TICKET_LABELS))
        assert unknown == 0, "a ticket of which nothing is known has label 0"
        self.has_crm = kind != "helpdesk"
        self.panes = Panes(
            fine=fine,
            since_beginning=since_beginning,
            before=codes_of_before(),
            by_day=codes_by_day() if by_day else frozenset(),
            native=native,
        )
        self.open = OpenTickets()
        self._facts = Facts()
        common: Common = {
            "facts": self._facts,
            "counters": self.counters,
            "own": self._own,
            "horizon_us": policy.horizon_us if retire else LATEST_US,
            "history_events": policy.history_events,
        }
        self.base = CustomerBase()
        self.kinds = Kinds(policy, self.labels, self.open, self.base, common)
        self.tickets = self.kinds.tickets
        self._kinds = self.kinds.by_prefix()
        place = Place(
            tenant=policy.tenant,
            keyed=topic is not None,
            partition=partition,
            partitions=partitions,
            until_us=LATEST_US if until_us is None else until_us,
        )
        lane = None
        if native and compiled.AVAILABLE and kind != "crm":
            lane = bind_tickets(policy, self.kinds, self._facts, self.panes, self.open, place)
        self._intake = Intake(self.kinds.handlers(kind), self.counters, place, lane)
        self._swept_day = 0
        #: pane keys to delete from the changelog
        self._removed: dict[bytes, None] = {}
        self._saved_meta = self._meta

    # -- applying records ---------------------------------------------------------------------------------

    def apply(self, records: Sequence[Record]) -> None:
        """Apply records in log order. Bad input becomes a Reject; an exception means this copy is spoilt."""
        self._intake.take(records)
        self._count()

    def _own(self, subject: str) -> None:
        if self._partitions is not None:
            partition = partition_for(subject.encode(), self._partitions)
            if partition != self._partition:
                raise Refused(Reason.WRONG_PARTITION, f"the key belongs on partition {partition}")

    def _count(self) -> None:
        self.counters.clamped += self._facts.clamped
        self.panes.add(self._facts)
        self._facts.clear()
        if self.panes.waiting > _WAITING_FACTS:
            self._settle_panes()
        today = self.clock_us // DAY_US
        for subjects in self._kinds.values():
            if subjects.is_full or today != self._swept_day:
                subjects.settle()  # before the sweep, which looks at what is settled
            if today != self._swept_day:
                subjects.sweep(today)
        self._swept_day = today

    def _settle_panes(self) -> None:
        for ring, index in self.panes.settle(self.clock_us):
            self._removed[changelog.pane_key(ring, index)] = None

    # -- to and from the changelog ------------------------------------------------------------------------

    @property
    def clock_us(self) -> int:
        """Largest accepted event time, 0 = none yet."""
        return self._intake.clock_us

    @property
    def start_us(self) -> int:
        """Smallest accepted event time, 0 = none yet."""
        return self._intake.start_us

    @property
    def dirty_rows(self) -> int:
        """Changelog rows waiting for the next drain, about."""
        panes = sum(len(ring.dirty) for ring in self.panes.rings) + (self.panes.waiting > 0)
        panes += self.panes.levels_dirty
        rows = sum(len(subjects.hot) + len(subjects.removed) for subjects in self._kinds.values())
        meta = self._meta != self._saved_meta
        return rows + panes + len(self._removed) + len(self.labels.fresh) + meta

    def drain(self) -> Iterator[tuple[bytes, bytes | None]]:
        """Changed rows as (key, value or None = delete). No apply() may come between the first and the last;
        once exhausted the shard is clean."""
        self._settle_panes()
        for key in self._removed:
            yield key, None
        self._removed.clear()
        for label_id in self.labels.fresh:
            yield changelog.label_key(label_id), changelog.pack(self.labels.values[label_id])
        self.labels.fresh.clear()
        for number, ring in enumerate(self.panes.rings):
            for index in sorted(ring.dirty):
                counts = {key: n for key, n in ring.panes[index].items() if n}
                yield changelog.pane_key(number, index), changelog.pack_counts(counts)
            ring.stored |= ring.dirty
            ring.dirty.clear()
        if self.panes.levels_dirty:
            # zeros too: they say which keys are levels, of which panes ahead may hold changes
            yield changelog.LEVELS, changelog.pack_counts(self.panes.levels)
            self.panes.levels_dirty = False
        for subjects in self._kinds.values():
            yield from subjects.drain()
        meta = self._meta
        if meta != self._saved_meta:
            self._saved_meta = meta
            yield changelog.META, changelog.pack(meta)

    @property
    def _meta(self) -> changelog.Meta:
        return changelog.Meta(self.clock_us, self.start_us, self._starts)

    @property
    def _starts(self) -> dict[str, int]:
        return {one.kind.name: one.start_us for one in self._kinds.values() if one.start_us}

    def load_all(self, rows: Iterable[changelog.Row]) -> None:
        """Rows of the changelog, in log order; the last one of a key wins, and without a key it is none of ours.
        ``finish_load`` must follow."""
        kinds = self._kinds
        for row in rows:
            key, value = row.key, row.value
            if key is None:
                continue
            subjects = kinds.get(key[:1])
            if subjects is None or value is None:
                self.load(key, value)
            else:  # nearly every row: what ``load`` would do, without the calls
                subjects.rest[key[1:].decode()] = value
                subjects.loading = True

    def load(self, key: bytes, value: bytes | None) -> None:
        """``load_all`` of one row."""
        kind = key[:1]
        subjects = self._kinds.get(kind)
        if subjects is not None:
            subjects.load(key[1:].decode(), value)
        elif kind == changelog.PANE:
            self.panes.load(
                *changelog.read_pane_key(key), None if value is None else changelog.unpack_counts(value)
            )
        elif kind == changelog.LABEL and value is not None:
            self.labels.load(changelog.read_label_key(key), changelog.unpack_label(value))
        elif kind == changelog.LEVELS and value is not None:
            self.panes.levels = changelog.unpack_counts(value)
        elif kind == changelog.META and value is not None:
            meta = changelog.unpack_meta(value)
            self._intake.clock_us, self._intake.start_us = meta.clock_us, meta.start_us
            for subjects in self._kinds.values():
                subjects.start_us = meta.starts.get(subjects.kind.name, 0)
            self._saved_meta = self._meta
        else:
            raise ValueError(f"a changelog row of an unknown kind: {key[:16]!r}")

    def index_loaded(self) -> Iterator[None]:
        """After the last row: find out how all rows stand, in short steps. Nothing else may come between."""
        for subjects in self._kinds.values():
            yield from subjects.index_loaded()

    def finish_load(self) -> None:
        """Index what is not indexed yet, and drop what is too old, so that memory is what it was when the rows were
        written."""
        for _ in self.index_loaded():
            pass
        self.labels.fresh.clear()
        self._settle_panes()

    def take_rejects(self) -> list[Reject]:
        """Rejects since the last call, in log order."""
        return self._intake.take_rejects()

    @property
    def rejects_bytes(self) -> int:
        """Size of the rejects that ``take_rejects`` would give, about."""
        return self._intake.rejects_bytes

    # -- questions ----------------------------------------------------------------------------------------

    def prepare(self, time_us: int) -> Iterator[None]:
        """Do most of ``freeze`` ahead, in short steps: after a load, or a jump in time, windows pass many panes."""
        self._settle_panes()
        for subjects in self._kinds.values():
            subjects.settle()
            yield
        yield from self.panes.advance(time_us)

    def freeze(self, time_us: int) -> Frozen:
        """What the families need as of ``time_us``, copied; cheap enough for an event loop after ``prepare``."""
        self._settle_panes()
        for subjects in self._kinds.values():
            subjects.settle()
        return Frozen(
            time_us=time_us,
            fine=self.panes.fine,
            windows=self.panes.totals(time_us),
            before=self.panes.before(),  # after the totals of the same moment
            by_day=self.panes.by_day(time_us),
            levels=self.panes.levels_at_end(time_us) if self.panes.levels else {},
            labels=self.labels.values,
            open_by_status=self.open.by_status.copy(),
            unassigned=self.open.unassigned.copy(),
            ages=self.open.ages.ages(time_us),
            waiting=self.open.waits.counts(),
            waiting_since_us=self.open.waits.oldest(),
            open_complaints=self.open.complaints.copy(),
            clocks=self.open.clocks.freeze(time_us),
            start_us=self.start_us,
            starts=self._starts,
            clock_us=self.clock_us,
            orphan_tickets=self.tickets.orphans,
            future_events=self._intake.future_events(time_us),
            crm=self._freeze_crm(time_us) if self.has_crm else None,
        )

    def _freeze_crm(self, time_us: int) -> CrmFrozen:
        for gone in (self.base.customers, self.base.subscriptions):
            gone.forget(time_us)
        idle_us = self.policy.at(time_us).idle_us
        return CrmFrozen(
            idle=self.base.idle.counts_before(time_us - idle_us),
            lost={
                window: self.base.lost_since(window_start_us(window, time_us), time_us)
                for window in WINDOW_SPANS_US
            },
        )

    @property
    def orphan_tickets(self) -> int:
        """Tickets of which neither creation nor a snapshot was seen."""
        self.tickets.settle()
        return self.tickets.orphans

    def ticket(self, subject: str) -> TicketTimes | None:
        """What is known of one ticket, None where there is no row."""
        row = self.tickets.get(subject)
        if row is None:
            return None
        return TicketTimes(
            created_us=row.born_us if row.known == KNOWN else None,
            first_response_us=row.replied_us or None,
            first_resolution_us=row.first_resolved_us or None,
            resolved_us=row.resolved_us or None,
            reopens=row.reopens,
            status=row.status,
        )
