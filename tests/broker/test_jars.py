"""The jars: downloaded once, checked, never half there."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from streams.broker import BrokerUnavailableError, EmbeddedKafka, jars
from streams.broker.checksums import KAFKA_VERSION, SHA256
from streams.broker.config import free_port, server_properties
from streams.broker.progress import download_progress
from streams.settings import load_settings

# a port nobody listens on: every request fails at once
NO_NETWORK = {
    **dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9"),
    **dict.fromkeys(("no_proxy", "NO_PROXY"), "127.0.0.1"),
}


def run_broker(cache_dir: Path) -> subprocess.CompletedProcess[str]:
    """`deskpulse broker` where nothing can be downloaded."""
    return subprocess.run(
        [sys.executable, "-m", "streams.cli.main", "broker", "--port", "0"],
        env={**os.environ, **NO_NETWORK, "DESKPULSE_CACHE_DIR": str(cache_dir)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.broker
def test_a_second_start_needs_no_network(kafka: EmbeddedKafka, tmp_path: Path) -> None:
    started = "from streams.broker import EmbeddedKafka; from streams.settings import load_settings\n" + (
        "with EmbeddedKafka(cache_dir=load_settings().cache_dir) as kafka:\n    kafka.start()\n    print(kafka.pid)"
    )
    done = subprocess.run(
        [sys.executable, "-c", started],
        env={**os.environ, **NO_NETWORK, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
        | {"DESKPULSE_CACHE_DIR": str(load_settings().cache_dir)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.strip().isdigit()


def test_no_network_and_no_cache_is_one_sentence_and_exit_status_2(tmp_path: Path) -> None:
    done = run_broker(tmp_path / "cache")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "could not be downloaded" in done.stderr
    assert "DESKPULSE_BROKERS" in done.stderr


def test_a_failed_download_leaves_nothing_that_looks_complete(tmp_path: Path) -> None:
    run_broker(tmp_path)
    assert jars.cached_jars(tmp_path) is None
    assert [path.name for path in tmp_path.iterdir()] == ["kafka.lock"]


def test_a_folder_that_lacks_a_jar_is_not_taken_for_the_cache(tmp_path: Path) -> None:
    folder = tmp_path / f"kafka-{KAFKA_VERSION}"
    folder.mkdir()
    for name in SHA256:
        (folder / name).touch()
    assert jars.cached_jars(tmp_path) == folder
    (folder / next(iter(SHA256))).unlink()
    assert jars.cached_jars(tmp_path) is None


def test_a_jar_with_another_checksum_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forged = tmp_path / next(iter(SHA256))
    forged.write_bytes(b"not what was built with")
    monkeypatch.setattr(jars, "resolve", lambda _endpoint, _staging, _on_bytes: [forged])
    with pytest.raises(BrokerUnavailableError, match=forged.name):
        jars.ensure_jars(tmp_path / "cache", lambda _count: None)
    assert jars.cached_jars(tmp_path / "cache") is None


def test_two_who_ask_at_once_download_once_and_what_a_killed_one_left_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jar = tmp_path / "one.jar"
    jar.write_bytes(b"jar")
    downloads: list[Path] = []

    def resolve(_endpoint: str, staging: Path, _on_bytes: jars.OnBytes) -> list[Path]:
        downloads.append(staging)
        time.sleep(0.3)  # long enough for the other one to ask
        return [jar]

    monkeypatch.setattr(jars, "resolve", resolve)
    monkeypatch.setattr(jars, "SHA256", {jar.name: hashlib.sha256(b"jar").hexdigest()})
    cache = tmp_path / "cache"
    (cache / "download-killed").mkdir(parents=True)
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(jars.ensure_jars, cache, lambda _count: None) for _ in range(2)]
        assert {future.result() for future in asked} == {cache / f"kafka-{KAFKA_VERSION}"}
    assert len(downloads) == 1
    assert list(cache.glob("download-*")) == []


def test_a_download_is_told_in_plain_lines_where_there_is_no_terminal() -> None:
    screen = io.StringIO()
    with download_progress(Console(file=screen, force_terminal=False, width=200)) as on_bytes:
        for _ in range(450):
            on_bytes(100_000)
    lines = screen.getvalue().splitlines()
    assert [line.rpartition(": ")[2] for line in lines] == [f"{mb} of 45 MB" for mb in (0, 10, 20, 30, 40)]


def test_a_download_is_a_bar_on_a_terminal() -> None:
    screen = io.StringIO()
    with download_progress(Console(file=screen, force_terminal=True, width=120)) as on_bytes:
        on_bytes(45_025_660)
    assert "45.0/45.0 MB" in screen.getvalue()


def test_a_start_from_the_cache_says_nothing() -> None:
    for terminal in (True, False):
        screen = io.StringIO()
        with download_progress(Console(file=screen, force_terminal=terminal)):
            pass
        assert screen.getvalue() == ""


def test_a_full_disk_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=5 * 2**20))
    with pytest.raises(BrokerUnavailableError, match="5 MB free"):
        jars.ensure_jars(tmp_path, lambda _count: None)


def test_a_cache_folder_that_is_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BrokerUnavailableError, match="DESKPULSE_CACHE_DIR"):
        jars.ensure_jars(tmp_path / "file", lambda _count: None)


def test_free_ports_are_never_those_of_outgoing_connections() -> None:
    assert all(20_000 <= free_port() < 32_000 for _ in range(50))


def test_every_listener_is_on_loopback(tmp_path: Path) -> None:
    text = server_properties(port=20_001, controller_port=20_002, logs=tmp_path)
    listeners = next(line for line in text.splitlines() if line.startswith("listeners="))
    assert listeners == "listeners=PLAINTEXT://127.0.0.1:20001,CONTROLLER://127.0.0.1:20002"


def test_a_single_property_can_be_overridden(tmp_path: Path) -> None:
    text = server_properties(port=1, controller_port=2, logs=tmp_path, extra={"message.max.bytes": "7"})
    assert text.count("\nmessage.max.bytes=") == 1
    assert "\nmessage.max.bytes=7\n" in text
