"""Real histories against results that were computed independently and published with them."""

from collections.abc import Callable, Iterable
from itertools import groupby

import pytest
from computations import Computation, Row, audit_rows, core_rows, told
from truth_files import SECOND_US, History, TrueTicket, time_us

from streams.audit import compare
from streams.audit.rows import EDGES_S
from streams.audit.times import time_text

pytestmark = pytest.mark.truth

HOUR_US = 3600 * SECOND_US
BREAKDOWNS: dict[str, tuple[str, ...]] = {
    "total": (),
    "group": ("group",),
    "priority": ("priority",),
    "both": ("group", "priority"),
}
DETAILS: dict[str, dict[str, str]] = {
    "first_response": {},
    "first": {"resolution": "first"},
    "full": {"resolution": "full"},
    "every": {"resolution": "every"},
}


def series_of(kind: str) -> str:
    return "first_response" if kind == "first_response" else "resolution"


def of_kind(rows: Iterable[Row], metric: str, **labels: str) -> list[Row]:
    wanted = labels.items()
    return [row for row in rows if row["metric"] == metric and wanted <= row["labels"].items()]


def true_rows(
    tickets: list[TrueTicket], labels: dict[str, str], time: str, durations: dict[str, list[float]]
) -> list[Row]:
    """What the metrics must say about these tickets under these labels, for the window `all`."""

    def row(metric: str, value: float, **more: str) -> Row:
        return {"time": time, "metric": metric, "labels": {**labels, **more}, "value": value}

    rows = [
        row("tickets", len(tickets), window="all", flow="created"),
        row("tickets", sum(ticket.reopens for ticket in tickets), window="all", flow="reopened"),
    ]
    for kind, values_s in durations.items():
        series = f"{series_of(kind)}_seconds"
        more = {"window": "all", "clock": "calendar", **DETAILS[kind]}
        rows += [row(f"{series}_gcount", len(values_s), **more), row(f"{series}_gsum", sum(values_s), **more)]
        for edge_s in EDGES_S:
            within = sum(1 for value_s in values_s if value_s <= edge_s)
            rows.append(row(f"{series}_bucket", within, **more, le=f"{edge_s}.0"))
        rows.append(row(f"{series}_bucket", len(values_s), **more, le="+Inf"))
    return rows


def true_durations(tickets: Iterable[TrueTicket]) -> dict[str, list[float]]:
    some = list(tickets)
    return {
        "first_response": [t.first_response_s for t in some if t.first_response_s is not None],
        "first": [t.first_resolution_s for t in some if t.first_resolution_s is not None],
        "full": [t.last_resolution_s for t in some if t.last_resolution_s is not None],
    }


@pytest.mark.parametrize("breakdown", BREAKDOWNS)
def test_counts_sums_and_buckets_equal_the_truth(
    history: History, computation: Computation, breakdown: str
) -> None:
    names = BREAKDOWNS[breakdown]

    def key(ticket: TrueTicket) -> tuple[str, ...]:
        return tuple(str(getattr(ticket, name)) for name in names)

    expected: list[Row] = []
    for values, some in groupby(sorted(history.tickets, key=key), key=key):
        tickets = list(some)
        labels = dict(zip(names, values, strict=True))
        expected += true_rows(tickets, labels, time_text(history.end_us), true_durations(tickets))
    got = [
        row
        for row in computation(history, history.end_us, ("all",), names)
        if row["labels"].get("flow") in (None, "created", "reopened")
        and row["labels"].get("resolution") != "every"
        and row["metric"].removesuffix("_bucket").removesuffix("_gcount").removesuffix("_gsum")
        in ("tickets", "first_response_seconds", "resolution_seconds")
    ]
    assert [str(difference) for difference in compare(expected, got)] == []


def test_the_summary_of_the_whole_history_holds(history: History, computation: Computation) -> None:
    rows = computation(history, history.end_us, ("all",), ())
    overall = history.summary["overall"]
    assert sum(row["value"] for row in of_kind(rows, "open_tickets")) == history.summary["backlog"]["end"]
    assert of_kind(rows, "tickets", flow="reopened")[0]["value"] == overall["reopens"]
    every = sum(int(row["n"]) for row in history.table("window_all_resolutions_1h"))
    assert of_kind(rows, "tickets", flow="resolved")[0]["value"] == every
    assert of_kind(rows, "resolution_seconds_gcount", resolution="every")[0]["value"] == every
    for kind, prefix in (("first_response", "frt"), ("first", "res_first"), ("full", "res_last")):
        (mean,) = of_kind(rows, f"{series_of(kind)}_mean", **DETAILS[kind])
        assert mean["value"] == pytest.approx(overall[f"{prefix}_mean_s"], abs=0.001)


