"""Waits: from the first unanswered public customer message to the next public agent message."""

from desk_story import Desk

NONE = (0, 0)


def test_a_creation_by_a_customer_begins_a_wait() -> None:
    desk = Desk().tell("created", 0)
    assert desk.value("unanswered_tickets") == 1
    assert desk.tell("message", 6, actor="agent").reply_wait() == (1, 6)
    assert desk.value("unanswered_tickets") == 0


def test_a_creation_without_an_actor_is_a_customers() -> None:
    assert Desk().tell("created", 0, actor="customer").value("unanswered_tickets") == 1
    assert Desk().tell("created", 0).value("unanswered_tickets") == 1


def test_a_creation_by_an_agent_begins_no_wait() -> None:
    desk = Desk().tell("created", 0, actor="agent").tell("message", 6, actor="agent")
    assert desk.reply_wait() == NONE


def test_a_wait_counts_from_the_first_unanswered_message_not_the_last() -> None:
    desk = Desk().tell("created", 0, actor="agent").tell("message", 10, actor="customer")
    desk.tell("message", 14, actor="customer").tell("message", 15, actor="agent")
    assert desk.reply_wait() == (1, 5)


def test_every_question_that_is_answered_is_a_wait_of_its_own() -> None:
    desk = Desk().tell("created", 0).tell("message", 6, actor="agent")
    desk.tell("message", 20, actor="customer").tell("message", 23, actor="agent")
    assert desk.reply_wait() == (2, 9)


def test_private_notes_bots_and_the_system_neither_begin_nor_end_a_wait() -> None:
    desk = Desk().tell("created", 0, actor="agent").tell("message", 1, actor="customer", public=False)
    assert desk.value("unanswered_tickets") == 0
    desk.tell("message", 2, actor="customer")
    for actor in ("bot", "system"):
        desk.tell("message", 3, actor=actor)
    desk.tell("message", 4, actor="agent", public=False)
    assert desk.value("unanswered_tickets") == 1
    assert desk.reply_wait() == NONE


def test_a_resolution_discards_a_wait() -> None:
    desk = Desk().tell("created", 0).tell("status_changed", 5, to="resolved").tell("message", 6, actor="agent")
    assert desk.reply_wait() == NONE


def test_thanks_after_a_resolution_wait_only_from_when_they_were_written() -> None:
    desk = Desk().tell("created", 0).tell("status_changed", 5, to="resolved").tell("message", 6, actor="customer")
    assert desk.value("unanswered_tickets") == 0
    desk.tell("status_changed", 8, to="open").tell("message", 10, actor="agent")
    assert desk.reply_wait() == (1, 4)


def test_the_longest_waiting_customer_is_shown_by_the_time_he_wrote() -> None:
    desk = Desk().tell("created", 30, "T-1").tell("created", 10, "T-2")
    oldest = desk.value("oldest_unanswered_timestamp_seconds")
    assert oldest == Desk().tell("created", 10).value("oldest_unanswered_timestamp_seconds")
    assert oldest > 0


def test_tickets_without_an_assignee_are_counted_until_they_have_one() -> None:
    desk = Desk().tell("created", 0).tell("created", 0, "T-2", assignee="ann")
    assert desk.value("unassigned_tickets") == 1
    assert desk.tell("updated", 1, assignee="bob").value("unassigned_tickets") == 0
    assert desk.tell("updated", 2, assignee=None).value("unassigned_tickets") == 1
