"""What commands that talk to Kafka share: a stop in order, and its failures in one sentence."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import typer
from aiokafka.errors import KafkaError

from streams.settings import ConfigurationError

T = TypeVar("T")

#: what a shell expects of a command ended by SIGINT
INTERRUPTED = 130


def run_in_order(work: Callable[[], T]) -> T | None:
    """Run blocking work; Ctrl-C and SIGTERM end it in order (its contexts are left) and without a trace.

    Raises ConfigurationError with one sentence where Kafka fails.
    """

    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        return work()
    except KeyboardInterrupt:
        return None
    except KafkaError as error:
        raise _kafka_failed(error) from error


def run_to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end and return the result; Ctrl-C and SIGTERM end the command in order, with status 130.

    Raises ConfigurationError with one sentence where Kafka fails.
    """
    results: list[T] = []

    async def main() -> None:
        results.append(await work)

    run_in_order(lambda: asyncio.run(main()))
    if not results:
        raise typer.Exit(INTERRUPTED)
    return results[0]


def run_until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run to the end or to SIGINT or SIGTERM, either of which ends it in order and without a trace.

    Raises ConfigurationError with one sentence where Kafka fails.
    """

    async def main() -> None:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    try:
        asyncio.run(main())
    except KafkaError as error:
        raise _kafka_failed(error) from error


def _kafka_failed(error: KafkaError) -> ConfigurationError:
    said = error or type(error).__name__
    return ConfigurationError(f"Kafka failed: {said}; look at the broker, then run this again")