@pytest.mark.parametrize("breakdown", ["total", "group", "priority"])
def test_percentiles_are_within_one_percent_of_the_truth(
    history: History, computation: Computation, breakdown: str
) -> None:
    rows = computation(history, history.end_us, ("all",), BREAKDOWNS[breakdown])
    if breakdown == "total":
        truth = [{name: str(value) for name, value in history.summary["overall"].items()}]
    else:
        truth = history.table(f"by_{breakdown}")
    checked = 0
    for line in truth:
        labels = {} if breakdown == "total" else {breakdown: line[breakdown] or "none"}
        for kind, prefix in (("first_response", "frt"), ("first", "res_first"), ("full", "res_last")):
            for name in ("p50", "p90"):
                if line[f"{prefix}_{name}_s"]:
                    (row,) = of_kind(rows, f"{series_of(kind)}_{name}", **labels, **DETAILS[kind])
                    assert row["value"] == pytest.approx(float(line[f"{prefix}_{name}_s"]), rel=0.01), row
                    checked += 1
    assert checked >= 6 * len(truth) / 2


def busiest_end_us(history: History, table: str, size_us: int) -> int:
    """The end of the tumbling window of that truth table in which most happened."""
    busiest = max(history.table(table), key=lambda row: int(row["n"]))
    return time_us(busiest["window_start"]) + size_us


@pytest.mark.parametrize(
    ("window", "size", "size_us"), [("1h", "1h", HOUR_US), ("24h", "1d", 24 * HOUR_US)], ids=["hour", "day"]
)
def test_the_busiest_windows_and_the_backlog_at_their_ends_equal_the_truth(
    history: History, computation: Computation, window: str, size: str, size_us: int
) -> None:
    as_of_us = busiest_end_us(history, f"window_frt_{size}", size_us)
    start = time_text(as_of_us - size_us)
    rows = computation(history, as_of_us, (window,), ())
    tables = {"first_response": "frt", "every": "all_resolutions", "first": "first_resolution"}
    for kind, table in tables.items():
        truth = {row["window_start"]: row for row in history.table(f"window_{table}_{size}")}.get(start)
        assert truth is not None
        series, details = series_of(kind), DETAILS[kind]
        assert of_kind(rows, f"{series}_seconds_gcount", **details)[0]["value"] == int(truth["n"])
        assert of_kind(rows, f"{series}_seconds_gsum", **details)[0]["value"] == float(truth["sum_s"])
        for name in ("p50", "p90"):
            value = of_kind(rows, f"{series}_{name}", **details)[0]["value"]
            assert value == pytest.approx(float(truth[f"{name}_s"]), rel=0.01)
    hours = {row["hour"]: row for row in history.table("backlog_hourly")}
    backlog = sum(row["value"] for row in of_kind(rows, "open_tickets"))
    assert backlog == int(hours[time_text(as_of_us)]["backlog"])
    ages = of_kind(rows, "open_ticket_age_seconds_gcount")
    assert sum(row["value"] for row in ages) == backlog


@pytest.mark.parametrize("breakdown", ["group", "priority"])
def test_the_backlog_by_label_equals_the_truth_at_its_height(
    history: History, computation: Computation, breakdown: str
) -> None:
    at = history.summary["backlog"]["max_at"]
    (truth,) = [row for row in history.table(f"backlog_hourly_by_{breakdown}") if row["hour"] == at]
    named = {name or "none": int(n) for name, n in truth.items() if name not in ("hour", "(other)")}
    got = dict.fromkeys(named, 0)
    others = 0
    for row in of_kind(computation(history, time_us(at), ("1h",), (breakdown,)), "open_tickets"):
        label = row["labels"][breakdown]
        if label in got:
            got[label] += row["value"]
        else:
            others += row["value"]
    assert got == named
    assert others == int(truth.get("(other)", 0))


def test_the_audits_tickets_have_the_times_of_the_truth(history: History) -> None:
    by_subject = {ticket.subject: ticket for ticket in told(history, history.end_us).tickets}
    assert len(by_subject) == len(history.tickets)
    for true in history.tickets:
        ticket = by_subject[true.subject]
        assert ticket.created_us == true.created_us
        assert ticket.first_response_us == true.first_response_us
        assert ticket.first_resolution_us == true.first_resolution_us
        assert ticket.resolved_us == (None if true.is_open else true.last_resolution_us)
        assert ticket.reopens == true.reopens
        assert ticket.is_open == true.is_open


def test_the_cores_tickets_have_the_times_of_the_truth(
    history: History, one_shard: Callable[[Iterable[bytes]], object]
) -> None:
    shard = one_shard(history.lines)
    for true in history.tickets:
        ticket = shard.ticket(true.subject)  # type: ignore[attr-defined]
        assert ticket is not None, true.subject
        assert ticket.created_us == true.created_us
        assert ticket.first_response_us == true.first_response_us
        assert ticket.first_resolution_us == true.first_resolution_us
        assert ticket.resolved_us == (None if true.is_open else true.last_resolution_us)
        assert ticket.reopens == true.reopens


@pytest.mark.parametrize("share", [0.3, 0.7, 1.0])
def test_the_core_reports_what_the_batch_computes_in_every_window_and_label_set(
    history: History, share: float
) -> None:
    first_us = min(ticket.created_us for ticket in history.tickets)
    as_of_us = round(first_us + share * (history.end_us - first_us))
    windows = ("1h", "24h", "7d", "30d", "all")
    for labels in (("channel", "group"), ("channel", "group", "priority")):
        differences = compare(
            audit_rows(history, as_of_us, windows, labels), core_rows(history, as_of_us, windows, labels)
        )
        assert [str(difference) for difference in differences[:20]] == []
