"""Alerts about the monitor itself: whether its numbers are there, whole and of now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from metrics_core.derived.promql import PREFIX, indented, selector
from metrics_core.derived.rules import complete_rule, policies
from streams.alerting import places
from streams.alerting.alert import (
    KEEP_MONITOR_S,
    MINUTE_S,
    Alert,
    Terms,
    enclosed,
    largest,
    of_topic,
    one,
    percent,
    rows,
)

#: counted events of which one may be rejected, and the least rejected that are worth a look
_REJECTED_SHARE: Final = 0.01
_LEAST_REJECTED: Final = 10
#: of the series budget: before labels are folded, and where a worker that has folded stays
_NEAR_BUDGET: Final = 0.9
_FOLDED_ABOVE: Final = 0.4

_BUILD: Final = f"{PREFIX}build_info"
_PLACES: Final = "topic, partition"
_ANY_TOPIC: Final = "{{ $labels.topic }}"
#: of a row by partition
_ANY_PLACE: Final = "{{ .Labels.topic }} {{ .Labels.partition }}"


def monitor_alerts(terms: Terms) -> Iterator[Alert]:
    """All of them: what inhibits first, then pages, then tickets."""
    yield _untrusted(terms)
    yield _watchdog()
    yield _down()
    yield _incomplete(terms)
    yield _behind()
    yield _stalled()
    yield _recovery_stuck()
    yield _source_truncated()
    yield _events_rejected()
    yield _series_budget(terms)
    yield _versions_mixed()


def _places(name: str, how: str = "max") -> str:
    """A series by partition, whoever shows it."""
    return f"{how} by ({_PLACES}) ({PREFIX}{name})"


def _waiting() -> str:
    """Lines for a description: the partitions with most records that wait."""
    return largest(
        "Records that wait, of all topics", f"{_places('consumer_lag_records', 'sum')} > 0",
        f"{_ANY_PLACE}: {{{{ .Value }}}}",
    )  # fmt: skip


def _missing_topics(terms: Terms) -> list[str]:
    """A row for a topic that no worker has found, while there are workers."""
    partitions = (selector(f"{PREFIX}topic_partitions", {"topic": (topic,)}) for topic in terms.topics.values())
    return [f"absent({one}) and on () (count({_BUILD}) > 0)" for one in partitions]


def _untrusted(terms: Terms) -> Alert:
    def because(expression: str, reason: str) -> str:
        return f'label_replace(\n{indented(expression)},\n  "reason", "{reason}", "", ""\n)'

    parts = [
        because(f"{enclosed(complete_rule())} == 0", "incomplete"),
        *(because(missing, "incomplete") for missing in _missing_topics(terms)),
        because(f"min by (topic) ({PREFIX}partition_fresh) == 0", "behind"),
        because(f"absent({_BUILD})", "down"),
    ]
    return Alert(
        "DeskpulseNumbersUntrusted",
        "\nor\n".join(parts),
        "none", "platform", "monitor",
        summary="The numbers of {{ or $labels.topic `all topics` }} are not to be trusted: {{ $labels.reason }}.",
        counts=(
            "It reaches nobody. While it fires, Alertmanager holds back what is said about the desk; the alerts on "
            "its causes call, once they last."
        ),
        fires=(
            "At once when a topic is incomplete (a partition is recovered, refused, counted twice or by nobody, or "
            "workers count under different policies), is more than a minute behind, or no worker is scraped."
        ),
        goal="none: it is a fact",
        why="An inhibition must not wait: the alerts that call do.",
        place=places.COMPLETE,
    )  # fmt: skip


def _watchdog() -> Alert:
    return Alert(
        "DeskpulseWatchdog",
        "vector(1)",
        "none", "platform", "monitor",
        summary="Prometheus evaluates alerts and Alertmanager passes them on.",
        counts="It fires all the time, for a receiver that calls when it no longer hears it.",
        fires="Always.",
        goal="none",
        why="Silence must not look like peace.",
        place=places.READY,
    )  # fmt: skip


def _down() -> Alert:
    return Alert(
        "DeskpulseMonitorDown",
        f"absent({_BUILD})",
        "page", "platform", "monitor",
        summary="No worker is scraped: nothing is known about the desk.",
        counts=(
            "Workers that answered Prometheus' latest scrape: none. One of several that is gone is not meant here; "
            "its partitions go to the others."
        ),
        fires="No worker answers Prometheus.",
        goal="none",
        why="A worker that is restarted is back within a minute.",
        place=places.READY,
        for_s=2 * MINUTE_S,
        keep_s=KEEP_MONITOR_S,
    )  # fmt: skip


def _incomplete(terms: Terms) -> Alert:
    whole = of_topic(f'count(sum by (partition) ({PREFIX}partition_ready{{topic="%s"}}) == 1) or vector(0)')
    of = of_topic(f'max({PREFIX}topic_partitions{{topic="%s"}}) or vector(0)')
    twice = of_topic(f'count(sum by (partition) ({PREFIX}partition_ready{{topic="%s"}}) > 1) or vector(0)')
    counted_under = one(f"count({policies()}) or vector(0)")
    return Alert(
        "DeskpulseMonitorIncomplete",
        "\nor\n".join(["deskpulse:complete == 0", *_missing_topics(terms)]),
        "page", "platform", "monitor",
        summary=f"{whole} of {of} partitions of {_ANY_TOPIC} are counted exactly once: its numbers are withheld.",
        counts=(
            f"Partitions that are ready at exactly one worker. {twice} are shown by several; the workers count "
            f"under {counted_under} policies, which must be 1. A topic of 0 partitions was not found."
        ),
        detail=rows(
            "Ready partitions by worker", f"sum by (instance) ({PREFIX}partition_ready)",
            "{{ .Labels.instance }}: {{ .Value }}",
        ),
        fires=(
            "A partition is counted by nobody or twice, workers count under different policies, or a topic was not "
            "found."
        ),
        goal="none",
        why="A rebalance or a recovery takes seconds to a few minutes.",
        place=places.COMPLETE,
        for_s=5 * MINUTE_S,
        keep_s=KEEP_MONITOR_S,
        variables={"topic": _ANY_TOPIC},
    )  # fmt: skip


def _behind() -> Alert:
    lag = of_topic(f'sum({PREFIX}consumer_lag_records{{topic="%s"}})')
    return Alert(
        "DeskpulseMonitorBehind",
        f"count by (topic) (\n  {_places('partition_fresh', 'min')} == 0\n"
        f"  and {_places('partition_ready')} == 1\n)",
        "page", "platform", "monitor",
        summary=(
            f"{{{{ $value }}}} partitions of {_ANY_TOPIC} are more than a minute behind; {lag} records wait."
        ),
        counts=(
            "Partitions that are recovered and counted, but whose newest counted record is over a minute old while "
            "others wait. Alerts about the desk are silent meanwhile."
        ),
        detail=_waiting(),
        fires="A partition is more than a minute behind.",
        goal="none: a minute is what fresh means",
        why="After an outage a worker catches up; ten minutes of it are worth a look.",
        place=places.FRESH,
        for_s=10 * MINUTE_S,
        keep_s=KEEP_MONITOR_S,
        variables={"topic": _ANY_TOPIC},
    )  # fmt: skip


def _stalled() -> Alert:
    return Alert(
        "DeskpulseMonitorStalled",
        "count by (topic) (\n"
        f"  sum by ({_PLACES}) (min_over_time({PREFIX}consumer_lag_records[5m])) > 0\n"
        f"  and sum by ({_PLACES}) (increase({PREFIX}checkpoints_total[5m])) == 0\n"
        f"  and {_places('partition_ready')} == 1\n)",
        "page", "platform", "monitor",
        summary=f"{{{{ $value }}}} partitions of {_ANY_TOPIC} have not moved for 5 minutes although records wait.",
        counts=(
            "Partitions with records that wait all the time and without a checkpoint in 5 minutes; a worker that "
            "counts writes one each second."
        ),
        detail=_waiting(),
        fires="Records of a partition wait, and nothing of it is counted for 5 minutes.",
        goal="none",
        why="/livez asks for a restart after 2 minutes: this lasts in spite of it.",
        place=places.LAG,
        for_s=2 * MINUTE_S,
        keep_s=KEEP_MONITOR_S,
        variables={"topic": _ANY_TOPIC},
    )  # fmt: skip


def _recovery_stuck() -> Alert:
    share = f"{PREFIX}recovery_share"
    return Alert(
        "DeskpulseRecoveryStuck",
        "count by (topic) (\n"
        f"  {_places('recovery_blocked')} == 1\n"
        f"  or max by ({_PLACES}) ({share}) < 1\n"
        f"  and max by ({_PLACES}) (max_over_time({share}[10m]) - min_over_time({share}[10m])) == 0\n"
        f"  and max by ({_PLACES}) ({share} offset 10m) < 1\n"
        f"  unless {_places('partition_refused')} == 1\n)",
        "page", "platform", "monitor",
        summary=f"The recovery of {{{{ $value }}}} partitions of {_ANY_TOPIC} does not get on.",
        counts=(
            "Partitions whose recovery waits for a foreign open transaction, or has read nothing of its changelog "
            "for 10 minutes. /readyz of the worker names what it waits for."
        ),
        detail=rows("Blocked", f"{_places('recovery_blocked')} == 1", _ANY_PLACE),
        fires="Recovery waits for a foreign transaction, or stands still for 10 minutes.",
        goal="none",
        why="Blocked is said after two transaction timeouts; three minutes more, and nobody ends it by itself.",
        place=places.RECOVERY,
        for_s=3 * MINUTE_S,
        keep_s=KEEP_MONITOR_S,
        variables={"topic": _ANY_TOPIC},
    )  # fmt: skip


def _source_truncated() -> Alert:
    return Alert(
        "DeskpulseSourceTruncated",
        f"count by (topic) ({_places('partition_refused')} == 1)",
        "page", "platform", "monitor",
        summary=f"{{{{ $value }}}} partitions of {_ANY_TOPIC} wait for a decision: their source has changed.",
        counts=(
            "Partitions that a worker refuses to count, since records are gone that were not counted, the topic "
            "was made anew or grown, or the state cannot be used. /readyz says which and what to do."
        ),
        detail=rows("Refused", f"{_places('partition_refused')} == 1", _ANY_PLACE),
        fires="A worker refuses a partition.",
        goal="none",
        why="It does not pass by itself: a minute tells it from a restart.",
        place=places.REFUSED,
        for_s=MINUTE_S,
        keep_s=KEEP_MONITOR_S,
        variables={"topic": _ANY_TOPIC},
    )  # fmt: skip


def _events_rejected() -> Alert:
    def counted(name: str, by: str, where: str = "") -> str:
        return f"sum by ({by}) (increase({PREFIX}events_{name}_total{where}[1h]))"

    rejected, processed = counted("rejected", "topic"), counted("processed", "topic")
    own = counted("rejected", "topic, reason", '{reason="internal_error"}')
    return Alert(
        "DeskpulseEventsRejected",
        f"{counted('rejected', 'topic, reason')} > {_LEAST_REJECTED}\n"
        f"and on (topic) ({rejected} > {_REJECTED_SHARE} * ({processed} + {rejected}))\n"
        f"or {own} > 0",
        "ticket", "platform", "monitor",
        summary=(
            f"{{{{ $value | printf `%.0f` }}}} events of {_ANY_TOPIC} were rejected in an hour as "
            "{{ $labels.reason }}."
        ),
        counts=(
            "Events that could not be used and count nowhere; they lie on the topic of rejects. Counted in 1 h: "
            + of_topic(f'sum(increase({PREFIX}events_processed_total{{topic="%s"}}[1h]))', "printf `%.0f`")
            + ". `deskpulse rejected list` shows them."
        ),
        fires=(
            f"More than {_LEAST_REJECTED} events were rejected for one reason in an hour, and more than "
            f"{percent(_REJECTED_SHARE)} of the topic's; or any for internal_error, which is a fault of ours."
        ),
        goal="none",
        why="A few odd events are daily life; a share of them is a producer that has changed.",
        place=places.REJECTED,
        for_s=5 * MINUTE_S,
        keep_s=KEEP_MONITOR_S,
        variables={"topic": _ANY_TOPIC},
    )  # fmt: skip


def _series_budget(terms: Terms) -> Alert:
    budget, series = terms.series_budget, f"{PREFIX}series"
    return Alert(
        "DeskpulseSeriesBudget",
        f"max by (instance) ({series}) > {round(_NEAR_BUDGET * budget)}\n"
        f"or max by (instance) ({series} and {PREFIX}series_folded > 0) > {round(_FOLDED_ABOVE * budget)}",
        "ticket", "platform", "monitor",
        summary=f"{{{{ $labels.instance }}}} shows {{{{ $value }}}} series; the budget is {budget}.",
        counts=(
            "Series that one worker exposes. Beyond the budget it shows fewer values of the label that has most "
            "and adds the rest to `other`; totals stay right. Folded by now: "
            + one(f"sum({PREFIX}series_folded)")
            + "."
        ),
        fires=(
            f"A worker shows more than {percent(_NEAR_BUDGET)} of its budget, or has folded label values while it "
            f"shows more than {percent(_FOLDED_ABOVE)}."
        ),
        goal="setting `series_budget`; `policy.label_limit`",
        why="The budget halves a label until all fits, so a worker that it has folded stays above the lower line.",
        place=places.SERIES,
        for_s=15 * MINUTE_S,
        keep_s=KEEP_MONITOR_S,
    )  # fmt: skip


def _versions_mixed() -> Alert:
    return Alert(
        "DeskpulseSpecVersionsMixed",
        f"count({policies()}) > 1",
        "ticket", "platform", "monitor",
        summary="Workers count under {{ $value }} different policies or versions: their numbers are withheld.",
        counts="What workers count under must be one, or their numbers must not be added up.",
        detail=rows(
            "Workers", policies(),
            "version {{ .Labels.version }}, policy {{ .Labels.policy }}: {{ .Value }}",
        ),
        fires="Workers differ in the version of the metrics or in their policy.",
        goal="none",
        why="Workers that are restarted one after the other differ for minutes.",
        place=places.VERSIONS,
        for_s=15 * MINUTE_S,
        keep_s=KEEP_MONITOR_S,
    )  # fmt: skip
