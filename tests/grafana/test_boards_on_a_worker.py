"""Every query of every board on a real worker through a real Prometheus, with each value of each variable: it gives
data, or stands below with the reason why it may give none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from boards_on_a_worker import (
    Choice,
    Moment,
    boards_for,
    choices_of,
    every_choice,
    filled,
    settings_of,
    targets_of,
    usual,
    watched_worker,
)

from grafana.lint import Json
from streams.alerting import places
from streams.broker import EmbeddedKafka

pytestmark = pytest.mark.broker

#: tickets are chosen by these
NARROWED = ("group", "channel", "priority")


@dataclass(frozen=True)
class Reason:
    """Why panels of a board may be empty when any of these values is chosen (None: any but the usual one)."""

    board: str
    panels: tuple[int, ...]
    chosen: Mapping[str, tuple[str, ...] | None]
    why: str
    letters: str = "ABCDEFGHIJ"

    def covers(self, board: str, panel: int, letter: str, changed: Choice) -> bool:
        """Whether it explains that a query of a panel is empty."""
        return (
            board == self.board
            and panel in self.panels
            and letter in self.letters
            and (not self.chosen or any(
                name in self.chosen and (self.chosen[name] is None or value in (self.chosen[name] or ()))
                for name, value in changed.items()
            ))
        )  # fmt: skip


_ANY_TICKETS = dict.fromkeys(NARROWED)
MAY_BE_EMPTY = (
    Reason(places.WALLBOARD, (11,), {}, "nobody waits"),
    Reason(places.LIVE, (13,), {}, "nobody waits"),
    Reason(places.QUEUE, (14, 15), {}, "nobody waits", letters="D"),
    Reason(places.LIVE, (26, 27, 31), _ANY_TICKETS, "none is open"),
    Reason(places.QUEUE, (14, 15), _ANY_TICKETS, "no promise is running", letters="EF"),
    Reason(places.SLA, (14, 15, 16), _ANY_TICKETS, "no promise is running"),
    Reason(places.SLA, (33,), _ANY_TICKETS, "no promise is running", letters="DE"),
    Reason(
        places.LIVE, (21, 24, 25, 28, 30, 32), {"window": ("1h",)},
        "nothing was created, answered or resolved in that hour, as may be on a Sunday",
    ),
    Reason(
        places.QUEUE, (10, 11, 12, 13, 14, 15, 21, 22, 30, 31, 32, 33, 34, 35), {"window": ("1h",)},
        "nothing was answered or resolved in that hour, as may be on a Sunday",
    ),
    Reason(places.SLA, (20,), {}, "no promise was due in the last hour, or day, for so few tickets", letters="AB"),
    Reason(places.SLA, (12, 31, 32, 33), {"window": ("1h",)}, "no promise was due in that hour"),
    Reason(places.CUSTOMERS, (42,), {"window": ("1h", "24h", "7d")}, "no lead was qualified in so short a time"),
    Reason(places.CUSTOMERS, (45,), {"window": ("1h", "24h")}, "nobody was invited in so short a time"),
    Reason(places.REVENUE, (22, 23, 40), {"window": ("1h",)}, "nobody bought anything in that hour"),
    Reason(
        places.REVENUE, (41, 53), {"window": ("1h", "24h", "7d")},
        "nobody was won, or nothing spent, in so short a time",
    ),
    Reason(places.REVENUE, (41, 50, 51, 52, 53), {"currency": None}, "the company spends in one currency"),
    Reason(
        places.SATISFACTION, (10, 11, 12, 13, 20, 21, 24, 30, 31, 33), {"window": ("1h", "24h")},
        "nobody was asked or answered, or complained, in so short a time",
    ),
    Reason(places.SATISFACTION, (11, 12, 13, 30, 31), {"window": ("7d",)}, "few are asked in a week"),
    Reason(places.SATISFACTION, (11, 13, 20, 24, 33), _ANY_TICKETS, "too few tickets for an answer or a complaint"),
    Reason(places.SATISFACTION, (36,), _ANY_TICKETS, "no complaint is open there"),
    Reason(places.TEAM, (25,), {"window": ("1h",)}, "nothing was resolved in that hour"),
)  # fmt: skip


@dataclass
class Watched:
    """The committed boards, and what they ask."""

    boards: dict[str, Json]
    moment: Moment


@pytest.fixture(scope="module")
def watched(kafka: EmbeddedKafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    settings = settings_of(kafka.bootstrap, "boards")
    with watched_worker(settings, tmp_path_factory.mktemp("boards")) as moment:
        yield Watched(boards_for(settings), moment)


@pytest.mark.parametrize("uid", places.BOARDS)
def test_every_query_gives_data_for_each_value_of_each_variable(watched: Watched, uid: str) -> None:
    board = watched.boards[uid]
    choices = choices_of(board, watched.moment)
    common = usual(choices)
    unexplained = []
    asked = 0
    for choice in every_choice(choices):
        changed = {name: value for name, value in choice.items() if value != common[name]}
        for panel, target in targets_of(board):
            if changed and not any(f"${name}" in target["expr"] for name in changed):
                continue
            asked += 1
            if not watched.moment.rows(filled(target["expr"], choice)):
                place = (uid, panel["id"], target["refId"], changed)
                if not any(reason.covers(*place) for reason in MAY_BE_EMPTY):
                    unexplained.append((panel["id"], panel["title"], target["refId"], changed))
    assert asked >= sum(1 for _ in targets_of(board))
    assert unexplained == []


@pytest.mark.parametrize("uid", places.BOARDS)
def test_every_query_gives_lines_over_time(watched: Watched, uid: str) -> None:
    choice = usual(choices_of(watched.boards[uid], watched.moment))
    empty = [
        (panel["id"], target["refId"])
        for panel, target in targets_of(watched.boards[uid])
        if not watched.moment.lines(filled(target["expr"], choice))
    ]
    assert [one for one in empty if not any(r.covers(uid, *one, {}) for r in MAY_BE_EMPTY)] == []


@pytest.mark.parametrize("uid", places.BOARDS)
def test_a_legend_names_labels_that_its_rows_have(watched: Watched, uid: str) -> None:
    choice = usual(choices_of(watched.boards[uid], watched.moment))
    nameless = [
        (panel["id"], target["refId"], label)
        for panel, target in targets_of(watched.boards[uid])
        for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])
        for row in watched.moment.rows(filled(target["expr"], choice))
        if label not in row["metric"]
    ]
    assert nameless == []


@pytest.mark.parametrize("uid", places.BOARDS)
def test_rows_that_one_panel_shows_have_names_of_their_own(watched: Watched, uid: str) -> None:
    """Two lines with one name cannot be told apart; a table's rows have their labels."""
    choice = usual(choices_of(watched.boards[uid], watched.moment))
    names: dict[int, list[str]] = {}
    for panel, target in targets_of(watched.boards[uid]):
        if panel["type"] != "table":
            for row in watched.moment.rows(filled(target["expr"], choice)):
                named = target["legendFormat"]
                for label, value in row["metric"].items():
                    named = named.replace(f"{{{{{label}}}}}", value)
                names.setdefault(panel["id"], []).append(named)
    assert {panel: sorted(found) for panel, found in names.items() if len(set(found)) < len(found)} == {}


