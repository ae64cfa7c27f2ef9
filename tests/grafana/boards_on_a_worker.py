"""A demo worker with a seeded history, a real Prometheus on it with what it will have stored a week ago, and the
choices that a board offers there."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import itertools
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from debian_programs import promtool
from own_application import own_application
from prometheus_process import Prometheus, running_prometheus
from rules_on_workers import produce

from grafana.lint import Json, panels_of
from metrics_core.derived import DERIVED
from metrics_core.derived.rules import INTERVAL, RULE_PREFIX, TOPICS, recording_rules
from metrics_core.times import DAY_US, SECOND_US
from streams.broker.config import free_port
from streams.demo.worker_process import WorkerProcess
from streams.settings import Settings
from streams.simulate import Traffic

FOLDER = Path(__file__).parents[2] / "grafana" / "dashboards"
#: more than two of the longest windows, so that nothing is withheld
HISTORY_DAYS = 64
TICKETS_PER_DAY = 150
CUSTOMERS = 1500
#: the traffic's own time of day just now: the busiest hours lie behind
LOCAL_HOUR = 15
WEEK_S = 7 * 86_400
SETTLED_TIMEOUT_S = 240.0
SCRAPE_S = 2
RATE_WINDOW = "30s"
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
#: business time and every kind of promise, so that no clock and no target is without data
POLICY = {
    "versions": [
        {
            "version": 1,
            "calendars": {"office": {"zone": "UTC", "hours": {day: ["00:30-23:30"] for day in _DAYS}}},
            "hours": [{"calendar": "office"}],
            "sla": [
                {
                    "name": channel, "channels": [channel], "first_response_s": answer_s, "next_reply_s": 14400,
                    "resolution_s": 172800,
                }
                for channel, answer_s in (
                    ("phone", 240), ("chat", 120), ("social", 3600), ("email", 86400), ("form", 86400),
                )
            ],
        }
    ]
}  # fmt: skip

Choice = dict[str, str]


def settings_of(bootstrap: str, name: str) -> Settings:
    """A worker as the demo has it, with topics of its own."""
    return own_application(
        bootstrap,
        name,
        partitions=2,
        origin="earliest",
        clock="wall",
        policy=POLICY,
    )


def boards_for(settings: Settings) -> dict[str, Json]:
    """The committed boards, asking for the topics of these settings."""
    found = {}
    for path in sorted(FOLDER.glob("*.json")):
        text = path.read_text(encoding="utf-8")
        text = text.replace(TOPICS["helpdesk"], settings.helpdesk_topic).replace(TOPICS["crm"], settings.crm_topic)
        board = json.loads(text)
        found[board["uid"]] = board
    return found


def _history(settings: Settings, now_us: int) -> Traffic:
    hour = datetime.datetime.fromtimestamp(now_us / SECOND_US, datetime.UTC).hour
    return Traffic(
        7,
        now_us - HISTORY_DAYS * DAY_US,
        TICKETS_PER_DAY,
        customers=CUSTOMERS,
        utc_offset_h=float((LOCAL_HOUR - hour + 11) % 24 - 11),
        helpdesk_topic=settings.helpdesk_topic,
        crm_topic=settings.crm_topic,
    )


@dataclass(frozen=True)
class Moment:
    """A moment at which all was counted and shown: later scrapes may fail on a busy machine, this one has not."""

    prometheus: Prometheus
    time_s: float

    def rows(self, query: str) -> list[Json]:
        """Rows of a query as of then, with their labels."""
        form = {"query": query, "time": str(self.time_s)}
        rows: list[Json] = self.prometheus.ask("query", form)["result"]
        return rows

    def lines(self, query: str) -> list[Json]:
        """What a graph shows that ends then."""
        form = {"query": query, "start": str(self.time_s - 2), "end": str(self.time_s), "step": "1"}
        lines: list[Json] = self.prometheus.ask("query_range", form)["result"]
        return lines

    def values(self, label: str, selector: str) -> list[str]:
        """Values of a label of the series that were there. Grafana's own request takes in those of hours before,
        as of a worker that had nothing to show yet."""
        rows = self.rows(f"group by ({label}) ({selector})")
        return sorted(row["metric"][label] for row in rows if label in row["metric"])


@contextlib.contextmanager
def watched_worker(settings: Settings, folder: Path) -> Iterator[Moment]:
    """A moment of a worker that has counted all, and the same a week ago, in a Prometheus with the rules."""
    now_us = int(time.time() * SECOND_US)
    asyncio.run(produce(settings, list(_history(settings, now_us).until(now_us))))
    rules = recording_rules({"helpdesk": settings.helpdesk_topic, "crm": settings.crm_topic}, settings.core_policy)
    (folder / "rules.yml").write_text(rules.replace(f"interval: {INTERVAL}", f"interval: {SCRAPE_S}s"))
    with WorkerProcess(settings) as worker:
        config = (
            f"global: {{scrape_interval: {SCRAPE_S}s, evaluation_interval: {SCRAPE_S}s}}\n"
            "rule_files: [rules.yml]\n"
            "scrape_configs: [{job_name: deskpulse, static_configs: "
            f"[{{targets: ['{worker.url.removeprefix('http://')}']}}]}}]\n"
        )
        with running_prometheus(folder, config, free_port()) as prometheus:
            stored = _when_counted(prometheus, settings).rows('{__name__=~"deskpulse.+"}')
        _store_a_week_ago(stored, folder)
        with running_prometheus(folder, config, free_port()) as prometheus:
            yield _when_counted(prometheus, settings)


def _when_counted(prometheus: Prometheus, settings: Settings) -> Moment:
    """The first moment at which all is counted, every rule has a value and rates have enough scrapes."""
    count = 'count({__name__=~"deskpulse:.+"}) by (__name__)'
    deadline = time.monotonic() + SETTLED_TIMEOUT_S
    while True:
        moment = Moment(prometheus, time.time())
        fresh = moment.rows(f"time() - timestamp(deskpulse_ready) < {SCRAPE_S + 1}")
        partitions = moment.rows("deskpulse_partition_fresh == 1")
        waiting = moment.rows("sum(deskpulse_consumer_lag_records) == 0")
        rated = moment.rows(f"count_over_time(deskpulse_ready[{RATE_WINDOW}]) > 8")
        named = {row["metric"]["__name__"] for row in moment.rows(count)}
        missing = {RULE_PREFIX + metric.id for metric in DERIVED} - named
        if fresh and waiting and rated and len(partitions) == 2 * settings.partitions and not missing:
            return moment
        assert time.monotonic() < deadline, f"not counted: {partitions}, {waiting}, {missing}"
        time.sleep(0.5)


def _store_a_week_ago(series: list[Json], folder: Path) -> None:
    """The same values a week ago, for as long as the tests may last."""
    now_s = int(time.time())
    file = folder / "week.om"
    with file.open("w") as out:
        for one, minute in itertools.product(series, range(-10, 30)):
            labels = dict(one["metric"])
            name = labels.pop("__name__")
            inner = ",".join(f"{label}={json.dumps(value)}" for label, value in labels.items())
            out.write(f"{name}{{{inner}}} {one['value'][1]} {now_s - WEEK_S + 60 * minute}\n")
        out.write("# EOF\n")
    made = promtool("tsdb", "create-blocks-from", "openmetrics", str(file), str(folder / "tsdb"))
    assert made.returncode == 0, made.stdout + made.stderr


def choices_of(board: Json, moment: Moment) -> dict[str, list[str]]:
    """What each variable of a board offers there, as Grafana would ask for it: all of it comes first."""
    found = {}
    for variable in board["templating"]["list"]:
        if variable["type"] == "custom":
            found[variable["name"]] = variable["query"].split(",")
        elif variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
            assert asked
            values = moment.values(asked[2], asked[1])
            assert values, f"variable {variable['name']} offers nothing"
            found[variable["name"]] = [".*", *(re.escape(value).replace("\\-", "-") for value in values)]
    return found


def usual(choices: Mapping[str, list[str]]) -> Choice:
    """All of everything, in the longest window: what is rare has happened in it."""
    return {name: "30d" if name == "window" else values[0] for name, values in choices.items()}


def every_choice(choices: Mapping[str, list[str]]) -> Iterator[Choice]:
    """The usual one, then each value of each variable, the others as usual."""
    yield usual(choices)
    for name, values in choices.items():
        for value in values:
            if value != usual(choices)[name]:
                yield {**usual(choices), name: value}


def filled(query: str, choice: Choice) -> str:
    """A query as Grafana sends it."""
    for name, value in choice.items():
        query = query.replace(f"${name}", value.replace("\\", "\\\\"))
    return query.replace("$__rate_interval", RATE_WINDOW)


def targets_of(board: Json) -> Iterator[tuple[Json, Json]]:
    """Every panel with each of its queries."""
    for panel in panels_of(board):
        for target in panel["targets"]:
            yield panel, target
