"""deploy/Dockerfile as instructions, and what its build does carried out in a folder."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
#: a venv holds its own path: both stages have it at the same one
VENV = "/opt/deskpulse"
#: from pip's cache it takes half a minute; downloads on a busy machine some minutes
BUILD_TIMEOUT_S = 600


@dataclass(frozen=True)
class Instruction:
    """One line of a Dockerfile, continuations joined."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """The arguments, of either form."""
        return (
            [str(word) for word in json.loads(self.text)] if self.text.startswith("[") else shlex.split(self.text)
        )


def instructions(text: str) -> list[Instruction]:
    """What the file says, in order; comments are left out."""
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", " ", lines)
    return [Instruction(*line.split(maxsplit=1)) for line in joined.splitlines() if line.strip()]


def stages() -> list[list[Instruction]]:
    """The instructions of each stage, FROM first."""
    parts: list[list[Instruction]] = []
    for instruction in instructions(DOCKERFILE.read_text(encoding="utf-8")):
        if instruction.name == "FROM":
            parts.append([])
        parts[-1].append(instruction)
    return parts


def let_in(source: str) -> bool:
    """Whether .dockerignore lets a file or folder of the tree into the build."""
    return any(fnmatch(source, line[1:]) for line in _ignore_lines() if line.startswith("!"))


def _kept_out() -> list[str]:
    """Patterns of names that .dockerignore keeps out in every folder."""
    return [line.removeprefix("**/") for line in _ignore_lines() if line.startswith("**/")]


def _ignore_lines() -> list[str]:
    return (ROOT / ".dockerignore").read_text().splitlines()


@dataclass
class Image:
    """What the last stage leaves behind: a folder that stands for /, and how its container starts."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    user: str = "root"
    packages: list[str] = field(default_factory=list)
    stop_signal: str = ""

    def inside(self, text: str) -> str:
        """A path or command of the image, as it is called here."""
        return text.replace(VENV, f"{self.root}{VENV}")

    def program(self, words: list[str]) -> list[str]:
        """A command with its program looked up as the container does."""
        found = shutil.which(words[0], path=self.environment["PATH"])
        assert found is not None, f"{words[0]} is not on the image's PATH"
        return [found, *words[1:]]


def build(root: Path) -> Image:
    """Carry out the Dockerfile below ``root``. The base image is this Python, without a compiler until apt-get
    would install one; pip may use its cache, and nothing else is different."""
    base = root / "usr" / "local" / "bin"
    base.mkdir(parents=True)
    # a symbolic link would make venv look for the standard library beside it
    (base / "python").write_text(f'#!/bin/sh\nexec {shlex.quote(_base_python())} "$@"\n')
    (base / "python").chmod(0o755)
    image = Image(root)
    for stage in stages():
        image = Image(root, {"PATH": f"{base}:/usr/bin:/bin"})
        folder = root
        for instruction in stage[1:]:
            if instruction.name == "WORKDIR":
                folder = root / instruction.text.lstrip("/")
                folder.mkdir(parents=True, exist_ok=True)
            else:
                _carry_out(instruction, image, folder)
    return image


def _carry_out(instruction: Instruction, image: Image, folder: Path) -> None:
    match instruction.name:
        case "COPY" if instruction.text.startswith("--from="):
            _, source, target = instruction.words
            assert source == target == VENV, "a virtual environment works only where it was made"
        case "COPY":
            _copy(instruction.words[:-1], folder / instruction.words[-1])
        case "RUN" if instruction.text.startswith("apt-get update "):
            installed = re.search(r"apt-get install --yes --no-install-recommends ([^&]+)", instruction.text)
            assert installed is not None
            assert instruction.text.endswith("rm -rf /var/lib/apt/lists/*")
            image.packages += installed.group(1).split()
        case "RUN":
            _run(image.inside(instruction.text), image, folder)
        case "ENV":
            for word in instruction.words:
                name, _, value = word.partition("=")
                image.environment[name] = image.inside(value).replace("$PATH", image.environment["PATH"])
        case "USER":
            image.user = instruction.text
        case "STOPSIGNAL":
            image.stop_signal = instruction.text
        case "ENTRYPOINT":
            image.entrypoint = instruction.words
        case "CMD":
            image.command = instruction.words
        case "HEALTHCHECK":
            image.health = Instruction("CMD", instruction.text.partition(" CMD ")[2].strip()).words
        case "EXPOSE":
            pass
        case unknown:
            raise AssertionError(f"tests/deploy/dockerfile.py does not know {unknown}")


def _copy(sources: list[str], target: Path) -> None:
    for source in sources:
        assert let_in(source), f".dockerignore keeps {source} out"
        path = ROOT / source
        if path.is_dir():
            to = target if len(sources) == 1 else target / path.name
            shutil.copytree(path, to, ignore=shutil.ignore_patterns(*_kept_out()), dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def _run(command: str, image: Image, folder: Path) -> None:
    # slim images have no compiler: what needs one must fail here, too
    missing = {} if {"gcc", "libc6-dev"} <= set(image.packages) else {"CC": "/bin/false"}
    done = subprocess.run(
        ["/bin/sh", "-c", command.replace("--no-cache-dir", "")],
        cwd=folder,
        env={**_pip_environment(), **image.environment, **missing, "CXX": "/bin/false"},
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT_S,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"


def _base_python() -> str:
    return os.path.realpath(str(getattr(sys, "_base_executable", sys.executable)))


def _pip_environment() -> dict[str, str]:
    """Where pip finds its index and its cache: the machine's affair."""
    return {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name == "HOME"}
