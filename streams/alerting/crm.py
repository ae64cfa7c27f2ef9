"""Alerts about customers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from metrics_core.derived.formulas import Term
from streams.alerting import places
from streams.alerting.alert import HOUR_S, KEEP_TICKET_S, Alert, Terms, by_label, one, percent, recorded

#: of fewer customers, one or two who leave are above any goal
_LEAST_CUSTOMERS: Final = 50
_NOW: Final = {"window": "30d", "period": "now"}


def crm_alerts(terms: Terms) -> Iterator[Alert]:
    """All of them."""
    yield _churn_high(terms)


def _churn_high(terms: Terms) -> Alert:
    most = terms.policy.goals.churn
    at_start, lost = Term("customers_at_start", _NOW), Term("customer_changes", {**_NOW, "change": "lost"})
    by = ("segment",)
    return Alert(
        "DeskpulseChurnHigh",
        terms.guarded(
            (
                f"{recorded('customer_churn', window='30d')} > {most}",
                f"{terms.sum(at_start)} >= {_LEAST_CUSTOMERS}",
            ),
            "crm",
        ),
        "ticket", "support", "business",
        summary=(
            "{{ $value | humanizePercentage }} of the customers were lost in 30 days; at most "
            f"{percent(most)} may be."
        ),
        counts=(
            f"{one(terms.sum(lost))} customers lost in the last 30 days, of {one(terms.sum(at_start))} at their "
            "start; who came and left within them counts as lost. Who has only gone quiet is not in it."
        ),
        detail=by_label("Lost", f"{terms.sum(lost, by)} > 0", by),
        fires=(
            f"More than {percent(most)} of the customers at the start of the last 30 days were lost in them, of at "
            f"least {_LEAST_CUSTOMERS}; once the history reaches back so far."
        ),
        goal="`churn`",
        why="A month's number: an hour more says no less.",
        place=places.CHURN,
        for_s=HOUR_S,
        keep_s=KEEP_TICKET_S,
        variables={"window": "30d"},
    )  # fmt: skip
