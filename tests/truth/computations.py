"""The two ways of computing the metrics, called alike, so that both are held to the same truth."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from truth_files import History

from streams.audit import Told, rows_of, told_as_of

Row = dict[str, Any]
Computation = Callable[[History, int, Sequence[str], Sequence[str]], list[Row]]


@lru_cache(maxsize=4)
def told(history: History, as_of_us: int) -> Told:
    """The history as the audit tells it; kept, because that takes seconds."""
    return told_as_of(history.lines, as_of_us)


def audit_rows(history: History, as_of_us: int, windows: Sequence[str], labels: Sequence[str]) -> list[Row]:
    return rows_of(
        told(history, as_of_us),
        windows=windows,
        gauge_labels=labels,
        histogram_labels=labels,
    )


def core_rows(history: History, as_of_us: int, windows: Sequence[str], labels: Sequence[str]) -> list[Row]:
    from metrics_core.policy import Policy
    from streams.report import report_rows

    policy = Policy(gauge_labels=tuple(labels), histogram_labels=tuple(labels))
    return report_rows(history.lines, as_of_us=as_of_us, windows=windows, policy=policy, by=labels)


COMPUTATIONS: dict[str, Computation] = {"audit": audit_rows, "core": core_rows}
