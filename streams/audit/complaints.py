"""Whether a ticket is a complaint, and what is counted of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from streams.audit.policy import Version

NAMED = ("complaint", "category", "tags")


@dataclass
class Complaint:
    """What a ticket says of itself, and what that makes of it."""

    word: bool | None = None
    category: str = "none"
    tags: tuple[str, ...] = ()
    judged: bool = False
    escalated: bool = False  # the ticket was
    escalation_counted: bool = False

    def hear(self, fields: Mapping[str, Any], version: Version) -> None:
        """Judge anew where an event names one of the three; null is unknown again."""
        if not any(name in fields for name in NAMED):
            return
        if "complaint" in fields:
            self.word = fields["complaint"]
        if "category" in fields:
            self.category = fields["category"] or "none"
        if "tags" in fields:
            self.tags = tuple(fields["tags"] or ())
        is_marked = self.category in version.complaint_categories or any(
            tag in version.complaint_tags for tag in self.tags
        )
        self.judged = is_marked if self.word is None else self.word
