"""One scrape: the business series of the latest snapshot, rendered once and off the event loop, and the
pipeline's own series as of now."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from prometheus_client.core import Metric
from prometheus_client.exposition import choose_encoder

from metrics_core.policy import Policy
from streams.serving.exposition import Family
from streams.serving.folding import Folding
from streams.serving.pipeline import ScrapeFacts, engine_families, policy_label, scrape_families
from streams.serving.rendering import Lines, registry_of
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.engine.status import EngineStatus

#: measured on 1 MB of exposition: level 1 takes 2 ms for 61 kB, level 6 takes 8 ms for 48 kB
GZIP_LEVEL = 1


class Snapshot(Protocol):
    """What the engine refreshes about once a second and never changes afterwards."""

    @property
    def partitions(self) -> Sequence[tuple[str, int]]:
        """(topic, partition) of the ready partitions, each once."""

    @property
    def frozen(self) -> Sequence[Any]:
        """Their state, in the same order."""

    @property
    def time_us(self) -> int:
        """The moment that ages and windows are counted to."""


class Engine(Protocol):
    """The part of the engine that serving reads."""

    @property
    def status(self) -> EngineStatus:
        """State of partitions and counters, changed on the event loop only."""

    @property
    def latest(self) -> Snapshot:
        """Newest snapshot of the ready partitions, empty before the first."""


@dataclass
class _Rendered:
    """The business part of one snapshot; bodies by format are added on demand."""

    snapshot: Snapshot
    ready: bool
    families: list[Family]
    facts: ScrapeFacts
    #: by "is OpenMetrics"
    text: dict[bool, str]


class Scraper:
    """Turns the engine's latest snapshot into scrape bodies."""

    def __init__(self, engine: Engine, settings: Settings, build: Callable[[Sequence[Any], Policy], Any]) -> None:
        self._engine = engine
        self._settings = settings
        self._policy = settings.core_policy
        self._policy_label = policy_label(self._policy)
        self._build = build
        self._folding = Folding(self._policy, settings.series_budget)
        self._lines = Lines()
        self._rendered: _Rendered | None = None
        # one thread: concurrent scrapes of a snapshot wait for the one rendering of it
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="scrape")

    async def body(self, accept: str, *, compress: bool) -> tuple[bytes, str]:
        """(body, content type) in the format that ``accept`` asks for; gzipped if ``compress``."""
        loop = asyncio.get_running_loop()
        encoder, content_type = choose_encoder(accept)
        openmetrics = content_type.startswith("application/openmetrics-text")
        # status and snapshot in one step of the loop: a partition is never shown as ready without its values
        snapshot, status = self._engine.latest, self._engine.status
        own = engine_families(status, self._settings, self._policy_label, frozenset(snapshot.partitions))
        body = await loop.run_in_executor(
            self._thread, self._body, snapshot, status.ready, own, encoder, openmetrics, compress
        )
        return body, content_type

    def close(self) -> None:
        """Stop the rendering thread; a rendering under way is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _body(
        self,
        snapshot: Snapshot,
        ready: bool,
        own: list[Metric],
        encoder: Callable[..., bytes],
        openmetrics: bool,
        compress: bool,
    ) -> bytes:
        """Runs in the rendering thread."""
        rendered = self._rendered
        if rendered is None or rendered.snapshot is not snapshot or rendered.ready != ready:
            rendered = self._rendered = self._render(snapshot, ready, openmetrics)
        if openmetrics not in rendered.text:
            rendered.text[openmetrics] = self._lines.render(rendered.families, openmetrics=openmetrics)
        own += scrape_families(rendered.facts, sum(len(family.samples) for family in own))
        body = rendered.text[openmetrics].encode() + encoder(registry_of(own))
        return gzip.compress(body, GZIP_LEVEL, mtime=0) if compress else body

    def _render(self, snapshot: Snapshot, ready: bool, openmetrics: bool) -> _Rendered:
        started = time.perf_counter()
        families: list[Family] = []
        start_us, starts_us = 0, {}
        if snapshot.frozen:
            view = self._build(snapshot.frozen, self._policy)
            start_us, starts_us = view.start_us, view.starts
            tables = [table for _, table in sorted(view.tables.items())]
            withheld = [getattr(table, "withheld", ()) for table in tables]
            folded = self._folding.fold([(table.series, table.rows) for table in tables], ready=ready)
            families = self._folding.with_zeros(folded, withheld, ready=ready)
        text = self._lines.render(families, openmetrics=openmetrics)
        facts = ScrapeFacts(
            business_series=sum(family.size for family in families),
            series_folded=self._folding.folded_series if families else 0,
            render_s=time.perf_counter() - started,
            history_start_us=start_us,
            starts_us=starts_us,
            view_us=snapshot.time_us,
            orphan_tickets=sum(getattr(shard, "orphan_tickets", 0) for shard in snapshot.frozen),
            future_events=sum(getattr(shard, "future_events", 0) for shard in snapshot.frozen),
        )
        return _Rendered(snapshot, ready, families, facts, {openmetrics: text})
