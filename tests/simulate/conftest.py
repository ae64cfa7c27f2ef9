"""Two weeks of a small desk, generated once: a Monday, the incident on the eighth day, a price change."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from metrics_core.times import DAY_US, parse_rfc3339
from streams.simulate import Emission, Traffic

MONDAY_US = parse_rfc3339("2026-01-05T00:00:00Z")
DAYS = 14
TICKETS_PER_DAY = 400


@dataclass
class TwoWeeks:
    """What a consumer would make of the traffic; times in microseconds."""

    emissions: list[Emission]
    events: list[dict[str, Any]] = field(default_factory=list)
    created: dict[str, dict[str, Any]] = field(default_factory=dict)
    first_response_us: dict[str, int] = field(default_factory=dict)
    by_type: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))

    def first_responses_us(self, channel: str, *days: int) -> list[int]:
        """Sorted first response times of tickets of a channel created on these days."""
        chosen = (
            answered_us - self.created[subject]["time_us"]
            for subject, answered_us in self.first_response_us.items()
            if self.created[subject]["data"]["channel"] == channel
            and (not days or (self.created[subject]["time_us"] - MONDAY_US) // DAY_US in days)
        )
        return sorted(chosen)

    def created_on(self, day: int) -> int:
        """Tickets created on a day."""
        return sum((ticket["time_us"] - MONDAY_US) // DAY_US == day for ticket in self.created.values())


@pytest.fixture(scope="session")
def two_weeks() -> TwoWeeks:
    traffic = Traffic(7, MONDAY_US, TICKETS_PER_DAY, bad_events=False)
    weeks = TwoWeeks(list(traffic.until(MONDAY_US + DAYS * DAY_US)))
    seen = set()
    for emission in weeks.emissions:
        event = msgspec.json.decode(emission.value)
        if (event["source"], event["id"]) in seen:
            continue
        seen.add((event["source"], event["id"]))
        event["time_us"] = parse_rfc3339(event["time"])
        weeks.events.append(event)
        weeks.by_type[event["type"]].append(event)
    weeks.created = {event["subject"]: event for event in weeks.by_type["helpdesk.ticket.created"]}
    for event in sorted(weeks.by_type["helpdesk.ticket.message"], key=lambda event: event["time_us"]):
        by_agent = event["data"]["actor"] == "agent" and event["data"]["public"]
        if by_agent and event["subject"] in weeks.created:
            weeks.first_response_us.setdefault(event["subject"], event["time_us"])
    return weeks
