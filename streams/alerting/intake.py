"""The alert on a topic that has gone quiet: nothing is wrong with the monitor, and nothing comes in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from metrics_core.derived.promql import PREFIX, selector
from streams.alerting import places
from streams.alerting.alert import KEEP_PAGE_S, MINUTE_S, Alert, Terms, duration, enclosed, lasting, of_topic
from streams.alerting.hours import open_condition

#: so many in the same span a week before, and none now, is no chance (Poisson: e^-20; half as busy, e^-10)
_LEAST_A_WEEK_AGO: Final = 20
_WATERMARK: Final = f"{PREFIX}watermark_timestamp_seconds"
_PROCESSED: Final = f"{PREFIX}events_processed_total"


def intake_alerts(terms: Terms) -> Iterator[Alert]:
    """The one that there is."""
    goals = terms.policy.goals
    quiet_s = {"helpdesk": goals.quiet_s, "crm": goals.crm_quiet_s}
    said = " and ".join(f"{lasting(quiet_s[kind])} ({kind})" for kind in terms.topics)
    if goals.intake_calendar is None:
        meant = f"a week before there were at least {_LEAST_A_WEEK_AGO} in that time"
        why = (
            "The same hour of the week before says whether events should come at this hour. A public holiday looks "
            "like a stop: silence it."
        )
    else:
        meant = f"the calendar {goals.intake_calendar} has been open for that long"
        why = (
            "The calendar says whether events should come. Prometheus knows UTC only: where clocks change, an hour "
            "that is open by one offset of the zone alone is left out."
        )
    yield Alert(
        "DeskpulseIntakeStalled",
        "\nor\n".join(enclosed(_stalled(terms, kind, quiet_s[kind])) for kind in terms.topics),
        "page", "platform", "business",
        summary="No event has come on {{ $labels.topic }} for {{ $value | humanizeDuration }}.",
        counts=(
            "Time since the newest event that is counted. The monitor itself is complete and has nothing left to "
            "read: the events do not reach the topic. Repeats and rejected events are no intake; in the last hour "
            + of_topic(f'sum(increase({PREFIX}events_rejected_total{{topic="%s"}}[1h]))', "printf `%.0f`")
            + " were rejected."
        ),
        fires=f"No event is newer than {said}, and {meant}.",
        goal="`quiet_s`, `crm_quiet_s`, `intake_calendar`",
        why=why,
        place=places.WATERMARK,
        for_s=5 * MINUTE_S,
        keep_s=KEEP_PAGE_S,
        variables={"topic": "{{ $labels.topic }}"},
    )  # fmt: skip


def _stalled(terms: Terms, kind: str, quiet_s: int) -> str:
    topic = {"topic": (terms.topics[kind],)}
    since = f"time() - max by (topic) ({selector(_WATERMARK, topic)}) > {quiet_s}"
    return terms.guarded((since, _expected(terms, topic, quiet_s)), kind)


def _expected(terms: Terms, topic: dict[str, tuple[str]], quiet_s: int) -> str:
    """A row when events should have come in the time that has passed."""
    goals = terms.policy.goals
    if goals.intake_calendar is not None:
        return open_condition(terms.policy.newest.calendars[goals.intake_calendar], quiet_s)
    counted = f"{selector(_PROCESSED, topic)}[{duration(quiet_s)}] offset 1w"
    return f"sum(increase({counted})) >= {_LEAST_A_WEEK_AGO}"
