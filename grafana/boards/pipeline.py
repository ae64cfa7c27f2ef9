"""Pipeline health: whether the numbers on all other boards can be believed."""

from __future__ import annotations

from typing import Final

from grafana.board import Board
from grafana.panels import (
    BLUE,
    COUNT,
    GREEN,
    ORANGE,
    RATIO,
    RED,
    SECONDS,
    Panel,
    Sized,
    graph,
    grid,
    heat,
    number,
    states,
)
from grafana.queries import Queries, Query
from streams.alerting import places
from streams.settings import Settings

_PLACE: Final = 'topic=~"$topic",instance=~"$instance"'
_WORKER: Final = 'instance=~"$instance"'
#: beyond it a partition is not fresh (docs/operations.md)
_FRESH_S: Final = 60
_RATE: Final = "events/s"
#: most series that one worker exposes
_SERIES: Final[int] = Settings.model_fields["series_budget"].default


def board(queries: Queries) -> Board:
    """For on-call: by topic and worker."""
    made = Board(
        places.PIPELINE, "Pipeline health",
        "Workers, partitions, events and checkpoints: can the numbers be believed?",
        queries.of(), since="now-6h", refresh="10s", more=("topic", "instance"),
    )  # fmt: skip
    made.header()
    made.add(*_now())
    made.row("Events")
    made.add(*_events())
    made.row("Recovery and checkpoints")
    made.add(*_checkpoints())
    made.row("What is shown")
    made.add(*_shown())
    return made


def _gauge(name: str, *by: str, how: str = "max", where: str = _PLACE, over: str = "") -> Query:
    """A series of workers, and the labels that tell its rows apart."""
    labels = f" by ({', '.join(by)}) " if by else ""
    legend = " ".join(f"{{{{{label}}}}}" for label in by)
    return Query(f"{how}{labels}({over}deskpulse_{name}{{{where}}})", (name,), legend)


def _rate(name: str, *by: str, where: str = _PLACE, function: str = "rate") -> Query:
    """How fast a counter counts, by second; ``increase``: how often it did."""
    labels = f" by ({', '.join(by)}) " if by else ""
    legend = " ".join(f"{{{{{label}}}}}" for label in by)
    expr = f"sum{labels}({function}(deskpulse_{name}_total{{{where}}}[$__rate_interval]))"
    return Query(expr, (f"{name}_total",), legend)


def _now() -> list[Sized]:
    whole = Query('deskpulse:complete{topic=~"$topic"}', legend="{{topic}}")
    yes_no = {"0": ("no", RED), "1": ("yes", GREEN)}
    return [
        number(Panel(
            places.COMPLETE.panel, "Complete", (whole,), "none",
            "Whether exactly one worker counts each partition of the topic, all under one policy.", mappings=yes_no,
            no_value="no monitor",
        )),
        number(Panel(
            13, "Workers ready", (_gauge("ready", how="sum", where=_WORKER),), COUNT,
            "Workers all of whose partitions are recovered.", base=RED, steps=((1, GREEN),), no_value="no monitor",
        )),
        number(Panel(
            14, "Behind", (Query(
                f"time() - min(deskpulse_view_timestamp_seconds{{{_WORKER}}})", ("view_timestamp_seconds",),
            ),),
            SECONDS, "Since the moment that the slowest worker counts ages and windows to.", GREEN,
            ((_FRESH_S, RED),), decimals=0, no_value="no monitor",
        )),
        number(Panel(
            15, "Series a worker", (_gauge("series", where=_WORKER),), COUNT,
            f"The worker that shows most; the budget is {_SERIES:,}.", GREEN,
            ((0.8 * _SERIES, ORANGE), (_SERIES, RED)), link=places.SERIES,
        )),
        states(Panel(
            places.READY.panel, "Partitions counted, over time",
            (_gauge("partition_ready", "topic", "partition", how="sum"),), "none",
            "1: one worker counts it. 0: nobody does. 2: it moves and is shown twice; values are withheld.",
            base=RED, steps=((1, GREEN), (2, ORANGE)),
        ), width=12),
        states(Panel(
            places.FRESH.panel, "Partitions in time",
            (_gauge("partition_fresh", "topic", "partition"),), "none",
            "0: more than a minute behind, and business alerts are silent.", base=RED, steps=((1, GREEN),),
        ), width=12),
    ]  # fmt: skip


def _events() -> list[Sized]:
    delays = [
        Query(
            f"histogram_quantile({q}, sum by (le) (rate(deskpulse_{name}_bucket{{{_WORKER}}}[$__rate_interval])))",
            (name,), f"{said}, p{100 * q:g}",
        )
        for said, name in (("counted", "event_delay_seconds"), ("shown", "event_shown_seconds"))
        for q in (0.5, 0.99)
    ]  # fmt: skip
    oddities = ("events_duplicate", "events_late", "duplicate_conflicts", "events_tombstone", "durations_clamped")
    return [
        graph(Panel(
            places.LAG.panel, "Records not counted yet",
            (_gauge("consumer_lag_records", "topic", "partition", how="sum"),), COUNT,
        )),
        graph(Panel(
            places.WATERMARK.panel, "Since the newest event of a topic",
            (Query(
                f"time() - max by (topic) (deskpulse_watermark_timestamp_seconds{{{_PLACE}}})",
                ("watermark_timestamp_seconds",), "{{topic}}",
            ),), SECONDS, "Rises at quiet hours, too: stalled is what rises while records wait.",
        )),
        graph(Panel(
            places.PROCESSED.panel, "Events counted", (_rate("events_processed", "topic", "type"),), _RATE,
        ), stacked=True),
        graph(Panel(
            places.REJECTED.panel, "Events rejected", (_rate("events_rejected", "topic", "reason"),), _RATE,
            "What could not be used, by reason; `deskpulse rejected` shows them.",
        ), stacked=True),
        graph(Panel(
            24, "Repeats, late events and conflicts",
            tuple(_rate(name, where=_WORKER).named(name.replace("_", " ")) for name in oddities), _RATE,
            "Repeats change nothing, late ones correct what was counted; of conflicting ones the first holds.",
        )),
        graph(Panel(25, "From Kafka to counted, and to shown", tuple(delays), SECONDS)),
    ]  # fmt: skip


