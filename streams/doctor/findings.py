"""What a check has found."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Level(enum.StrEnum):
    """A problem loses events, state or service; a warning may one day."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, what was found, and what to do about it (empty where all is well)."""

    level: Level
    check: str
    found: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.check}: {self.found}" + (f": {self.advice}" if self.advice else "")


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(Level.OK, check, found)


def warning(check: str, found: str, advice: str) -> Finding:
    """It works, and may not one day."""
    return Finding(Level.WARNING, check, found, advice)


def problem(check: str, found: str, advice: str) -> Finding:
    """Events, state or service are lost."""
    return Finding(Level.PROBLEM, check, found, advice)
