"""The jars of Apache Kafka: downloaded once, checked, kept in the cache folder."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from streams.broker.checksums import ENDPOINT, JARS_BYTES, KAFKA_VERSION, SHA256
from streams.broker.errors import BrokerUnavailableError

# bytes received since the last call; called from the thread that downloads
OnBytes = Callable[[int], None]

# the download, its verified copy (a hard link where the file system has them) and room for a first segment
DISK_NEEDED_BYTES = 4 * JARS_BYTES
NETWORK_TIMEOUT_S = 20

_BROKERS_ADVICE = "or set DESKPULSE_BROKERS to a Kafka broker of your own"
_MIRROR_ADVICE = f"check the mirror in your jgo configuration, {_BROKERS_ADVICE}"


def cached_jars(cache_dir: Path) -> Path | None:
    """The folder of jars when it is complete, without touching the network; None when it is not."""
    folder = _folder(cache_dir)
    return folder if all((folder / name).is_file() for name in SHA256) else None


def ensure_jars(cache_dir: Path, on_bytes: OnBytes) -> Path:
    """The folder that holds every jar of the broker, downloaded when it is not there yet.

    Two processes may ask at once: the second waits for the first. Raises BrokerUnavailableError.
    """
    if ready := cached_jars(cache_dir):
        return ready
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with _exclusive(cache_dir / "kafka.lock"):
            if ready := cached_jars(cache_dir):
                return ready
            for left in cache_dir.glob("download-*"):  # by a process that was killed: we hold the lock
                shutil.rmtree(left, ignore_errors=True)
            _check_disk(cache_dir)
            with tempfile.TemporaryDirectory(prefix="download-", dir=cache_dir) as staging:
                return _download(Path(staging), _folder(cache_dir), on_bytes)
    except OSError as error:
        raise BrokerUnavailableError(_os_sentence(error, cache_dir)) from error


def _folder(cache_dir: Path) -> Path:
    return cache_dir / f"kafka-{KAFKA_VERSION}"


@contextlib.contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the kernel lets go of it when the process ends, however it ends
        yield


def _check_disk(cache_dir: Path) -> None:
    free = shutil.disk_usage(cache_dir).free
    if free < DISK_NEEDED_BYTES:
        raise BrokerUnavailableError(
            f"{cache_dir} has {free // 2**20} MB free and the embedded broker needs "
            f"{DISK_NEEDED_BYTES // 2**20} MB: free some space or set DESKPULSE_CACHE_DIR to another folder"
        )


def _download(staging: Path, target: Path, on_bytes: OnBytes) -> Path:
    jars = staging / "jars"
    jars.mkdir()
    for jar in resolve(ENDPOINT, staging, on_bytes):
        if hashlib.sha256(jar.read_bytes()).hexdigest() != SHA256.get(jar.name):
            raise BrokerUnavailableError(
                f"the downloaded {jar.name} is not the file that deskpulse was built with: {_MIRROR_ADVICE}"
            )
        shutil.copyfile(jar, jars / jar.name)
    if missing := sorted(SHA256.keys() - {jar.name for jar in jars.iterdir()}):
        raise BrokerUnavailableError(f"the download lacks {missing[0]}: {_MIRROR_ADVICE}")
    shutil.rmtree(target, ignore_errors=True)  # an incomplete one, or the rename would fail
    return jars.rename(target)


def resolve(endpoint: str, staging: Path, on_bytes: OnBytes) -> list[Path]:
    """Every jar that jgo lists for Maven coordinates, downloaded into ``staging``: those for the class path and
    those for the module path. Raises BrokerUnavailableError, or OSError where the disk is full."""
    from jgo.config import GlobalSettings
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.env import EnvironmentBuilder, LinkStrategy
    from jgo.maven import MavenContext, PythonResolver

    @contextlib.contextmanager
    def progress(_filename: str, _total_bytes: int) -> Iterator[OnBytes]:
        yield on_bytes

    logging.getLogger("jgo").setLevel(logging.ERROR)  # what matters of it is in the sentence we raise
    context = MavenContext(
        resolver=PythonResolver(progress_callback=progress),
        repo_cache=staging / "repository",
        remote_repos={"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories},
        timeout=NETWORK_TIMEOUT_S,
    )
    builder = EnvironmentBuilder(
        context=context, cache_dir=staging / "environment", link_strategy=LinkStrategy.AUTO
    )
    try:
        return [Path(jar) for jar in builder.from_endpoint(endpoint).all_jars]
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise BrokerUnavailableError(_network_sentence()) from error
    except (RuntimeError, ValueError) as error:
        raise BrokerUnavailableError(_network_sentence()) from error


def _network_sentence() -> str:
    return (
        f"Apache Kafka {KAFKA_VERSION} is not in the cache and could not be downloaded: "
        f"connect to the network once, {_BROKERS_ADVICE}"
    )


def _os_sentence(error: OSError, cache_dir: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        needed_mb = DISK_NEEDED_BYTES // 2**20
        return f"the disk of {cache_dir} is full: free {needed_mb} MB or set DESKPULSE_CACHE_DIR"
    reason = error.strerror or error
    return f"{cache_dir} cannot be used ({reason}): set DESKPULSE_CACHE_DIR to a folder you can write"
