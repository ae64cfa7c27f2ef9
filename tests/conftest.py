"""What tests of every area share: one real broker a session, free ports, names nobody else uses."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Callable, Iterator

import pytest

from metrics_core import native
from streams.broker import EmbeddedKafka
from streams.broker.config import free_port as find_free_port
from streams.settings import load_settings

_numbers = itertools.count(1)

# a shell lets what it starts in the background ignore Ctrl-C, and so would all that the tests start
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pure", action="store_true", help="as where C was not built: every shard counts in Python")


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is imported or made, so that no fixture of whatever scope finds C."""
    if config.getoption("--pure"):
        native.AVAILABLE = False
        os.environ["DESKPULSE_NATIVE"] = "false"  # for the processes that tests start


@pytest.fixture(scope="session")
def kafka() -> Iterator[EmbeddedKafka]:
    """An embedded Apache Kafka for the whole session; ``.bootstrap`` is its address."""
    with EmbeddedKafka(cache_dir=load_settings().cache_dir) as broker:
        broker.start()
        yield broker


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A function that names a free loopback port."""
    return find_free_port


@pytest.fixture
def topic_name() -> Callable[..., str]:
    """A function that names a topic (or application) no other test uses; the argument says what it is for."""

    def name(purpose: str = "topic") -> str:
        return f"t{os.getpid()}-{next(_numbers)}-{purpose}"

    return name
