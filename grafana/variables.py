"""Variables of boards."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common, dashboard

from metrics_core.policy import WINDOWS

#: every query goes to what is chosen here
SOURCE: Final = "datasource"
DATASOURCE: Final = common.DataSourceRef(type_val="prometheus", uid=f"${{{SOURCE}}}")
#: what ticket metrics can be narrowed to
TICKETS: Final = ("group", "channel", "priority")
ALL: Final = "$__all"

_CLOCKS = ("calendar", "business")
_MONEY = '{__name__=~"deskpulse_(revenue|mrr|spend|cash_flow)"}'
#: variable -> (its name on the board, where its values come from, what it does)
_FROM_LABELS: Final = {
    "group": ("Group", "deskpulse_tickets", "Groups of tickets; none: not in a group"),
    "channel": ("Channel", "deskpulse_tickets", "Where tickets come from"),
    "priority": ("Priority", "deskpulse_tickets", "Durations carry no priority and are not narrowed by it"),
    "currency": ("Currency", _MONEY, "Money is never added up over currencies"),
    "topic": ("Topic", "deskpulse_topic_partitions", "Topics that the monitor counts"),
    "instance": ("Worker", "deskpulse_ready", "Workers that Prometheus scrapes"),
}
_CHOICES: Final = {
    "window": ("Window", WINDOWS, "24h", "How far back is counted, up to now"),
    "clock": ("Clock", _CLOCKS, "calendar", "Durations in all time, or in the policy's business hours"),
}


def variable(name: str) -> Builder[dashboard.VariableModel]:
    """The variable of this name."""
    if name == SOURCE:
        return (
            build.DatasourceVariable(SOURCE)
            .label("Data source")
            .description("The Prometheus that scrapes the workers")
            .type("prometheus")
            .multi(False)
            .include_all(False)
            .allow_custom_value(False)
            .current(dashboard.VariableOption(selected=False, text="default", value="default"))
        )
    if name in _CHOICES:
        return _choice(name)
    label, metric, text = _FROM_LABELS[name]
    query = f"label_values({metric}, {name})"
    return (
        build.QueryVariable(name)
        .label(label)
        .description(text)
        .query(query)
        .definition(query)
        .datasource(DATASOURCE)
        .multi(True)
        .include_all(True)
        .all_value(".*")
        .allow_custom_value(True)
        .current(dashboard.VariableOption(selected=True, text=["All"], value=[ALL]))
        .refresh(dashboard.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard.VariableSort.ALPHABETICAL_ASC)
    )


def _choice(name: str) -> build.CustomVariable:
    label, values, usual, text = _CHOICES[name]
    return (
        build.CustomVariable(name)
        .label(label)
        .description(text)
        .values(",".join(values))
        .options([_option(value, usual) for value in values])
        .current(_option(usual, usual))
        .multi(False)
        .include_all(False)
        .allow_custom_value(False)
    )


def _option(value: str, usual: str) -> dashboard.VariableOption:
    return dashboard.VariableOption(selected=value == usual, text=value, value=value)
