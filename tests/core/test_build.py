"""From shards to series: zeros where something may come, sums over shards, absence where nothing is."""

from __future__ import annotations

import pytest
from desk_story import START_US, Desk

from metrics_core.build import build
from metrics_core.catalog import FAMILIES, all_series
from metrics_core.policy import WINDOWS, Policy
from metrics_core.times import DAY_US

HELPDESK = ["tickets", "messages", "open_tickets", "unanswered_tickets", "unassigned_tickets"]


@pytest.mark.parametrize("name", HELPDESK)
def test_a_desk_without_events_shows_a_zero_so_that_an_alert_on_nothing_can_fire(name: str) -> None:
    rows = Desk().view().tables[name].rows
    assert rows
    assert set(rows.values()) == {0}


@pytest.mark.parametrize("name", ["first_response_seconds", "resolution_seconds", "open_ticket_age_seconds"])
def test_a_histogram_of_nothing_may_be_absent(name: str) -> None:
    assert Desk().view().tables[name].rows == {}


@pytest.mark.parametrize("name", ["oldest_unanswered_timestamp_seconds", "oldest_open_timestamp_seconds"])
def test_a_moment_that_never_was_is_absent_not_zero(name: str) -> None:
    assert Desk().view().tables[name].rows == {}


def test_a_label_set_seen_in_one_window_is_shown_in_every_window() -> None:
    desk = Desk().tell("created", 0, channel="chat")
    table = desk.view(at=2 * DAY_US / 60e6).tables["tickets"]
    at, channel_at = table.series.labels.index("window"), table.series.labels.index("channel")
    windows = {row[at] for row in table.rows if row[channel_at] == "chat"}
    assert windows == set(WINDOWS)


@pytest.mark.parametrize(
    ("name", "label"), [("tickets", "flow"), ("messages", "actor"), ("open_tickets", "status")]
)
def test_every_value_of_a_closed_label_is_shown(name: str, label: str) -> None:
    desk = Desk().tell("created", 0, channel="chat").tell("message", 0, actor="bot")
    assert desk.labels_seen(name, label) == set(desk.view().tables[name].series.enums[label])


def test_shards_add_up_and_moments_take_the_earliest() -> None:
    one, other = Desk().tell("created", 5), Desk().tell("created", 3, "T-2")
    frozen = [desk.shard.freeze(START_US + DAY_US) for desk in (one, other)]
    tables = build(frozen, Policy()).tables
    assert sum(v for v in tables["unanswered_tickets"].rows.values() if isinstance(v, int)) == 2
    [earliest] = tables["oldest_open_timestamp_seconds"].rows.values()
    assert earliest == START_US / 1e6 + 180


def test_what_was_frozen_does_not_change_with_later_events() -> None:
    desk = Desk().tell("created", 0)
    frozen = desk.shard.freeze(START_US + DAY_US)
    before = build([frozen], Policy()).tables["tickets"].rows
    desk.tell("created", 1, "T-2", channel="new").tell("status_changed", 2, to="closed").save()
    desk.shard.freeze(START_US + 2 * DAY_US)
    assert build([frozen], Policy()).tables["tickets"].rows == before


def test_the_view_says_since_when_events_are_complete() -> None:
    assert Desk().view().start_us == 0
    assert Desk().tell("created", 7).tell("created", 3, "T-2").view().start_us == START_US + 180_000_000


def test_labels_that_the_policy_leaves_out_are_summed_over() -> None:
    desk = Desk(Policy(gauge_labels=("group",), histogram_labels=()))
    desk.tell("created", 0, channel="chat", group="a").tell("created", 0, "T-2", channel="email", group="a")
    assert desk.view().tables["open_tickets"].series.labels == ("status", "group")
    assert desk.open(group="a") == 2


def test_no_two_families_share_a_series_and_every_series_says_what_it_is() -> None:
    names = [series.name for series in all_series(Policy())]
    assert len(names) == len(set(names))
    assert all(series.help.endswith(".") for series in all_series(Policy()))
    assert all(family.question.endswith("?") for family in FAMILIES)


def test_every_closed_label_belongs_to_its_series() -> None:
    for series in all_series(Policy()):
        assert set(series.enums) <= set(series.labels), series.name
