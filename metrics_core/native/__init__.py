"""The hot path in C: the common case of what a worker does with nearly every event.

Each module here takes over from a pure one what it can decide alone, and declines all else, before it has changed
anything; the pure form is the definition, and what runs where no C compiler was found. Both are held to the same
tests, and to one another record by record (tests/native).
"""

from __future__ import annotations

try:
    from metrics_core.native import lane as _lane  # noqa: F401 - the last one to be built: it needs all others

    AVAILABLE = True
except ImportError:
    AVAILABLE = False
