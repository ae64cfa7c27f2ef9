"""When alerts about the desk fire, and when they just do not."""

from __future__ import annotations

from exposition import CRM, HELPDESK, Exposition, Value
from scenario import Scenario, but

BILLING = {"group": "billing", "channel": "chat"}
TECHNIQUE = {"group": "technique", "channel": "email"}
WEEK_MIN = 7 * 24 * 60


def put_both(shown: Exposition, name: str, mine: Value, others: Value, **labels: str) -> None:
    """A series of either worker; each counts tickets of one group."""
    shown.put(name, mine, "w1", **BILLING, **labels)
    shown.put(name, others, "w2", **TECHNIQUE, **labels)


def outcomes(window: str, *, met: int, breached: tuple[int, int]) -> list[tuple[str, dict[str, str], int]]:
    """Outcomes of first responses of a window: those met, and those breached at either worker."""
    mine = {"window": window, "policy": "all", "target": "first_response"}
    return [
        ("w1", {**BILLING, **mine, "outcome": "met"}, met),
        ("w1", {**BILLING, **mine, "outcome": "breached"}, breached[0]),
        ("w2", {**BILLING, **mine, "outcome": "met"}, 0),
        ("w2", {**TECHNIQUE, **mine, "outcome": "breached"}, breached[1]),
    ]


def put_outcomes(shown: Exposition, **windows: tuple[int, int, int]) -> None:
    for window, (met, *breached) in windows.items():
        for worker, labels, value in outcomes(window.strip("_"), met=met, breached=(breached[0], breached[1])):
            shown.put("sla_outcomes", value, worker, **labels)


def burn_fast(shown: Exposition) -> None:
    put_outcomes(shown, _1h=(10, 2, 4), _24h=(120, 30, 50))


def burn_slow(shown: Exposition) -> None:
    put_outcomes(shown, _24h=(85, 10, 5), _7d=(890, 60, 50))


def clocks(shown: Exposition, state: str, mine: int, others: int, target: str = "first_response") -> None:
    put_both(shown, "sla_clocks", mine, others, policy="all", target=target, state=state)


def overdue(shown: Exposition) -> None:
    clocks(shown, "breached", 7, 4)
    # other promises that are broken, and what still has time, are not meant
    clocks(shown, "breached", 50, 50, target="resolution")
    clocks(shown, "at_risk", 50, 50)


def unanswered(shown: Exposition, mine_s: int, others_s: int) -> None:
    """For how long the longest waiting customers have waited."""
    put_both(
        shown, "oldest_unanswered_timestamp_seconds",
        lambda minute: 60 * minute - mine_s, lambda minute: 60 * minute - others_s,
    )  # fmt: skip


def at_risk(shown: Exposition, risky: tuple[int, int] = (12, 4), running: tuple[int, int] = (70, 14)) -> None:
    clocks(shown, "at_risk", *risky, target="resolution")
    clocks(shown, "running", *running, target="resolution")
    clocks(shown, "breached", 300, 300, target="resolution")
    clocks(shown, "paused", 300, 300, target="resolution")


def complaints(shown: Exposition, opened: tuple[int, int], escalated: tuple[int, int]) -> None:
    for flow, values in (("opened", opened), ("escalated", escalated)):
        put_both(shown, "complaints", *values, window="7d", flow=flow, category="none")


def flows(shown: Exposition, window: str, **values: tuple[int, int]) -> None:
    known = dict.fromkeys(("created", "reopened", "restored", "resolved", "merged", "deleted", "spam"), (0, 0))
    for flow, (mine, others) in {**known, **values}.items():
        put_both(shown, "tickets", mine, others, window=window, flow=flow)


def open_tickets(shown: Exposition, mine: int, others: int) -> None:
    shown.put("open_tickets", mine, "w1", **BILLING, status="open")
    shown.put("open_tickets", others, "w2", **TECHNIQUE, status="pending")


def weeks(shown: Exposition, **more: tuple[int, int]) -> None:
    """A week and a month. 105 resolved in a week: 30 may be open."""
    flows(shown, "7d", created=(60, 50), resolved=(60, 45), **more)
    flows(shown, "30d", created=(200, 150), resolved=(190, 140))


def new_here(shown: Exposition) -> None:
    """The first week of a deployment: it is the month, too."""
    flows(shown, "30d", created=(60, 50), resolved=(60, 45))


def backlog(shown: Exposition) -> None:
    open_tickets(shown, 21, 10)
    weeks(shown)


def filling(shown: Exposition) -> None:
    open_tickets(shown, 20, 5)
    flows(shown, "24h", created=(12, 10), reopened=(1, 1), resolved=(15, 5))
    weeks(shown, merged=(1, 0), spam=(1, 0))


def inflow(shown: Exposition) -> None:
    flows(shown, "24h", created=(40, 18), reopened=(3, 0), resolved=(30, 20))
    flows(shown, "7d", created=(200, 110), resolved=(180, 70))
    flows(shown, "30d", created=(800, 400), resolved=(780, 390))


