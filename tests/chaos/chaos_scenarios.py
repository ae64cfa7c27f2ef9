"""Every scenario, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chaos_act import Outcome, Stage
from chaos_logs import compaction, expired_ids, retention
from chaos_outages import broker_gone, broker_restarts, coordinator_killed
from chaos_security import credentials
from chaos_workers import joins, kills, long_stops, short_stops


@dataclass(frozen=True)
class Scenario:
    """``times``: how often the fault happens in a full run."""

    fault: str
    run: Callable[[Stage, int], Outcome]
    times: int


SCENARIOS = {
    "kills": Scenario("kill -9 of the worker, also within a recovery", kills, 50),
    "short-stops": Scenario("SIGSTOP, SIGCONT within the session timeout", short_stops, 6),
    "long-stops": Scenario("SIGSTOP, SIGCONT after the session timeout", long_stops, 4),
    "joins": Scenario("workers join, restart and leave under static membership", joins, 2),
    "restarts": Scenario("the broker restarts, in order and after kill -9", broker_restarts, 4),
    "gone": Scenario("the broker is gone for 60 s", broker_gone, 1),
    "three": Scenario("of three brokers the group's coordinator is killed", coordinator_killed, 3),
    "expired": Scenario("transactional ids expire", expired_ids, 2),
    "compaction": Scenario("aggressive compaction, and kill -9", compaction, 5),
    "retention": Scenario("the source is cut past what was counted", retention, 2),
    "secure": Scenario("SASL and TLS, other credentials after each kill -9", credentials, 4),
}
