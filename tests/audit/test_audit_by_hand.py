"""The batch computation against small histories worked out by hand."""

import json
from typing import Any

import pytest

from streams.audit import batch_rows, compare
from streams.audit.times import RefusedError, time_text, time_us

MIDNIGHT_US = time_us("2026-03-02T00:00:00Z")
MINUTE_US = 60_000_000


def event(minute: float, kind: str, ticket: str = "desk/1", **fields: Any) -> dict[str, Any]:
    """An event `minute` minutes after midnight; `id` and `sequence` may be given."""
    moment = time_text(MIDNIGHT_US + round(minute * MINUTE_US))
    outer: dict[str, Any] = {name: fields.pop(name) for name in ("id", "sequence") if name in fields}
    return {
        "specversion": "1.0",
        "id": f"{ticket}-{minute}-{kind}",
        "source": "desk",
        "type": f"helpdesk.ticket.{kind}",
        "subject": ticket,
        "time": moment,
        "data": fields,
        **outer,
    }


def reply(minute: float, **fields: Any) -> dict[str, Any]:
    return event(minute, "message", actor="agent", **fields)


def question(minute: float, **fields: Any) -> dict[str, Any]:
    return event(minute, "message", actor="customer", **fields)


def status(minute: float, to: str, **fields: Any) -> dict[str, Any]:
    return event(minute, "status_changed", to=to, **fields)


def values(log: list[dict[str, Any]], at_minute: float, *, window: str = "all") -> dict[str, float]:
    """Every value without label sets, as `metric` or `metric/label value/...` (buckets left out)."""
    rows = batch_rows(
        log,
        as_of_us=MIDNIGHT_US + round(at_minute * MINUTE_US),
        windows=(window,),
        gauge_labels=(),
        histogram_labels=(),
    )
    found: dict[str, float] = {}
    for row in rows:
        details = [value for name, value in row["labels"].items() if name not in ("window", "clock")]
        if "le" not in row["labels"]:
            found["/".join([row["metric"], *details])] = row["value"]
    return found


def flow(log: list[dict[str, Any]], name: str, at_minute: float = 1000) -> float:
    return values(log, at_minute).get(f"tickets/{name}", 0)


def test_the_first_public_agent_message_is_the_first_response() -> None:
    log = [
        event(0, "created"),
        event(1, "message", actor="bot"),
        event(2, "message", actor="system"),
        reply(3, public=False),
        question(4),
        reply(5),
        reply(9),
    ]
    got = values(log, 10)
    assert got["first_response_seconds_gcount"] == 1
    assert got["first_response_seconds_gsum"] == 300
    assert got["messages/agent"] == 3


def test_an_event_at_the_time_asked_for_is_not_yet_counted() -> None:
    log = [event(0, "created"), reply(5)]
    assert "first_response_seconds_gcount" not in values(log, 5)
    assert values(log, 5.001)["first_response_seconds_gcount"] == 1


def test_a_reply_before_the_creation_counts_as_zero_seconds_under_the_labels_at_creation() -> None:
    log = [reply(0), event(2, "created", group="billing")]
    rows = batch_rows(log, as_of_us=MIDNIGHT_US + 10 * MINUTE_US, windows=("all",), histogram_labels=("group",))
    sums = {row["metric"]: row for row in rows if row["metric"].startswith("first_response_seconds_g")}
    assert sums["first_response_seconds_gcount"]["labels"]["group"] == "billing"
    assert sums["first_response_seconds_gsum"]["value"] == 0


def test_a_ticket_resolved_without_an_agents_message_has_no_first_response() -> None:
    got = values([event(0, "created"), status(7, "closed")], 10)
    assert "first_response_seconds_gcount" not in got
    assert got["resolution_seconds_gsum/first"] == 420


def test_closed_after_resolved_is_no_resolution_and_repeats_are_ignored() -> None:
    log = [event(0, "created"), status(1, "resolved"), status(2, "closed"), status(3, "closed", id="again")]
    got = values(log, 10)
    assert got["tickets/resolved"] == 1
    assert got["resolution_seconds_gcount/every"] == 1
    assert got["resolution_seconds_gsum/full"] == 60


def test_a_reopened_ticket_takes_back_its_full_resolution_but_keeps_its_first() -> None:
    log = [event(0, "created"), reply(1), status(2, "resolved"), status(5, "open")]
    before, after = values(log, 5), values(log, 6)
    assert before["resolution_seconds_gcount/full"] == before["tickets/one_touch"] == 1
    assert "resolution_seconds_gcount/full" not in after
    assert "tickets/one_touch" not in after
    assert after["resolution_seconds_gcount/first"] == after["resolution_seconds_gcount/every"] == 1
    assert after["tickets/reopened"] == 1
    again = values([*log, status(8, "resolved")], 10)
    assert again["resolution_seconds_gsum/full"] == 480
    assert again["resolution_seconds_gsum/every"] == 600
    assert again["resolution_seconds_gsum/first"] == 120


