"""Late events find their place, repeats change nothing, and what a row remembers is bounded."""

from __future__ import annotations

import pytest
from desk_story import Desk

from metrics_core.policy import Policy
from metrics_core.rows import Entry, Row, entries, sequence_key
from metrics_core.times import DAY_US

SHORT = Policy(history_events=8)


def test_a_late_event_corrects_what_was_counted_and_is_counted_as_late() -> None:
    desk = Desk().tell("created", 0).tell("status_changed", 10, to="resolved")
    desk.tell("message", 5, actor="agent")
    assert desk.flow("one_touch") == 1
    assert desk.first_response() == (1, 5)
    assert desk.shard.counters.late == 1


def test_a_repeat_changes_nothing_and_is_counted() -> None:
    desk = Desk().tell("created", 0, id="c").tell("message", 5, id="m", actor="agent")
    before = desk.flows(), desk.first_response()
    desk.tell("created", 0, id="c").tell("message", 5, id="m", actor="agent")
    assert (desk.flows(), desk.first_response()) == before
    assert desk.value("messages", window="24h") == 1
    assert desk.shard.counters.duplicates == 2


def test_of_two_contents_with_one_identity_the_first_in_the_log_wins_and_the_other_is_counted() -> None:
    desk = (
        Desk()
        .tell("created", 0)
        .tell("message", 5, id="m", actor="agent")
        .tell("message", 3, id="m", actor="agent")
    )
    assert desk.first_response() == (1, 5)
    assert (desk.shard.counters.conflicts, desk.shard.counters.duplicates) == (1, 0)


def test_one_id_of_two_sources_is_two_events() -> None:
    desk = Desk().tell("created", 0)
    desk.tell("message", 1, id="m", source="desk", actor="bot").tell(
        "message", 1, id="m", source="chat", actor="bot"
    )
    assert desk.value("messages", window="24h") == 2


def test_an_id_that_looks_like_a_part_of_another_is_no_repeat() -> None:
    desk = Desk().tell("created", 0, id="event-10").tell("message", 1, id="event-1", actor="bot")
    assert desk.value("messages", window="24h") == 1


def test_events_of_one_moment_stand_in_the_order_of_their_sequence() -> None:
    for sequences, is_open in ((("9", "10"), False), (("10", "9"), True)):
        desk = Desk().tell("created", 0)
        for sequence, status in zip(sequences, ("open", "resolved"), strict=True):
            desk.tell("status_changed", 5, to=status, sequence=sequence)
        assert desk.open() == is_open


def test_events_of_one_moment_without_a_sequence_stand_in_the_order_of_their_ids() -> None:
    for ids, is_open in ((("a", "b"), False), (("b", "a"), True)):
        desk = Desk().tell("created", 0)
        for ident, status in zip(ids, ("open", "resolved"), strict=True):
            desk.tell("status_changed", 5, to=status, id=ident)
        assert desk.open() == is_open


def test_a_history_gives_back_what_was_put_in_however_short_it_is_kept() -> None:
    idents = (
        "a",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
        "x" * 36,
        "ü" * 36,
    )
    sequences = ("", sequence_key(0), sequence_key(999), sequence_key(1000), sequence_key("a"))
    times_us = (0, 0, 5_000, 5_001, DAY_US)
    told = [
        Entry(ident, time_us, (1, None, "x"), seq)
        for ident, time_us, seq in zip(idents, times_us, sequences, strict=True)
    ]
    since_us, history = 0, b""
    for entry in told:
        history += entry.pack(since_us)
        since_us = entry.time_us
    found = entries(Row(events=len(told), history=history))
    assert [(e.ident, e.time_us, tuple(e.move), e.seq) for e in found] == [
        (e.ident, e.time_us, e.move, e.seq) for e in told
    ]


def test_a_repeat_under_a_uuid_is_found() -> None:
    ident = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
    desk = (
        Desk()
        .tell("created", 0)
        .tell("message", 5, id=ident, actor="bot")
        .tell("message", 5, id=ident, actor="bot")
    )
    assert desk.shard.counters.duplicates == 1
    desk.tell("message", 5, id=ident.upper(), actor="bot")
    assert desk.value("messages", window="24h") == 2


def test_sequences_sort_absent_first_then_numbers_by_value_then_text() -> None:
    ordered = [None, 0, "1", "9", "0010", 11, "100", str(10**40), "-1", "a", "b", "٣"]
    keys = [sequence_key(sequence) for sequence in ordered]
    assert keys == sorted(keys)
    assert sequence_key("007") == sequence_key(7)
    assert sequence_key("") == sequence_key(None)


def full_desk() -> Desk:
    """A ticket whose oldest events are remembered no more: created at 0, then a message a minute from 10 on."""
    desk = Desk(SHORT).tell("created", 0)
    for number in range(20):
        desk.tell("message", 10 + number, actor="customer")
    return desk


def test_an_event_older_than_what_the_row_remembers_is_rejected_and_counted() -> None:
    desk = full_desk().tell("message", 5, actor="agent")
    assert desk.rejected == {"beyond_history": 1}
    assert desk.first_response() == (0, 0)


def test_what_was_folded_away_stays_counted() -> None:
    desk = full_desk()
    assert desk.value("messages", window="24h") == 20
    assert desk.flow("created") == 1


def test_a_late_event_within_what_the_row_remembers_is_put_in_its_place() -> None:
    desk = full_desk().tell("message", 28.5, actor="agent")
    assert desk.rejected == {}
    assert desk.first_response() == (1, 28.5)


@pytest.mark.parametrize("messages", [7, 8, 9, 100])
def test_a_row_never_remembers_more_events_than_the_policy_allows(messages: int) -> None:
    desk = Desk(SHORT).tell("created", 0)
    for number in range(messages):
        desk.tell("message", 10 + number, actor="customer")
    row = desk.shard.tickets.get("T-1")
    assert row is not None
    assert row.events < SHORT.history_events


def test_a_rejected_event_does_not_move_the_clock() -> None:
    desk = full_desk()
    clock_us = desk.shard.clock_us
    desk.tell("message", 5, actor="agent")
    assert desk.shard.clock_us == clock_us
