"""The Faust app: two agents, one checkpointed table, and the worker that runs them.

Faust keeps what it is good at: app, agents, topics, membership, assignment, rebalances, life cycle. State and its
durability are the engine's (streams/engine), the path of events is the batch transport's (streams/transport).
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn

import faust
import structlog
from faust.tables.manager import TableManager
from faust.types.auth import CredentialsT

from metrics_core.counters import Counters
from streams.connect import client_arguments
from streams.engine.batch import Batch
from streams.engine.checkpoint import DELIVERY_TIMEOUT_S
from streams.engine.kafka_changelog import KafkaChangelog
from streams.engine.kafka_probe import KafkaProbe
from streams.engine.kafka_sources import KafkaSources
from streams.engine.policy_marks import marks_of
from streams.engine.ports import ShardFactory, SourcePartition
from streams.engine.recovery import Terms, World
from streams.engine.refusal import PolicyRefused
from streams.engine.snapshot import ViewClock
from streams.engine.status import EngineStatus
from streams.engine.table import CheckpointedTable, Tempo
from streams.engine.wall_clock import WallClock
from streams.settings import ConfigurationError, Settings
from streams.shards import form_of, shard_factory
from streams.topics import changelog_name, ensure_topics
from streams.topics import sources as topic_names

log = structlog.get_logger("deskpulse.worker")

#: Heartbeats a session timeout; a third is Kafka's own advice (heartbeat.interval.ms).
HEARTBEATS_PER_SESSION = 4
#: Python's own 700, 10, 10 cost a catching-up worker 15 % of its time in pauses of up to 150 ms; these cost 4 %
#: and 27 ms (measured at 1 M events). What programs and libraries are made of is frozen before the first event; the
#: oldest generation is looked at after recoveries while nothing is counted yet, and else very rarely.
GC_THRESHOLDS = (20_000, 5, 1000)
#: While a thread renders a scrape, the event loop waits this long for the interpreter each time that it has slept;
#: with Python's own 5 ms, events would wait a multiple of it on their way through.
SWITCH_INTERVAL_S = 0.0005
#: The group's offsets are for lag tools only.
COMMIT_INTERVAL_S = 5.0


class QuickTableManager(TableManager):
    """Faust waits a second for tables to be declared; there are none here, and a hand-over is a second shorter."""

    async def sleep(self, n: Any) -> None:
        await asyncio.sleep(0)


class DeskApp(faust.App):
    """A Faust app that carries the table and keeps nothing on disk."""

    table: CheckpointedTable
    client_arguments: Mapping[str, Any]
    #: whether fetches are read in C where it was built
    native: bool
    #: called in order when the worker ends, after its last event
    closers: list[Callable[[], Awaitable[None]]]

    async def _on_partitions_assigned(self, assigned: Any, generation_id: int = 0) -> None:
        # before anything that may lead to on_rebalance_complete, which is sent by another task, late at times
        self.table.on_settled()
        await super()._on_partitions_assigned(assigned, generation_id)

    def _create_directories(self) -> None:
        """A worker's disk holds nothing that matters."""


def build_app(settings: Settings, new_shard: ShardFactory | None = None) -> DeskApp:
    """The app with its agents; ``new_shard`` replaces the core's shards.

    Build it under the event loop that will run it. Raises ConfigurationError.
    """
    arguments = client_arguments(settings)
    app = DeskApp(
        settings.app_id,
        broker=[f"kafkabatch://{address}" for address in arguments["bootstrap_servers"]],
        broker_credentials=_credentials(arguments),
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / HEARTBEATS_PER_SESSION,
        broker_rebalance_timeout=max(60.0, settings.session_timeout_s),
        broker_request_timeout=max(40.0, settings.session_timeout_s),
        broker_commit_interval=COMMIT_INTERVAL_S,
        consumer_group_instance_id=settings.instance_id,
        store="memory://",
        stream_wait_empty=False,
        table_standby_replicas=0,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        web_tables_enabled=False,
        web_router_enabled=False,
        worker_redirect_stdouts=False,
        TableManager=QuickTableManager,
    )
    app.client_arguments = arguments
    app.native = settings.native
    app.table = _new_table(app, settings, new_shard)
    _connect(app)
    return app


def _collect(status: EngineStatus) -> None:
    """After a recovery, which leaves garbage in cycles: a full collection. It stops the event loop, for up to 60 ms
    once there is much to look at (measured), so it is left to Python's own time where partitions are counted."""
    if not any(partition.ready for partition in status.partitions.values()):
        gc.collect()


