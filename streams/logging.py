"""Logging: one line a life event, through structlog, on stderr; console or JSON."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from streams.settings import Settings

#: What others say below these levels is their business. mode names a service's logger after our own modules.
QUIET = {
    "aiohttp": logging.WARNING,
    "asyncio": logging.WARNING,
    "faust": logging.ERROR,
    "mode": logging.ERROR,
    "streams.app": logging.ERROR,
    "streams.transport": logging.ERROR,
    # timers that woke up late are measured by /metrics, not logged a thousand times
    "mode.timers": logging.CRITICAL,
}


def _with_traceback(record: logging.LogRecord) -> bool:
    """aiokafka logs every failed request of an outage as an error; the engine says it once."""
    return record.exc_info is not None or record.levelno >= logging.CRITICAL


def configure_logging(settings: Settings) -> None:
    """Send structlog and the standard library's logging to stderr in settings.log_format."""
    level = getattr(logging, settings.log_level.upper())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    if settings.log_format == "json":
        final: list[Any] = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        final = [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                timestamp_key="time",
                # rich's traceback would print the values of variables, and with them customers' words
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    if settings.log_level != "debug":
        for name, least in QUIET.items():
            logging.getLogger(name).setLevel(least)
        handler.addFilter(lambda record: not record.name.startswith("aiokafka") or _with_traceback(record))
