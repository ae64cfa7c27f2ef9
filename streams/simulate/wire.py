"""From facts to what a broker would see: encoded events in order of arrival, with the usual accidents."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from metrics_core.times import SECOND_US, format_us
from streams.simulate.schedule import lognormal_us

#: of all events: those held up on their way, by minutes to hours
LATE_SHARE = 0.004
#: of all events: those delivered twice (webhooks are delivered at least once)
REPEATED_SHARE = 0.004
#: of all events: those followed by a copy that cannot be used
BAD_SHARE = 0.0004
_UNUSUAL_SHARE = LATE_SHARE + REPEATED_SHARE + BAD_SHARE

#: the usual delay between a fact and its arrival: at least the first, the second more on average
LEAST_DELAY_US = 20_000
MEAN_DELAY_US = 300_000
LATE_MEDIAN_S = 12 * 60.0
LATE_MOST_S = 10 * 3600.0


class Emission(NamedTuple):
    """One record for a topic; ``arrival_us`` is never before the time of its event."""

    topic: str
    key: bytes
    value: bytes
    arrival_us: int


class Delivery:
    """Holds emissions until they arrive; late ones, repeats and broken copies are made here."""

    def __init__(self, rng: random.Random, *, bad_events: bool = True) -> None:
        self._rng = rng
        self._bad_events = bad_events
        self._heap: list[tuple[int, int, Emission]] = []
        self._added = 0
        self._moment_us = -1
        self._delay_us = 0

    def send(self, time_us: int, topic: str, key: bytes, value: bytes) -> None:
        """Deliver an event of ``time_us`` a moment later."""
        rng = self._rng
        if time_us != self._moment_us:
            self._moment_us = time_us
            self._delay_us = LEAST_DELAY_US + int(rng.expovariate(1.0) * MEAN_DELAY_US)
        # what happened at one moment, an answer and its change of status, travels together
        delay_us = self._delay_us
        draw = rng.random()
        if draw < _UNUSUAL_SHARE:
            delay_us += self._unusual(draw, time_us + delay_us, topic, key, value)
        arrival_us = time_us + delay_us
        self._added += 1
        heapq.heappush(self._heap, (arrival_us, self._added, Emission(topic, key, value, arrival_us)))

    def _unusual(self, draw: float, arrival_us: int, topic: str, key: bytes, value: bytes) -> int:
        """Microseconds by which the event itself is held up; copies are sent from here."""
        if draw < LATE_SHARE:
            return lognormal_us(self._rng, LATE_MEDIAN_S, 1.2, LATE_MOST_S)
        again_us = arrival_us + lognormal_us(self._rng, 5.0, 1.5, 3600.0)
        if draw >= LATE_SHARE + REPEATED_SHARE:
            if not self._bad_events:
                return 0
            key, value = _broken(self._rng, key, value)
        self._added += 1
        heapq.heappush(self._heap, (again_us, self._added, Emission(topic, key, value, again_us)))
        return 0

    def take(self, until_us: int) -> Iterator[Emission]:
        """Emissions that have arrived by ``until_us``, in order of arrival."""
        heap = self._heap
        while heap and heap[0][0] <= until_us:
            yield heapq.heappop(heap)[2]


class Wire:
    """One source of events: numbers them, encodes them, hands them to the delivery."""

    def __init__(self, delivery: Delivery, topic: str, name: str) -> None:
        self._delivery = delivery
        self._topic = topic
        # both are plain ASCII without quotes or backslashes (Traffic checks the name), so that
        # the envelope needs no escaping; only `data` goes through the encoder
        self._identity = f'{{"specversion":"1.0","source":"{name}","id":"{name.rpartition("/")[2]}-'
        self._encode = msgspec.json.Encoder().encode
        self._sent = 0
        self._second = -1
        self._second_text = ""

    def emit(
        self, time_us: int, kind: str, subject: str, data: dict[str, Any], sequence: int | None = None
    ) -> None:
        """Send one canonical event; its time is cut to milliseconds, as helpdesks do."""
        second, rest_us = divmod(time_us, SECOND_US)
        if second != self._second:
            self._second = second
            self._second_text = format_us(second * SECOND_US)[:-1]
        self._sent += 1
        order = "" if sequence is None else f'"sequence":"{sequence}",'
        head = (
            f'{self._identity}{self._sent}","type":"{kind}","subject":"{subject}",'
            f'"time":"{self._second_text}.{rest_us // 1000:03d}Z",{order}"data":'
        )
        value = head.encode() + self._encode(data) + b"}"
        self._delivery.send(time_us, self._topic, subject.encode(), value)


def _broken(rng: random.Random, key: bytes, value: bytes) -> tuple[bytes, bytes]:
    """A copy of an event that must be rejected, never counted; one line whatever is wrong with it."""
    match rng.randrange(5):
        case 0:
            return key, value[: len(value) * 2 // 3]
        case 1:
            return key, value.replace(b'"time":', b'"when":', 1)
        case 2:
            return key, value.replace(b'"type":"', b'"type":"demo.', 1)
        case 3:
            return key, value.replace(b'"data":{', b'"data":7,"was":{', 1)
        case _:
            return key + b"0", value
