"""docker-compose.yml, deploy/Dockerfile and what they name agree with the tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.broker.checksums import KAFKA_VERSION
from streams.broker.config import MESSAGE_MAX_BYTES
from streams.cli.main import VERBS
from streams.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")


def compose_client() -> list[str] | None:
    """The command of a compose client, None where there is none."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and subprocess.run([*command, "version"], capture_output=True).returncode == 0:
            return command
    return None


@pytest.mark.parametrize("name", SERVICES)
def test_every_mounted_file_exists_and_every_volume_is_declared(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source = volume.split(":")[0]
        assert (ROOT / source).is_file() if source.startswith(".") else source in COMPOSE["volumes"]


@pytest.mark.parametrize("name", OURS)
def test_our_containers_cannot_write_to_their_root_or_gain_rights(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", OURS)
def test_our_containers_run_verbs_that_exist(name: str) -> None:
    assert OURS[name]["command"][0] in VERBS


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    variables = [variable.removeprefix("DESKPULSE_").lower() for variable in OURS[name]["environment"]]
    assert set(variables) <= set(Settings.model_fields)


def test_the_settings_file_is_valid() -> None:
    assert load_settings(ROOT / "deploy" / "deskpulse.toml").origin == "earliest"


def test_the_topics_exist_before_anything_of_ours_runs() -> None:
    for name in OURS.keys() - {"topics"}:
        assert OURS[name]["depends_on"]["topics"]["condition"] == "service_completed_successfully"


def test_every_published_port_is_on_loopback() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_traffic_is_simulated_only_in_the_demo_profile() -> None:
    assert {name for name, service in SERVICES.items() if "profiles" in service} == {"traffic"}
    assert SERVICES["traffic"]["profiles"] == ["demo"]


def test_the_broker_is_the_embedded_one_in_version_and_message_size() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"
    assert SERVICES["kafka"]["environment"]["KAFKA_MESSAGE_MAX_BYTES"] == MESSAGE_MAX_BYTES


def test_every_file_the_image_copies_exists_and_is_not_ignored() -> None:
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        source
        for arguments in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in arguments.split()[:-1]
    ]
    assert copied
    for source in copied:
        assert (ROOT / source).exists()
        assert any(fnmatch(source, pattern) for pattern in let_in)


def test_the_image_pins_its_base_runs_as_a_numbered_user_and_checks_readyz() -> None:
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base) for base in bases)
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", DOCKERFILE, re.MULTILINE)
    assert "/readyz" in DOCKERFILE[DOCKERFILE.index("HEALTHCHECK") :]


def test_the_compose_client_accepts_the_file() -> None:
    client = compose_client()
    if client is None:
        assert not os.environ.get("CI"), "CI installs a compose client: see .ci/run"
        pytest.skip("no compose client on this machine: install docker compose, or Debian's docker-compose")
    done = subprocess.run(
        [*client, "--profile", "demo", "config", "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
