"""Merged, deleted and spam tickets leave open counts and waits; restored ones come back as they would stand."""

import pytest
from desk_story import Desk

HIDING = {"merged": "merged", "deleted": "deleted", "marked_spam": "spam"}


@pytest.mark.parametrize(("kind", "flow"), HIDING.items())
def test_a_hidden_ticket_leaves_open_counts_ages_and_waits(kind: str, flow: str) -> None:
    desk = Desk().tell("created", 0).tell(kind, 5)
    assert desk.open() == 0
    assert desk.value("unanswered_tickets") == desk.value("unassigned_tickets") == 0
    assert desk.minutes("open_ticket_age_seconds") == (0, 0)
    assert desk.flows() == {"created": 1, flow: 1}


def test_hiding_a_hidden_ticket_again_counts_once() -> None:
    assert Desk().tell("created", 0).tell("deleted", 1).tell("marked_spam", 2).flows() == {
        "created": 1,
        "deleted": 1,
    }


def test_a_restored_ticket_is_open_again_and_counts_as_restored() -> None:
    desk = Desk().tell("created", 0).tell("deleted", 5).tell("restored", 6)
    assert desk.open() == 1
    assert desk.value("unanswered_tickets") == 1
    assert desk.flows() == {"created": 1, "deleted": 1, "restored": 1}


def test_restoring_what_was_never_hidden_is_no_transition() -> None:
    assert Desk().tell("created", 0).tell("restored", 1).flows() == {"created": 1}


def test_what_happens_to_a_hidden_ticket_is_not_counted() -> None:
    desk = Desk().tell("created", 0).tell("deleted", 1).tell("message", 2, actor="agent")
    desk.tell("status_changed", 3, to="resolved").tell("status_changed", 4, to="open")
    assert desk.first_response() == desk.reply_wait() == desk.resolution("every") == (0, 0)
    assert desk.flows() == {"created": 1, "deleted": 1}


def test_a_ticket_resolved_in_hiding_comes_back_resolved() -> None:
    desk = Desk().tell("created", 0).tell("deleted", 1).tell("status_changed", 2, to="resolved").tell("restored", 3)
    assert desk.open() == 0
    assert desk.flow("resolved") == 0


def test_a_reply_given_in_hiding_is_no_first_response_later_either() -> None:
    desk = Desk().tell("created", 0).tell("deleted", 1).tell("message", 2, actor="agent").tell("restored", 3)
    assert desk.tell("message", 4, actor="agent").first_response() == (0, 0)


def test_a_ticket_hidden_before_its_creation_is_created_and_hidden() -> None:
    assert Desk().tell("deleted", 1).tell("created", 2).flows() == {"created": 1, "deleted": 1}