def test_events_of_the_monitor_are_asked_in_queries_that_work(watched: Watched) -> None:
    """Whether anything happened is another matter."""
    events = watched.boards[places.LIVE]["annotations"]["list"]
    queries = [event["expr"] for event in events if "expr" in event]
    assert queries
    for query in queries:
        watched.moment.rows(filled(query, {}))
    # the worker is younger than five minutes
    (deployed,) = (query for query in queries if "build_info" in query)
    assert len(watched.moment.rows(deployed)) == 1


def test_numbers_of_the_wallboard_are_those_of_the_rules(watched: Watched) -> None:
    """With no group or channel chosen, computing and recording are one."""
    board = watched.boards[places.WALLBOARD]
    choice = usual(choices_of(board, watched.moment))
    recorded = {
        12: 'deskpulse:first_response_attainment{window="24h"}', 13: 'deskpulse:days_to_clear{window="7d"}',
        14: 'deskpulse:inflow_ratio{window="24h"}', 15: 'deskpulse:csat{window="7d"}',
    }  # fmt: skip
    for panel, target in targets_of(board):
        if panel["id"] in recorded:
            (shown,) = watched.moment.rows(filled(target["expr"], choice))
            (stored,) = watched.moment.rows(recorded[panel["id"]])
            assert float(shown["value"][1]) == pytest.approx(float(stored["value"][1]), rel=0.05)


def test_all_partitions_are_said_to_be_counted(watched: Watched) -> None:
    ((panel, target),) = (
        one for one in targets_of(watched.boards[places.WALLBOARD]) if one[0]["id"] == places.PARTITIONS_PANEL
    )
    assert panel["options"]["textMode"] == "name"
    (row,) = watched.moment.rows(target["expr"])
    assert row["metric"] == {"counted": "4", "of": "4"}
    assert row["value"][1] == "2"


def test_what_may_be_empty_are_panels_that_there_are(watched: Watched) -> None:
    named = {(reason.board, panel) for reason in MAY_BE_EMPTY for panel in reason.panels}
    there = {(uid, panel["id"]) for uid, board in watched.boards.items() for panel, _ in targets_of(board)}
    assert named - there == set()
