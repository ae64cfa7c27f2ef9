"""What the embedded broker raises."""

from __future__ import annotations

from streams.settings import ConfigurationError


class BrokerUnavailableError(ConfigurationError):
    """The embedded broker cannot run here; the message is one sentence saying what to change."""
