"""Promises are met by their event, or breached at the deadline, whether or not an event comes later."""

import pytest
from desk_of_promises import GOLD, clocks, outcomes, promised
from desk_story import START_US, Desk

from metrics_core.build import build
from metrics_core.policy import Policy
from metrics_core.policy.version import SlaPolicy
from metrics_core.times import MINUTE_US, SECOND_US

ONE_US = 1 / MINUTE_US


def test_an_answer_within_its_time_meets_the_promise() -> None:
    desk = promised().tell("created", 0).tell("message", 9, actor="agent")
    assert outcomes(desk, at=30) == {"met first_response": 1}


def test_an_answer_at_exactly_the_deadline_is_in_time() -> None:
    desk = promised().tell("created", 0).tell("message", 10, actor="agent")
    assert outcomes(desk, at=30) == {"met first_response": 1}


def test_an_answer_a_microsecond_after_the_deadline_is_late() -> None:
    desk = promised().tell("created", 0).tell("message", 10 + ONE_US, actor="agent")
    assert outcomes(desk, at=30) == {"breached first_response": 1}


def test_a_breach_is_counted_as_soon_as_time_is_beyond_the_deadline_and_no_event_comes() -> None:
    desk = promised().tell("created", 0)
    assert outcomes(desk, at=10) == {}
    assert outcomes(desk, at=10 + ONE_US) == {"breached first_response": 1}


def test_an_event_afterwards_does_not_change_the_breach() -> None:
    desk = promised().tell("created", 0)
    before = outcomes(desk, at=50)
    desk.tell("message", 40, actor="agent")
    assert outcomes(desk, at=50) == before == {"breached first_response": 1}


def test_a_breach_keeps_the_labels_of_its_deadline() -> None:
    desk = promised().tell("created", 0, group="a").tell("updated", 30, group="b")
    assert outcomes(desk, at=50, group="a") == {"breached first_response": 1}
    assert clocks(desk, 50, group="b") == {"breached first_response": 1, "at_risk resolution": 1}


def test_a_breach_leaves_a_window_with_its_deadline_and_not_with_the_late_answer() -> None:
    desk = promised().tell("created", 0)
    assert outcomes(desk, at=69, window="1h")["breached first_response"] == 1
    desk.tell("message", 65, actor="agent")
    assert outcomes(desk, at=69, window="1h")["breached first_response"] == 1
    assert "breached first_response" not in outcomes(desk, at=71, window="1h")


def test_a_breach_that_waits_leaves_a_window_too() -> None:
    desk = promised().tell("created", 0)
    assert "breached first_response" not in outcomes(desk, at=71, window="1h")
    assert outcomes(desk, at=71)["breached first_response"] == 1
    assert clocks(desk, 71)["breached first_response"] == 1


def test_a_breach_is_in_all_that_was_ever_counted_before_and_after_its_settling() -> None:
    desk = Desk(promised().policy, since_beginning=True).tell("created", 0)
    for _ in range(2):
        frozen = desk.shard.freeze(START_US + 600 * MINUTE_US)
        rows = build([frozen], desk.policy, windows=("all",)).tables["sla_outcomes"].rows
        assert {row[3] + row[2]: n for row, n in rows.items() if n} == {
            "breachedfirst_response": 1,
            "breachedresolution": 1,
        }
        desk.tell("message", 500, actor="agent").tell("status_changed", 501, to="resolved")


def test_bots_and_private_notes_keep_no_promise() -> None:
    desk = promised().tell("created", 0).tell("message", 1, actor="bot")
    desk.tell("message", 2, actor="agent", public=False)
    assert outcomes(desk, at=30) == {"breached first_response": 1}


# -- next reply -------------------------------------------------------------------------------------------


def test_the_next_reply_is_due_from_the_first_unanswered_message_after_the_first_response() -> None:
    desk = promised().tell("created", 0).tell("message", 5, actor="agent")
    desk.tell("message", 10, actor="customer").tell("message", 35, actor="customer")
    assert clocks(desk, 40) == {"running resolution": 1, "at_risk next_reply": 1}
    assert outcomes(desk, at=40 + ONE_US)["breached next_reply"] == 1
    desk.tell("message", 41, actor="agent").tell("message", 42, actor="customer").tell("message", 43, actor="agent")
    assert outcomes(desk, at=50) == {"met first_response": 1, "breached next_reply": 1, "met next_reply": 1}


def test_messages_before_the_first_response_begin_no_next_reply() -> None:
    desk = promised().tell("created", 0).tell("message", 2, actor="customer")
    assert set(clocks(desk, 3)) == {"running first_response", "running resolution"}


def test_a_resolution_discards_the_answers_that_are_waited_for() -> None:
    desk = promised().tell("created", 0).tell("status_changed", 5, to="resolved")
    assert outcomes(desk) == {"met resolution": 1}
    assert clocks(desk, 60) == {}


