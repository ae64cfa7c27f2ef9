"""What a shard writes is all it needs to go on as if nothing had happened."""

from __future__ import annotations

import pytest
from desk_story import START_US, Desk

from metrics_core import changelog
from metrics_core.policy import Policy
from metrics_core.shard import Shard
from metrics_core.tickets.machine import Ticket
from metrics_core.tickets.open_tickets import Glance


def busy_desk(save_between: bool) -> Desk:
    desk = Desk()
    for number in range(30):
        subject = f"T-{number % 7}"
        desk.tell("created", number, subject, channel=f"c{number % 3}", group="a")
        desk.tell("message", number + 0.5, subject, actor="agent" if number % 2 else "customer")
        desk.tell("status_changed", number + 0.7, subject, to="resolved" if number % 3 else "open")
        if save_between:
            desk.save()
    return desk.save()


def test_a_shard_loaded_from_its_changelog_counts_the_same() -> None:
    desk = busy_desk(save_between=True)
    before = desk.view()
    assert desk.restart().view() == before


def test_a_shard_loaded_from_its_changelog_writes_what_the_old_one_would_have() -> None:
    one, other = busy_desk(save_between=True), busy_desk(save_between=True).restart()
    for desk in (one, other):
        desk.tell("message", 100, "T-1", actor="agent").tell("status_changed", 15, "T-2", to="closed").save()
    assert one.changelog.keys() == other.changelog.keys()
    rows = [key for key in one.changelog if key[:1] != changelog.PANE]
    assert {key: one.changelog[key] for key in rows} == {key: other.changelog[key] for key in rows}
    assert one.view() == other.view()


def test_how_often_is_saved_does_not_change_what_stands_in_the_changelog() -> None:
    often, once = busy_desk(save_between=True), busy_desk(save_between=False)
    assert often.changelog.keys() == once.changelog.keys()
    assert often.view() == once.view()


def test_every_version_of_every_row_in_order_loads_like_the_last_ones_alone() -> None:
    desk = Desk().tell("created", 0)
    log = list(desk.shard.drain())
    desk.tell("status_changed", 1, to="closed").tell("created", 2, "T-2")
    log += desk.shard.drain()
    loaded = Shard(Policy())
    for key, value in log:
        loaded.load(key, value)
    loaded.finish_load()
    assert (
        loaded.freeze(START_US + 600_000_000).open_by_status
        == desk.shard.freeze(START_US + 600_000_000).open_by_status
    )
    assert loaded.clock_us == desk.shard.clock_us


def test_what_a_recovery_looks_at_comes_first_in_a_tickets_row() -> None:
    looked_at = Glance.__struct_fields__
    assert Ticket.__struct_fields__[: len(looked_at)] == looked_at


def test_a_loaded_shard_stands_as_the_one_that_wrote_it_whatever_is_asked() -> None:
    desk = busy_desk(save_between=False)
    written = desk.shard.freeze(START_US + 600_000_000)
    assert written.waiting
    assert desk.restart().shard.freeze(START_US + 600_000_000) == written


def test_closed_hidden_orphaned_and_waiting_tickets_stand_again_as_they_stood() -> None:
    desk = Desk()
    for number, end in enumerate(("resolved", "closed", "pending", "open")):
        desk.tell("created", number, f"A-{number}", channel="chat").tell(
            "status_changed", number + 1, f"A-{number}", to=end
        )
    for number, end in enumerate(("merged", "deleted", "marked_spam", "escalated")):
        desk.tell("created", number, f"B-{number}", group="a", complaint=True).tell(end, number + 1, f"B-{number}")
    desk.tell("message", 5, "C-1", actor="customer")
    desk.tell("status_changed", 6, "C-2", to="closed")
    desk.save()
    again = desk.restart().shard
    written = desk.shard
    moment_us = START_US + 600_000_000
    assert again.freeze(moment_us) == written.freeze(moment_us)
    assert again.orphan_tickets == written.orphan_tickets == 2
    assert again.tickets._due == written.tickets._due


def test_a_drained_shard_is_clean_and_drains_nothing() -> None:
    desk = Desk().tell("created", 0)
    assert desk.shard.dirty_rows > 0
    desk.save()
    assert desk.shard.dirty_rows == 0
    assert list(desk.shard.drain()) == []


def test_a_repeat_makes_nothing_to_save() -> None:
    desk = Desk().tell("created", 0, id="c").save()
    desk.tell("created", 0, id="c")
    assert [key for key, _ in desk.shard.drain() if key[:1] != changelog.TICKET] == []


def test_no_key_of_a_shard_begins_like_one_of_the_engines() -> None:
    assert all(not key.startswith(b"\0") for key in busy_desk(save_between=False).changelog)


def test_a_row_that_nobody_wrote_is_refused_loudly() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        Shard(Policy()).load(b"?what", b"")


@pytest.mark.parametrize(("ring", "index"), [(0, 0), (2, 29_538_720), (1, -1)])
def test_pane_keys_are_read_back(ring: int, index: int) -> None:
    assert changelog.read_pane_key(changelog.pane_key(ring, index)) == (ring, index)


def test_label_keys_are_read_back() -> None:
    assert changelog.read_label_key(changelog.label_key(4_000_000_000)) == 4_000_000_000
