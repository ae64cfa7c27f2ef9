"""Counts by the key of a fact, and how they are put together; native/tally.pyx has the same in C."""

from __future__ import annotations

from collections.abc import Callable

from metrics_core.facts import CODE_MASK, CODE_SHIFT

#: key of a fact -> how many, or how much
Counts = dict[int, int]


#: ``add_counts`` in either form
AddCounts = Callable[[Counts, Counts, int, frozenset[int] | None], None]


def add_counts(total: Counts, pane: Counts, sign: int, codes: frozenset[int] | None) -> None:
    """Add to a total, or with ``sign`` -1 subtract from it; what comes to nothing leaves it. ``codes``: numbers of
    the only codes to add, None for all."""
    if codes is not None:
        pane = {key: n for key, n in pane.items() if key >> CODE_SHIFT & CODE_MASK in codes}
    get = total.get
    for key, n in pane.items():
        now = get(key, 0) + sign * n
        if now:
            total[key] = now
        elif key in total:
            del total[key]


def merge_counts(into: Counts, counts: Counts) -> None:
    """Add to a pane; a zero stays, since the changelog may hold what it was."""
    for key, n in counts.items():
        if key in into:
            into[key] += n
        else:
            into[key] = n
