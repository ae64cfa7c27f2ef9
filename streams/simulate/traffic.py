"""Traffic: one endless iterator over everything that reaches the topics of a simulated company."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from metrics_core.times import HOUR_US
from streams.simulate.aftercare import Aftercare
from streams.simulate.customers import PRICE_CHANGE_DAY, Company
from streams.simulate.desk import Desk
from streams.simulate.intake import FIRST_INCIDENT_DAY, Intake
from streams.simulate.schedule import Schedule
from streams.simulate.staff import Staff
from streams.simulate.wire import Delivery, Emission, Wire

#: the name goes unescaped into ids, sources and subjects
_NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
#: most tickets a day; one core makes about this many in real time with room to spare
TICKETS_PER_DAY_MOST = 5_000_000
#: customers that exist at the start, per ticket a day, within bounds: each is one or two events at once
CUSTOMERS_PER_TICKET = 5
CUSTOMERS_LEAST, CUSTOMERS_MOST = 400, 20_000


class Traffic:
    """Seeded helpdesk and CRM events in order of arrival, from ``start_us`` on, without end.

    The same arguments give the same bytes. Iterating again goes on where the last iteration stopped, so that
    a history can be taken first and live traffic afterwards. Times are microseconds since the epoch;
    ``utc_offset_h`` places the office hours. An incident comes on the first working day that is at least
    ``first_incident_day`` days after the start, a price change after ``price_change_day`` days. Memory is
    bounded: by open tickets, three days of resolved ones and the customers. Raises ValueError for arguments
    that cannot work.
    """

    def __init__(
        self,
        seed: int,
        start_us: int,
        tickets_per_day: float = 400.0,
        *,
        crm: bool = True,
        bad_events: bool = True,
        customers: int | None = None,
        name: str = "sim",
        utc_offset_h: float = 0.0,
        first_incident_day: int = FIRST_INCIDENT_DAY,
        price_change_day: int = PRICE_CHANGE_DAY,
        helpdesk_topic: str = "helpdesk.events",
        crm_topic: str = "crm.events",
    ) -> None:
        if not 1 <= tickets_per_day <= TICKETS_PER_DAY_MOST:
            raise ValueError(f"tickets per day must lie between 1 and {TICKETS_PER_DAY_MOST:,}")
        if not _NAME.fullmatch(name):
            raise ValueError("the name may hold up to 40 letters, digits, dots, dashes and underscores")
        if not -14 <= utc_offset_h <= 14:
            raise ValueError("the UTC offset must lie between -14 and 14 hours")
        if customers is None:
            wanted = int(tickets_per_day * CUSTOMERS_PER_TICKET)
            customers = min(max(wanted, CUSTOMERS_LEAST), CUSTOMERS_MOST)
        if customers < 10:
            raise ValueError("there must be at least 10 customers")

        def stream(of: str) -> random.Random:
            return random.Random(f"{seed}/{of}")

        self._schedule = Schedule(start_us, int(utc_offset_h * HOUR_US))
        self._delivery = Delivery(stream("delivery"), bad_events=bad_events)
        helpdesk = Wire(self._delivery, helpdesk_topic, f"/{name}/helpdesk")
        staff = Staff(self._schedule, stream("staff"), helpdesk, name, tickets_per_day)
        desk = Desk(self._schedule, stream("desk"), helpdesk, staff)
        aftercare = Aftercare(self._schedule, stream("aftercare"), desk)
        known = customers

        def requester(rng: random.Random) -> str:
            return f"{name}/customer/{1 + int(rng.random() * known)}"

        self._intake = Intake(
            self._schedule, stream("intake"), desk, staff, name, tickets_per_day, requester, first_incident_day
        )
        self._desk = desk
        staff.begin()
        self._intake.begin()
        if crm:
            company = Company(
                self._schedule,
                stream("crm"),
                Wire(self._delivery, crm_topic, f"/{name}/crm"),
                name,
                customers,
                price_change_day,
            )
            aftercare.on_asked = company.surveys.ask_about
            company.begin()

    @property
    def open_tickets(self) -> int:
        """Tickets that are neither resolved nor gone at the simulated time."""
        return self._desk.open_tickets

    @property
    def now_us(self) -> int:
        """The simulated time."""
        return self._schedule.now_us

    def __iter__(self) -> Iterator[Emission]:
        schedule, delivery = self._schedule, self._delivery
        while True:
            # an event is sent at or after the time of the action that makes it, so what arrives
            # before the next action is complete
            yield from delivery.take(schedule.next_us)
            schedule.step()

    def until(self, end_us: int) -> Iterator[Emission]:
        """What arrives before ``end_us``; what arrives later is kept for the next iteration."""
        schedule, delivery = self._schedule, self._delivery
        while True:
            yield from delivery.take(min(schedule.next_us, end_us - 1))
            if schedule.next_us >= end_us:
                return
            schedule.step()