def test_what_a_resolution_finds_breached_stays_breached() -> None:
    desk = promised().tell("created", 0).tell("status_changed", 15, to="resolved")
    assert outcomes(desk) == {"breached first_response": 1, "met resolution": 1}


def test_thanks_on_a_resolved_ticket_owe_no_answer() -> None:
    desk = promised().tell("created", 0).tell("message", 1, actor="agent").tell("status_changed", 2, to="resolved")
    desk.tell("message", 3, actor="customer")
    assert outcomes(desk) == {"met first_response": 1, "met resolution": 1}
    desk.tell("status_changed", 700, to="closed")
    assert outcomes(desk) == {"met first_response": 1, "met resolution": 1}


def test_a_message_that_reopens_begins_a_next_reply_with_the_reopening() -> None:
    desk = promised().tell("created", 0).tell("message", 1, actor="agent").tell("status_changed", 2, to="resolved")
    desk.tell("message", 100, actor="customer").tell("status_changed", 101, to="open")
    assert clocks(desk, 102)["running next_reply"] == 1
    assert "breached next_reply" not in outcomes(desk, at=131)
    assert outcomes(desk, at=131 + ONE_US)["breached next_reply"] == 1


# -- resolution -------------------------------------------------------------------------------------------


def test_the_clock_of_a_resolution_stands_still_while_the_ticket_is_pending_or_on_hold() -> None:
    desk = promised().tell("created", 0).tell("status_changed", 30, to="pending")
    assert clocks(desk, 500)["paused resolution"] == 1
    desk.tell("status_changed", 500, to="open").tell("status_changed", 510, to="on_hold")
    desk.tell("status_changed", 700, to="open")
    assert "breached resolution" not in outcomes(desk, at=720)
    assert outcomes(desk, at=720 + ONE_US)["breached resolution"] == 1


def test_a_policy_may_let_the_clock_run_while_pending() -> None:
    desk = promised(SlaPolicy(name="x", resolution_s=3600, pauses=())).tell("created", 0)
    desk.tell("status_changed", 1, to="pending")
    assert outcomes(desk, at=61) == {"breached resolution": 1}


def test_the_first_response_is_due_also_while_pending() -> None:
    desk = promised().tell("created", 0).tell("status_changed", 1, to="pending")
    assert outcomes(desk, at=11)["breached first_response"] == 1


def test_a_reopen_takes_back_a_resolution_that_was_met_and_the_clock_runs_on() -> None:
    desk = promised().tell("created", 0).tell("status_changed", 40, to="resolved")
    assert outcomes(desk, at=50)["met resolution"] == 1
    desk.tell("status_changed", 500, to="open")
    assert outcomes(desk, at=510) == {"breached first_response": 1}
    assert clocks(desk, 520) == {"at_risk resolution": 1}
    assert outcomes(desk, at=520 + ONE_US)["breached resolution"] == 1


def test_a_resolution_that_is_met_at_last_counts_once() -> None:
    desk = promised().tell("created", 0).tell("status_changed", 40, to="resolved")
    desk.tell("status_changed", 500, to="open").tell("status_changed", 510, to="closed")
    assert outcomes(desk)["met resolution"] == 1


def test_a_breached_resolution_counts_once_whatever_is_reopened() -> None:
    desk = promised().tell("created", 0).tell("status_changed", 90, to="resolved")
    desk.tell("status_changed", 100, to="open")
    assert clocks(desk, 110)["breached resolution"] == 1
    desk.tell("status_changed", 200, to="resolved").tell("status_changed", 300, to="open")
    assert outcomes(desk)["breached resolution"] == 1
    assert "met resolution" not in outcomes(desk)


# -- which promise ----------------------------------------------------------------------------------------


def test_the_first_service_level_that_holds_gives_the_targets() -> None:
    chat = SlaPolicy(name="chat", channels=("chat",), first_response_s=120)
    desk = promised(chat, GOLD).tell("created", 0, channel="chat").tell("created", 0, "T-2", channel="email")
    desk.tell("message", 5, actor="agent").tell("message", 5, "T-2", actor="agent")
    assert outcomes(desk, policy="chat") == {"breached first_response": 1}
    assert outcomes(desk, at=30, policy="gold") == {"met first_response": 1}


def test_a_ticket_that_is_promised_nothing_has_no_clock() -> None:
    desk = promised(SlaPolicy(name="chat", channels=("chat",), first_response_s=120)).tell("created", 0)
    assert clocks(desk, 5) == {}
    assert outcomes(desk.tell("message", 9, actor="agent")) == {}


def test_the_target_in_force_when_the_clock_began_holds_whatever_the_labels_become() -> None:
    chat = SlaPolicy(name="chat", channels=("chat",), first_response_s=120)
    desk = promised(chat, GOLD).tell("created", 0, channel="chat").tell("updated", 1, channel="email")
    assert outcomes(desk, at=3, policy="chat", channel="email") == {"breached first_response": 1}


