"""A real Prometheus on real workers that share the partitions: every rule gives what Python gives of the same
events, or nothing while the workers do not make up the whole."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from rules_on_workers import (
    Values,
    kill,
    metrics_counted_by,
    missing,
    produced,
    scraped_workers,
    settings_of,
    values_in_python,
    wrong,
)
from stored_series import coarse_quantile

from metrics_core.derived import DERIVED
from metrics_core.derived.formulas import Quantile
from metrics_core.grid import EDGES_S
from metrics_core.series import Histogram
from metrics_core.times import parse_rfc3339
from streams.broker import EmbeddedKafka
from streams.settings import Settings
from streams.simulate import Emission, Traffic

pytestmark = pytest.mark.broker

_fine_quantile = Histogram.quantile

START_US = parse_rfc3339("2025-10-06T00:00:00Z")
#: in the middle of a working day and of a pane, more than two of the longest windows after the start
MOMENT = "2025-12-11T13:07:30Z"


def history(settings: Settings, *, crm: bool = True) -> list[Emission]:
    traffic = Traffic(
        8,
        START_US,
        30,
        crm=crm,
        customers=300,
        helpdesk_topic=settings.helpdesk_topic,
        crm_topic=settings.crm_topic,
    )
    return list(traffic.until(parse_rfc3339(MOMENT)))


@pytest.fixture(scope="module", autouse=True)
def quantiles_as_prometheus_takes_them() -> Iterator[None]:
    """From the edges: what a worker exposes has no finer sketch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Histogram, "quantile", lambda self, q: coarse_quantile(self.counts, q))
        yield


@dataclass
class Known:
    """An application whose topics are filled, and what its metrics are."""

    settings: Settings
    values: Values


@pytest.fixture(scope="module")
def known(kafka: EmbeddedKafka, quantiles_as_prometheus_takes_them: None) -> Known:
    settings = settings_of(kafka.bootstrap, "rules-on-workers", MOMENT)
    events = history(settings)
    produced(settings, events)
    return Known(settings, values_in_python(settings, events))


def test_a_report_s_finer_quantiles_lie_in_the_same_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of("127.0.0.1:1", "none", MOMENT)
    events = history(settings)
    coarse = values_in_python(settings, events)
    monkeypatch.setattr(Histogram, "quantile", _fine_quantile)
    fine = values_in_python(settings, events)
    quantiles = {metric.id for metric in DERIVED if isinstance(metric.formula, Quantile)}
    compared = [(fine[place], value) for place, value in coarse.items() if place[0] in quantiles]
    assert compared
    assert [one for one in compared if bisect_left(EDGES_S, one[0]) != bisect_left(EDGES_S, one[1])] == []


@pytest.mark.parametrize("workers", [2, 3])
def test_every_value_by_every_label_is_what_python_gives(known: Known, tmp_path: Path, workers: int) -> None:
    assert {name for name, _ in known.values} == {metric.id for metric in DERIVED}
    with scraped_workers(known.settings, tmp_path, workers) as scraped:
        scraped.wait_shared(workers)
        scraped.wait_right(known.values)


def test_while_a_worker_joins_and_leaves_every_value_is_right_or_absent(known: Known, tmp_path: Path) -> None:
    with scraped_workers(known.settings, tmp_path, 2) as scraped:
        scraped.wait_shared(2)
        scraped.wait_right(known.values)
        shared_by_three = False
        with scraped.workers[2]:
            for found in scraped.watch():
                assert not wrong(known.values, found)
                shared_by_three = scraped.sharing() == 3 and not missing(known.values, found)
                if shared_by_three:
                    break
        assert shared_by_three, "the third worker never had a part in all values"
        for found in scraped.watch():
            assert not wrong(known.values, found)
            if scraped.sharing() == 2 and not missing(known.values, found):
                break
        scraped.wait_right(known.values)


def test_while_a_killed_worker_s_partitions_are_missing_there_are_no_values(known: Known, tmp_path: Path) -> None:
    with scraped_workers(known.settings, tmp_path, 3) as scraped:
        scraped.wait_shared(3)
        scraped.wait_right(known.values)
        counted_there = metrics_counted_by(scraped, scraped.workers[1])
        kill(scraped.workers[1])
        were_absent = False
        for found in scraped.watch():
            assert not wrong(known.values, found)
            were_absent = were_absent or not counted_there & {name for name, _ in found}
            if were_absent and not missing(known.values, found):
                break
        assert were_absent, "the killed worker's partitions were missing, and nothing told"
        scraped.wait_right(known.values)


def test_without_any_event_rules_give_nothing_or_zero_and_helpdesk_alone_is_right(
    kafka: EmbeddedKafka, topic_name: Callable[..., str], tmp_path: Path
) -> None:
    settings = settings_of(kafka.bootstrap, topic_name("rules"), MOMENT)
    produced(settings, [])
    with scraped_workers(settings, tmp_path, 2) as scraped:
        scraped.wait_shared(2)
        for _, found in zip(range(30), scraped.watch(), strict=False):
            assert set(found.values()) <= {0.0}
        events = history(settings, crm=False)[-3000:]
        produced(settings, events)
        scraped.wait_right(values_in_python(settings, events))
