"""The hot path in C: the common case of what a worker does with nearly every event.

Each compiled module here takes over from a pure one what it can decide alone, and declines all else, before it has
changed anything; the pure form is the definition, and what runs where no C compiler was found. Both are held to the
same tests, and to one another record by record (tests/native).
"""

from __future__ import annotations

from importlib.util import find_spec

#: whether all of it was compiled (the lane needs all others); looked for, not loaded: it needs the pure modules
AVAILABLE = all(
    find_spec(f"{__name__}.{name}") for name in ("records", "scan", "tally", "standings", "steps", "lane")
)
