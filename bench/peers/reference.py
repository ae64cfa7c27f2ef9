"""What the result must be: computed ticket by ticket from all events at once, sharing no code with any job.

An aggregate's key is ``backlog|group`` (tickets that are open), ``first_response|hour|group|priority`` or
``resolution|hour|group|priority``, with the labels that the ticket had at the time. Durations are milliseconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from metrics_core.grid import EDGES_S
from metrics_core.times import HOUR_US, SECOND_US
from streams.demo.exposition_rows import rows_of_exposition

#: windows of deskpulse that are made of whole hours, as the aggregates are
HOURS_OF_WINDOW = {"7d": 7 * 24, "30d": 30 * 24}
_COMPARED = ("first_response_seconds_", "resolution_seconds_")
#: what the text of a sum of seconds may lose
_TOLERANCE_S = 1e-3

Aggregates = dict[str, Any]


@dataclass
class Reference:
    """Every duration by its aggregate, and the backlog."""

    backlog: Counter[str] = field(default_factory=Counter)
    #: key of an aggregate -> durations in ms
    lasted_ms: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    end_us: int = 0

    @classmethod
    def of(cls, events: Iterable[dict[str, Any]]) -> Reference:
        """Of events that happened in this order, decoded, with their ``time_us``."""
        self = cls()
        by_ticket: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for event in events:
            self.end_us = max(self.end_us, event["time_us"])
            if event["type"].startswith("helpdesk.ticket."):
                by_ticket[event["subject"]].append(event)
        for history in by_ticket.values():
            self._add_ticket(history)
        return self

    def _add_ticket(self, history: list[dict[str, Any]]) -> None:
        begins = [event for event in history if event["type"] == "helpdesk.ticket.created"]
        if not begins:
            return
        created_ms, labels = begins[0]["time_us"] // 1000, dict(begins[0]["data"])
        is_open, is_answered = True, False

        def lasted(what: str) -> None:
            key = f"{what}|{event['time_us'] // HOUR_US}|{labels['group']}|{labels['priority']}"
            self.lasted_ms[key].append(event["time_us"] // 1000 - created_ms)

        for event in history[history.index(begins[0]) + 1 :]:
            about = event["data"]
            match event["type"].rpartition(".")[2]:
                case "updated":
                    labels |= about
                case "message" if about["actor"] == "agent" and about["public"] and not is_answered:
                    is_answered = True
                    lasted("first_response")
                case "status_changed":
                    was_open, is_open = is_open, about["to"] not in ("resolved", "closed")
                    if was_open and not is_open:
                        lasted("resolution")
        self.backlog[labels["group"]] += is_open

    def aggregates(self) -> Aggregates:
        """As the jobs of the peers hold them: [how many, sum in ms, {bucket: how many}]."""
        rows: Aggregates = {f"backlog|{group}": tickets for group, tickets in self.backlog.items() if tickets}
        for key, lasted in self.lasted_ms.items():
            rows[key] = [len(lasted), sum(lasted), dict(Counter(str(_bucket(one)) for one in lasted))]
        return rows

    def differences(self, text: str) -> list[str]:
        """Where an exposition of deskpulse, as of the last event, says otherwise."""
        found: defaultdict[tuple[str, ...], float] = defaultdict(float)
        for row in rows_of_exposition(text, ""):
            labels = row["labels"]
            if row["metric"] == "open_tickets":
                found["backlog", labels["group"]] += row["value"]
            elif row["metric"].startswith(_COMPARED) and _is_compared(labels):
                place = (row["metric"], labels["window"], labels["group"], labels["priority"], labels.get("le", ""))
                found[place] += row["value"]
        wanted = self._exposed()
        places = wanted.keys() | {place for place, value in found.items() if value}
        return [
            f"{'|'.join(place)}: {wanted[place]} and {found[place]}"
            for place in sorted(places)
            if abs(wanted[place] - found[place]) > _TOLERANCE_S
        ]

    def _exposed(self) -> defaultdict[tuple[str, ...], float]:
        rows: defaultdict[tuple[str, ...], float] = defaultdict(float)
        for group, tickets in self.backlog.items():
            if tickets:
                rows["backlog", group] = tickets
        end_hour = -(-self.end_us // HOUR_US)
        for key, lasted in self.lasted_ms.items():
            what, hour, *labels = key.split("|")
            for window, hours in HOURS_OF_WINDOW.items():
                if end_hour - hours <= int(hour):
                    rows[f"{what}_seconds_gcount", window, *labels, ""] += len(lasted)
                    rows[f"{what}_seconds_gsum", window, *labels, ""] += sum(lasted) / 1000
                    for edge, count in _cumulated(lasted):
                        rows[f"{what}_seconds_bucket", window, *labels, edge] += count
        return rows


def merged(pairs: Iterable[tuple[str, Any]]) -> Aggregates:
    """What a job answered; parts of one aggregate add up, a backlog of zero is none."""
    rows: Aggregates = {}
    for key, value in pairs:
        if key.startswith("backlog|"):
            rows[key] = rows.get(key, 0) + value
            continue
        count, total_ms, buckets = rows.get(key, (0, 0, {}))
        rows[key] = [count + value[0], total_ms + value[1], dict(Counter(buckets) + Counter(value[2]))]
    return {key: value for key, value in rows.items() if value}


def _is_compared(labels: dict[str, str]) -> bool:
    return (
        labels.get("clock") == "calendar"
        and labels.get("resolution", "every") == "every"
        and labels.get("window") in HOURS_OF_WINDOW
    )


def _cumulated(lasted_ms: list[int]) -> Iterable[tuple[str, int]]:
    counts = [0] * (len(EDGES_S) + 1)
    for one in lasted_ms:
        counts[bisect_left(EDGES_S, one * 1000 / SECOND_US)] += 1
    return zip((*(repr(float(edge)) for edge in EDGES_S), "+Inf"), accumulate(counts), strict=True)


def _bucket(value: int) -> int:
    """Eight buckets for each doubling, by the definition: found by halving."""
    doublings = 0
    while value >= 16:
        value //= 2
        doublings += 1
    return 8 * doublings + value
