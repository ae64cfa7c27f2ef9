"""When alerts about the monitor itself fire, and when they just do not."""

from __future__ import annotations

from exposition import CRM, HELPDESK, Exposition, incomplete, mixed, stale, twice
from scenario import Scenario, but

PLACE = {"topic": HELPDESK, "partition": "1"}


def nothing(shown: Exposition) -> None:
    """All is well."""


def down(shown: Exposition) -> None:
    shown.end("w1", 1)
    shown.end("w2", 1)


def one_down(shown: Exposition) -> None:
    shown.end("w2", 1)


def one_down_moved(shown: Exposition) -> None:
    """The other one has its partitions by the next scrape."""
    shown.end("w2", 1)
    for topic in (HELPDESK, CRM):
        for name in ("partition_ready", "partition_fresh"):
            shown.put(name, lambda minute: int(minute > 0), "w1", topic=topic, partition="1")


def two_of_three(shown: Exposition) -> None:
    """A third worker counts as the first does."""
    mixed(shown)
    shown.put("metric_spec_info", 1, "w3", version="1", policy="1-0123456789abcdef")


def helpdesk_unready(shown: Exposition) -> None:
    shown.change("partition_ready", 0, **PLACE)


def helpdesk_behind(shown: Exposition) -> None:
    shown.change("partition_fresh", 0, **PLACE)
    shown.change("consumer_lag_records", 1_234, **PLACE)


def stalled(shown: Exposition) -> None:
    shown.change("consumer_lag_records", 17, **PLACE)
    shown.change("checkpoints_total", 42, **PLACE)


def moves_on(shown: Exposition) -> None:
    """Records wait all the time, but now and then a checkpoint is written."""
    for minute in range(3, shown.minutes, 3):
        shown.change("checkpoints_total", 42 + minute, since=minute, **PLACE)


def drained(shown: Exposition) -> None:
    for minute in range(2, shown.minutes, 4):
        shown.change("consumer_lag_records", 0, since=minute, until=minute + 1, **PLACE)


def blocked(shown: Exposition) -> None:
    helpdesk_unready(shown)
    shown.change("recovery_blocked", 1, **PLACE)
    shown.change("recovery_share", 0.5, **PLACE)


def slow_recovery(shown: Exposition) -> None:
    helpdesk_unready(shown)
    shown.put("recovery_share", lambda minute: round(minute / 1000, 3), "w2", **PLACE)


def still_recovery(shown: Exposition) -> None:
    helpdesk_unready(shown)
    shown.change("recovery_share", 0.25, **PLACE)


def refused(shown: Exposition) -> None:
    helpdesk_unready(shown)
    shown.change("partition_refused", 1, **PLACE)


def rejected(shown: Exposition, number: int, counted_a_minute: int, reason: str = "bad_json") -> None:
    """So many at once, when the monitor has run for an hour."""
    shown.put(
        "events_rejected_total", lambda minute: number * int(minute >= 60), "w1", topic=HELPDESK, reason=reason
    )
    kind = "helpdesk.ticket.created"
    shown.put("events_processed_total", lambda minute: counted_a_minute * minute, "w1", topic=HELPDESK, type=kind)
    shown.put("events_processed_total", 0, "w2", topic=HELPDESK, type=kind)


_UNTRUSTED = (
    "It reaches nobody. While it fires, Alertmanager holds back what is said about the desk; the alerts on its "
    "causes call, once they last."
)
_LAGGING = f"Records that wait, of all topics:\n- {HELPDESK} 1: "
_REJECTED = (
    "Events that could not be used and count nowhere; they lie on the topic of rejects. Counted in 1 h: {}. "
    "`deskpulse rejected list` shows them."
)

