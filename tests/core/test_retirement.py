"""Closed rows go after the horizon; what comes for them later is too late, or makes a partial row."""

from desk_story import Desk

from metrics_core.times import DAY_US, MINUTE_US

DAY = DAY_US // MINUTE_US
HORIZON = 70 * DAY


def closed_desk() -> Desk:
    """T-1 created and closed on day 0, written to the changelog."""
    return Desk().tell("created", 0).tell("status_changed", 10, to="closed").save()


def test_a_closed_row_is_kept_while_the_horizon_lasts() -> None:
    desk = closed_desk().tell("created", HORIZON - 1, "T-2").save()
    assert desk.rows == 2


def test_a_closed_row_and_its_changelog_row_go_when_the_clock_passes_the_horizon() -> None:
    desk = closed_desk()
    assert b"tT-1" in desk.changelog
    desk.tell("created", HORIZON + 2 * DAY, "T-2").save()
    assert desk.rows == 1
    assert b"tT-1" not in desk.changelog
    assert b"tT-2" in desk.changelog


def test_a_hidden_row_is_retired_like_a_closed_one() -> None:
    desk = Desk().tell("created", 0).tell("deleted", 10).save()
    assert desk.tell("created", HORIZON + 2 * DAY, "T-2").rows == 1


def test_an_open_row_is_never_retired() -> None:
    desk = Desk().tell("created", 0).save().tell("created", 3 * HORIZON, "T-2").save()
    assert desk.rows == 2
    assert desk.open() == 2


def test_a_row_reopened_in_time_is_kept() -> None:
    desk = closed_desk().tell("status_changed", 60 * DAY, to="open").tell("created", 3 * HORIZON, "T-2")
    assert desk.rows == 2


def test_an_event_for_a_retired_ticket_older_than_the_horizon_is_too_late() -> None:
    desk = closed_desk().tell("created", HORIZON + 2 * DAY, "T-2")
    desk.tell("status_changed", 20, to="open")
    assert desk.rejected == {"too_late": 1}
    assert desk.rows == 1


def test_an_event_for_an_unknown_ticket_older_than_the_horizon_is_too_late() -> None:
    desk = Desk().tell("created", HORIZON + 2 * DAY, "T-2").tell("created", 0)
    assert desk.rejected == {"too_late": 1}


def test_an_event_for_a_known_open_ticket_is_never_too_late() -> None:
    desk = Desk().tell("created", 0).tell("created", 2 * HORIZON, "T-2").tell("message", 5, actor="agent")
    assert desk.rejected == {}


def test_a_younger_event_for_a_retired_ticket_makes_a_partial_row() -> None:
    desk = closed_desk().tell("created", HORIZON + 2 * DAY, "T-2")
    desk.tell("message", HORIZON + 3 * DAY, actor="agent")
    assert desk.rejected == {}
    assert desk.shard.orphan_tickets == 1
    now = HORIZON + 4 * DAY
    assert desk.value("open_tickets", at=now) == 2
    assert desk.flow("created", at=now, window="30d") == 1
    assert desk.minutes("first_response_seconds", at=now) == (0, 0)


def test_a_ticket_that_returns_past_its_horizon_is_a_partial_one_however_it_is_told() -> None:
    """Whether a sweep came by in between must not decide: the horizon does."""
    swept = closed_desk().tell("created", HORIZON + 2 * DAY, "T-2").tell("message", HORIZON + 2 * DAY, actor="bot")
    at_once = closed_desk().tell("message", HORIZON + 2 * DAY, actor="bot")
    assert swept.shard.orphan_tickets == at_once.shard.orphan_tickets == 1


def test_retirement_goes_on_after_a_restart() -> None:
    desk = closed_desk().restart().tell("created", HORIZON + 2 * DAY, "T-2").save()
    assert desk.rows == 1
    assert b"tT-1" not in desk.changelog


def test_a_report_keeps_every_row_and_nothing_is_too_late() -> None:
    desk = Desk(retire=False).tell("created", 0).tell("status_changed", 10, to="closed")
    desk.tell("created", 5 * HORIZON, "T-2").tell("message", 5, actor="agent")
    assert desk.rejected == {}
    assert desk.rows == 2


def test_a_ticket_that_comes_and_goes_while_the_clock_jumps_is_retired_with_the_next_day() -> None:
    desk = Desk().tell("created", 0).tell("deleted", 1).tell("created", HORIZON + 2 * DAY, "T-2").save()
    desk.tell("created", HORIZON + 3 * DAY, "T-3").save()
    assert b"tT-1" not in desk.changelog
