"""A seeded simulation of a customer-service desk and the company behind it, as canonical events."""

from streams.simulate.traffic import Traffic
from streams.simulate.wire import Emission

__all__ = ["Emission", "Traffic"]
