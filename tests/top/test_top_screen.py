"""The screen: frames as committed, and what it says when the figures are less than true."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

import pytest
from top_canned import NOW_S, business, customers, pipeline, service, support, text

from streams.top.figures import NAMES, figures_of
from streams.top.poll import Answer
from streams.top.samples import Samples
from streams.top.screen import Session, screen

GOLDEN = Path(__file__).parent / "golden"
URL = "http://127.0.0.1:9464"


def answer(body: str, at_s: float = NOW_S, message: str | None = None) -> Answer:
    return Answer(at_s, figures_of(Samples.parse([body], NAMES), at_s), message=message)


def session(polls: int = 2, **states: bool | int) -> Session:
    made = Session([URL])
    for i in range(polls):
        about = pipeline(counted=48_000 + 250 * i, **states)  # type: ignore[arg-type]
        body = text(support(), about, customers(), service(), business())
        made.take(answer(body, NOW_S - 2 * (polls - 1 - i)))
    return made


def frame(made: Session, width: int, height: int, **options: object) -> str:
    lines = screen(made, width, height, now_s=NOW_S, zone=datetime.UTC, **options)  # type: ignore[arg-type]
    assert [line.cell_len for line in lines] == [width] * height
    return "\n".join(line.plain.rstrip() for line in lines) + "\n"


@pytest.mark.parametrize(
    ("page", "width", "height"),
    [("1", 80, 24), ("1", 120, 32), ("1", 200, 50)]
    + [(page, width, height) for page in "23456" for width, height in ((80, 24), (120, 40))],
)
def test_a_screen_looks_as_committed(page: str, width: int, height: int) -> None:
    """DESKPULSE_GOLDEN=write writes the files anew."""
    made = session()
    made.turn(page)
    drawn = frame(made, width, height)
    path = GOLDEN / f"page{page}-{width}x{height}.txt"
    if os.environ.get("DESKPULSE_GOLDEN") == "write":
        path.write_text(drawn)
    assert path.read_text() == drawn


@pytest.mark.parametrize("width", [10, 20, 39, 40, 55, 80, 149, 150, 300])
@pytest.mark.parametrize("height", [1, 3, 8, 12, 24, 39, 60])
@pytest.mark.parametrize("page", list("123456"))
def test_a_screen_fits_any_terminal(page: str, width: int, height: int) -> None:
    made = session()
    made.turn(page)
    frame(made, width, height, extra_lines=["one more line"])


def test_the_oldest_tickets_stay_in_sight_where_there_is_little_room() -> None:
    assert "over 3 d    7" in frame(session(), 80, 24)


def test_a_worker_out_of_reach_from_the_start_is_one_sentence() -> None:
    made = Session([URL])
    made.take(Answer(NOW_S, failure=f"{URL} refuses the connection"))
    drawn = frame(made, 80, 24)
    assert f"{URL} refuses the connection. Trying again." in drawn
    assert "First response" not in drawn


def test_after_a_failure_the_last_figures_stay_and_are_said_to_be_old() -> None:
    made = session()
    made.take(Answer(NOW_S + 60, failure=f"{URL} does not answer within 5 seconds"))
    drawn = frame(made, 100, 30)
    assert "What you see is from 09:30:00. Trying again." in drawn
    assert "Open tickets" in drawn


def test_a_monitor_that_recovers_says_what_it_waits_for() -> None:
    made = Session([URL])
    message = "Not ready: 3 of 8 partitions are recovering."
    made.take(answer(text(support(), pipeline(ready=False, partitions_ready=5)), message=message))
    drawn = frame(made, 140, 30)
    assert f"{message} The figures are not complete." in drawn
    assert "5 of 8 partitions" in drawn


def test_a_monitor_that_is_behind_says_by_how_much() -> None:
    drawn = frame(session(fresh=False), 100, 30)
    assert "Behind by 12,000 records: the figures are more than a minute old." in drawn
    assert "data as of 09:28:30" in drawn


def test_one_worker_of_several_is_not_taken_for_the_whole() -> None:
    drawn = frame(session(partitions_ready=4), 100, 30)
    assert "Only 4 of 8 partitions here: name every worker's address to see the whole." in drawn


def test_a_healthy_monitor_takes_no_line_for_its_state() -> None:
    assert frame(session(), 80, 24).splitlines()[1].startswith("First response p50")


def test_the_rate_of_events_is_known_from_the_second_poll_on() -> None:
    assert "- events/s" in frame(session(polls=1), 80, 24)
    assert "125 events/s" in frame(session(polls=2), 80, 24)


def test_a_worker_that_started_anew_shows_no_negative_rate() -> None:
    made = session()
    made.take(answer(text(pipeline(counted=3)), NOW_S + 2))
    assert made.events_s is None


def test_rejects_are_named_by_reason() -> None:
    assert "5 rejected: too_late 3, bad_time 2" in frame(session(), 80, 24)


def test_tab_and_numbers_turn_the_pages_and_other_keys_do_not() -> None:
    made = session()
    titles = []
    for key in ("x", "\t", "6", "\t", "5", ""):
        made.turn(key)
        titles.append(made.page.title)
    assert titles == ["support", "promises", "money", "support", "customers", "customers"]


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("2", "No promise has been counted yet."),
        ("3", "No survey was answered and nobody has complained yet."),
        ("4", "No agent has been heard of yet."),
        ("5", "No customer has been counted yet."),
        ("6", "No money has moved yet."),
    ],
)
def test_a_page_of_what_was_never_counted_says_so(page: str, sentence: str) -> None:
    made = Session([URL])
    made.take(answer(text(support(), pipeline())))
    made.turn(page)
    assert sentence in frame(made, 80, 24)


def test_every_page_is_named_where_there_is_room_and_has_its_key_where_not() -> None:
    assert "2 promises" in frame(session(), 120, 24).splitlines()[0]
    narrow = frame(session(), 80, 24).splitlines()[0]
    assert "1 support" in narrow
    assert "promises" not in narrow
    assert narrow.rstrip().endswith("as of 09:30:00")


def test_a_terminal_without_block_characters_gets_plain_ones() -> None:
    assert frame(session(), 80, 24, ascii_only=True).isascii()


def test_extra_lines_stand_at_the_bottom() -> None:
    drawn = frame(session(), 80, 24, extra_lines=["Grafana at http://127.0.0.1:3000"])
    assert drawn.splitlines()[-1] == "Grafana at http://127.0.0.1:3000"