def resolutions(shown: Exposition, mine: tuple[int, int, int], others: tuple[int, int, int]) -> None:
    """How many take up to 3, 7 and 14 days, at either worker."""
    labels = {"window": "7d", "clock": "calendar", "resolution": "full"}
    for worker, place, within in (("w1", BILLING, mine), ("w2", TECHNIQUE, others)):
        for le, count in zip(("259200.0", "604800.0", "1.2096e+06", "+Inf"), (*within, within[-1]), strict=True):
            shown.put("resolution_seconds_bucket", count, worker, **place, **labels, le=le)
        shown.put("resolution_seconds_gcount", within[-1], worker, **place, **labels)


def churn(shown: Exposition, lost: tuple[int, int], at_start: tuple[int, int] = (60, 40)) -> None:
    labels = {"window": "30d", "period": "now"}
    for number, worker in enumerate(("w1", "w2")):
        shown.put("customers_at_start", at_start[number], worker, **labels)
        for change, value in (("new", 9), ("lost", lost[number]), ("reactivated", 0)):
            shown.put(
                "customer_changes", value, worker, **labels, change=change, origin="none",
                segment=("retail", "business")[number],
            )  # fmt: skip


def quiet_helpdesk(shown: Exposition) -> None:
    """Ten events a minute for a week and half an hour, then none for half an hour and more."""
    last = WEEK_MIN + 30
    shown.change("watermark_timestamp_seconds", 60 * last, since=last, topic=HELPDESK)
    shown.change("events_processed_total", 10 * last, since=last, topic=HELPDESK)