def test_a_wait_runs_from_the_first_unanswered_customer_message_to_the_next_reply() -> None:
    log = [
        event(0, "created", actor="agent"),
        question(2),
        question(4),
        reply(10),
        reply(11),
        question(20),
        reply(23),
    ]
    got = values(log, 30)
    assert got["reply_wait_seconds_gcount"] == 2
    assert got["reply_wait_seconds_gsum"] == (8 + 3) * 60


def test_a_resolution_discards_the_wait() -> None:
    log = [event(0, "created"), status(4, "resolved"), status(5, "open"), reply(6)]
    assert "reply_wait_seconds_gcount" not in values(log, 10)


def test_waiting_tickets_are_the_open_ones_with_an_unanswered_customer() -> None:
    log = [event(0, "created"), event(1, "created", "desk/2"), reply(3, ticket="desk/2")]
    got = values(log, 10)
    assert got["unanswered_tickets"] == 1
    assert got["unassigned_tickets"] == 2
    assert got["oldest_unanswered_timestamp_seconds"] == got["oldest_open_timestamp_seconds"]
    assert got["oldest_open_timestamp_seconds"] == MIDNIGHT_US / 1e6


def test_an_assignee_is_given_by_updates_and_taken_by_null() -> None:
    log = [event(0, "created"), event(1, "updated", assignee="ann"), status(2, "open", agent="bob")]
    assert "unassigned_tickets" not in values(log, 10)
    assert values([*log, event(3, "updated", assignee=None)], 10)["unassigned_tickets"] == 1


def test_facts_keep_the_labels_of_their_moment_while_open_counts_follow_the_current_ones() -> None:
    log = [event(0, "created", group="a"), reply(1), event(2, "updated", group="b")]
    rows = batch_rows(log, as_of_us=MIDNIGHT_US + 3 * MINUTE_US, windows=("all",))
    groups = {row["metric"]: row["labels"].get("group") for row in rows}
    assert groups["first_response_seconds_gcount"] == "a"
    assert groups["tickets"] == "a"
    assert groups["open_tickets"] == "b"
    assert groups["open_ticket_age_seconds_gcount"] == "b"


@pytest.mark.parametrize("kind", ["merged", "deleted", "marked_spam"])
def test_a_hidden_ticket_leaves_open_and_waiting_until_it_is_restored_with_its_status(kind: str) -> None:
    log = [event(0, "created"), event(1, kind), status(2, "pending")]
    hidden = values(log, 3)
    assert not {name for name in hidden if name.startswith(("open_", "un", "oldest"))}
    restored = values([*log, event(4, "restored")], 5)
    assert restored["open_tickets/pending"] == 1
    assert restored["unanswered_tickets"] == 1
    assert restored["tickets/restored"] == 1


def test_a_hidden_ticket_gets_no_first_response_and_no_resolution() -> None:
    log = [event(0, "created"), event(1, "deleted"), reply(2), status(3, "resolved")]
    got = values(log, 5)
    assert not {name for name in got if name.startswith(("first_response", "resolution"))}
    assert got["messages/agent"] == 1
    assert flow(log, "resolved") == 0


def test_a_transition_to_where_a_ticket_already_is_counts_nothing() -> None:
    log = [
        event(0, "created"),
        event(1, "deleted"),
        event(2, "deleted"),
        event(3, "restored"),
        event(4, "restored"),
    ]
    assert flow(log, "deleted") == 1
    assert flow(log, "restored") == 1


def test_a_snapshot_of_an_unknown_open_ticket_seeds_it_and_counts_nothing_before_it() -> None:
    seen = event(
        30,
        "snapshot",
        status="open",
        group="a",
        created_at=time_text(MIDNIGHT_US),
        first_response_at=time_text(MIDNIGHT_US + MINUTE_US),
        waiting_since=time_text(MIDNIGHT_US + 20 * MINUTE_US),
    )
    got = values([seen, reply(40), status(50, "resolved")], 60)
    assert got["tickets/seeded"] == 1
    assert "tickets/created" not in got
    assert "first_response_seconds_gcount" not in got
    assert got["reply_wait_seconds_gsum"] == 20 * 60
    assert got["resolution_seconds_gsum/first"] == 50 * 60


