"""docker-compose.yml by itself: what runs, in which order, with which rights, and who may look."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_file import COMPOSE, GRAFANAS, OURS, ROOT, SERVICES, compose
from dockerfile import DOCKERFILE, stages

from streams.broker.checksums import KAFKA_VERSION
from streams.broker.config import MESSAGE_MAX_BYTES
from streams.cli.main import VERBS
from streams.settings import Settings, load_settings

#: those that serve nothing, each with the reason in the file
WITHOUT_HEALTH = {"topics", "traffic"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_mounted_file_exists_and_every_volume_is_declared(name: str) -> None:
    for volume in SERVICES[name].get("volumes", []):
        source, *rest = volume.split(":")
        if source.startswith("."):
            assert (ROOT / source).exists()
            assert rest[1:] == ["ro"], f"{volume} could be written to"
        else:
            assert source in COMPOSE["volumes"]


def test_every_volume_is_used() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert set(COMPOSE["volumes"]) <= used


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_gains_rights_and_only_the_broker_can_write_to_its_root(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("read_only", False) is (name != "kafka")


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_runs_as_root(name: str) -> None:
    """Ours by the Dockerfile, Kafka's image by itself as appuser."""
    if name not in OURS and name != "kafka":
        assert re.fullmatch(r"[1-9]\d*:\d+", SERVICES[name]["user"])


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned(name: str) -> None:
    image = SERVICES[name]["image"]
    assert image == "deskpulse:local" if name in OURS else re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", image)


def test_every_published_port_is_on_loopback_and_published_once() -> None:
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert all(port.startswith("127.0.0.1:") for published in ports.values() for port in published)
    assert ports.pop("grafana-demo") == ports["grafana"], "one of the two runs, at the same address"
    published = [port.rsplit(":", 1)[0] for several in ports.values() for port in several]
    assert len(published) == len(set(published))


@pytest.mark.parametrize("name", OURS)
def test_our_containers_run_verbs_that_exist(name: str) -> None:
    command = SERVICES[name]["command"]
    said = command if len(command) > 1 else command[0].partition("exec deskpulse ")[2].split()
    assert said[0] in VERBS


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    variables = [variable.removeprefix("DESKPULSE_").lower() for variable in OURS[name]["environment"]]
    assert set(variables) <= set(Settings.model_fields)


def test_the_settings_file_is_valid() -> None:
    assert load_settings(ROOT / "deploy" / "deskpulse.toml").origin == "earliest"


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_says_how_it_is_well(name: str) -> None:
    check = SERVICES[name].get("healthcheck", {})
    if name in WITHOUT_HEALTH:
        assert check == {"disable": True}
    elif name == "worker":
        assert not check, "the image has a check"
        assert any(instruction.name == "HEALTHCHECK" for instruction in stages()[-1])
    else:
        assert check["test"][0] == "CMD", "no shell is needed"


