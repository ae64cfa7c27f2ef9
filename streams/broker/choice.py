"""Which broker a command talks to: the one in the settings, else one of our own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from streams.broker.embedded import EmbeddedKafka
from streams.broker.progress import download_progress
from streams.settings import Settings


@contextlib.contextmanager
def broker_for(settings: Settings) -> Iterator[str]:
    """Yield bootstrap servers: ``settings.brokers``, else an embedded broker's that ends with the context.

    Blocks while the broker starts: seconds, the first time longer. Raises BrokerUnavailableError.
    """
    if settings.brokers:
        yield settings.brokers
        return
    with EmbeddedKafka(cache_dir=settings.cache_dir) as kafka:
        with download_progress() as on_bytes:
            kafka.start(progress=on_bytes)
        yield kafka.bootstrap
