"""Resolution and reopening: a change to resolved or closed of an unresolved ticket, and back."""

import pytest
from desk_story import Desk

NONE = (0, 0)


def reopened() -> Desk:
    """Resolved after 10 minutes, reopened, resolved again after 30."""
    desk = Desk().tell("created", 0).tell("status_changed", 10, to="resolved")
    return desk.tell("status_changed", 20, to="open").tell("status_changed", 30, to="resolved")


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_a_change_to_resolved_or_closed_is_a_resolution(status: str) -> None:
    desk = Desk().tell("created", 0).tell("status_changed", 10, to=status)
    assert [desk.resolution(which) for which in ("first", "full", "every")] == [(1, 10)] * 3
    assert desk.flow("resolved") == 1


def test_closing_a_resolved_ticket_is_no_resolution() -> None:
    desk = (
        Desk().tell("created", 0).tell("status_changed", 10, to="resolved").tell("status_changed", 20, to="closed")
    )
    assert desk.resolution("every") == (1, 10)
    assert desk.flow("resolved") == 1


def test_the_same_status_again_is_no_resolution() -> None:
    desk = (
        Desk()
        .tell("created", 0)
        .tell("status_changed", 10, to="resolved")
        .tell("status_changed", 20, to="resolved")
    )
    assert desk.flow("resolved") == 1


def test_a_reopened_ticket_retracts_its_full_resolution_but_keeps_its_first() -> None:
    desk = Desk().tell("created", 0).tell("status_changed", 10, to="resolved").tell("status_changed", 20, to="open")
    assert desk.resolution("full") == NONE
    assert desk.resolution("first") == (1, 10)
    assert desk.resolution("every") == (1, 10)


def test_a_second_resolution_counts_from_the_creation_in_full_and_in_every() -> None:
    desk = reopened()
    assert desk.resolution("first") == (1, 10)
    assert desk.resolution("full") == (1, 30)
    assert desk.resolution("every") == (2, 40)
    assert desk.flows() == {"created": 1, "resolved": 2, "reopened": 1}


@pytest.mark.parametrize("status", ["new", "open", "pending", "on_hold"])
def test_a_change_to_any_other_status_reopens_a_resolved_ticket(status: str) -> None:
    desk = Desk().tell("created", 0).tell("status_changed", 1, to="closed").tell("status_changed", 2, to=status)
    assert desk.flow("reopened") == 1
    assert desk.open(status=status) == 1


def test_a_retraction_takes_back_the_labels_that_the_resolution_had() -> None:
    desk = Desk().tell("created", 0, group="a").tell("status_changed", 10, to="resolved")
    desk.tell("updated", 15, group="b").tell("status_changed", 20, to="open")
    assert desk.resolution("full", group="a") == NONE
    assert desk.resolution("full", group="b") == NONE
    assert desk.resolution("every", group="a") == (1, 10)


def test_one_reply_no_pause_and_no_reopen_is_one_touch() -> None:
    desk = Desk().tell("created", 0).tell("message", 1, actor="agent").tell("status_changed", 2, to="resolved")
    assert desk.flow("one_touch") == 1


def test_one_touch_is_taken_back_by_a_reopen_and_not_earned_again() -> None:
    desk = Desk().tell("created", 0).tell("message", 1, actor="agent").tell("status_changed", 2, to="resolved")
    desk.tell("status_changed", 3, to="open")
    assert desk.flow("one_touch") == 0
    desk.tell("status_changed", 4, to="resolved")
    assert desk.flow("one_touch") == 0


@pytest.mark.parametrize("replies", [0, 2])
def test_no_reply_or_two_are_not_one_touch(replies: int) -> None:
    desk = Desk().tell("created", 0)
    for minute in range(replies):
        desk.tell("message", minute + 1, actor="agent")
    assert desk.tell("status_changed", 9, to="resolved").flow("one_touch") == 0


@pytest.mark.parametrize("pause", ["pending", "on_hold"])
def test_a_pause_is_not_one_touch(pause: str) -> None:
    desk = Desk().tell("created", 0).tell("message", 1, actor="agent").tell("status_changed", 2, to=pause)
    assert desk.tell("status_changed", 3, to="resolved").flow("one_touch") == 0


def test_a_resolution_dated_before_the_creation_lasts_zero() -> None:
    desk = Desk().tell("created", 5).tell("status_changed", 3, to="resolved")
    assert desk.resolution("first") == (1, 0)


def test_a_reopen_that_arrives_late_splits_one_resolution_into_two() -> None:
    desk = (
        Desk().tell("created", 0).tell("status_changed", 10, to="resolved").tell("status_changed", 30, to="closed")
    )
    desk.tell("status_changed", 20, to="open")
    assert desk.flow("resolved") == 2
    assert desk.resolution("full") == (1, 30)


def test_escalations_count_each_time() -> None:
    assert Desk().tell("created", 0).tell("escalated", 1).tell("escalated", 2, level=2).flow("escalated") == 2
