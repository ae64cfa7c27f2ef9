"""An Apache Kafka of our own for the demo and the tests: no Java, Maven or Docker to install."""

from __future__ import annotations

from streams.broker.choice import broker_for
from streams.broker.embedded import EmbeddedKafka
from streams.broker.errors import BrokerUnavailableError

__all__ = ["BrokerUnavailableError", "EmbeddedKafka", "broker_for"]
