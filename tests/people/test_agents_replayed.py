"""Agents in a replay: what their history begins to reach is shown, though no event arrives."""

from __future__ import annotations

import pytest
from company import FIRST_US, Company

from metrics_core.records import FileRecord
from metrics_core.times import DAY_US
from streams.replay.choice import choose
from streams.replay.moments import Moments
from streams.replay.steps import Steps


@pytest.mark.parametrize("metric", ["agents_at_start", "employee_turnover"])
def test_a_window_that_the_history_reaches_is_shown_when_it_does(metric: str) -> None:
    # who leaves without having been employed begins the history, and counts nothing that would leave a window
    company = Company().tell(1.5, "helpdesk.agent.left", "a/1")
    choice = choose(company.policy, metrics=[metric], windows=["24h"])
    moments = Moments(choice, Steps(DAY_US, FIRST_US + 2 * DAY_US, FIRST_US + 4 * DAY_US), lambda _: True)
    lines = [FileRecord(line, number) for number, line in enumerate(company.lines)]
    views = list(moments.views((FIRST_US + 3 * DAY_US // 2, record.value) for record in lines))
    found = [view.tables["agents_at_start"].rows for view in views]
    assert found == [{}, {("24h",): 0}, {("24h",): 0}]
