"""Health in words: what `/livez`, `/readyz` and the front page say."""

from __future__ import annotations

from collections import defaultdict
from html import escape
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streams.engine.status import EngineStatus

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>deskpulse</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem }}
</style>
</head>
<body>
<h1>deskpulse {version}</h1>
<p>{state}</p>
<ul>
<li><a href="/metrics">/metrics</a>: what is counted, for Prometheus</li>
<li><a href="/readyz">/readyz</a>: whether every partition is recovered, and what it waits for</li>
<li><a href="/livez">/livez</a>: whether the worker makes progress</li>
</ul>
</body>
</html>
"""


def readiness(status: EngineStatus) -> dict[str, Any]:
    """The body of `/readyz`: ready, partitions ready and assigned here against those of the topic, and a
    sentence for every partition that waits for an operator."""
    topics: defaultdict[str, dict[str, int]] = defaultdict(lambda: {"ready": 0, "assigned": 0, "of": 0})
    for topic, count in status.topic_partitions.items():
        topics[topic]["of"] = count
    recovering, refusals = [], []
    for (topic, partition), state in sorted(status.partitions.items()):
        topics[topic]["assigned"] += 1
        topics[topic]["ready"] += state.ready
        reason = state.refused or state.recovery_blocked
        if reason is not None:
            refusals.append({"topic": topic, "partition": partition, "reason": reason})
        elif not state.ready:
            recovering.append(
                {
                    "topic": topic,
                    "partition": partition,
                    "rows": state.recovery_rows,
                    "share": round(state.recovery_share, 3),
                    "seconds": round(state.recovery_seconds, 3),
                }
            )
    return {
        "ready": status.ready,
        "partitions": dict(sorted(topics.items())),
        "recovering": recovering,
        "refused": refusals,
    }


def sentence(status: EngineStatus) -> str:
    """The worker's state in one sentence."""
    state = readiness(status)
    if state["refused"]:
        return f"Not ready: {state['refused'][0]['reason']}"
    if status.ready:
        count = sum(topic["ready"] for topic in state["partitions"].values())
        return f"Ready: {count} partition{'' if count == 1 else 's'} counted here."
    if not status.partitions:
        return "Not ready: waiting for partitions to be assigned."
    return f"Not ready: {len(state['recovering'])} of {len(status.partitions)} partitions are recovering."


def page(status: EngineStatus) -> str:
    """The front page."""
    return _PAGE.format(version=escape(version("deskpulse")), state=escape(sentence(status)))
