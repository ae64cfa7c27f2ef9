"""docker-compose.yml as it is read by every test of the stack."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
#: those that run deskpulse
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
GRAFANAS = ("grafana-demo", "grafana")


def yaml_file(path: str) -> Any:
    """A YAML file of the tree."""
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


def mounted(service: str, target: str) -> Path:
    """The file or folder of the tree that a service sees at ``target``, also below a mounted folder."""
    places = [volume.split(":") for volume in SERVICES[service]["volumes"] if volume.startswith(".")]
    for source, at, *_ in sorted(places, key=lambda place: -len(place[1])):
        if target == at or target.startswith(f"{at}/"):
            return (ROOT / source / target.removeprefix(at).lstrip("/")).resolve()
    raise AssertionError(f"{service} sees nothing of the tree at {target}")


def option(service: str, name: str) -> str:
    """The value of ``--name=value`` in a service's command."""
    values = [word.partition("=")[2] for word in SERVICES[service]["command"] if word.startswith(f"--{name}=")]
    assert len(values) == 1, f"{service} has {values} for --{name}"
    return values[0]


def compose(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a compose client on the stack; skipped where there is none, unless CI is set."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and subprocess.run([*command, "version"], capture_output=True).returncode == 0:
            return subprocess.run(
                [*command, *arguments], cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True
            )
    assert not os.environ.get("CI"), "CI installs a compose client: see .ci/run"
    pytest.skip("no compose client on this machine: install docker compose, or Debian's docker-compose")
