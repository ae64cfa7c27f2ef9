"""Where a ticket begins: its creation, a snapshot, or in the middle of its life."""

from desk_story import START_US, Desk

from metrics_core.times import MINUTE_US, format_us

NONE = (0, 0)


def minute(at: float) -> str:
    return format_us(START_US + round(at * MINUTE_US))


def test_a_snapshot_seeds_an_open_ticket_and_never_counts_as_created() -> None:
    desk = Desk().tell("snapshot", 0, status="pending", created_at=minute(-600), group="a")
    assert desk.flows() == {"seeded": 1}
    assert desk.open(status="pending", group="a") == 1
    assert desk.minutes("open_ticket_age_seconds") == (1, 600 + 24 * 60)


def test_a_snapshot_of_a_resolved_ticket_seeds_nothing() -> None:
    desk = Desk().tell("snapshot", 0, status="resolved", created_at=minute(-60))
    assert desk.flows() == {}
    assert desk.open() == 0


def test_a_seeded_ticket_goes_on_from_where_the_snapshot_stood() -> None:
    desk = Desk().tell("snapshot", 0, status="open", created_at=minute(-60), waiting_since=minute(-10))
    assert desk.value("unanswered_tickets") == 1
    desk.tell("message", 5, actor="agent").tell("status_changed", 10, to="resolved")
    assert desk.reply_wait() == (1, 15)
    assert desk.first_response() == (1, 65)
    assert desk.resolution("first") == (1, 70)


def test_a_seeded_ticket_that_was_answered_before_has_no_first_response_here() -> None:
    desk = Desk().tell("snapshot", 0, status="open", created_at=minute(-60), first_response_at=minute(-50))
    assert desk.tell("message", 5, actor="agent").first_response() == NONE


def test_a_seeded_ticket_that_was_resolved_before_has_its_first_resolution_behind_it() -> None:
    desk = Desk().tell("snapshot", 0, status="open", created_at=minute(-60), reopens=1)
    desk.tell("status_changed", 5, to="resolved")
    assert desk.resolution("first") == NONE
    assert desk.resolution("full") == (1, 65)


def test_a_snapshot_without_a_creation_time_gives_no_durations_from_it() -> None:
    desk = Desk().tell("snapshot", 0, status="open").tell("message", 5, actor="agent")
    desk.tell("status_changed", 6, to="resolved")
    assert desk.first_response() == desk.resolution("every") == NONE
    assert desk.flows() == {"seeded": 1, "resolved": 1, "one_touch": 1}


def test_a_snapshot_of_a_known_ticket_reconciles_its_status_through_the_ordinary_transitions() -> None:
    desk = Desk().tell("created", 0).tell("snapshot", 10, status="resolved", created_at=minute(-5))
    assert desk.flows() == {"created": 1, "resolved": 1}
    assert desk.resolution("first") == (1, 10)
    assert desk.tell("snapshot", 20, status="open").flow("reopened") == 1


def test_a_snapshot_that_agrees_with_what_is_known_changes_nothing() -> None:
    desk = Desk().tell("created", 0).tell("snapshot", 10, status="new")
    assert desk.flows() == {"created": 1}


def test_a_ticket_met_in_the_middle_is_open_and_no_more_is_known_of_it() -> None:
    desk = Desk().tell("message", 0, actor="customer").tell("message", 5, actor="agent")
    assert desk.shard.orphan_tickets == 1
    assert desk.open() == 1
    assert desk.value("messages", window="24h") == 2
    assert desk.value("unanswered_tickets") == desk.value("unassigned_tickets") == 0
    assert desk.first_response() == desk.reply_wait() == NONE
    assert desk.flows() == {}


def test_an_orphan_that_is_resolved_leaves_the_open_ones_without_a_resolution() -> None:
    desk = Desk().tell("message", 0, actor="agent").tell("status_changed", 5, to="resolved")
    assert desk.open() == 0
    assert desk.flows() == {}


def test_an_orphan_whose_creation_arrives_is_one_no_more() -> None:
    desk = Desk().tell("message", 5, actor="agent").tell("created", 0)
    assert desk.shard.orphan_tickets == 0
    assert desk.flows() == {"created": 1}
    assert desk.first_response() == (1, 5)


def test_a_second_creation_only_says_what_the_labels_are() -> None:
    desk = Desk().tell("created", 0, group="a").tell("created", 10, group="b")
    assert desk.flow("created") == 1
    assert desk.open(group="b") == 1
    assert desk.minutes("open_ticket_age_seconds") == (1, 24 * 60)


def test_open_counts_follow_the_current_labels_and_flows_those_of_their_moment() -> None:
    desk = Desk().tell("created", 0, group="a", channel="chat").tell("updated", 5, group="b")
    assert desk.open(group="b", channel="chat") == 1
    assert desk.open(group="a") == 0
    assert desk.flow("created", group="a") == 1


def test_an_update_changes_only_the_fields_it_names_and_null_clears_one() -> None:
    desk = Desk().tell("created", 0, group="a", channel="chat", priority="high").tell("updated", 1, channel=None)
    assert desk.open(group="a", channel="none", priority="high") == 1
