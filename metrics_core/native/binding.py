"""The lane of a shard, bound to what it works on and told what of the policy concerns it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from metrics_core.facts import Facts
from metrics_core.kinds import Kinds
from metrics_core.panes import Panes
from metrics_core.policy import Policy
from metrics_core.records import Place
from metrics_core.tickets.open_tickets import OpenTickets
from metrics_core.tickets.sla import ServiceLevels

if TYPE_CHECKING:
    from metrics_core.native.lane import TicketLane


def bind_tickets(
    policy: Policy, kinds: Kinds, facts: Facts, panes: Panes, open_tickets: OpenTickets, place: Place
) -> TicketLane:
    """Tickets of a shard settle in C, and the lane that takes their events."""
    from metrics_core.native.standings import settle_tickets

    kinds.tickets.settle_compiled = partial(settle_tickets, open_tickets)
    return _ticket_lane(policy, kinds, facts, panes, place)


def _ticket_lane(policy: Policy, kinds: Kinds, facts: Facts, panes: Panes, place: Place) -> TicketLane:
    """The lane of a shard's tickets. What it finds goes to the tally of ``panes``; pure steps leave theirs in
    ``facts``."""
    from metrics_core.native.lane import TicketLane
    from metrics_core.native.steps import TicketSteps

    versions = policy.versions
    levels = [level for version in versions for level in version.sla]
    steps = TicketSteps(
        tally=panes.tally,
        relabel=kinds.relabel,
        has_roster=bool(policy.roster),
        is_strict=all(version.preset == "strict" for version in versions),
        has_hours=any(version.hours for version in versions),
        promises=[any(level.targets_s[clock] is not None for level in levels) for clock in range(3)],
        service_levels=ServiceLevels(kinds.book, kinds.relabel.intern, kinds.relabel.values),
    )
    return TicketLane(
        kinds.tickets,
        steps,
        facts=facts,
        tenant=place.tenant,
        keyed=place.keyed,
        partition=place.partition,
        partitions=place.partitions,
        until_us=place.until_us,
        marks_tags=any(version.complaints.tags for version in versions),
    )
