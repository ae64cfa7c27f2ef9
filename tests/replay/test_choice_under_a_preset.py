"""A choice of labels changes how rows are told apart, and nothing of what is counted."""

from __future__ import annotations

import json

from metrics_core.build import build
from metrics_core.policy import Policy, Version
from metrics_core.records import FileRecord
from metrics_core.series import Histogram
from metrics_core.times import HOUR_US, parse_rfc3339
from streams.replay.choice import choose
from streams.replay.chosen_shard import ChosenShard

ZENDESK = Policy(versions=(Version(preset="zendesk"),))
START_US = parse_rfc3339("2026-03-02T00:00:00Z")


def _us_to_first_response(by: list[str]) -> int:
    """Sum over the windows of a ticket that an agent creates, whose first message is its opening."""
    shard = ChosenShard(choose(ZENDESK, metrics=["first_response_seconds"], by=by))
    for number, (kind, minute) in enumerate([("created", 0), ("message", 0), ("message", 30)]):
        event = {
            "specversion": "1.0", "id": str(number), "source": "d", "subject": "t/1", "data": {"actor": "agent"},
            "type": f"helpdesk.ticket.{kind}", "time": f"2026-03-02T00:{minute:02d}:00Z",
        }  # fmt: skip
        shard.apply([FileRecord(json.dumps(event).encode(), number)])
    table = build([shard.freeze(START_US + HOUR_US)], ZENDESK, families=shard.choice.families).tables
    return sum(h.sum_us for h in table["first_response_seconds"].rows.values() if isinstance(h, Histogram))


def test_the_preset_holds_whatever_labels_are_asked_for() -> None:
    assert _us_to_first_response(["group"]) == _us_to_first_response([])