def test_the_promises_of_the_founding_document_hold_without_a_policy() -> None:
    desk = Desk(Policy())
    waits_min = {"phone": 4, "chat": 2, "social": 60, "email": 1440, "form": 1440}
    for number, (channel, wait_min) in enumerate(waits_min.items()):
        desk.tell("created", 0, f"in-{number}", channel=channel)
        desk.tell("created", 0, f"late-{number}", channel=channel)
        desk.tell("message", wait_min, f"in-{number}", actor="agent")
        desk.tell("message", wait_min + SECOND_US / MINUTE_US, f"late-{number}", actor="agent")
    for channel in waits_min:
        got = outcomes(desk, at=1500, window="7d", channel=channel)
        assert got == {"met first_response": 1, "breached first_response": 1}, channel


# -- risk -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("percent", [50, 75, 90])
def test_a_clock_is_at_risk_beyond_the_share_of_its_target(percent: int) -> None:
    desk = promised(SlaPolicy(name="x", resolution_s=3600, at_risk_percent=percent)).tell("created", 0)  # type: ignore[arg-type]
    at = 60 * percent / 100
    assert clocks(desk, at) == {"running resolution": 1}
    assert clocks(desk, at + ONE_US) == {"at_risk resolution": 1}
    assert clocks(desk, 60 + ONE_US) == {"breached resolution": 1}


def test_a_clock_is_at_risk_with_few_minutes_left() -> None:
    level = SlaPolicy(name="x", resolution_s=3600, at_risk_percent=None, at_risk_left_s=300)
    desk = promised(level).tell("created", 0)
    assert clocks(desk, 55) == {"running resolution": 1}
    assert clocks(desk, 55 + ONE_US) == {"at_risk resolution": 1}


# -- hidden tickets, orphans, snapshots ---------------------------------------------------------------------


def test_clocks_of_a_hidden_ticket_are_not_shown_and_count_nothing() -> None:
    desk = promised().tell("created", 0).tell("deleted", 5)
    assert clocks(desk, 6) == {}
    assert outcomes(desk) == {}


def test_what_was_breached_before_hiding_stays() -> None:
    desk = promised().tell("created", 0).tell("deleted", 15)
    assert outcomes(desk) == {"breached first_response": 1}


def test_what_ran_out_in_hiding_is_counted_nowhere_and_waits_breached_after_restoring() -> None:
    desk = promised().tell("created", 0).tell("deleted", 5).tell("restored", 20)
    assert outcomes(desk, at=30) == {}
    assert clocks(desk, 30) == {"breached first_response": 1, "running resolution": 1}


def test_a_ticket_restored_in_time_keeps_its_deadline() -> None:
    desk = promised().tell("created", 0).tell("deleted", 5).tell("restored", 8)
    assert outcomes(desk, at=11) == {"breached first_response": 1}


def test_a_ticket_of_unknown_beginning_is_promised_nothing() -> None:
    desk = promised().tell("message", 0, actor="customer").tell("message", 1, actor="agent")
    desk.tell("message", 2, actor="customer")
    assert clocks(desk, 3) == {}


def test_a_snapshot_past_its_deadline_was_breached_before_the_history_and_only_waits() -> None:
    desk = promised().tell("snapshot", 20, created_at="2026-03-02T00:00:00Z", status="open")
    assert clocks(desk, 21) == {"breached first_response": 1, "running resolution": 1}
    assert outcomes(desk, at=21) == {}
    assert outcomes(desk, at=61) == {"breached resolution": 1}


def test_the_time_before_a_snapshot_counts_as_run() -> None:
    desk = promised().tell("snapshot", 20, created_at="2026-03-02T00:00:00Z", status="pending")
    desk.tell("status_changed", 100, to="open")
    assert "breached resolution" not in outcomes(desk, at=140)
    assert outcomes(desk, at=140 + ONE_US)["breached resolution"] == 1


def test_a_ticket_seen_resolved_before_its_creation_is_met_at_its_creation() -> None:
    desk = promised().tell("message", 1, actor="agent").tell("status_changed", 2, to="resolved").tell("created", 3)
    assert outcomes(desk) == {"met first_response": 1, "met resolution": 1}


# -- restarts -----------------------------------------------------------------------------------------------


def test_a_restart_forgets_no_clock_and_no_breach() -> None:
    desk = promised().tell("created", 0, group="a").tell("message", 15, actor="agent")
    desk.tell("message", 16, actor="customer").restart()
    assert outcomes(desk, at=30) == {"breached first_response": 1}
    assert outcomes(desk, at=47, group="a") == {"breached first_response": 1, "breached next_reply": 1}
    assert clocks(desk, 59)["at_risk resolution"] == 1


def test_a_late_answer_takes_back_the_breach_it_prevented() -> None:
    desk = promised().tell("created", 0).tell("status_changed", 90, to="pending")
    assert outcomes(desk)["breached first_response"] == 1
    desk.tell("message", 7, actor="agent")
    assert outcomes(desk) == {"met first_response": 1, "breached resolution": 1}
