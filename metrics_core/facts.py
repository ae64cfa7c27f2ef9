"""Facts: what happened, at what time, on which labels - the only thing that families are computed from.

A fact's key packs the number of its label tuple, its code and (for durations) a cell of the grid:
``label << 20 | code << 12 | cell``. Handlers emit ``label << 20 | CODE``, where CODE is already shifted.
"""

from __future__ import annotations

LABEL_SHIFT = 20
CODE_SHIFT = 12
CODE_MASK = 0xFF
CELL_MASK = 0xFFF


def _code(number: int) -> int:
    assert 0 < number <= CODE_MASK
    return number << CODE_SHIFT


# flow: transitions of tickets
CREATED = _code(1)
SEEDED = _code(2)
RESOLVED = _code(3)
REOPENED = _code(4)
ESCALATED = _code(5)
ONE_TOUCH = _code(6)
MERGED = _code(7)
DELETED = _code(8)
SPAM = _code(9)
RESTORED = _code(10)

# messages, by actor (customer, agent, bot, system)
MESSAGE_CUSTOMER = _code(16)
MESSAGE_AGENT = _code(17)
MESSAGE_BOT = _code(18)
MESSAGE_SYSTEM = _code(19)

# durations: observations per cell; the exact sum stands under the code that follows
FIRST_RESPONSE = _code(32)
FIRST_RESPONSE_SUM = _code(33)
RESOLUTION_FIRST = _code(34)
RESOLUTION_FIRST_SUM = _code(35)
RESOLUTION_FULL = _code(36)
RESOLUTION_FULL_SUM = _code(37)
RESOLUTION_EVERY = _code(38)
RESOLUTION_EVERY_SUM = _code(39)
REPLY_WAIT = _code(40)
REPLY_WAIT_SUM = _code(41)
#: a resolution that is a ticket's first, the last so far, and one of every: most are
RESOLUTION_ALL = _code(42)
RESOLUTION_ALL_SUM = _code(43)
# the same on the clock of business hours
FIRST_RESPONSE_BUSINESS = _code(44)
FIRST_RESPONSE_BUSINESS_SUM = _code(45)
RESOLUTION_FIRST_BUSINESS = _code(46)
RESOLUTION_FIRST_BUSINESS_SUM = _code(47)
RESOLUTION_FULL_BUSINESS = _code(48)
RESOLUTION_FULL_BUSINESS_SUM = _code(49)
RESOLUTION_EVERY_BUSINESS = _code(50)
RESOLUTION_EVERY_BUSINESS_SUM = _code(51)
REPLY_WAIT_BUSINESS = _code(52)
REPLY_WAIT_BUSINESS_SUM = _code(53)
RESOLUTION_ALL_BUSINESS = _code(54)
RESOLUTION_ALL_BUSINESS_SUM = _code(55)

# levels of customers and subscriptions: how many, or how much, from this moment on
CUSTOMERS = _code(64)
CUSTOMERS_GONE = _code(65)
SUBSCRIPTIONS = _code(66)
MRR = _code(67)
SUBSCRIBED = _code(68)
# totals since the beginning: lifetimes, their number and their sum
PURCHASE_LIFE_COUNT = _code(69)
PURCHASE_LIFE_SUM = _code(70)
SUBSCRIPTION_LIFE_COUNT = _code(71)
SUBSCRIPTION_LIFE_SUM = _code(72)

# changes of customers and subscriptions; amounts of money in minor units
CUSTOMER_NEW = _code(80)
CUSTOMER_LOST = _code(81)
CUSTOMER_REACTIVATED = _code(82)
SUBSCRIPTION_STARTED = _code(83)
SUBSCRIPTION_CANCELLED = _code(84)
MRR_NEW = _code(85)
MRR_EXPANSION = _code(86)
MRR_CONTRACTION = _code(87)
MRR_CHURN = _code(88)
MRR_REACTIVATION = _code(89)
REVENUE = _code(90)
ORDERS = _code(91)
BUYERS = _code(92)
REPEAT_BUYERS = _code(93)

# leads, by stage
LEAD_CREATED = _code(96)
LEAD_QUALIFIED = _code(97)
LEAD_WON = _code(98)
LEAD_LOST = _code(99)

# outcomes of service levels, by target (first response, next reply, resolution)
SLA_MET = (_code(104), _code(105), _code(106))
SLA_BREACHED = (_code(108), _code(109), _code(110))

# surveys
SURVEY_ANSWERS = _code(112)
SURVEY_SCORE_SUM = _code(113)
SURVEYS_SENT = _code(114)

# complaints
COMPLAINT_OPENED = _code(116)
COMPLAINT_RESOLVED = _code(117)
COMPLAINT_ESCALATED = _code(118)

# levels of agents, and their changes
AGENTS = _code(120)
AGENTS_EMPLOYED = _code(121)
AGENT_JOINED = _code(122)
AGENT_LEFT = _code(123)

# ledgers; amounts in minor units
SPEND = _code(128)
INVITES_SENT = _code(129)
INVITES_ACCEPTED = _code(130)
CASH_FLOW = _code(131)

#: code of a duration -> code of the same on the business clock
BUSINESS_OF = {
    FIRST_RESPONSE: FIRST_RESPONSE_BUSINESS,
    RESOLUTION_FIRST: RESOLUTION_FIRST_BUSINESS,
    RESOLUTION_FULL: RESOLUTION_FULL_BUSINESS,
    RESOLUTION_EVERY: RESOLUTION_EVERY_BUSINESS,
    REPLY_WAIT: REPLY_WAIT_BUSINESS,
    RESOLUTION_ALL: RESOLUTION_ALL_BUSINESS,
}
#: from the code of a duration to the code of its sum
SUM = 1 << CODE_SHIFT


class Facts:
    """What a step of the state machine found: counts as (key, time_us, n), durations as (key, time_us, us, n).

    ``n`` is 1 for a fact (or an amount) and negative for one taken back. ``levels`` are those counts that also
    add up for ever. ``clamped`` counts durations below zero, made zero.
    """

    __slots__ = ("clamped", "counts", "durations", "levels")

    def __init__(self) -> None:
        self.counts: list[tuple[int, int, int]] = []
        self.durations: list[tuple[int, int, int, int]] = []
        self.levels: list[tuple[int, int, int]] = []
        self.clamped = 0

    def level(self, key: int, time_us: int, n: int) -> None:
        """A level moves by ``n``."""
        self.counts.append((key, time_us, n))
        self.levels.append((key, time_us, n))

    def clear(self) -> None:
        """Forget all; the lists stay the same objects."""
        self.counts.clear()
        self.durations.clear()
        self.levels.clear()
        self.clamped = 0

    def take_back(self, other: Facts) -> None:
        """Add the negation of another's facts."""
        self.counts.extend((key, time_us, -n) for key, time_us, n in other.counts)
        self.durations.extend((key, time_us, us, -n) for key, time_us, us, n in other.durations)
        self.levels.extend((key, time_us, -n) for key, time_us, n in other.levels)
        self.clamped -= other.clamped

    def extend(self, other: Facts) -> None:
        """Add another's facts."""
        self.counts.extend(other.counts)
        self.durations.extend(other.durations)
        self.levels.extend(other.levels)
        self.clamped += other.clamped
