"""The audit: every stored metric computed in a batch, from the definitions, sharing no code with the core.

A mistake that both made the same way would have to be made twice. It is slow and plain on purpose. It knows the
preset strict and no business calendars: ``rules_of`` refuses a policy with more.
"""

from streams.audit.compare import Difference, compare
from streams.audit.policy import Rules, UnknownPolicyError, rules_of
from streams.audit.rows import AUDITED, Told, batch_rows, rows_of, tickets_as_of, told_as_of
from streams.audit.tickets import Ticket

__all__ = [
    "AUDITED",
    "Difference",
    "Rules",
    "Ticket",
    "Told",
    "UnknownPolicyError",
    "batch_rows",
    "compare",
    "rows_of",
    "rules_of",
    "tickets_as_of",
    "told_as_of",
]
