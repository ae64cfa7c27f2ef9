"""The page of alerts: when each fires, whom it reaches, where it is shown and what silences it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import yaml

from streams.alerting.alert import Alert, lasting

_REACHES = {
    "oncall": "support on-call",
    "support": "the support lead",
    "platform": "whoever runs the monitor",
}
_PAGES_OF_MONITOR = "pages of scope `monitor`"
#: one matcher of Alertmanager, as the committed configuration writes them
_MATCHER = re.compile(r'(\w+) (=|!=|=~|!~) "([^"]*)"')

#: what fires silences what is silenced: matchers of both
Inhibition = tuple[Sequence[str], Sequence[str]]


def inhibitions(alertmanager_yml: str) -> list[Inhibition]:
    """The inhibitions of a configuration of Alertmanager."""
    rules = yaml.safe_load(alertmanager_yml)["inhibit_rules"]
    return [(rule["source_matchers"], rule["target_matchers"]) for rule in rules]


def alerts_page(intro: str, alerts: Sequence[Alert], inhibited: Sequence[Inhibition]) -> str:
    """The page; ``intro`` is what comes before the list."""
    lines = [intro, "| alert | severity | reaches | fires when |\n|---|---|---|---|"]
    lines += (
        f"| [{alert.name}](#{alert.name.lower()}) | {alert.severity} | {_reaches(alert)} | {alert.fires} |"
        for alert in alerts
    )
    return (
        "\n".join(
            [*lines, *(line for alert in alerts for line in _alert(alert, _silent(alert, alerts, inhibited)))]
        )
        + "\n"
    )


def _alert(alert: Alert, silent: str) -> Iterator[str]:
    place = alert.place
    yield f"\n## {alert.name}\n"
    yield f"{alert.fires} {alert.why}\n"
    yield "| | |\n|---|---|"
    yield f"| threshold from | {alert.goal} |"
    yield f"| for, kept | {_for(alert.for_s)}, {_for(alert.keep_s)} |"
    yield f"| severity, team, scope | `{alert.severity}`, `{alert.team}`, `{alert.scope}` |"
    yield f"| reaches | {_reaches(alert)} |"
    yield f"| silenced by | {silent} |"
    yield f"| panel | [`{place.path}`](boards.md), number {place.panel} of `{place.board}` |"
    yield f"| runbook | [{alert.name}](runbooks/{alert.name}.md) |"


def _silent(alert: Alert, alerts: Sequence[Alert], inhibited: Sequence[Inhibition]) -> str:
    """What keeps it from firing, then the alerts that keep what fires from being said."""
    sources = [source for source, target in inhibited if _matches(target, alert)]
    # Alertmanager lets no alert silence itself
    by = [one for one in alerts if one.name != alert.name and any(_matches(source, one) for source in sources)]
    said = ["its expression, while numbers are incomplete, behind or of two policies"] * (alert.scope == "business")
    pages = [one for one in alerts if one.scope == "monitor" and one.severity == "page"]
    if alert.scope == "business" and all(page in by for page in pages):
        by = [one for one in by if one not in pages]
        said.append(_PAGES_OF_MONITOR)
    return "; ".join([*said, *(f"`{one.name}`" for one in by)]) or "nothing but a silence"


def _matches(matchers: Sequence[str], alert: Alert) -> bool:
    labels = {"alertname": alert.name, **alert.labels}
    return all(_holds(matcher, labels) for matcher in matchers)


def _holds(matcher: str, labels: Mapping[str, str]) -> bool:
    found = _MATCHER.fullmatch(matcher)
    if found is None:
        raise ValueError(f"not a matcher that this page can read: {matcher}")
    name, operator, value = found.groups()
    own = labels.get(name, "")
    is_met = bool(re.fullmatch(value, own)) if operator.endswith("~") else own == value
    return is_met != operator.startswith("!")


def _reaches(alert: Alert) -> str:
    if alert.severity == "none":
        return "a receiver of its own" if alert.name == "DeskpulseWatchdog" else "nobody"
    return _REACHES[alert.team]


def _for(seconds: int) -> str:
    return lasting(seconds) if seconds else "not at all"
