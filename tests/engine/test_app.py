"""The Faust app as it is put together; no broker is asked."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from faust._cython.streams import StreamIterator as _StreamIterator
from faust.events import Event
from faust.types import TP, ConsumerMessage

from streams.app import DeskApp, build_app
from streams.engine.ports import SourcePartition
from streams.logging import configure_logging
from streams.settings import ConfigurationError, load_settings
from streams.transport import BatchTransport


@pytest.fixture(autouse=True)
def _own_loop() -> Iterator[None]:
    """Faust asks for the loop that will run it when the app is made."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()


def app_of(**settings: Any) -> DeskApp:
    return build_app(load_settings(brokers="127.0.0.1:1,127.0.0.1:2", **settings))


def test_every_source_topic_has_one_agent_that_takes_one_batch_at_a_time() -> None:
    app = app_of()
    topics = {topic for agent in app.agents.values() for topic in agent.channel.topics}
    assert topics == {"helpdesk.events", "crm.events"} == app.table.topics
    assert {agent.concurrency for agent in app.agents.values()} == {1}


def test_events_travel_by_the_batch_transport_to_every_broker() -> None:
    app = app_of()
    assert isinstance(app.transport, BatchTransport)
    assert [str(url) for url in app.conf.broker] == ["kafkabatch://127.0.0.1:1", "kafkabatch://127.0.0.1:2"]


def test_faust_serves_nothing_declares_nothing_and_keeps_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    conf = app_of().conf
    assert not conf.web_enabled
    assert not conf.topic_allow_declare
    assert not conf.stream_wait_empty
    assert list(tmp_path.iterdir()) == []


def test_the_session_and_the_identity_in_the_group_are_those_of_the_settings() -> None:
    conf = app_of(session_timeout_s=12.0, instance_id="one").conf
    assert conf.broker_session_timeout == 12.0
    assert conf.broker_heartbeat_interval == 3.0
    assert conf.consumer_group_instance_id == "one"


def test_faust_own_client_proves_who_it_is_as_the_others_do() -> None:
    app = app_of(sasl_mechanism="PLAIN", sasl_username="u", sasl_password="p")
    assert app.conf.broker_credentials.username == "u"


def test_a_worker_without_brokers_says_what_to_set() -> None:
    with pytest.raises(ConfigurationError, match="DESKPULSE_BROKERS"):
        build_app(load_settings())


def test_nothing_is_fetched_before_a_partition_is_recovered() -> None:
    table = app_of().table
    assert table.fetchable() == set()
    assert table.position(SourcePartition("helpdesk.events", 0)) is None


@pytest.fixture
def _logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.usefixtures("_logging_restored")
def test_json_logging_writes_one_object_a_line_and_no_values_of_variables(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(load_settings(log_format="json"))
    log = structlog.get_logger("deskpulse.test")
    words_of_a_customer = "my password is hunter2"
    try:
        int(f"{len(words_of_a_customer)}x")
    except ValueError:
        log.exception("failed", partition="a[1]")
    logging.getLogger("aiokafka").error("a broker was away")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["partition"]) for line in lines] == [("failed", "a[1]")]
    assert "hunter2" not in json.dumps(lines)


def test_offsets_that_faust_books_of_counted_batches_do_not_pile_up() -> None:
    app = app_of()
    place = TP("helpdesk.events", 0)
    consumer, counted = app.consumer, _StreamIterator(app.stream(next(iter(app.agents.values())).channel))
    app.topics._acking_topics.add(place.topic)  # as a started agent does
    for offset in (3, 8, 21):
        message = ConsumerMessage(
            place.topic, 0, offset, 0.0, 0, [], None, None, None, None, None, place, generation_id=0
        )
        message.incref()
        consumer.track_message(message)
        counted.after(Event(app, None, None, {}, message), True, None)
    assert consumer._acked[place] == [3, 8, 21]
    assert not consumer._unacked_messages
    list(consumer._filter_tps_with_pending_acks())  # what a commit, every few seconds, begins with
    assert not consumer._acked[place]
    assert not consumer._acked_index[place]
