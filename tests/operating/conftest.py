"""An application with topics of its own, a test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from operated_desk import PARTITIONS, Desk

from streams.broker import EmbeddedKafka
from streams.settings import load_settings
from streams.topics import ensure_topics


@pytest.fixture
def desk(kafka: EmbeddedKafka, topic_name: Callable[..., str], tmp_path: Path) -> Desk:
    """Topics as they should be, nothing on them."""
    settings = load_settings(
        brokers=kafka.bootstrap,
        app_id=topic_name("app"),
        helpdesk_topic=topic_name("helpdesk"),
        crm_topic=topic_name("crm"),
        rejected_topic=topic_name("rejected"),
        partitions=PARTITIONS,
    )
    asyncio.run(ensure_topics(settings))
    return Desk(settings, tmp_path)
