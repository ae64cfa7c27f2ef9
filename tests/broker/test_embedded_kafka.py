"""The embedded broker: real starts, real kills."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from streams.broker import BrokerUnavailableError, EmbeddedKafka, broker_for
from streams.settings import load_settings

pytestmark = pytest.mark.broker

GONE_TIMEOUT_S = 60.0
OWNER = """
import signal, sys, time
from streams.broker import EmbeddedKafka
from streams.settings import load_settings
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup it is ignored from birth
with EmbeddedKafka(cache_dir=load_settings().cache_dir) as kafka:
    kafka.start()
    print(kafka.pid, kafka._folder.path, kafka._supervisor.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def cache_dir(kafka: EmbeddedKafka) -> Path:
    """The cache, filled by the session's own broker."""
    return load_settings().cache_dir


@pytest.fixture
def broker(cache_dir: Path) -> Iterator[EmbeddedKafka]:
    """A broker of the test's own, to be killed at will."""
    with EmbeddedKafka(cache_dir=cache_dir) as own:
        own.start()
        yield own


@pytest.fixture
def owner(cache_dir: Path) -> Iterator[Callable[[], tuple[subprocess.Popen[str], int, Path, int]]]:
    """Starts a process that owns a broker: (process, broker pid, scratch folder, supervisor pid)."""
    started: list[subprocess.Popen[str]] = []

    def start() -> tuple[subprocess.Popen[str], int, Path, int]:
        process = subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout is not None
        pid, folder, supervisor_pid = process.stdout.readline().split()
        return process, int(pid), Path(folder), int(supervisor_pid)

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def is_gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + GONE_TIMEOUT_S
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


async def create(bootstrap: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        response = await admin.create_topics([NewTopic(topic, 1, 1)])
        assert [code for _name, code, _message in response.topic_errors] == [0]
    finally:
        await admin.close()


async def send(bootstrap: str, topic: str, value: bytes) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=12 * 1024 * 1024)
    await producer.start()
    try:
        await producer.send_and_wait(topic, value, partition=0)
    finally:
        await producer.stop()


async def first_value(bootstrap: str, topic: str) -> bytes | None:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, 0)])
        value: bytes | None = (await consumer.getone()).value
        return value
    finally:
        await consumer.stop()


async def test_a_topic_can_be_created_as_soon_as_start_returns_and_a_record_of_11_mb_goes_through(
    kafka: EmbeddedKafka, topic_name: Callable[..., str]
) -> None:
    topic, value = topic_name("large"), os.urandom(11 * 1024 * 1024)
    await create(kafka.bootstrap, topic)
    await send(kafka.bootstrap, topic, value)
    assert await first_value(kafka.bootstrap, topic) == value


async def test_two_brokers_run_at_once_and_keep_their_records_apart(
    kafka: EmbeddedKafka, broker: EmbeddedKafka, topic_name: Callable[..., str]
) -> None:
    topic = topic_name()
    for each, value in ((kafka, b"session"), (broker, b"own")):
        await create(each.bootstrap, topic)
        await send(each.bootstrap, topic, value)
    assert await first_value(kafka.bootstrap, topic) == b"session"
    assert await first_value(broker.bootstrap, topic) == b"own"


async def test_a_broker_killed_with_9_restarts_on_its_port_with_its_records(
    broker: EmbeddedKafka, topic_name: Callable[..., str]
) -> None:
    topic, bootstrap, killed = topic_name(), broker.bootstrap, broker.pid
    await create(bootstrap, topic)
    await send(bootstrap, topic, b"kept")
    broker.kill()
    broker.restart()
    assert broker.bootstrap == bootstrap
    assert broker.pid != killed
    assert await first_value(bootstrap, topic) == b"kept"


async def test_a_data_folder_keeps_the_records_for_the_next_broker(
    cache_dir: Path, tmp_path: Path, topic_name: Callable[..., str]
) -> None:
    topic = topic_name()
    with EmbeddedKafka(cache_dir=cache_dir, data_dir=tmp_path / "log") as first:
        first.start()
        await create(first.bootstrap, topic)
        await send(first.bootstrap, topic, b"kept")
    with EmbeddedKafka(cache_dir=cache_dir, data_dir=tmp_path / "log") as second:
        second.start()
        assert await first_value(second.bootstrap, topic) == b"kept"


def test_stop_ends_the_broker_and_removes_its_folder(cache_dir: Path) -> None:
    with EmbeddedKafka(cache_dir=cache_dir) as broker:
        broker.start()
        assert broker.pid is not None
        assert broker._folder is not None
        pid, folder = broker.pid, broker._folder.path
    assert is_gone(pid)
    assert not folder.exists()


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_broker_and_its_folder_go_with_their_owner(
    owner: Callable[[], tuple[subprocess.Popen[str], int, Path, int]], death: signal.Signals
) -> None:
    process, broker_pid, folder, supervisor_pid = owner()
    process.send_signal(death)
    process.wait(GONE_TIMEOUT_S)
    assert eventually(lambda: is_gone(broker_pid) and is_gone(supervisor_pid) and not folder.exists())


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start sweeps it")
def test_a_broker_goes_with_its_supervisor(
    owner: Callable[[], tuple[subprocess.Popen[str], int, Path, int]],
) -> None:
    _process, broker_pid, _folder, supervisor_pid = owner()
    os.kill(supervisor_pid, signal.SIGKILL)
    assert eventually(lambda: is_gone(broker_pid))


def test_a_broker_outlives_the_thread_that_started_it(cache_dir: Path) -> None:
    with EmbeddedKafka(cache_dir=cache_dir) as broker:
        thread = threading.Thread(target=broker.start)
        thread.start()
        thread.join()
        assert broker.pid is not None
        time.sleep(1.0)  # several polls of its supervisor
        assert not is_gone(broker.pid)
        socket.create_connection(("127.0.0.1", broker.port), timeout=5).close()


def test_a_taken_port_is_one_sentence(kafka: EmbeddedKafka, cache_dir: Path) -> None:
    with (
        EmbeddedKafka(cache_dir=cache_dir, port=kafka.port) as broker,
        pytest.raises(BrokerUnavailableError, match=f"port {kafka.port}"),
    ):
        broker.start()


def test_the_configured_brokers_are_used_instead_of_our_own() -> None:
    with broker_for(load_settings(brokers="kafka.example:9092")) as bootstrap:
        assert bootstrap == "kafka.example:9092"


def test_the_command_prints_its_address_and_ends_in_order_on_sigterm(cache_dir: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "streams.cli.main", "broker", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            host, _, port = process.stdout.readline().strip().partition(":")
            socket.create_connection((host, int(port)), timeout=5).close()
            process.terminate()
            assert process.wait(GONE_TIMEOUT_S) == 0
        finally:
            process.kill()