def _checkpoints() -> list[Sized]:
    place = ("topic", "partition")
    age = Query(
        f"time() - max by (topic, partition) (deskpulse_last_checkpoint_timestamp_seconds{{{_PLACE}}})",
        ("last_checkpoint_timestamp_seconds",), "{{topic}} {{partition}}",
    )  # fmt: skip
    troubles = ("recoveries", "checkpoints_failed", "fetch_gaps", "stale_batches")
    return [
        graph(Panel(
            places.RECOVERY.panel, "Recovery blocked", (_gauge("recovery_blocked", *place),), "none",
            "1: recovery waits for a foreign open transaction; /readyz names its producer.", steps=((1, RED),),
            most=1,
        ), width=6),
        graph(Panel(
            places.REFUSED.panel, "Partitions that wait for a decision", (_gauge("partition_refused", *place),),
            "none",
            "1: what the worker found is not what it remembers, as after a truncated source; /readyz says which.",
            steps=((1, RED),), most=1,
        ), width=6),
        graph(Panel(
            37, "Recovery", (_gauge("recovery_share", *place, how="min"),), RATIO,
            "Share of the changelog that is read; below 1 a partition is not counted yet.", least=0, most=1,
        ), width=6),
        graph(Panel(
            32, "Put right by itself",
            tuple(_rate(name, function="increase").named(name.replace("_", " ")) for name in troubles), COUNT,
        ), width=6),
        graph(Panel(33, "Duration of a checkpoint", (_gauge("checkpoint_duration_seconds", *place),), SECONDS),
        width=8),
        graph(Panel(34, "Since the last checkpoint", (age,), SECONDS), width=8),
        graph(Panel(35, "Checkpoints", (_rate("checkpoints", *place),), "checkpoints/s"), width=8),
        grid(Panel(
            36, "Last recovery and checkpoint",
            (
                _gauge("recovery_seconds", *place).named("Recovery took"),
                _gauge("recovery_rows", *place).named("Rows read"),
                _gauge("checkpoint_rows", *place).named("Rows of the last checkpoint"),
                _gauge("accepted_losses", *place).named("Losses accepted"),
                _gauge("consumer_lag_records", *place).named("Not counted yet"),
            ),
            COUNT, names={"Recovery took": {"unit": SECONDS}}, no_value="-",
        ), rows=place),
    ]  # fmt: skip


def _shown() -> list[Sized]:
    started = "1000 * "
    return [
        graph(Panel(
            places.SERIES.panel, "Series, and those folded into other",
            (
                _gauge("series", "instance", where=_WORKER).named("{{instance}}"),
                _gauge("series_folded", "instance", where=_WORKER).named("{{instance}}, folded"),
            ),
            COUNT, steps=((_SERIES, RED),),
        )),
        grid(Panel(
            places.VERSIONS.panel, "Versions and policies",
            (
                _gauge("build_info", "instance", "version", "python", where=_WORKER).named("Runs"),
                _gauge("metric_spec_info", "instance", "policy", where=_WORKER).named("Counts"),
            ),
            COUNT, "Workers under different policies must not be added up: values are withheld.", no_value="-",
        ), rows=("instance", "version", "python", "policy"), width=12),
        graph(Panel(
            42, "Making a scrape", (_gauge("scrape_duration_seconds", "instance", where=_WORKER),), SECONDS,
        ), width=8),
        graph(Panel(
            43, "Known in part, and still to come",
            (
                _gauge("orphan_tickets", how="sum", where=_WORKER).named("orphan tickets"),
                _gauge("future_events", how="sum", where=_WORKER).named("future events"),
            ),
            COUNT,
        ), width=8),
        number(Panel(
            44, "Complete since",
            (
                _gauge("history_start_timestamp_seconds", how="min", where=_WORKER, over=started).named("events"),
                _gauge(
                    "subject_history_start_timestamp_seconds", "subject", how="min", where=_WORKER, over=started
                ),
            ),
            "dateTimeAsIso", "Rates over a window need its start: before this they are withheld.", BLUE,
        ), width=4, height=8),
        number(Panel(
            45, "Windows", (_gauge("window_seconds", "window", where=_WORKER),), SECONDS, "Length of each window.",
        ), width=4, height=8),
        heat(Panel(
            46, "From Kafka to counted, all events",
            (Query(
                f"sum by (le) (increase(deskpulse_event_delay_seconds_bucket{{{_WORKER}}}[$__rate_interval]))",
                ("event_delay_seconds",), "{{le}}",
            ),), SECONDS,
        )),
    ]  # fmt: skip
