"""First response: creation to the first public agent message (preset strict)."""

from desk_story import Desk

NONE = (0, 0)


def test_the_first_public_agent_message_ends_the_wait_for_a_first_response() -> None:
    desk = Desk().tell("created", 0).tell("message", 7, actor="agent").tell("message", 9, actor="agent")
    assert desk.first_response() == (1, 7)


def test_a_bot_never_gives_a_first_response() -> None:
    assert Desk().tell("created", 0).tell("message", 1, actor="bot").first_response() == NONE


def test_the_system_never_gives_a_first_response() -> None:
    assert Desk().tell("created", 0).tell("message", 1, actor="system").first_response() == NONE


def test_a_private_note_of_an_agent_is_no_first_response() -> None:
    desk = Desk().tell("created", 0).tell("message", 1, actor="agent", public=False)
    assert desk.first_response() == NONE


def test_a_message_is_public_unless_it_says_otherwise() -> None:
    assert Desk().tell("created", 0).tell("message", 1, actor="agent").first_response() == (1, 1)


def test_a_ticket_created_by_an_agent_counts_to_the_next_public_agent_message() -> None:
    desk = Desk().tell("created", 0, actor="agent").tell("message", 30, actor="agent")
    assert desk.first_response() == (1, 30)


def test_a_reply_dated_before_the_creation_is_a_first_response_of_zero_and_counted_as_clamped() -> None:
    desk = Desk().tell("created", 5).tell("message", 3, actor="agent")
    assert desk.first_response() == (1, 0)
    assert desk.shard.counters.clamped == 1


def test_a_ticket_resolved_without_an_agents_message_has_no_first_response() -> None:
    desk = Desk().tell("created", 0).tell("status_changed", 5, to="resolved")
    assert desk.first_response() == NONE


def test_a_first_response_may_come_after_the_resolution() -> None:
    desk = Desk().tell("created", 0).tell("status_changed", 5, to="resolved").tell("message", 8, actor="agent")
    assert desk.first_response() == (1, 8)


def test_a_first_response_keeps_the_labels_of_its_moment() -> None:
    desk = Desk().tell("created", 0, group="a").tell("message", 1, actor="agent").tell("updated", 2, group="b")
    assert desk.first_response(group="a") == (1, 1)
    assert desk.first_response(group="b") == NONE


def test_a_reply_that_arrives_late_replaces_the_later_one_that_was_counted() -> None:
    desk = Desk().tell("created", 0).tell("message", 9, actor="agent")
    assert desk.first_response() == (1, 9)
    desk.tell("message", 4, actor="agent")
    assert desk.first_response() == (1, 4)


def test_a_creation_that_arrives_after_the_reply_gives_the_first_response_all_the_same() -> None:
    desk = Desk().tell("message", 4, actor="agent").tell("created", 0)
    assert desk.first_response() == (1, 4)


def test_messages_count_by_who_wrote_them_private_ones_included() -> None:
    desk = Desk().tell("created", 0)
    for actor in ("customer", "agent", "bot", "system"):
        desk.tell("message", 1, actor=actor).tell("message", 2, actor=actor, public=False)
    assert {actor: desk.value("messages", window="24h", actor=actor) for actor in ("customer", "agent")} == {
        "customer": 2,
        "agent": 2,
    }
    assert desk.value("messages", window="24h") == 8
