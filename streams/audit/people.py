"""Agents: who is employed, and in what status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from streams.audit.events import Event
from streams.audit.windows import Flow, Span, Sums


@dataclass
class Agent:
    """One agent, told event by event."""

    employed: bool = False
    gone: bool = False  # left, and not named again since
    status: str | None = None
    group: str = "none"
    flows: list[Flow] = field(default_factory=list)
    #: since when (employed or not), in order
    employment: list[tuple[int, bool]] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        """One more event, in order."""
        self.group = event.fields.get("group") or self.group
        if event.kind in ("joined", "snapshot"):
            if event.kind == "joined" and not self.employed:
                self.flows.append(Flow("agent_changes", event.time_us, (("change", "joined"),)))
            self.employed, self.gone = True, False
        if event.kind == "left":
            if self.employed:
                self.flows.append(Flow("agent_changes", event.time_us, (("change", "left"),)))
            self.employed, self.gone, self.status = False, True, None
        elif event.fields.get("status") is not None and not self.gone:
            self.status = event.fields["status"]
        self.employment.append((event.time_us, self.employed))

    def employed_at(self, moment_us: int) -> bool:
        """Whether it was employed as of a moment."""
        before = [employed for time_us, employed in self.employment if time_us < moment_us]
        return bool(before and before[-1])


def add_agents(sums: Sums, told: Sequence[Sequence[Event]], spans: Sequence[Span], history_us: int | None) -> None:
    """Every value of agents; `history_us` is the first event of any of them."""
    agents = [Agent() for _ in told]
    for agent, events in zip(agents, told, strict=True):
        for event in events:
            agent.hear(event)
        status = agent.status or ("offline" if agent.employed else None)
        if status is not None:
            sums.add("agents", (("status", status), ("group", agent.group)))
        if agent.employed:
            sums.add("agents_employed", (("group", agent.group),))
        sums.add_flows(agent.flows, spans, history_us)
    for one in spans:
        if one.before_us is not None and history_us is not None and one.start_us > history_us:
            there = sum(agent.employed_at(one.start_us) for agent in agents)
            sums.add("agents_at_start", (("window", one.name),), there)
