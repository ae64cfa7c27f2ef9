"""What a seed stands for: the shape of the world and the faults that it knows. Few faults at a time, each seed
others, so that one does not hide another (swarm testing: Groce et al., ISSTA 2012)."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from sim_net import Fates
from sim_shards import Kind, real, stand_in
from sim_worker import Habits

#: one seed in so many runs the core's own shard
CORE_SHARE = 5
TOPIC = "events"

#: what the world may do to workers and logs, and how often a seed knows it
ACTIONS = {
    "kill": 0.5,
    "kill between steps": 0.5,
    "stop": 0.3,
    "freeze": 0.4,
    "freeze between steps": 0.4,
    "rebalance": 0.5,
    "cluster away": 0.15,
    "retention": 0.3,
    "compaction": 0.4,
    "foreign transaction": 0.2,
    "hanging source transaction": 0.2,
    "another worker": 0.3,
}
#: what happens at most once, and how often a seed has it
TURNS = {"truncated": 0.1, "recreated": 0.08, "grown": 0.08, "rewound": 0.08, "finalized": 0.5}


@dataclass
class Scenario:
    """Everything that is drawn before the run begins."""

    seed: int
    rng: random.Random
    kind: Kind
    partitions: int
    workers: int
    length_s: float
    records_per_s: float
    actions: list[str]
    pause_s: float
    turn: str | None
    fates: Fates
    transactional: float
    markers_s: float
    latency_s: float
    work_s: float
    chunk: int
    slice_rows: int
    static: bool
    doubled: float
    stubborn: float
    newer: float
    poison: float
    accept_loss: bool
    flow: dict[str, float] = field(default_factory=dict)

    def habits(self, number: int) -> Habits:
        """How the worker at a place is set up; the next one there may be another version."""
        rng = self.rng
        return Habits(
            accept_loss=frozenset(range(self.partitions)) if self.accept_loss else frozenset(),
            instance=f"desk-{number}" if self.static else None,
            newer=rng.random() < self.newer,
            checkpoint_s=rng.choice((0.3, 1.0, 3.0)),
            fetch_records=rng.choice((3, 20, 60)),
            stubborn=rng.random() < self.stubborn,
            **self.flow,
        )


def scenario(seed: int) -> Scenario:
    """The world of a seed."""
    rng = random.Random(seed)

    def at_times(share: float, value: float) -> float:
        return value * rng.random() if rng.random() < share else 0.0

    poison = 0.0
    partitions, tickets = rng.choice((1, 1, 2, 3)), rng.choice((2, 5))
    if seed % CORE_SHARE == 0:
        kind = real(rng, topic=TOPIC, partitions=partitions, tickets=tickets)
    else:
        poison = at_times(0.3, 0.02)
        keys = rng.choice((2, 10, 200))
        kind = stand_in(rng, keys=keys, poison=poison, bad=at_times(0.5, 0.1))
    turn = next((name for name, share in TURNS.items() if rng.random() < share), None)
    newer = rng.random() if turn == "finalized" else 0.0
    fates = Fates(**{name: at_times(0.4, 0.08) for name in Fates.__dataclass_fields__})
    return Scenario(
        seed=seed,
        rng=rng,
        kind=kind,
        partitions=partitions,
        workers=rng.choice((1, 2, 2, 3)),
        length_s=rng.uniform(10, 40),
        records_per_s=rng.choice((3.0, 8.0, 15.0)),
        actions=[name for name, share in ACTIONS.items() if rng.random() < share],
        pause_s=rng.choice((0.5, 2.0, 6.0)),
        turn=turn,
        fates=fates,
        transactional=at_times(0.5, 1.0),
        latency_s=rng.choice((0.003, 0.003, 0.03, 0.3)),
        markers_s=rng.choice((0.01, 0.01, 0.5, 3.0)),
        work_s=rng.choice((0.0, 0.0, 0.01, 0.1)),
        chunk=rng.choice((1, 5, 500)),
        slice_rows=rng.choice((1, 4, 64)),
        static=rng.random() < 0.3,
        doubled=at_times(0.15, 1.0),
        stubborn=at_times(0.2, 1.0),
        newer=newer,
        poison=poison,
        accept_loss=rng.random() < 0.4,
        flow={name: at_times(0.4, 0.1) for name in ("lost", "repeated", "reordered")},
    )
