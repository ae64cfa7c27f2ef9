"""Alerts about customers."""

from __future__ import annotations

from collections.abc import Iterator

from streams.alerting.alert import Alert, Terms


def crm_alerts(terms: Terms) -> Iterator[Alert]:
    """All of them."""
    yield from ()
