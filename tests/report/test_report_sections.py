"""What the table of a report says: a section a question, answers first, and no number without its currency."""

from __future__ import annotations

import io
import json
from typing import Any

from rich.console import Console

from metrics_core.policy import Policy
from metrics_core.times import format_us, parse_rfc3339
from metrics_core.view import View
from streams.replay.choice import choose
from streams.report import report_shard, shard_view
from streams.report_lines import value_text
from streams.report_sections import sections, unplaced
from streams.report_table import print_report

START_US = parse_rfc3339("2026-03-02T00:00:00Z")
HOUR_US = 3_600_000_000
WINDOWS = ("24h", "7d")


def event(hour: float, what: str, subject: str, **fields: Any) -> bytes:
    return json.dumps(
        {
            "specversion": "1.0",
            "id": f"{subject}-{what}-{hour}",
            "source": "desk",
            "type": what,
            "subject": subject,
            "time": format_us(START_US + round(hour * HOUR_US)),
            "data": fields,
        }
    ).encode()


def history() -> list[bytes]:
    lines = []
    for number, answered in enumerate((0.01, 0.02, 5)):
        ticket = f"desk/{number}"
        lines.append(event(number, "helpdesk.ticket.created", ticket, channel="chat", complaint=number == 0))
        lines.append(event(number + answered, "helpdesk.ticket.message", ticket, actor="agent"))
        lines.append(event(number + answered, "helpdesk.ticket.rated", ticket, score=(5, 4, 1)[number], scale=5))
    lines.append(event(0, "helpdesk.agent.joined", "agent/1", group="billing"))
    lines += [
        event(h, "crm.survey.answered", f"crm/{h}", survey="nps", score=s) for h, s in ((1, 10), (2, 9), (3, 0))
    ]
    lines.append(event(1, "crm.customer.created", "crm/1", segment="smb"))
    lines.append(event(2, "crm.spend.recorded", "books", amount="1500.50", currency="EUR", category="sales"))
    lines.append(event(2, "finance.cash_flow.recorded", "books", amount="20000", currency="EUR", kind="operating"))
    return lines


def view() -> View:
    as_of_us = START_US + 23 * HOUR_US
    shard = report_shard(history(), as_of_us=as_of_us, choice=choose(Policy(), windows=WINDOWS))
    return shard_view(shard, as_of_us)


def said() -> dict[str, str | None]:
    """Every line of the table by its title, as of a day's window, else of now."""
    lines = [line for section in sections(view(), ()) for line in section.lines]
    assert len({line.title for line in lines}) == len(lines)
    return {line.title: line.text("24h") or line.text("now") for line in lines}


def test_every_derived_metric_has_its_section() -> None:
    assert unplaced() == []


def test_the_answers_of_the_families_stand_in_their_sections() -> None:
    lines = said()
    assert lines["sla attainment first_response chat"] == "66.7%"
    assert lines["sla outcomes chat first_response breached"] == "1"
    assert lines["csat"] == "66.7%"
    assert lines["nps"] == "+33.3"
    assert lines["complaints opened none"] == "1"
    assert lines["open complaints none"] == "1"
    assert lines["agents offline billing"] == "1"
    assert lines["cac EUR"] == "1,500.50"
    assert lines["net cash EUR"] == "20,000"


def test_ingredients_and_what_nothing_was_counted_for_are_left_out() -> None:
    lines = said()
    assert not [title for title in lines if title.startswith("survey score sum")]
    assert "sla outcomes chat next_reply met" not in lines


def test_of_ages_that_the_same_tickets_have_passed_the_largest_is_shown() -> None:
    ages = [title for title in said() if title.startswith("backlog older than")]
    assert ages == ["backlog older than 12 h"]


def test_a_table_fits_into_80_columns_with_its_numbers_whole() -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    print_report(console, view(), WINDOWS, ())
    text = console.export_text()
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "…" not in text
    assert "cash flow operating EUR" in text


def test_money_is_told_to_the_cent_while_there_is_room() -> None:
    assert value_text(9_999.5, "money") == "9,999.50"
    assert value_text(-23_124.4, "money") == "-23,124"


def test_differences_of_shares_are_points_and_nothing_has_no_sign_of_less() -> None:
    assert value_text(-0.1, "points") == "-10.0"
    assert value_text(-0.0001, "points") == "+0.0"
