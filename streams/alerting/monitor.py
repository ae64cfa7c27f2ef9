"""Alerts about the monitor itself."""

from __future__ import annotations

from collections.abc import Iterator

from streams.alerting.alert import Alert, Terms


def monitor_alerts(terms: Terms) -> Iterator[Alert]:
    """All of them."""
    yield from ()
