"""The audit: every helpdesk metric computed in a batch, from the definitions, sharing no code with the core.

A mistake that both made the same way would have to be made twice. It is slow and plain on purpose.
"""

from streams.audit.compare import Difference, compare
from streams.audit.rows import AUDITED, batch_rows, tickets_as_of
from streams.audit.tickets import Ticket

__all__ = ["AUDITED", "Difference", "Ticket", "batch_rows", "compare", "tickets_as_of"]
