"""Traffic for the fault tests: events of both topics in a thread, at a rate.

Some come late, some twice, and about 1 % cannot be used. None is ahead of its record's clock and each is keyed by
its subject, for the batch that the result is compared with knows nothing of either.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaProducer

from metrics_core.partitioner import partition_for
from metrics_core.times import HOUR_US, format_us
from streams.connect import client_arguments
from streams.settings import Settings

#: a broker may be away for a minute and more; what waits for it is sent when it is back
PATIENCE_MS = 300_000
#: share of the events that go to the CRM's topic
CRM_SHARE = 0.4
BAD_SHARE = 0.01
REPEAT_SHARE = 0.01
#: a few subjects have so many events that their histories are folded
BUSY_SHARE, BUSY_SUBJECTS = 0.05, 8
#: how far back a repeat goes
REPEATED_EVENTS = 200
#: most events are on time; the others find their place among older ones, in every window
LATE_US = (0,) * 15 + (HOUR_US // 12, HOUR_US, HOUR_US, 30 * HOUR_US, 200 * HOUR_US)
#: a subscription may be announced, or told of afterwards
EFFECTIVE_US = (-72 * HOUR_US, -HOUR_US, HOUR_US // 600, HOUR_US, 48 * HOUR_US)

Fields = dict[str, Any]
Make = Callable[[random.Random], Fields]
#: kind, partitioning key, value
Message = tuple[str, bytes, bytes]


def _one(**choices: Any) -> Make:
    """Fields drawn one by one from their values; a field drawn as an ellipsis is left out."""
    return lambda chance: {
        name: value for name, values in choices.items() if (value := chance.choice(values)) is not ...
    }


_LABELS: dict[str, Any] = {
    "channel": ["email", "chat", "phone"],
    "group": ["a", "b", None, ...],
    "priority": ["high", "low", ...],
    "assignee": ["ann", None, ...],
}
_STATUSES = ["resolved", "resolved", "open", "pending", "on_hold", "closed"]
_PERSON: dict[str, Any] = {
    "segment": ["small", "large", None, ...],
    "origin": ["organic", "referral", "paid", ...],
}
_MRR: dict[str, Any] = {
    "subscription": ["s1", "s2", "s3"],
    "mrr": ["10", "19.90", "25.5", 40],
    "plan": ["basic", "pro", ...],
    "currency": ["EUR", "EUR", "USD", ...],
}
_MONEY: dict[str, Any] = {"amount": ["5", "19.90", "100.00"], "currency": ["EUR", "USD", "GBP"]}
_ORIGIN = _one(origin=["organic", "campaign", "referral", ...])
_NOTHING = _one()

#: (type, weight, fields)
TICKETS: list[tuple[str, int, Make]] = [
    ("helpdesk.ticket.created", 10, _one(actor=["customer", "agent", ...], **_LABELS)),
    ("helpdesk.ticket.message", 10, _one(actor=["agent"], public=[True, True, False])),
    ("helpdesk.ticket.message", 10, _one(actor=["customer", "customer", "bot"], public=[True, ...])),
    ("helpdesk.ticket.status_changed", 12, _one(to=_STATUSES)),
    ("helpdesk.ticket.updated", 4, _one(**_LABELS)),
    ("helpdesk.ticket.escalated", 1, _NOTHING),
    ("helpdesk.ticket.merged", 1, _NOTHING),
    ("helpdesk.ticket.deleted", 1, _NOTHING),
    ("helpdesk.ticket.marked_spam", 1, _NOTHING),
    ("helpdesk.ticket.restored", 3, _NOTHING),
]
CUSTOMERS: list[tuple[str, int, Make]] = [
    ("crm.customer.created", 8, _one(**_PERSON)),
    ("crm.customer.churned", 3, _one(reason=["price", ...])),
    ("crm.customer.reactivated", 3, _one(**_PERSON)),
    ("crm.customer.snapshot", 1, _one(**_PERSON)),
    ("crm.subscription.started", 8, _one(**_MRR)),
    ("crm.subscription.changed", 5, _one(**_MRR)),
    ("crm.subscription.cancelled", 4, _one(subscription=["s1", "s2", "s3"])),
    ("crm.subscription.snapshot", 1, _one(**_MRR)),
    (
        "crm.payment.received",
        10,
        _one(category=["new_sale", "repeat", "interest", ...], order=["o1", "o2", ...], **_MONEY),
    ),
    ("crm.payment.refunded", 2, _one(**_MONEY)),
    ("crm.survey.answered", 1, _one(survey=["nps"], score=[3, 9])),
]
LEADS: list[tuple[str, int, Make]] = [
    ("crm.lead.created", 3, _ORIGIN),
    ("crm.lead.qualified", 2, _ORIGIN),
    ("crm.lead.won", 1, _ORIGIN),
    ("crm.lead.lost", 1, _ORIGIN),
]


class Events:
    """The messages of a seed, one after another; times are around those that ``now_us`` gives."""

    def __init__(self, seed: int, now_us: Callable[[], int]) -> None:
        self._chance = random.Random(seed)
        self._source = f"fault-tests/{seed}"
        self._now_us = now_us
        self._recent: deque[Message] = deque(maxlen=REPEATED_EVENTS)
        self._numbers = {"helpdesk": 0, "crm": 0}

    def next(self) -> Message:
        """(kind of the topic, key, value)."""
        chance = self._chance
        if self._recent and chance.random() < REPEAT_SHARE:
            return chance.choice(self._recent)
        kind = "crm" if chance.random() < CRM_SHARE else "helpdesk"
        event = self._event(kind)
        is_bad = chance.random() < BAD_SHARE
        value = self._spoilt(event, kind) if is_bad else json.dumps(event).encode()
        message = kind, str(event["subject"]).encode(), value
        self._recent.append(message)
        return message

    def _event(self, kind: str) -> Fields:
        chance = self._chance
        self._numbers[kind] = number = self._numbers[kind] + 1
        prefix, types = "T", TICKETS
        if kind == "crm":
            prefix, types = ("L", LEADS) if chance.random() < 0.2 else ("C", CUSTOMERS)
        [(event_type, _, make)] = chance.choices(types, [weight for _, weight, _ in types])
        time_us = self._now_us() - chance.choice(LATE_US)
        is_busy = chance.random() < BUSY_SHARE
        fields = make(chance)
        if event_type.startswith("crm.subscription.") and chance.random() < 0.2:
            fields["effective_at"] = format_us(time_us + chance.choice(EFFECTIVE_US))
        return {
            "specversion": "1.0",
            "id": f"{kind}{number}",
            "source": self._source,
            "type": event_type,
            "subject": f"{prefix}-{chance.randrange(BUSY_SUBJECTS if is_busy else number // 5 + 1)}",
            "time": format_us(time_us),
            "data": fields,
        }

    def _spoilt(self, event: Fields, kind: str) -> bytes:
        """The event as nobody can use it."""
        elsewhere = "crm.customer.created" if kind == "helpdesk" else "helpdesk.ticket.created"
        flaw = self._chance.choice(
            [
                {"type": f"{kind}.nobody.knows"},
                {"type": elsewhere, "data": {}},
                {"time": "yesterday"},
                {"specversion": "0.3"},
                {"data": "text"},
                None,
            ]
        )
        return json.dumps(event).encode()[:-7] if flaw is None else json.dumps(event | flaw).encode()


class Traffic:
    """Events in a thread, at a rate, until the block ends; then those sent are acknowledged."""

    def __init__(self, settings: Settings, rate: float, seed: int) -> None:
        self._settings = settings
        self._rate = rate
        self._events = Events(seed, lambda: time.time_ns() // 1000)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._flow()))
        self.sent = 0

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _flow(self) -> None:
        settings = self._settings
        topics = {"helpdesk": settings.helpdesk_topic, "crm": settings.crm_topic}
        producer = AIOKafkaProducer(
            **client_arguments(settings), acks="all", linger_ms=5, request_timeout_ms=PATIENCE_MS
        )
        await producer.start()
        try:
            began_s = time.monotonic()
            while not self._stop.is_set():
                due = int((time.monotonic() - began_s) * self._rate) - self.sent
                for _ in range(due):
                    kind, key, value = self._events.next()
                    partition = partition_for(key, settings.partitions)
                    await producer.send(topics[kind], value=value, key=key, partition=partition)
                    self.sent += 1
                await asyncio.sleep(0.02)
        finally:
            await producer.stop()
