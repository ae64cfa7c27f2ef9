"""Every test here that asks for them runs on each real history and with both computations."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from computations import COMPUTATIONS, Computation
from truth_files import HISTORIES, History, truth_directory

BATCH_RECORDS = 1000
WHOLE_HISTORY_DAYS = 3650


@pytest.fixture(params=HISTORIES)
def history(request: pytest.FixtureRequest) -> History:
    return History(request.param, truth_directory() / request.param)


@pytest.fixture(params=sorted(COMPUTATIONS))
def computation(request: pytest.FixtureRequest) -> Computation:
    return COMPUTATIONS[request.param]


@pytest.fixture
def one_shard() -> Callable[[Iterable[bytes]], Any]:
    """A function that applies lines of JSON to a single shard, and gives the shard."""
    from metrics_core.policy import Policy
    from metrics_core.records import FileRecord
    from metrics_core.shard import Shard

    def apply(lines: Iterable[bytes]) -> Any:
        shard = Shard(Policy(horizon_days=WHOLE_HISTORY_DAYS))  # a ticket asked for must not be retired
        records = [FileRecord(line, offset) for offset, line in enumerate(lines)]
        for begin in range(0, len(records), BATCH_RECORDS):
            shard.apply(records[begin : begin + BATCH_RECORDS])
        return shard

    return apply