MONITOR_SCENARIOS = (
    Scenario(
        "DeskpulseNumbersUntrusted",
        helpdesk_unready,
        (nothing,),
        f"The numbers of {HELPDESK} are not to be trusted: incomplete.",
        _UNTRUSTED,
        labels={"topic": HELPDESK, "reason": "incomplete"},
    ),
    Scenario(
        "DeskpulseNumbersUntrusted",
        helpdesk_behind,
        (nothing,),
        f"The numbers of {HELPDESK} are not to be trusted: behind.",
        _UNTRUSTED,
        labels={"topic": HELPDESK, "reason": "behind"},
    ),
    Scenario(
        "DeskpulseNumbersUntrusted",
        down,
        (nothing, one_down_moved),
        "The numbers of all topics are not to be trusted: down.",
        _UNTRUSTED,
        labels={"reason": "down"},
        since=1,
    ),
    Scenario(
        "DeskpulseWatchdog",
        nothing,
        (),
        "Prometheus evaluates alerts and Alertmanager passes them on.",
        "It fires all the time, for a receiver that calls when it no longer hears it.",
    ),
    Scenario(
        "DeskpulseMonitorDown",
        down,
        (one_down,),
        "No worker is scraped: nothing is known about the desk.",
        "Workers that answered Prometheus' latest scrape: none. One of several that is gone is not meant here; its "
        "partitions go to the others.",
        since=1,
    ),
    Scenario(
        "DeskpulseMonitorIncomplete",
        helpdesk_unready,
        (nothing, stale),
        f"1 of 2 partitions of {HELPDESK} are counted exactly once: its numbers are withheld.",
        "Partitions that are ready at exactly one worker. 0 are shown by several; the workers count under 1 "
        "policies, which must be 1. A topic of 0 partitions was not found.\n"
        "Ready partitions by worker:\n- w1: 2\n- w2: 1",
        labels={"topic": HELPDESK},
    ),
    Scenario(
        "DeskpulseMonitorBehind",
        helpdesk_behind,
        (
            but(helpdesk_behind, helpdesk_unready),
            lambda shown: shown.change("consumer_lag_records", 1_234, **PLACE),
        ),
        f"1 partitions of {HELPDESK} are more than a minute behind; 1.234k records wait.",
        "Partitions that are recovered and counted, but whose newest counted record is over a minute old while "
        f"others wait. Alerts about the desk are silent meanwhile.\n{_LAGGING}1234",
        labels={"topic": HELPDESK},
    ),
    Scenario(
        "DeskpulseMonitorStalled",
        stalled,
        (but(stalled, moves_on), but(stalled, drained), but(stalled, helpdesk_unready)),
        f"1 partitions of {HELPDESK} have not moved for 5 minutes although records wait.",
        "Partitions with records that wait all the time and without a checkpoint in 5 minutes; a worker that "
        f"counts writes one each second.\n{_LAGGING}17",
        labels={"topic": HELPDESK},
        since=1,
    ),
    Scenario(
        "DeskpulseRecoveryStuck",
        blocked,
        (slow_recovery, but(still_recovery, refused)),
        f"The recovery of 1 partitions of {HELPDESK} does not get on.",
        "Partitions whose recovery waits for a foreign open transaction, or has read nothing of its changelog for "
        f"10 minutes. /readyz of the worker names what it waits for.\nBlocked:\n- {HELPDESK} 1",
        labels={"topic": HELPDESK},
    ),
    Scenario(
        "DeskpulseRecoveryStuck",
        still_recovery,
        (slow_recovery,),
        f"The recovery of 1 partitions of {HELPDESK} does not get on.",
        "Partitions whose recovery waits for a foreign open transaction, or has read nothing of its changelog for "
        "10 minutes. /readyz of the worker names what it waits for.\nBlocked:",
        labels={"topic": HELPDESK},
        since=10,
    ),
    Scenario(
        "DeskpulseSourceTruncated",
        refused,
        (helpdesk_unready,),
        f"1 partitions of {HELPDESK} wait for a decision: their source has changed.",
        "Partitions that a worker refuses to count, since records are gone that were not counted, the topic was "
        "made anew or grown, or the state cannot be used. /readyz says which and what to do.\n"
        f"Refused:\n- {HELPDESK} 1",
        labels={"topic": HELPDESK},
    ),
    Scenario(
        "DeskpulseEventsRejected",
        lambda shown: rejected(shown, 15, 20),
        (
            # one in a hundred; nearly all, but ten
            lambda shown: rejected(shown, 20, 33),
            lambda shown: rejected(shown, 10, 0),
        ),
        f"15 events of {HELPDESK} were rejected in an hour as bad_json.",
        _REJECTED.format(1200),
        labels={"topic": HELPDESK, "reason": "bad_json"},
        since=60,
    ),
    Scenario(
        "DeskpulseEventsRejected",
        lambda shown: rejected(shown, 1, 20, "internal_error"),
        (nothing,),
        f"1 events of {HELPDESK} were rejected in an hour as internal_error.",
        _REJECTED.format(1200),
        labels={"topic": HELPDESK, "reason": "internal_error"},
        since=60,
    ),
    Scenario(
        "DeskpulseSeriesBudget",
        lambda shown: shown.change("series", 45_001, worker="w2"),
        (lambda shown: shown.change("series", 45_000, worker="w2"),),
        "w2 shows 45001 series; the budget is 50000.",
        "Series that one worker exposes. Beyond the budget it shows fewer values of the label that has most and "
        "adds the rest to `other`; totals stay right. Folded by now: 0.",
        labels={"instance": "w2"},
    ),
    Scenario(
        "DeskpulseSeriesBudget",
        lambda shown: (shown.change("series", 20_001, worker="w2"), shown.change("series_folded", 7, worker="w2"))[
            0
        ],
        (
            # folded on purpose, by a limit of the policy, and far from the budget
            lambda shown: (shown.change("series", 20_000), shown.change("series_folded", 70_000))[0],
            lambda shown: shown.change("series", 20_001),
        ),
        "w2 shows 20001 series; the budget is 50000.",
        "Series that one worker exposes. Beyond the budget it shows fewer values of the label that has most and "
        "adds the rest to `other`; totals stay right. Folded by now: 7.",
        labels={"instance": "w2"},
    ),
    Scenario(
        "DeskpulseSpecVersionsMixed",
        two_of_three,
        (nothing, incomplete, twice),
        "Workers count under 2 different policies or versions: their numbers are withheld.",
        "What workers count under must be one, or their numbers must not be added up.\n"
        "Workers:\n- version 1, policy 1-0123456789abcdef: 2\n- version 1, policy 2-fedcba9876543210: 1",
    ),
)
