"""The worker's HTTP server: `/metrics`, `/livez`, `/readyz` and a front page, in the worker's event loop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from aiohttp import web

from metrics_core.policy import Policy
from streams.serving.health import page, readiness, sentence
from streams.serving.scrape import Engine, Scraper
from streams.settings import ConfigurationError, Settings

log = structlog.get_logger(__name__)

#: a scrape under way at shutdown gets this long; Prometheus scrapes again elsewhere anyway
SHUTDOWN_TIMEOUT_S = 2.0


class Server:
    """A running server; ``stop()`` ends it."""

    def __init__(self, runner: web.AppRunner, scraper: Scraper, host: str, port: int) -> None:
        self._runner = runner
        self._scraper = scraper
        self.host = host
        self.port = port

    @property
    def url(self) -> str:
        """Where the front page is."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def stop(self) -> None:
        """Close the port and stop the rendering thread."""
        await self._runner.cleanup()
        self._scraper.close()


async def start_server(
    settings: Settings, engine: Engine, build: Callable[[Sequence[Any], Policy], Any] | None = None
) -> Server:
    """Serve ``engine`` at settings.http_host and http_port (0 picks a free one).

    ``build`` turns frozen shards into a view (metrics_core.build.build). Raises ConfigurationError when the
    address cannot be bound.
    """
    scraper = Scraper(engine, settings, build or _build_view)
    app = web.Application()
    app.add_routes(_routes(engine, scraper))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_TIMEOUT_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.http_host, settings.http_port).start()
    except OSError as error:
        await runner.cleanup()
        scraper.close()
        raise ConfigurationError(
            f"cannot serve at {settings.http_host}:{settings.http_port} ({error.strerror or error}): "
            "set http_host and http_port to a free address"
        ) from error
    port = int(runner.addresses[0][1])
    log.info("serving", host=settings.http_host, port=port)
    return Server(runner, scraper, settings.http_host, port)


def _build_view(frozen: Sequence[Any], policy: Policy) -> Any:
    from metrics_core.build import build

    return build(frozen, policy, zeros=False)


def _routes(engine: Engine, scraper: Scraper) -> list[web.RouteDef]:
    async def metrics(request: web.Request) -> web.Response:
        accept = ",".join(request.headers.getall("Accept", []))
        compress = _accepts_gzip(request.headers.get("Accept-Encoding", ""))
        try:
            body, content_type = await scraper.body(accept, compress=compress)
        except Exception:
            # half an exposition would read as zero tickets; a failed scrape reads as `up 0` and alerts
            log.exception("scrape_failed")
            raise web.HTTPInternalServerError(text="the snapshot could not be rendered: see the log\n") from None
        headers = {"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"}
        if compress:
            headers["Content-Encoding"] = "gzip"
        return web.Response(body=body, headers=headers)

    async def livez(request: web.Request) -> web.Response:
        if engine.status.live:
            return web.Response(text="live\n")
        return web.Response(status=503, text="no progress towards the end of the source: restart the worker\n")

    async def readyz(request: web.Request) -> web.Response:
        body = {**readiness(engine.status), "message": sentence(engine.status)}
        return web.json_response(body, status=200 if body["ready"] else 503)

    async def front(request: web.Request) -> web.Response:
        return web.Response(text=page(engine.status), content_type="text/html")

    return [
        web.get("/metrics", metrics),
        web.get("/livez", livez),
        web.get("/readyz", readyz),
        web.get("/", front),
    ]


def _accepts_gzip(accept_encoding: str) -> bool:
    """Whether gzip is among the codings accepted; `gzip;q=0` refuses it (RFC 9110, section 12.5.3)."""
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
