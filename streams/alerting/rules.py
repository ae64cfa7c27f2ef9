"""The rule files that Prometheus loads, for a deployment's own policy and topics."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from functools import cache
from typing import Final

from metrics_core.derived.rules import INTERVAL, recording_rules
from streams.alerting.alert import Alert, Terms, duration
from streams.alerting.backlog import backlog_alerts
from streams.alerting.crm import crm_alerts
from streams.alerting.helpdesk import helpdesk_alerts
from streams.alerting.intake import intake_alerts
from streams.alerting.monitor import monitor_alerts
from streams.alerting.places import Place
from streams.settings import Settings

RECORDING_FILE: Final = "deskpulse-recording.yml"
ALERTS_FILE: Final = "deskpulse-alerts.yml"
_WIDTH: Final = 112

_NOTICE: Final = """\
# Generated from streams/alerting and the policy, by `make generate` or `deskpulse rules`: do not edit. Thresholds
# are goals and promises of the policy (docs/configuration.md); docs/alerts.md lists all of it in words.
#
# An alert of scope business has no value while the monitor is incomplete, behind or counts under two policies: what
# is not known is not said. keep_firing_for carries one that fires over such a minute.
groups:
"""


def terms_of(settings: Settings) -> Terms:
    """What the alerts of these settings are made of. Raises PolicyError."""
    topics = {"helpdesk": settings.helpdesk_topic, "crm": settings.crm_topic}
    return Terms(settings.core_policy, topics, settings.series_budget)


def rule_files(terms: Terms) -> dict[str, str]:
    """Name of each rule file -> its content."""
    return {RECORDING_FILE: recording_rules(terms.topics, terms.policy), ALERTS_FILE: alerting_rules(terms)}


def groups(terms: Terms) -> dict[str, list[Alert]]:
    """Every alert, by the group of rules that it is in."""
    return {
        "deskpulse-alerts-helpdesk": [*helpdesk_alerts(terms), *backlog_alerts(terms)],
        "deskpulse-alerts-crm": list(crm_alerts(terms)),
        "deskpulse-alerts-intake": list(intake_alerts(terms)),
        "deskpulse-alerts-monitor": list(monitor_alerts(terms)),
    }


def alerts(terms: Terms) -> list[Alert]:
    """Every alert."""
    return [alert for members in groups(terms).values() for alert in members]


@cache
def alerts_by_place() -> dict[Place, list[Alert]]:
    """Alerts by the panel that they link to, which is the same for every policy."""
    found: dict[Place, list[Alert]] = {}
    for alert in alerts(Terms()):
        found.setdefault(alert.place, []).append(alert)
    return found


def alerting_rules(terms: Terms) -> str:
    """The file of alerts."""
    lines: list[str] = []
    for group, members in groups(terms).items():
        lines += [f"  - name: {group}", f"    interval: {INTERVAL}", "    rules:"]
        for alert in members:
            lines += (f"      {line}" if line else "" for line in _rule(alert))
    return _NOTICE + "\n".join(lines) + "\n"


def _rule(alert: Alert) -> Iterator[str]:
    yield from textwrap.wrap(
        f"{alert.fires} {alert.why}", _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )
    yield f"- alert: {alert.name}"
    yield from _block("expr", alert.expr)
    if alert.for_s:
        yield f"  for: {duration(alert.for_s)}"
    if alert.keep_s:
        yield f"  keep_firing_for: {duration(alert.keep_s)}"
    yield "  labels:"
    yield from (f"    {name}: {value}" for name, value in alert.labels.items())
    yield "  annotations:"
    for name, text in alert.annotations.items():
        if "\n" in text or '"' in text:
            yield from (f"  {line}" for line in _block(name, text))
        else:
            # a JSON string is a YAML string
            yield f"    {name}: {json.dumps(text, ensure_ascii=False)}"


def _block(key: str, text: str) -> Iterator[str]:
    yield f"  {key}: |-"
    yield from (f"    {line}" for line in text.split("\n"))
