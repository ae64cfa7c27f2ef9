"""A new policy version counts on: a shard that ran under the old one alone, then under both, equals one that
knew both from the beginning."""

from __future__ import annotations

from typing import Any

import pytest
from desk_story import ONE_DAY, Desk

from metrics_core.policy import Policy
from metrics_core.view import View

#: minutes after the story's beginning, 2026-03-02T00:00:00Z
CHANGE = 720
BEFORE: dict[str, Any] = {"version": 1, "churn_with_last_subscription": True}
AFTER: dict[str, dict[str, Any]] = {
    "targets": {
        "churn_with_last_subscription": False,
        "idle_days": 30,
        "sla": [{"name": "strict", "first_response_s": 600, "resolution_s": 7200}],
    },
    "calendar": {
        "calendars": {"office": {"hours": {"mon": ["09:00-17:00"], "tue": ["09:00-17:00"]}}},
        "hours": [{"calendar": "office"}],
        "sla": [{"name": "office", "resolution_s": 7200, "calendar": "office"}],
    },
    **{preset: {"preset": preset} for preset in ("zendesk", "intercom", "chatwoot")},
}
OLD = Policy.parse({"versions": [BEFORE]})


def both(after: str) -> Policy:
    return Policy.parse(
        {"versions": [BEFORE, {"version": 2, "effective_from": "2026-03-02T12:00:00Z", **AFTER[after]}]}
    )


def tell_before(desk: Desk) -> None:
    for number in range(12):
        desk.tell("created", number * 50, f"T-{number}", channel="chat", group="a")
        if number % 3:
            desk.tell("message", number * 50 + 4, f"T-{number}", actor="agent")
        desk.tell("crm.customer.created", number * 50, f"C-{number}", origin="organic")
        desk.tell(
            "crm.subscription.started", number * 50 + 1, f"C-{number}", subscription="s", mrr="10", currency="EUR"
        )
    desk.tell("status_changed", 700, "T-1", to="resolved")
    desk.tell("crm.subscription.cancelled", 701, "C-1", subscription="s")
    # announced under the old version for a time of the new one
    desk.tell("crm.subscription.cancelled", 702, "C-2", subscription="s", effective_at="2026-03-02T15:00:00Z")


def tell_after(desk: Desk) -> None:
    desk.tell("status_changed", 725, "T-1", to="open")
    for number in range(12):
        desk.tell("message", 730 + number, f"T-{number}", actor="agent")
        desk.tell("status_changed", 760 + number * 20, f"T-{number}", to="resolved")
        desk.tell("created", 800 + number, f"U-{number}", channel="chat")
        desk.tell("message", 800 + number * 3, f"U-{number}", actor="agent")
    desk.tell("crm.subscription.cancelled", 770, "C-3", subscription="s")
    # late: of the old version's time, and one whose row is stepped anew over the change
    desk.tell("message", 352, "T-7", actor="agent")
    desk.tell("created", 30, "T-late", channel="phone")
    desk.tell("crm.payment.received", 60, "C-2", amount="5", currency="EUR")
    desk.tell("crm.subscription.cancelled", 65, "C-4", subscription="s")


def whole(after: str) -> Desk:
    desk = Desk(both(after))
    tell_before(desk)
    tell_after(desk)
    return desk


def taken_over(after: str) -> Desk:
    desk = Desk(OLD)
    tell_before(desk)
    desk.save()
    desk.policy = both(after)
    desk.restart()
    tell_after(desk)
    return desk


def views(desk: Desk) -> list[View]:
    return [desk.view(at) for at in (CHANGE - 10, CHANGE, CHANGE + 90, 1440, 3000)]


def lost(desk: Desk, at: float = ONE_DAY) -> float:
    return desk.value("customer_changes", at, change="lost", window="24h", period="now")


@pytest.mark.parametrize("after", AFTER)
def test_a_version_that_takes_over_counts_as_if_it_had_been_known_from_the_beginning(after: str) -> None:
    assert views(taken_over(after)) == views(whole(after))


@pytest.mark.parametrize("after", AFTER)
def test_and_so_after_another_restart(after: str) -> None:
    assert views(taken_over(after).restart()) == views(whole(after))


def test_the_versions_do_count_differently() -> None:
    """Else the two tests above would say nothing."""
    old = Desk(OLD)
    tell_before(old)
    tell_after(old)
    assert lost(old) != lost(whole("targets"))


def test_what_is_announced_is_counted_by_the_version_it_was_announced_under() -> None:
    desk = whole("targets")
    assert lost(desk, 910) == lost(desk, 890) + 1