def test_a_snapshot_of_a_resolved_ticket_is_not_seeded_and_its_resolution_is_not_counted() -> None:
    log = [event(0, "snapshot", status="closed", reopens=1)]
    assert values(log, 5) == {}
    assert flow([*log, status(6, "open")], "reopened") == 1


def test_a_snapshot_that_does_not_say_when_the_ticket_was_created_gives_no_durations_from_creation() -> None:
    got = values([event(0, "snapshot", status="open"), reply(1), status(2, "resolved")], 5)
    assert not {name for name in got if name.startswith(("first_response", "resolution"))}
    assert got["tickets/resolved"] == 1


def test_a_snapshot_of_a_known_ticket_that_differs_in_being_resolved_is_a_change_of_status() -> None:
    got = values([event(0, "created"), event(3, "snapshot", status="closed")], 5)
    assert got["tickets/resolved"] == 1
    assert got["resolution_seconds_gsum/full"] == 180


def test_an_orphan_counts_as_open_and_in_messages_only() -> None:
    got = values([question(0), reply(2), status(3, "pending"), event(4, "escalated")], 10)
    assert got == {
        "open_tickets/pending": 1,
        "open_ticket_age_seconds_gcount": 1,
        "open_ticket_age_seconds_gsum": 600,
        "oldest_open_timestamp_seconds": MIDNIGHT_US / 1e6,
        "messages/customer": 1,
        "messages/agent": 1,
    }


def test_of_two_creations_only_the_first_in_order_counts_and_the_other_updates() -> None:
    log = [event(5, "created", group="b", id="late"), event(0, "created", group="a")]
    rows = batch_rows(log, as_of_us=MIDNIGHT_US + 9 * MINUTE_US, windows=("all",))
    assert [row["labels"]["group"] for row in rows if row["metric"] == "tickets"] == ["a"]
    assert [row["labels"]["group"] for row in rows if row["metric"] == "open_tickets"] == ["b"]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([reply(1), status(2, "resolved")], 1, id="one reply"),
        pytest.param([reply(1), reply(1.5), status(2, "resolved")], 0, id="two replies"),
        pytest.param([reply(1), status(1.5, "pending"), status(2, "resolved")], 0, id="a pause"),
        pytest.param([status(2, "resolved")], 0, id="no reply"),
        pytest.param([status(1, "closed"), status(1.5, "open"), reply(2), status(3, "closed")], 0, id="a reopen"),
    ],
)
def test_one_touch_needs_exactly_one_reply_no_reopen_and_no_pause(
    events: list[dict[str, Any]], expected: int
) -> None:
    assert flow([event(0, "created"), *events], "one_touch") == expected


def test_events_of_one_instant_are_ordered_by_sequence_as_a_number_and_then_by_id() -> None:
    log = [
        event(0, "created"),
        status(1, "open", sequence="10", id="a"),
        status(1, "resolved", sequence="9", id="b"),
    ]
    assert values(log, 2)["open_tickets/open"] == 1
    log[1].pop("sequence")
    assert "open_tickets/open" not in values(log, 2)


def test_a_repeat_changes_nothing_and_the_first_in_the_log_wins() -> None:
    log = [event(0, "created", id="x", group="a"), event(0, "created", id="x", group="b"), reply(1), reply(1)]
    rows = batch_rows(log, as_of_us=MIDNIGHT_US + 9 * MINUTE_US, windows=("all",))
    assert [row["labels"]["group"] for row in rows if row["metric"] == "open_tickets"] == ["a"]
    assert [row["value"] for row in rows if row["metric"] == "messages"] == [1]


@pytest.mark.parametrize(
    ("window", "included"),
    [
        ("1h", 0),
        ("1h", 0.999),
        ("24h", -23 * 60),
        ("7d", -6 * 24 * 60),
        ("30d", -29 * 24 * 60),
        ("all", -90_000),
    ],
)
def test_a_window_includes_the_running_pane(window: str, included: float) -> None:
    # as of 00:59:30 the 1h window begins at 00:00, not at 23:59:30
    log = [event(included, "created")]
    assert values(log, 59.5, window=window)["tickets/created"] == 1


def test_a_window_ends_at_its_first_pane() -> None:
    assert "tickets/created" not in values([event(-0.1, "created")], 59.5, window="1h")
    assert values([event(-0.1, "created")], 59, window="1h")["tickets/created"] == 1


def test_percentiles_interpolate_between_order_statistics() -> None:
    log = [
        {**entry, "subject": f"desk/{n}"}
        for n, minutes in enumerate([1, 2, 4, 8])
        for entry in (event(0, "created", id=f"c{n}"), reply(minutes, id=f"r{n}"))
    ]
    got = values(log, 30)
    assert got["first_response_p50"] == 180
    assert got["first_response_p90"] == pytest.approx((4 + 0.7 * 4) * 60)
    assert got["first_response_mean"] == 225