@pytest.mark.parametrize("name", SERVICES)
def test_whoever_waits_waits_for_health_or_for_the_end(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        ends = other == "topics"
        assert how == {"condition": "service_completed_successfully" if ends else "service_healthy"}
        assert ends or "healthcheck" in SERVICES[other] or other == "worker"


def test_the_topics_exist_before_anything_of_ours_runs() -> None:
    for name in OURS.keys() - {"topics"}:
        assert "topics" in OURS[name]["depends_on"]


def test_what_watches_the_worker_does_not_wait_for_it() -> None:
    waiting = {"prometheus", "alertmanager", *GRAFANAS}
    seen: set[str] = set()
    while waiting:
        seen |= waiting
        waiting = {other for name in waiting for other in SERVICES[name].get("depends_on", {})} - seen
    assert "worker" not in seen


@pytest.mark.parametrize("name", SERVICES.keys() - {"topics"})
def test_what_ends_by_a_fault_starts_again(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_up_alone_is_the_demo_and_its_volumes_are_its_own() -> None:
    demo, live = (_variables(path) for path in (".env", "deploy/live.env.example"))
    assert demo["COMPOSE_PROFILES"] == "demo"
    assert live["COMPOSE_PROFILES"] == "live"
    assert demo["COMPOSE_PROJECT_NAME"] != live["COMPOSE_PROJECT_NAME"]
    profiles = {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service}
    assert profiles == {"traffic": ["demo"], "grafana-demo": ["demo"], "grafana": ["live"]}


def test_no_password_stands_in_any_file_of_the_stack() -> None:
    assert _variables("deploy/live.env.example")["GRAFANA_ADMIN_PASSWORD"] == ""
    passwords = {
        f"{name} {variable}": value
        for name, service in SERVICES.items()
        for variable, value in service.get("environment", {}).items()
        if "PASSWORD" in variable
    }
    assert passwords == {"grafana GF_SECURITY_ADMIN_PASSWORD": "${GRAFANA_ADMIN_PASSWORD:-}"}


def test_in_the_demo_everybody_may_look_and_nobody_has_an_account() -> None:
    environment = SERVICES["grafana-demo"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "true"
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert environment["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"


@pytest.mark.parametrize("name", GRAFANAS)
def test_grafana_updates_no_plugin_at_its_start(name: str) -> None:
    """One that is stopped and cannot be replaced in the read-only root is gone: grafana/grafana#132528."""
    environment = SERVICES[name]["environment"]
    assert environment["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert environment["GF_PLUGINS_PREINSTALL_AUTO_UPDATE"] == "false"


def test_outside_the_demo_nobody_looks_without_an_account() -> None:
    assert not [name for name in SERVICES["grafana"]["environment"] if "ANONYMOUS" in name]


@pytest.mark.parametrize(("password", "starts"), [(None, False), ("", False), ("three-words-of-mine", True)])
def test_outside_the_demo_grafana_starts_only_with_a_password(
    password: str | None, starts: bool, tmp_path: Path
) -> None:
    script = ROOT / "deploy" / "grafana" / "start-live.sh"
    assert SERVICES["grafana"]["entrypoint"] == ["/bin/sh", "/etc/deskpulse/start-live.sh"]
    run = tmp_path / "run.sh"
    run.write_text("#!/bin/sh\necho started\n")
    run.chmod(run.stat().st_mode | stat.S_IXUSR)
    here = tmp_path / "start.sh"
    here.write_text(script.read_text().replace("exec /run.sh", f"exec {run}"))
    given = {} if password is None else {"GF_SECURITY_ADMIN_PASSWORD": password}
    done = subprocess.run(
        ["/bin/sh", str(here)], env={"PATH": os.environ["PATH"], **given}, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == ((0, "started\n") if starts else (1, ""))
    assert starts or "GRAFANA_ADMIN_PASSWORD" in done.stderr


def test_the_broker_is_the_embedded_one_in_version_and_message_size() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{KAFKA_VERSION}"
    assert SERVICES["kafka"]["environment"]["KAFKA_MESSAGE_MAX_BYTES"] == MESSAGE_MAX_BYTES


def test_the_image_pins_its_base_runs_as_a_numbered_user_and_checks_readyz() -> None:
    text = DOCKERFILE.read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base) for base in bases)
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", text, re.MULTILINE)
    assert "/readyz" in text[text.index("HEALTHCHECK") :]


@pytest.mark.parametrize("env_file", [".env", "deploy/live.env.example"])
def test_the_compose_client_accepts_the_file(env_file: str) -> None:
    """It checks against the compose specification's schema and resolves merges, variables and profiles."""
    done = compose("--env-file", env_file, "config")
    assert done.returncode == 0, done.stderr
    resolved: dict[str, Any] = yaml.safe_load(done.stdout)["services"]
    assert "set" not in done.stderr, f"a variable has no value: {done.stderr}"
    assert {"kafka", "worker", "prometheus", "alertmanager"} <= resolved.keys()


def _variables(path: str) -> dict[str, str]:
    lines = [line for line in (ROOT / path).read_text().splitlines() if line and not line.startswith("#")]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}