def _new_table(app: DeskApp, settings: Settings, new_shard: ShardFactory | None) -> CheckpointedTable:
    topics = topic_names(settings)
    counters = {topic: Counters() for topic in topics}
    probe = KafkaProbe(app.client_arguments)
    changelog = KafkaChangelog(
        app.client_arguments,
        probe,
        app_id=settings.app_id,
        topics={topic: changelog_name(settings, topic) for topic in topics},
        rejected_topic=settings.rejected_topic,
        native=settings.native,
    )
    sources = KafkaSources(app, probe)
    world = World(
        changelog=changelog,
        sources=sources,
        membership=sources,
        clock=WallClock(),
        new_shard=new_shard or shard_factory(settings, counters),
        after_load=lambda: _collect(app.table.status),
    )
    terms = Terms(
        policy=marks_of(settings.core_policy), origin=settings.origin, accept_loss=frozenset(settings.accept_loss)
    )
    table = CheckpointedTable(
        counters,
        world,
        terms,
        view_clock=ViewClock(settings.clock, settings.clock_at_us),
        tempo=Tempo(
            checkpoint_s=settings.checkpoint_interval_s,
            handover_s=min(DELIVERY_TIMEOUT_S, settings.session_timeout_s / 2),
        ),
    )
    app.closers = [table.shutdown, changelog.close]
    return table


def _connect(app: DeskApp) -> None:
    """Agents and the life cycle: what Faust knows becomes what the table is told."""
    table = app.table

    async def count(stream: Any) -> None:
        async for batch in stream:
            assert isinstance(batch, Batch)
            await table.process(batch)

    for topic in sorted(table.topics):
        source = app.topic(topic, key_type=bytes, value_type=bytes, value_serializer="raw")
        app.agent(source, name=f"count {topic}", concurrency=1)(count)

    async def on_revoked(*_: Any, **__: Any) -> None:
        await table.on_revoked()

    async def on_assigned(*_: Any, **__: Any) -> None:
        assigned = [SourcePartition(*tp) for tp in app.consumer.assignment()]
        await table.on_assigned(assigned, app.consumer_generation_id)

    async def on_shutdown(*_: Any, **__: Any) -> None:
        for close in app.closers:
            await close()

    app.on_before_shutdown.connect(on_shutdown, weak=False)
    app.on_partitions_revoked.connect(on_revoked, weak=False)
    # awaited by Faust before it resumes the flow (tables/recovery.py, _resume_streams)
    app.on_rebalance_complete.connect(on_assigned, weak=False)


def _credentials(arguments: Mapping[str, Any]) -> CredentialsT | None:
    """The same security for the one client that Faust starts itself, its producer."""
    context = arguments.get("ssl_context")
    if "sasl_mechanism" in arguments:
        return faust.SASLCredentials(
            username=arguments["sasl_plain_username"],
            password=arguments["sasl_plain_password"],
            mechanism=arguments["sasl_mechanism"],
            ssl_context=context,
        )
    return faust.SSLCredentials(context) if context is not None else None


class DeskWorker(faust.Worker):
    """Faust's worker without its banner, proctitle and the second it sleeps at the end."""

    def __init__(self, app: DeskApp, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(app, loop=loop, quiet=True, redirect_stdouts=False, override_logging=False)
        self.spinner = None

    def _setproctitle(self, info: str, *, ident: str = "") -> None:
        """The command line says it already."""

    def _on_sigint(self) -> None:
        self._on_sigterm()

    async def _sentinel_task(self) -> None:
        await asyncio.sleep(0)


def run_worker(settings: Settings) -> NoReturn:
    """Run a worker until SIGTERM or SIGINT; leaves a final checkpoint and exits 0, or 1 after a crash.

    Raises ConfigurationError where the settings, the cluster or what was counted before do not fit.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    created = loop.run_until_complete(ensure_topics(settings))
    if created:
        log.info("topics created", topics=created)
    app = build_app(settings)
    run_app(app, settings, loop)


def run_app(app: DeskApp, settings: Settings, loop: asyncio.AbstractEventLoop) -> NoReturn:
    """Serve and run an app built under ``loop``; raises ConfigurationError where its policy is refused."""
    from streams.serving.server import start_server

    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    server = loop.run_until_complete(start_server(settings, app.table))
    app.closers.append(server.stop)
    log.info(
        "worker started",
        app=settings.app_id,
        brokers=settings.brokers,
        url=server.url,
        form=form_of(settings),
    )
    worker = DeskWorker(app, loop)
    gc.collect()
    gc.freeze()
    try:
        worker.execute_from_commandline()
    except SystemExit:
        if isinstance(app.crash_reason, PolicyRefused):
            raise ConfigurationError(app.crash_reason.sentence) from None
        raise
