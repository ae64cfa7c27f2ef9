"""An application with topics of its own, a test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from operated_desk import PARTITIONS, Desk
from own_application import own_application

from streams.broker import EmbeddedKafka
from streams.topics import ensure_topics


@pytest.fixture
def desk(kafka: EmbeddedKafka, topic_name: Callable[..., str], tmp_path: Path) -> Desk:
    """Topics as they should be, nothing on them."""
    settings = own_application(kafka.bootstrap, topic_name("app"), partitions=PARTITIONS)
    asyncio.run(ensure_topics(settings))
    return Desk(settings, tmp_path)
