"""The page of alerts: when each fires, whom it reaches, where it is shown and what silences it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from streams.alerting.alert import Alert, lasting

_REACHES = {
    "oncall": "support on-call",
    "support": "the support lead",
    "platform": "whoever runs the monitor",
}
_SILENT = {
    "business": "numbers that are incomplete, behind or of two policies; `DeskpulseNumbersUntrusted`; "
    "pages of scope `monitor`",
    "monitor": "nothing but a silence",
}


def alerts_page(intro: str, alerts: Sequence[Alert]) -> str:
    """The page; ``intro`` is what comes before the list."""
    lines = [intro, "| alert | severity | reaches | fires when |\n|---|---|---|---|"]
    lines += (
        f"| [{alert.name}](#{alert.name.lower()}) | {alert.severity} | {_reaches(alert)} | {alert.fires} |"
        for alert in alerts
    )
    return "\n".join([*lines, *(line for alert in alerts for line in _alert(alert))]) + "\n"


def _alert(alert: Alert) -> Iterator[str]:
    place = alert.place
    yield f"\n## {alert.name}\n"
    yield f"{alert.fires} {alert.why}\n"
    yield "| | |\n|---|---|"
    yield f"| threshold from | {alert.goal} |"
    yield f"| for, kept | {_for(alert.for_s)}, {_for(alert.keep_s)} |"
    yield f"| severity, team, scope | `{alert.severity}`, `{alert.team}`, `{alert.scope}` |"
    yield f"| reaches | {_reaches(alert)} |"
    yield f"| silenced by | {_SILENT[alert.scope]} |"
    yield f"| panel | [`{place.path}`](boards.md), number {place.panel} of `{place.board}` |"
    yield f"| runbook | [{alert.name}](runbooks/{alert.name}.md) |"


def _reaches(alert: Alert) -> str:
    if alert.severity == "none":
        return "a receiver of its own" if alert.name == "DeskpulseWatchdog" else "nobody"
    return _REACHES[alert.team]


def _for(seconds: int) -> str:
    return lasting(seconds) if seconds else "not at all"
