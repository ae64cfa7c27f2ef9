"""Leads: each stage counts once, with the origin known then."""

from __future__ import annotations

from desk_of_customers import Story


def test_each_stage_of_a_lead_counts_once() -> None:
    story = Story()
    for stage in ("created", "qualified", "qualified", "won", "won"):
        story.tell(1, f"lead.{stage}", "l/1", origin="organic")
    counted = [
        story.total(2, "leads", window="7d", stage=stage) for stage in ("created", "qualified", "won", "lost")
    ]
    assert counted == [1, 1, 1, 0]


def test_a_stage_that_names_no_origin_has_that_of_the_lead() -> None:
    story = Story().tell(1, "lead.created", "l/1", origin="referral").tell(2, "lead.won", "l/1")
    assert story.total(3, "leads", window="7d", stage="won", origin="referral") == 1
    story.tell(2, "lead.lost", "l/2")
    assert story.total(3, "leads", window="7d", stage="lost", origin="none") == 1


def test_a_late_first_stage_takes_the_place_of_the_later_one() -> None:
    story = (
        Story().tell(9, "lead.created", "l/1", origin="organic").tell(1, "lead.created", "l/1", origin="campaign")
    )
    assert story.total(10, "leads", window="7d", stage="created") == 0
    assert story.total(10, "leads", window="30d", stage="created", origin="campaign") == 1


def test_conversion_is_a_ratio_of_flows() -> None:
    story = Story()
    for number in range(4):
        story.tell(1, "lead.created", f"l/{number}", origin="service_contact")
        story.tell(1, "lead.qualified", f"l/{number}")
    story.tell(2, "lead.won", "l/1")
    story.tell(1, "customer.created", "c/1").tell(1, "lead.created", "l/9", origin="referral")
    assert story.derived(3, "conversion")["7d",] == 0.25
    assert story.derived(3, "conversion_after_service")["7d",] == 0.25
    assert story.derived(3, "referral_rate")["7d",] == 1.0
