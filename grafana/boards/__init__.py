"""Every board, in the order of the menu."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from grafana.board import Board
from grafana.boards import customers, live, pipeline, queue, revenue, satisfaction, sla, team, wallboard
from grafana.queries import Queries
from metrics_core.derived.rules import TOPICS
from metrics_core.policy import Policy

_BOARDS: tuple[Callable[[Queries], Board], ...] = (
    wallboard.board,
    live.board,
    queue.board,
    sla.board,
    customers.board,
    revenue.board,
    satisfaction.board,
    team.board,
    pipeline.board,
)


def boards(policy: Policy | None = None, topics: Mapping[str, str] = TOPICS) -> list[Board]:
    """All boards for a policy and topics of these names (kind -> name)."""
    queries = Queries(policy or Policy(), topics=topics)
    return [make(queries) for make in _BOARDS]