DESK_SCENARIOS = (
    Scenario(
        "DeskpulseFirstResponseBurnFast",
        burn_fast,
        (
            lambda shown: put_outcomes(shown, _1h=(14, 2, 4), _24h=(120, 30, 50)),
            lambda shown: put_outcomes(shown, _1h=(10, 2, 4), _24h=(140, 30, 30)),
            lambda shown: put_outcomes(shown, _1h=(0, 5, 4), _24h=(120, 30, 50)),
        ),
        "62.5% of the first responses due in the last hour were in time; the target is 90 %.",
        "First responses that were promised and came or fell due in the last hour; what still has time is not in "
        "it. In the last 24 hours 60% were in time; somebody is called below 70 %.\n"
        "Late in the last hour:\n- technique, email: 4\n- billing, chat: 2",
    ),
    Scenario(
        "DeskpulseFirstResponseBurnSlow",
        burn_slow,
        (
            lambda shown: put_outcomes(shown, _24h=(90, 5, 5), _7d=(890, 60, 50)),
            lambda shown: put_outcomes(shown, _24h=(85, 10, 5), _7d=(900, 50, 50)),
            lambda shown: put_outcomes(shown, _24h=(0, 5, 4), _7d=(890, 60, 50)),
        ),
        "85% of the first responses due in the last 24 hours were in time; the target is 90 %.",
        "First responses that were promised and came or fell due in the last 24 hours; what still has time is not "
        "in it. In the last 7 days 89% were in time: at this pace the month ends below the target.\n"
        "Late in the last 24 hours:\n- billing, chat: 10\n- technique, email: 5",
    ),
    Scenario(
        "DeskpulseFirstResponseOverdue",
        overdue,
        (but(overdue, lambda shown: clocks(shown, "breached", 7, 3)),),
        "11 tickets wait past their promised first response; at most 10 may.",
        "Open tickets that were promised a first response, have none and are past the deadline now. Late answers "
        "that have come, and tickets that nothing was promised for, are not in it.\n"
        "Overdue:\n- billing, chat: 7\n- technique, email: 4",
    ),
    Scenario(
        "DeskpulseOldestUnanswered",
        lambda shown: unanswered(shown, 172_860, 3_600),
        (lambda shown: unanswered(shown, 172_800, 3_600),),
        "A customer has waited 2d 0h 1m 0s for an answer; the limit is 2 days.",
        "Time since the longest waiting customer of an open ticket wrote, nights and weekends included. A private "
        "note or a bot's message is no answer.\n"
        "Longest waits:\n- billing, chat: 2d 0h 1m 0s\n- technique, email: 1h 0m 0s",
    ),
    Scenario(
        "DeskpulseSlaAtRisk",
        at_risk,
        (
            lambda shown: at_risk(shown, risky=(12, 3), running=(70, 15)),
            lambda shown: at_risk(shown, risky=(9, 0), running=(10, 0)),
        ),
        "16% of the promises that can still be kept are about to break; 15 % is usual at most.",
        "16 clocks of first responses, replies and resolutions have used most of their time, as each service level "
        "says. What is overdue already and what is paused is not in it; a ticket with several promises counts for "
        "each.\nAt risk:\n- billing, chat: 12\n- technique, email: 4",
    ),
    Scenario(
        "DeskpulseComplaintEscalation",
        lambda shown: complaints(shown, (12, 8), (1, 2)),
        (
            lambda shown: complaints(shown, (12, 8), (1, 1)),
            lambda shown: complaints(shown, (5, 4), (4, 4)),
        ),
        "15% of the complaints of 7 days were escalated; at most 10 % may be.",
        "3 complaints were escalated in the last 7 days, 20 were opened. Each counts once, however often it is "
        "escalated; one that was opened earlier counts as escalated when it is.\n"
        "Escalated:\n- technique, email: 2\n- billing, chat: 1",
    ),
    Scenario(
        "DeskpulseBacklogHigh",
        backlog,
        (
            but(backlog, lambda shown: open_tickets(shown, 20, 10)),
            but(backlog, new_here),
            # nothing was resolved, and hardly anything is open
            but(
                but(backlog, lambda shown: flows(shown, "7d", created=(1, 0))),
                lambda shown: open_tickets(shown, 9, 10),
            ),
        ),
        "31 tickets are open; the limit is 30, what 2 days take at the pace of the last 7 days.",
        "Tickets that are not resolved, closed, merged, deleted or spam, those that wait for the customer "
        "included.\nOpen:\n- billing, chat: 21\n- technique, email: 10",
    ),
    Scenario(
        "DeskpulseBacklogFillingUp",
        filling,
        (
            # level: 24 of 30; trends: 5 % of 25 in a day and in a week
            but(filling, lambda shown: open_tickets(shown, 20, 4)),
            but(filling, lambda shown: flows(shown, "24h", created=(12, 9), resolved=(15, 5))),
            but(filling, lambda shown: flows(shown, "7d", created=(60, 46), resolved=(60, 45))),
            but(filling, new_here),
        ),
        "25 tickets are open and they become more: +4 in 24 hours; the limit is 30, what 2 days take at the pace "
        "of the last 7 days.",
        "Tickets that are not resolved, closed, merged, deleted or spam. Growth: created, reopened and restored "
        "less resolved, merged, deleted and spam; +3 in 7 days. Imported tickets are no growth.\n"
        "Open:\n- billing, chat: 20\n- technique, email: 5",
    ),
    Scenario(
        "DeskpulseInflowOutpacing",
        inflow,
        (
            but(inflow, lambda shown: flows(shown, "24h", created=(40, 17), reopened=(3, 0), resolved=(30, 20))),
            but(inflow, lambda shown: flows(shown, "7d", created=(165, 110), resolved=(180, 70))),
            but(inflow, lambda shown: flows(shown, "24h", created=(30, 19), resolved=(20, 5))),
            but(inflow, lambda shown: flows(shown, "30d", created=(200, 110), resolved=(180, 70))),
        ),
        "1.22 tickets came in for each one resolved in 24 hours; the target is 1.",
        "Created and reopened over resolved. Merged, deleted and spam tickets are not taken off. In 7 days it was "
        "1.24.\nCreated in 24 hours:\n- billing, chat: 40\n- technique, email: 18",
    ),
    Scenario(
        "DeskpulseResolutionSlow",
        lambda shown: resolutions(shown, (50, 85, 100), (30, 75, 100)),
        (
            lambda shown: resolutions(shown, (50, 95, 100), (30, 85, 100)),
            lambda shown: resolutions(shown, (1, 2, 10), (1, 2, 9)),
        ),
        "One in ten tickets resolved in 7 days took 10d 12h 0m 0s or longer; the target is 7 days.",
        "From the creation to the last resolution of tickets that are resolved; what is still open is not in it, "
        "and a reopen takes the resolution back. The typical one took 4d 0h 0m 0s. Solving an old backlog raises "
        "it.\nSlower than the target:\n- technique, email: 25\n- billing, chat: 15",
    ),
    Scenario(
        "DeskpulseChurnHigh",
        lambda shown: churn(shown, (5, 1)),
        (lambda shown: churn(shown, (4, 1)), lambda shown: churn(shown, (4, 1), at_start=(30, 19))),
        "6% of the customers were lost in 30 days; at most 5 % may be.",
        "6 customers lost in the last 30 days, of 100 at their start; who came and left within them counts as "
        "lost. Who has only gone quiet is not in it.\nLost:\n- retail: 5\n- business: 1",
    ),
    Scenario(
        "DeskpulseIntakeStalled",
        quiet_helpdesk,
        (
            # a week before it was as quiet
            but(
                quiet_helpdesk,
                lambda shown: shown.change(
                    "events_processed_total", 10 * (WEEK_MIN + 30), until=WEEK_MIN, topic=HELPDESK
                ),
            ),
            # crm may be quiet for hours
            lambda shown: shown.change(
                "watermark_timestamp_seconds", 60 * (WEEK_MIN + 30), since=WEEK_MIN + 30, topic=CRM
            ),
        ),
        f"No event has come on {HELPDESK} for 2h 30m 0s.",
        "Time since the newest event that is counted. The monitor itself is complete and has nothing left to read: "
        "the events do not reach the topic. Repeats and rejected events are no intake; in the last hour 0 were "
        "rejected.",
        labels={"topic": HELPDESK},
        since=WEEK_MIN + 61,
    ),
)