def test_a_duration_on_an_edge_belongs_to_the_bucket_below() -> None:
    rows = batch_rows([event(0, "created"), reply(1)], as_of_us=MIDNIGHT_US + 5 * MINUTE_US, windows=("all",))
    buckets = {
        row["labels"]["le"]: row["value"] for row in rows if row["metric"] == "first_response_seconds_bucket"
    }
    assert len(buckets) == 20
    assert (buckets["30.0"], buckets["60.0"], buckets["+Inf"]) == (0, 1, 1)


def test_means_and_quantiles_may_be_broken_down_on_one_side_but_not_be_missing() -> None:
    rows = batch_rows([event(0, "created"), reply(1)], as_of_us=MIDNIGHT_US + 5 * MINUTE_US, windows=("all",))
    total = [row for row in rows if row["metric"] == "first_response_p50" and "group" not in row["labels"]]
    single = [row for row in rows if row["metric"] == "first_response_p50" and "group" in row["labels"]]
    assert compare(total + single, total) == []
    assert compare(total + single, single) == []
    assert len(compare(total + single, [])) == 2
    assert len(compare(single, [{**row, "value": 1.0} for row in single])) == 1


def test_what_a_hidden_ticket_does_is_remembered_but_not_counted() -> None:
    log = [event(0, "created"), event(1, "deleted"), reply(2), status(3, "resolved"), event(4, "restored")]
    after = values([*log, status(5, "open"), reply(6), status(7, "closed")], 10)
    assert "unanswered_tickets" not in after
    assert not {name for name in after if name.startswith(("first_response", "reply_wait"))}
    assert "resolution_seconds_gcount/first" not in after
    assert after["resolution_seconds_gsum/full"] == 420
    assert after["tickets/reopened"] == after["tickets/resolved"] == 1


def test_what_stands_at_a_late_creation_is_counted_with_the_creation() -> None:
    log = [reply(0), status(1, "resolved"), event(2 * 24 * 60, "created")]
    got = values(log, 2 * 24 * 60 + 1, window="1h")
    assert got["tickets/created"] == got["tickets/resolved"] == 1
    assert got["resolution_seconds_gsum/full"] == 0
    assert "first_response_seconds_gcount" not in got  # that one is dated at the reply


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff",
        b"{",
        b"[]",
        b"7",
        json.dumps(event(0, "vanished")).encode(),
        json.dumps(event(0, "message")).encode(),
        json.dumps(event(0, "created", group=7)).encode(),
        json.dumps(event(0, "status_changed", to="gone")).encode(),
        json.dumps({**event(0, "created"), "time": "yesterday"}).encode(),
        json.dumps({**event(0, "created"), "time": "2026-03-02T00:00:00"}).encode(),
        json.dumps({**event(0, "created"), "subject": None}).encode(),
        json.dumps({**event(0, "created"), "data": []}).encode(),
    ],
)
def test_what_is_no_acceptable_event_is_left_out(line: bytes) -> None:
    assert batch_rows([line], as_of_us=MIDNIGHT_US * 2) == []


def test_times_have_any_offset_and_digits_beyond_microseconds_are_cut() -> None:
    assert time_us("2026-03-02T01:30:00.1234569+01:30") == MIDNIGHT_US + 123_456
    with pytest.raises(RefusedError):
        time_us("2026-02-30T00:00:00Z")


def test_comparing_finds_every_difference_and_nothing_else() -> None:
    log = [event(0, "created"), reply(1), status(2, "resolved")]
    rows = batch_rows(log, as_of_us=MIDNIGHT_US + 5 * MINUTE_US)
    assert compare(rows, [*reversed(rows), {**rows[0], "metric": "another", "value": 3}]) == []
    changed = [{**row, "value": row["value"] + (row["metric"] == "tickets")} for row in rows]
    assert {difference.metric for difference in compare(rows, changed)} == {"tickets"}
    without_tickets = [row for row in rows if row["metric"] != "tickets"]
    assert {difference.metric for difference in compare(rows, without_tickets)} == {"tickets"}
    assert {difference.metric for difference in compare(without_tickets, rows)} == {"tickets"}


def test_comparing_lets_quantiles_differ_by_one_percent_and_ignores_zeros_left_out() -> None:
    row = {"time": "2026-03-02T00:00:00Z", "metric": "first_response_p50", "labels": {}, "value": 100.0}
    assert compare([row], [{**row, "value": 100.9}]) == []
    assert len(compare([row], [{**row, "value": 102.0}])) == 1
    assert compare([], [{**row, "metric": "tickets", "value": 0}]) == []
